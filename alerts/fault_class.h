/* What a broken connection is counted as: the faults of io in the words of receivers. */
#ifndef ALERTS_FAULT_CLASS_H
#define ALERTS_FAULT_CLASS_H

#include "alerts/receiver.h"
#include "io/fault.h"

enum send_class fault_class(enum fault fault);

#endif
