/* What the kernel says of this process itself.  Never blocks; NAN: not known. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

double process_rss_bytes(void);
double process_private_bytes(void); /* of those what is no file's: heap and stacks */
double process_virtual_bytes(void);
double process_open_fds(void);
double process_max_fds(void); /* INFINITY: there is no limit */
double process_threads(void);
double process_cpu_seconds(void);

#endif
