#include "emulator/posix.h"
#include "emulator/watchdog.h"

#include <cerrno>
#include <csignal>
#include <cstdio>

#include <sys/wait.h>

namespace hcsrt::emulator::platform::watchdog {
namespace {

/* A shell, since it takes next to no memory. A fork of this process would hold on to all of its memory, and be killed
 * with it by whoever looks for its command line. In slots, since one list makes each message cost more, the more programs
 * there are; and without a fork, which a system full of processes refuses. The number of a leader that was reaped may be
 * another's by now. */
constexpr const char *SCRIPT =
    "while read -r news group; do\n"
    "  slot=slot$((group % 1000))\n"
    "  eval \"all=\\${$slot:-' '}\"\n"
    "  for old in \"s$group\" \"r$group\"; do\n"
    "    case $all in *\" $old \"*) all=${all%%\" $old \"*}' '${all#*\" $old \"} ;; esac\n"
    "  done\n"
    "  case $news in g) ;; *) all=\"$all$news$group \" ;; esac\n"
    "  eval \"$slot=\\$all\"\n"
    "done\n"
    "slot=0\n"
    "while [ $slot -lt 1000 ]; do\n"
    "  eval \"all=\\$slot$slot\"\n"
    "  for one in $all; do\n"
    "    group=${one#?}\n"
    "    case $one in r*) kill -0 \"$group\" && continue ;; esac\n"
    "    kill -9 \"-$group\"\n"
    "  done\n"
    "  slot=$((slot + 1))\n"
    "done\n";

/* Whose other end the watchdog reads. It has read all, and so this process has ended, when nobody holds this one. */
int way = -1;

/* The process that has opened it: a forked child opens its own. */
pid_t owner = 0;

/* The end to read, until the watchdog has it. */
int unread = -1;

[[noreturn]] void become_watchdog(char *const *argv) {
    setsid();
    if (chdir("/") != 0 || dup2(unread, 0) < 0 || fcntl(0, F_SETFD, 0) < 0) _exit(127);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(127);
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

}  // namespace

void open_way() {
    int ends[2];
    if (owner == getpid()) return;
    way = unread = -1;
    if (!make_pipe(ends)) return;
    owner = getpid();
    unread = ends[0];
    /* Not 0, 1 or 2, which are another thing in a child before it is executed. */
    way = note(fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
    close_noted(ends[1]);
    fcntl(way, F_SETFL, O_NONBLOCK);
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

void tell(News news, pid_t group) {
    if (way < 0) return;
    char text[16] = {static_cast<char>(news), ' '};
    size_t size = 2, digits = 1;
    for (pid_t rest = group; rest >= 10; rest /= 10) ++digits;
    for (size_t digit = digits; digit--; group /= 10) text[size + digit] = static_cast<char>('0' + group % 10);
    size += digits;
    text[size++] = '\n';
    ssize_t ignored = write(way, text, size);
    (void)ignored;
}

}  // namespace hcsrt::emulator::platform::watchdog
