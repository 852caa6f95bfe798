#include "emulator/posix.h"
#include "core/stdio_handle.h"
#include "core/threads.h"
#include "emulator/console.h"
#include "emulator/platform.h"
#include "emulator/watchdog.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#if defined(__linux__)
#  include <sys/prctl.h>
#endif

namespace hcsrt::emulator::platform {
namespace {

constexpr int KILLED_BY_SIGNAL = 128;
constexpr uint64_t TICKS_PER_SECOND = 10000000, TICKS_PER_MICROSECOND = 10;

#if defined(__linux__)
/* By so much one program's memory may differ between two looks at it: Linux counts it on each processor alone. */
constexpr uint64_t PEAK_TOLERANCE = 1024 * KIB;
#endif

struct ExecError {
    int error;
    bool directory;
};

/* The descriptors of this process that are ours, a bit each: those that a forked child has to close. A fork may come at
 * any time, so they are noted and forgotten without a lock, a new one at once, and an old one before its close. */
constexpr int WORDS = 64, BITS = 64, BLOCKS = 256;

struct Block {
    std::atomic<uint64_t> words[WORDS] = {};
};

Block first_block;
std::atomic<Block *> blocks[BLOCKS] = {{&first_block}};

#if !defined(__linux__)
/* The thread that is in a fork of ours, whose child needs what it has inherited. */
std::atomic<uintptr_t> spawner{0};
#endif

std::atomic<uint64_t> *word_of(int descriptor, bool make) {
    if (descriptor < 0 || descriptor >= BLOCKS * WORDS * BITS) return nullptr;
    std::atomic<Block *> &place = blocks[descriptor / (WORDS * BITS)];
    Block *block = place.load(std::memory_order_acquire);
    if (!block && make && (block = new (std::nothrow) Block)) {
        Block *other = nullptr;
        if (!place.compare_exchange_strong(other, block, std::memory_order_acq_rel)) {
            delete block;
            block = other;
        }
    }
    return block ? &block->words[descriptor / BITS % WORDS] : nullptr;
}

uint64_t ticks(const struct timeval &time) {
    return static_cast<uint64_t>(time.tv_sec) * TICKS_PER_SECOND +
           static_cast<uint64_t>(time.tv_usec) * TICKS_PER_MICROSECOND;
}

uint64_t peak_of(const struct rusage &used) {
#if defined(__linux__)
    return static_cast<uint64_t>(used.ru_maxrss) * KIB;
#else
    return static_cast<uint64_t>(used.ru_maxrss);
#endif
}

/* The system's peak of a program begins with that of the process whose memory it shared until it was executed. */
uint64_t own_peak() {
#if defined(__linux__)
    struct rusage used;
    return getrusage(RUSAGE_SELF, &used) == 0 ? peak_of(used) + PEAK_TOLERANCE : 0;
#else
    return 0;
#endif
}

/* Of those that are the same one, it closes one. */
void close_all(const int *descriptors, int count) {
    for (int i = 0; i < count; ++i)
        if (descriptors[i] >= 0 && std::find(descriptors, descriptors + i, descriptors[i]) == descriptors + i)
            close_noted(descriptors[i]);
}

/* Finds the file for execve as a shell would, on the child's own PATH. 0, or an errno. */
int find_program(const char *name, char *const *environment, std::string *found) {
    if (std::strchr(name, '/')) {
        *found = name;
        return 0;
    }
    const char *path = "";
    for (char *const *entry = environment; *entry; ++entry)
        if (std::strncmp(*entry, "PATH=", 5) == 0) path = *entry + 5;
    int error = ENOENT;
    for (const char *from = path; *from;) {
        const char *to = std::strchr(from, ':');
        size_t length = to ? static_cast<size_t>(to - from) : std::strlen(from);
        std::string candidate(from, length);
        candidate += '/';
        candidate += name;
        struct stat facts;
        if (length && stat(candidate.c_str(), &facts) == 0 && S_ISREG(facts.st_mode)) {
            if (access(candidate.c_str(), X_OK) == 0) {
                *found = candidate;
                return 0;
            }
            error = EACCES;
        }
        from = to ? to + 1 : from + length;
    }
    return error;
}

/* How a child tells why it was not executed. */
#if defined(__linux__)
/* It has the memory of this process until it is executed, and that waits until then. */
class Excuse {
  public:
    int begin() { return 0; }
    bool make_way() { return true; }
    void tell(const ExecError &failure) {
        error_ = failure.error;
        is_directory_ = failure.directory;
    }
    ExecError hear() { return {error_, is_directory_}; }

