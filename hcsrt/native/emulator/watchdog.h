/* On POSIX: a process beside this one that kills what the emulator has started once this one has ended, however that
 * ends. On Windows the job objects see to that. */
#ifndef HCSRT_EMULATOR_WATCHDOG_H
#define HCSRT_EMULATOR_WATCHDOG_H

#include <sys/types.h>

namespace hcsrt::emulator::platform::watchdog {

/* As the watchdog's table says it. */
enum class News : char {
    Started = 's', /* the process leads a group */
    Reaped = 'r',  /* it has ended, and left others in its group */
    Gone = ' ',    /* nobody is left in its group */
};

/* Opens the way to the watchdog before the first program, and starts it behind the program. Without a watchdog, as on a
 * system without /bin/sh, only a kernel that can kills the programs themselves. open_way() returns the slot of a program
 * in the table; -1: it is not watched. Neither of them at once on two threads. */
int open_way();
void start();

/* A child tells of itself between vfork and execve: this calls nothing, and changes nothing but the table. */
void tell(int slot, News news, pid_t group);

/* This process tells of a leader that it has reaped. */
void tell_reaped(int slot, pid_t group);

/* Lets another program have the slot. */
void forget(int slot);

}  // namespace hcsrt::emulator::platform::watchdog

#endif
