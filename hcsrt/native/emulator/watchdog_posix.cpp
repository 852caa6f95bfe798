#include "core/forks.h"
#include "emulator/posix.h"
#include "emulator/watchdog.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <sys/mman.h>
#include <sys/wait.h>

namespace hcsrt::emulator::platform::watchdog {
namespace {

/* A shell, since it takes next to no memory. A fork of this process would hold on to all of its memory, and be killed
 * with it by whoever looks for its command line. Its stdin ends with this process; its stdout, which it never writes to, is
 * the table. The number of a leader that was reaped may be another's by now. */
constexpr const char *SCRIPT =
    "while read -r end; do :; done\n"
    "while read -r state group; do\n"
    "  case $state in\n"
    "    r) kill -0 \"$group\" && continue ;;\n"
    "    s) ;;\n"
    "    *) continue ;;\n"
    "  esac\n"
    "  kill -9 \"-$group\"\n"
    "done <&1\n";

/* The table: a line of text for each group that may have to be killed, in a file without a name that this process has
 * in its memory. So a change is no message, and costs the watchdog nothing until it has to know. */
constexpr size_t LINE = 16, STATE = 0, NUMBER = 2, DIGITS = 10;
constexpr uint32_t FIRST_LINES = 256;

/* Of the table, but for what a child does there: it has one that does not grow meanwhile. */
OfProcess<std::mutex> mutex;
using Lock = std::lock_guard<std::mutex>;

int file = -1;
char *table = nullptr;
uint32_t lines = 0;
uint32_t *unused = nullptr;
uint32_t unused_count = 0;

/* Whose other end the watchdog reads. It has read all, and so this process has ended, when nobody holds this one. */
int way = -1;

/* The process that has opened it, and whose table it is: a forked child opens its own. */
pid_t owner = 0;

/* The end to read, until the watchdog has it. */
int unread = -1;

[[noreturn]] void become_watchdog(char *const *argv) {
    setsid();
    if (chdir("/") != 0 || dup2(unread, 0) < 0 || fcntl(0, F_SETFD, 0) < 0 || dup2(file, 1) < 0) _exit(127);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 2) < 0) _exit(127);
    close_on_execute();
    struct sigaction ignored = {};
    ignored.sa_handler = SIG_IGN;
    /* What is ignored stays so in another program: only SIGKILL ends the watchdog. */
    for (int number = 1; number < NSIG; ++number)
        if (number != SIGCHLD) sigaction(number, &ignored, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    char *const environment[] = {nullptr};
    execve("/bin/sh", argv, environment);
    _exit(127);
}

/* Not a child of this process: whoever waits for all children here would wait for it as well. */
[[noreturn]] void start_orphan(char *const *argv) {
    pid_t orphan = hcsrt_fork_to_execute();
    if (orphan == 0) become_watchdog(argv);
    _exit(orphan < 0 ? 127 : 0);
}

int open_file() {
    int opened = -1;
#if defined(SYS_memfd_create)
    opened = static_cast<int>(syscall(SYS_memfd_create, "hcsrt-watchdog", 1u /* close it on exec */));
#endif
    if (opened < 0) {
        char path[] = "/tmp/hcsrt-watchdog-XXXXXX";
        opened = mkstemp(path);
        if (opened >= 0) unlink(path);
    }
    if (opened < 0) return -1;
    /* Not 0, 1 or 2, which are another thing in a child before it is executed. */
    int kept = note(fcntl(opened, F_DUPFD_CLOEXEC, 3));
    close(opened);
    return kept;
}

bool give_room(size_t bytes) {
#if defined(__linux__)
    return posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0;
#else
    return ftruncate(file, static_cast<off_t>(bytes)) == 0;
#endif
}

char *line_of(uint32_t slot) { return table + slot * LINE; }

void set_state(uint32_t slot, News news) {
    __atomic_store_n(line_of(slot) + STATE, static_cast<char>(news), __ATOMIC_RELEASE);
}

/* Twice as many lines. */
bool grow() {
    uint32_t more = lines ? 2 * lines : FIRST_LINES;
    auto *longer = static_cast<uint32_t *>(std::realloc(unused, more * sizeof *unused));
    if (!longer) return false;
    unused = longer;
    if (!give_room(more * LINE)) return false;
    void *mapped = mmap(nullptr, more * LINE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) return false;
    if (table) munmap(table, lines * LINE);
    table = static_cast<char *>(mapped);
    for (uint32_t slot = more; slot-- > lines;) {
        std::memset(line_of(slot), static_cast<char>(News::Gone), LINE - 1);
        line_of(slot)[LINE - 1] = '\n';
        unused[unused_count++] = slot;
    }
    lines = more;
    return true;
}

void give_back(uint32_t slot) {
    set_state(slot, News::Gone);
    unused[unused_count++] = slot;
}

/* Finds the lines of groups whose leader was reaped, and whose last process has ended since. */
void sweep() {
    for (uint32_t slot = 0; slot < lines; ++slot) {
        if (line_of(slot)[STATE] != static_cast<char>(News::Reaped)) continue;
        auto group = static_cast<pid_t>(std::strtol(line_of(slot) + NUMBER, nullptr, 10));
        if (kill(-group, 0) != 0 && errno == ESRCH) give_back(slot);
    }
}

}  // namespace

int open_way() {
    Lock lock(*mutex.here());
    if (owner != getpid()) {
        if (table) munmap(table, lines * LINE);
        table = nullptr;
        lines = unused_count = 0;
        way = unread = -1;
        if ((file = open_file()) < 0) return -1;
        int ends[2];
        if (!make_pipe(ends)) {
            close_noted(file);
            return -1;
        }
        owner = getpid();
        unread = ends[0];
        way = note(fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
        close_noted(ends[1]);
    }
    if (way < 0) return -1;
    if (!unused_count) {
        sweep();
        /* The next sweep is as far away as this one was long. */
        if (unused_count <= lines / 4) grow();
    }
    return unused_count ? static_cast<int>(unused[--unused_count]) : -1;
}

void start() {
    if (unread < 0) return;
    char number[16];
    std::snprintf(number, sizeof number, "%d", static_cast<int>(owner));
    char shell[] = "sh", option[] = "-c", name[] = "hcsrt-watchdog";
    char *const argv[] = {shell, option, const_cast<char *>(SCRIPT), name, number, nullptr};
    pid_t child;
    {
        Forking forking;
        child = hcsrt_fork_to_execute();
        if (child == 0) start_orphan(argv);
    }
    if (child > 0)
        while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
    close_noted(unread);
    unread = -1;
}

void tell(int slot, News news, pid_t group) {
    if (slot < 0) return;
    auto place = static_cast<uint32_t>(slot);
    /* Right at any time: this process may be killed in the middle. */
    set_state(place, News::Gone);
    char *digit = line_of(place) + NUMBER + DIGITS;
    for (size_t count = 0; count < DIGITS; ++count, group /= 10) *--digit = static_cast<char>('0' + group % 10);
    set_state(place, news);
}

void tell_reaped(int slot, pid_t group) {
    Lock lock(*mutex.here());
    tell(slot, News::Reaped, group);
}

void forget(int slot) {
    if (slot < 0) return;
    Lock lock(*mutex.here());
    give_back(static_cast<uint32_t>(slot));
}

}  // namespace hcsrt::emulator::platform::watchdog