  private:
    /* No compiler knows that they change after vfork has returned in the child. */
    volatile int error_ = 0;
    volatile bool is_directory_ = false;
};
#else
/* It has a pipe to this process, which ends when it is executed. */
class Excuse {
  public:
    /* 0, or an errno. */
    int begin() { return make_pipe(ends_) ? 0 : errno; }

    /* In the child, whose 0, 1 and 2 are about to become others. */
    bool make_way() { return (ends_[1] = fcntl(ends_[1], F_DUPFD_CLOEXEC, 3)) >= 0; }
    void tell(const ExecError &failure) {
        ssize_t ignored = write(ends_[1], &failure, sizeof failure);
        (void)ignored;
    }

    /* Waits until the child has been executed, or has told why not. */
    ExecError hear() {
        close_noted(ends_[1]);
        ExecError failure = {0, false};
        ssize_t got;
        do got = read(ends_[0], &failure, sizeof failure);
        while (got < 0 && errno == EINTR);
        close_noted(ends_[0]);
        return got == static_cast<ssize_t>(sizeof failure) ? failure : ExecError{0, false};
    }

  private:
    int ends_[2] = {-1, -1};
};
#endif

/* Between vfork and execve: system calls only, nothing of the parent's memory is changed but the watchdog's table and the
 * excuse. */
[[noreturn]] void run_child(const char *file, const Program &program, const int stdio[3], Excuse &excuse, pid_t parent,
                            int slot) {
    /* Without a parent: in a namespace of its own, where it has another number than it has for the watchdog. */
    bool is_watched = getppid() != 0;
    auto fail = [&excuse, is_watched, slot](bool directory) {
        excuse.tell({errno, directory});
        if (is_watched) watchdog::tell(slot, watchdog::News::Gone, getpid());
        _exit(127);
    };
    setsid();
    if (is_watched) watchdog::tell(slot, watchdog::News::Started, getpid());
#if defined(__linux__)
    /* For where there is no watchdog: the program ends with the thread that has started it, the service's. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (is_watched && getppid() != parent) _exit(127);
    if (program.console) ioctl(stdio[0], TIOCSCTTY, 0);
    /* Moved away from 0, 1 and 2 first: a parent without stdio may have got its pipes there. */
    int moved[3];
    for (int i = 0; i < 3; ++i)
        if ((moved[i] = stdio[i] < 3 ? fcntl(stdio[i], F_DUPFD, 3) : stdio[i]) < 0) fail(false);
    if (!excuse.make_way()) fail(false);
    for (int i = 0; i < 3; ++i)
        if (dup2(moved[i], i) < 0) fail(false);
    close_on_execute();
    if (chdir(program.directory ? program.directory : "/") != 0) fail(true);
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(file, program.argv, program.environment);
    fail(false);
    _exit(127);
}

/* Opens both ends of the child's 0, 1 and 2. 0, or an errno. */
int open_streams(const Program &program, int theirs[3], Child *child) {
    if (program.console) return open_console(program, theirs, child);
    int null = -1;
    for (int i = 0; i < 3; ++i) {
        if (!program.streams[i]) {
            if (null < 0 && (null = note(open("/dev/null", O_RDWR | O_CLOEXEC))) < 0) return errno;
            theirs[i] = null;
            continue;
        }
        int ends[2];
        if (!make_pipe(ends)) return errno;
        theirs[i] = i == 0 ? ends[0] : ends[1];
        child->ends[i] = i == 0 ? ends[1] : ends[0];
        /* A new pipe has no other flags that a program could have set. */
        fcntl(static_cast<int>(child->ends[i]), F_SETFL, O_NONBLOCK);
    }
    return 0;
}

int start_child(const char *file, const Program &program, const int theirs[3], int slot, int *pid,
                bool *directory_failed) {
    Excuse excuse;
    if (int error = excuse.begin()) return error;
    pid_t parent = getpid();
    pid_t child;
    int error;
    {
        Forking forking;
        child = hcsrt_fork_to_execute();
        if (child == 0) run_child(file, program, theirs, excuse, parent, slot);
        error = child < 0 ? errno : 0;
    }
    ExecError failure = excuse.hear();
    if (failure.error) {
        error = failure.error;
        *directory_failed = failure.directory;
        while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
    }
    *pid = child;
    return error;
}

/* The rest of a way that a fault ends. */
struct Cut {
    int from, to;
    uint64_t left; /* bytes that still pass */
};

bool pass_on(int to, const char *data, ssize_t size) {
    while (size > 0) {
        ssize_t written = write(to, data, static_cast<size_t>(size));
        if (written > 0) {
            data += written;
            size -= written;
        } else if (errno == EAGAIN) {
            struct pollfd room = {to, POLLOUT, 0};
            poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void pass_until_cut(void *given) {
    Cut cut = *static_cast<Cut *>(given);
    delete static_cast<Cut *>(given);
    char data[4096];
    while (cut.left) {
        struct pollfd ends[] = {{cut.from, POLLIN, 0}, {cut.to, 0, 0}};
        if (poll(ends, 2, -1) < 0 && errno != EINTR) break;
        /* Nobody is there any more who would read. */
        if (ends[1].revents) break;
        if (!ends[0].revents) continue;
        ssize_t got = read(cut.from, data, std::min<uint64_t>(sizeof data, cut.left));
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got <= 0 || !pass_on(cut.to, data, got)) break;
        cut.left -= static_cast<uint64_t>(got);
    }
    close_noted(cut.from);
    close_noted(cut.to);
}

}  // namespace

int note(int descriptor) {
    if (auto *word = word_of(descriptor, true)) word->fetch_or(uint64_t{1} << descriptor % BITS);
    return descriptor;
}

void close_noted(int descriptor) {
    if (auto *word = word_of(descriptor, false)) word->fetch_and(~(uint64_t{1} << descriptor % BITS));
    close(descriptor);
}

#if !defined(__linux__)
Forking::Forking() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
    spawner.store(reinterpret_cast<uintptr_t>(pthread_self()));
}

Forking::~Forking() {
    spawner.store(0);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}
#else
Forking::Forking() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
}

Forking::~Forking() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
#endif

hcsrt_char *allocate_string(size_t bytes) { return static_cast<hcsrt_char *>(std::malloc(bytes)); }

void release_string(hcsrt_char *string) { std::free(string); }

int spawn(const Program &program, Child *child, bool *directory_failed) {
    *child = NO_CHILD;
    *directory_failed = false;
    std::string file;
    int theirs[3] = {-1, -1, -1};
    int error = find_program(program.argv[0], program.environment, &file);
    if (!error) error = open_streams(program, theirs, child);
    if (!error) {
        child->slot = watchdog::open_way();
        error = start_child(file.c_str(), program, theirs, child->slot, &child->pid, directory_failed);
        watchdog::start();
    }
    close_all(theirs, 3);
    if (error) {
        for (End end : child->ends) close_end(end);
        drop_console(child->console);
        watchdog::forget(child->slot);
        *child = NO_CHILD;
    }
    child->group = child->pid;
    child->peak_before = own_peak();
    return error;
}

bool wait_for_exit(const Child &child, uint32_t *code, Usage *usage) {
    siginfo_t info = {};
    while (waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT) != 0)
        if (errno != EINTR) return false;
    *code = static_cast<uint32_t>(info.si_code == CLD_EXITED ? info.si_status : KILLED_BY_SIGNAL + info.si_status);
#if defined(__linux__)
    Report io(child.pid, "io");
    usage->reads = io.number("syscr: ");
    usage->bytes_read = io.number("\nread_bytes: ");
    usage->writes = io.number("syscw: ");
    usage->bytes_written = io.number("\nwrite_bytes: ");
#else
    (void)usage;
#endif
    return true;
}

