/* On POSIX: a process beside this one that kills what the emulator has started once this one has ended, however that
 * ends. On Windows the job objects see to that. */
#ifndef HCSRT_EMULATOR_WATCHDOG_H
#define HCSRT_EMULATOR_WATCHDOG_H

#include <sys/types.h>

namespace hcsrt::emulator::platform::watchdog {

enum class News : char {
    Started = 's', /* the process leads a group */
    Reaped = 'r',  /* it has ended, and left others in its group */
    Gone = 'g',    /* nobody is left in its group */
};

/* Opens the way to the watchdog before the first program, and starts it behind the program. Not at once on two threads.
 * Without a watchdog, as on a system without /bin/sh, only a kernel that can kills the programs themselves. */
void open_way();
void start();

/* Makes system calls only: a child tells of itself between vfork and execve. */
void tell(News news, pid_t group);

}  // namespace hcsrt::emulator::platform::watchdog

#endif
