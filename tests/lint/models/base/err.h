/* Each of them returns -1: without that, what fails seems to go on as if it had not. */
#ifndef MODEL_ERR_H
#define MODEL_ERR_H

#include_next "base/err.h"

static inline int
model_failed(int unused)
{
	(void)unused;
	return -1;
}
#define err_set(...)  model_failed(err_set(__VA_ARGS__))
#define err_sys(...)  model_failed(err_sys(__VA_ARGS__))
#define err_wrap(...) model_failed(err_wrap(__VA_ARGS__))

#endif
