/* The supervisor: a thread that asks for calls which stay pending, and wakes workers. */
#ifndef HCSRT_ENGINE_SUPERVISOR_H
#define HCSRT_ENGINE_SUPERVISOR_H

#include "engine/calls.h"

namespace hcsrt::engine {

/* Whether there is a supervisor, and a worker in the pool; starts them. */
bool ensure(Pool *pool);

}  // namespace hcsrt::engine

#endif