bool is_reused(Group group) { return kill(static_cast<pid_t>(group), 0) == 0 || errno == EPERM; }

bool reap(const Child &child, Usage *usage) {
    struct rusage used = {};
    pid_t reaped;
    do reaped = wait4(child.pid, nullptr, 0, &used);
    while (reaped < 0 && errno == EINTR);
    bool is_left = signal_group(child.group, 0);
    if (is_left) watchdog::tell_reaped(child.slot, child.pid);
    else watchdog::forget(child.slot);
    if (reaped < 0) return is_left;
    usage->user = ticks(used.ru_utime);
    usage->kernel = ticks(used.ru_stime);
    if (peak_of(used) > child.peak_before) usage->peak = std::max(usage->peak, peak_of(used));
    return is_left;
}

void measure(Group, Usage *) {}

bool signal_group(Group group, int number) { return kill(static_cast<pid_t>(-group), number) == 0; }

bool members_of(Group, std::vector<int> *) { return false; }

void drop_group(Group) {}

End duplicate(End end) { return note(fcntl(static_cast<int>(end), F_DUPFD_CLOEXEC, 0)); }

void close_end(End end) {
    if (end != NO_END) close_noted(static_cast<int>(end));
}

void close_inherited() {
#if !defined(__linux__)
    if (spawner.load() == reinterpret_cast<uintptr_t>(pthread_self())) return;
#endif
    for (int block = 0; block < BLOCKS; ++block) {
        Block *each = blocks[block].load(std::memory_order_acquire);
        for (int word = 0; each && word < WORDS; ++word) {
            uint64_t noted = each->words[word].exchange(0);
            for (int bit = 0; bit < BITS; ++bit)
                if (noted >> bit & 1) close((block * WORDS + word) * BITS + bit);
        }
    }
}

