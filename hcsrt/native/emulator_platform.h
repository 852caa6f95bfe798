/* What the emulator needs of the operating system: pipe ends, programs, and the news of their end. */
#ifndef HCSRT_EMULATOR_PLATFORM_H
#define HCSRT_EMULATOR_PLATFORM_H

#include "emulator.h"

namespace hcsrt::emulator::platform {

/* Our end of a stream; NO_END: none. */
using End = intptr_t;
constexpr End NO_END = -1;

struct Child {
    int pid;
    End ends[3];
    End console;                     /* the pseudo-terminal's own end, for its size */
};

/* 0, or an errno; *directory_failed tells that the working directory was at fault. */
int spawn(const Program &program, Child *child, bool *directory_failed);

/* Sleeps until the program has exited, and leaves it unreaped, so that its pid cannot be taken by another. False: the
 * code went to somebody else, as where this process ignores SIGCHLD. */
bool wait_for_exit(int pid, uint32_t *code);
void reap(int pid);
bool exists(int pid);

/* To the whole group of the program; false if nobody is left in it. */
bool signal_group(int pid, int number);

void resize(End console, uint16_t rows, uint16_t columns);
void send_end_of_file(End console);

End duplicate(End end);
void close_end(End end);

/* The end stays valid for whoever holds it, but nothing is behind it any more. */
void sever(End end, bool for_writing);

hcsrt_handle handle_of(uint32_t serial, End end);

}  // namespace hcsrt::emulator::platform

#endif
