/* What the emulator's code for POSIX shares. */
#ifndef HCSRT_EMULATOR_POSIX_H
#define HCSRT_EMULATOR_POSIX_H

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>
#if defined(__linux__)
#  include <sys/syscall.h>
#endif

/* In the life of a Forking. A macro, since a function that calls vfork() must not return. */
#if defined(__linux__)
#  define hcsrt_fork_to_execute vfork
#else
#  define hcsrt_fork_to_execute fork
#endif

namespace hcsrt::emulator::platform {

/* Notes a descriptor that a forked child has to close; it may be -1, and is returned. */
int note(int descriptor);
void close_noted(int descriptor);

/* Blocks signals: a handler of the parent must not run in the child while the two share their memory. And leaves the
 * child of this thread what it has inherited. */
class Forking {
  public:
    Forking();
    ~Forking();
    Forking(const Forking &) = delete;
    Forking &operator=(const Forking &) = delete;

  private:
    sigset_t before_;
};

#if defined(__linux__)
constexpr uint64_t KIB = 1024;

/* A file of /proc about a process, or as much of it as there is room for. */
struct Report {
    char text[4096];
    bool is_there;

    Report(int pid, const char *name) {
        char path[60];
        std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        is_there = file >= 0;
        ssize_t got = file < 0 ? 0 : read(file, text, sizeof text - 1);
        text[got > 0 ? got : 0] = 0;
        if (is_there) close(file);
    }
    uint64_t number(const char *label) const {
        const char *found = std::strstr(text, label);
        return found ? std::strtoull(found + std::strlen(label), nullptr, 10) : 0;
    }
};
#endif

inline void set_flags(int descriptor, bool nonblocking) {
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    if (nonblocking) fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

inline bool make_pipe(int ends[2]) {
#if defined(__linux__)
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
#else
    if (pipe(ends) != 0) return false;
    set_flags(ends[0], false);
    set_flags(ends[1], false);
#endif
    note(ends[0]);
    note(ends[1]);
    return true;
}

/* Leaves an executed program 0, 1 and 2 only. Makes system calls only. */
inline void close_on_execute() {
#if defined(__linux__) && defined(SYS_close_range)
    constexpr unsigned mark_close_on_exec = 1u << 2;
    if (syscall(SYS_close_range, 3u, ~0u, mark_close_on_exec) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int i = 3; i < (most > 0 && most < 65536 ? most : 65536); ++i) fcntl(i, F_SETFD, FD_CLOEXEC);
}

}  // namespace hcsrt::emulator::platform

#endif
