/* What a Redis server says when it refuses, as cause codes. */
#ifndef PROBES_REDIS_WORDS_H
#define PROBES_REDIS_WORDS_H

const char *redis_cause(const char *error); /* of "-ERR ..." without the minus; never NULL */

#endif
