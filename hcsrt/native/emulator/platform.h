/* What the emulator needs of the operating system: strings, pipe ends, programs, and the news of their end. */
#ifndef HCSRT_EMULATOR_PLATFORM_H
#define HCSRT_EMULATOR_PLATFORM_H

#include <cerrno>

#include "emulator/emulator.h"

namespace hcsrt::emulator::platform {

/* Our end of a stream; NO_END: none. */
using End = intptr_t;
constexpr End NO_END = -1;

/* A program with all that it starts: a process group on POSIX, a job object on Windows. */
using Group = intptr_t;
constexpr Group NO_GROUP = 0;

/* The signal that no program survives. On Windows any other one ends the program too, with another code. */
constexpr int KILL = 9;

#if defined(_WIN32)
constexpr int NO_SUCH_PROCESS = 1168 /* ERROR_NOT_FOUND */, NO_THREAD = 1450 /* ERROR_NO_SYSTEM_RESOURCES */;
constexpr int NO_MEMORY = 8 /* ERROR_NOT_ENOUGH_MEMORY */;
#else
constexpr int NO_SUCH_PROCESS = ESRCH, NO_THREAD = EAGAIN, NO_MEMORY = ENOMEM;
#endif

struct Child {
    int pid;
    Group group;
    End ends[3];
    End console;          /* a pseudo-terminal, for its size */
    uint64_t peak_before; /* what the system counts as the program's peak of memory although it was none of its own */
    int slot;             /* in the watchdog's table, if there is one */
};

constexpr Child NO_CHILD = {-1, NO_GROUP, {NO_END, NO_END, NO_END}, NO_END, 0, -1};

/* As HCS hands out its documents; nullptr: no memory. */
hcsrt_char *allocate_string(size_t bytes);
void release_string(hcsrt_char *string);

/* Returns 0, or an error of the system: an errno, on Windows a Win32 error. Throws before anything is open.
 * Sets *directory_failed if the working directory was at fault. Not at once on two threads. */
int spawn(const Program &program, Child *child, bool *directory_failed);

/* Has ended(given) called once the program has exited, on a thread that it shares with other programs. Until then *usage
 * gets the peak of the program's memory, as long as the system does not tell that in the end. False: a thread of its own
 * has to wait. */
bool tell_exit(const Child &child, Usage *usage, void (*ended)(void *), void *given);

/* Sleeps until the program has exited, and leaves it unreaped, so that its pid cannot be taken by another. Adds what the
 * system has counted and does not tell when it is reaped. False: the code went to somebody else, as where this process
 * ignores SIGCHLD. */
bool wait_for_exit(const Child &child, uint32_t *code, Usage *usage);

/* Lets the pid go, and adds what the system has counted. False: it knows already that nobody is left in the group. */
bool reap(const Child &child, Usage *usage);

/* Replaces the figures by those of now, where the system counts for a group. */
void measure(Group group, Usage *usage);

/* Whether another program has the pid of a reaped one by now; always false where a group has no pid. */
bool is_reused(Group group);

/* Signals all of the group; 0 is no signal. False: nobody is left in it. */
bool signal_group(Group group, int number);

/* Lists the pids of the group. False: the group does not know them. */
bool members_of(Group group, std::vector<int> *pids);
void drop_group(Group group);

void resize(End console, uint16_t rows, uint16_t columns);
void drop_console(End console);

End duplicate(End end);
void close_end(End end);

/* In a forked child: closes its copies of all our ends, which would keep the parent's programs from seeing an end of
 * file. Takes no lock and allocates nothing. */
void close_inherited();

/* Leaves the end valid for those who hold it, with nothing behind it. What was written to a stdin before still arrives;
 * what was not yet read of an output is lost. wait_severed() waits a moment until an end for writing refuses more. */
void sever(Group group, End end, bool for_writing);
void wait_severed(Group group);

/* Does so once so many bytes have passed. On Windows at once. */
void cut(Group group, End end, bool for_writing, uint64_t after);

hcsrt_handle handle_of(uint32_t serial, End end);

}  // namespace hcsrt::emulator::platform

#endif
