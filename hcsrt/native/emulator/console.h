/* On POSIX: the pseudo-terminal of a program, and the thread that moves bytes between it and the pipes of HCS. */
#ifndef HCSRT_EMULATOR_CONSOLE_H
#define HCSRT_EMULATOR_CONSOLE_H

#include "emulator/platform.h"

namespace hcsrt::emulator::platform {

/* Makes a pseudo-terminal for a program's 0, 1 and 2, pipes for those of its streams that are wanted, and the thread.
 * 0, or an errno. The thread ends once no program has the terminal open, and so also if none is ever started. */
int open_console(const Program &program, int theirs[3], Child *child);

}  // namespace hcsrt::emulator::platform

#endif
