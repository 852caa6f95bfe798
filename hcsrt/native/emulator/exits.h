/* On Linux: the one thread that learns of the exits of all programs, and looks at their memory meanwhile. Elsewhere, and
 * where the kernel or the limits have no handle for a program, a thread of its own waits for each. */
#ifndef HCSRT_EMULATOR_EXITS_H
#define HCSRT_EMULATOR_EXITS_H

#include "emulator/platform.h"

namespace hcsrt::emulator::platform::exits {

#if defined(__linux__)
/* Has ended(given) called on the thread once the program has exited and not been reaped yet. Until then *usage gets the
 * peak of its memory. False: it has to be waited for in another way. */
bool tell(const Child &child, Usage *usage, void (*ended)(void *), void *given);
#endif

}  // namespace hcsrt::emulator::platform::exits

#endif
