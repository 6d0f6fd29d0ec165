/* What an answer puts on before it goes: its tag, and gzip where the asker takes it. */
#ifndef API_DRESS_H
#define API_DRESS_H

#include <stdbool.h>

#include "api/call.h"

/* Of a filled reply.  False: call->walk has been set, which does it in slices. */
bool dress_reply(struct api_call *call);

#endif