void sever(Group, End end, bool for_writing) {
    int ends[2];
    if (!make_pipe(ends)) return;
    close_noted(ends[for_writing ? 0 : 1]);
    int ours = ends[for_writing ? 1 : 0];
    dup2(ours, static_cast<int>(end));
    set_flags(static_cast<int>(end), true);
    close_noted(ours);
}

void wait_severed(Group) {}

void cut(Group, End end, bool for_writing, uint64_t after) {
    int descriptor = static_cast<int>(end), ends[2];
    auto *cut = new (std::nothrow) Cut;
    int beyond = cut ? static_cast<int>(duplicate(end)) : -1;
    if (beyond < 0 || !make_pipe(ends)) {
        if (beyond >= 0) close_noted(beyond);
        delete cut;
        return;
    }
    int ours = ends[for_writing ? 1 : 0], theirs = ends[for_writing ? 0 : 1];
    *cut = for_writing ? Cut{theirs, beyond, after} : Cut{beyond, theirs, after};
    if (start_thread(pass_until_cut, cut)) {
        dup2(ours, descriptor);
        set_flags(descriptor, true);
    } else {
        delete cut;
        close_noted(theirs);
        close_noted(beyond);
    }
    close_noted(ours);
}

hcsrt_handle handle_of(uint32_t serial, End end) { return hcsrt_stdio_handle(serial, static_cast<int>(end)); }

}  // namespace hcsrt::emulator::platform
