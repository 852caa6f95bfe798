/* The one thread that learns of the exits of all programs, and looks at their memory meanwhile. It needs Linux, and a
 * kernel that has handles for programs. */
#include "emulator/platform.h"

#if defined(__linux__)

#  include "core/forks.h"
#  include "core/threads.h"
#  include "emulator/posix.h"

#  include <algorithm>
#  include <cerrno>
#  include <cstdio>
#  include <cstdlib>
#  include <ctime>
#  include <map>
#  include <mutex>

#  include <dirent.h>
#  include <sys/epoll.h>
#  include <sys/timerfd.h>

namespace hcsrt::emulator::platform {
namespace {

/* In nanoseconds. */
using Time = int64_t;
constexpr Time MILLISECOND = 1000000, SECOND = 1000 * MILLISECOND, NEVER = INT64_MAX;

/* To the first look at a program's memory, at least and at most between two. In between a fourth of its age, as what lives
 * long changes its memory seldom. What has ended by the first look costs none. */
constexpr Time FIRST_LOOK = MILLISECOND, SOONEST_LOOK = 4 * MILLISECOND, LATEST_LOOK = SECOND;
constexpr int LOOKS_IN_AN_AGE = 4;

/* From this age on a program may have started others that count, and these others. */
constexpr Time AGE_WITH_CHILDREN = 16 * MILLISECOND;
constexpr int MOST_GENERATIONS = 10;

constexpr int EVENTS_AT_ONCE = 32;

Time now() {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

struct Watched;
using Looks = std::multimap<Time, Watched *>;

/* A program that has not exited. The thread alone takes it away. */
struct Watched {
    int pid;
    int handle;
    uint64_t peak_before;
    Usage *usage;
    void (*ended)(void *);
    void *given;
    Time began;
    Looks::node_type look; /* as long as it is in no list */
    Looks::iterator place; /* in the list */
    bool is_looked_at;
};

/* What belongs to one process: a forked child has no such thread. */
struct Exits {
    std::mutex mutex;
    int waiting = -1; /* for programs and for the timer, which is the one without a program */
    int timer = -1;
    bool started = false;
    Looks looks;
    Time alarm = NEVER; /* that the timer is set to */
};

OfProcess<Exits> exits;

uint64_t peak_now(int pid) { return Report(pid, "status").number("VmHWM:") * KIB; }

/* The most memory of one of the processes that a process has started, and these. False: this kernel does not list them. */
bool look_at_children(int pid, int generations, uint64_t *peak) {
    char name[40];
    std::snprintf(name, sizeof name, "task/%d/children", pid);
    Report children(pid, name);
    char *end = children.text;
    for (long child; generations && (child = std::strtol(end, &end, 10)) > 0 && *end == ' ';) {
        *peak = std::max(*peak, peak_now(static_cast<int>(child)));
        look_at_children(static_cast<int>(child), generations - 1, peak);
    }
    return children.is_there;
}

/* The same of all processes of its session, which takes as long as there are many others. */
void look_at_session(int pid, uint64_t *peak) {
    DIR *processes = opendir("/proc");
    if (!processes) return;
    while (const struct dirent *entry = readdir(processes)) {
        int member = std::atoi(entry->d_name);
        if (member > 0 && member != pid && getsid(member) == pid) *peak = std::max(*peak, peak_now(member));
    }
    closedir(processes);
}

/* With the mutex. A timer that is set to an earlier time stays: it costs a look at the list, and most programs have ended
 * by their first look. */
void set_alarm() {
    Time first = exits->looks.empty() ? NEVER : exits->looks.begin()->first;
    if (first >= exits->alarm) return;
    struct itimerspec time = {};
    time.it_value.tv_sec = static_cast<time_t>(first / SECOND);
    time.it_value.tv_nsec = static_cast<long>(first % SECOND);
    if (timerfd_settime(exits->timer, TFD_TIMER_ABSTIME, &time, nullptr) == 0) exits->alarm = first;
}

/* With the mutex. */
void put_in_list(Watched *watched, Time look) {
    watched->look.key() = look;
    watched->place = exits->looks.insert(std::move(watched->look));
    watched->is_looked_at = true;
}

void take_from_list(Watched *watched) {
    watched->look = exits->looks.extract(watched->place);
    watched->is_looked_at = false;
}

/* Looks at those whose turn has come, as long as only that tells their peak. */
void look_around() {
    std::unique_lock<std::mutex> lock(exits->mutex);
    exits->alarm = NEVER;
    Time time = now();
    while (!exits->looks.empty() && exits->looks.begin()->first <= time) {
        Watched *watched = exits->looks.begin()->second;
        take_from_list(watched);
        lock.unlock();
        Time age = now() - watched->began;
        uint64_t *peak = &watched->usage->peak;
        *peak = std::max(*peak, peak_now(watched->pid));
        if (age >= AGE_WITH_CHILDREN && !look_at_children(watched->pid, MOST_GENERATIONS, peak))
            look_at_session(watched->pid, peak);
        lock.lock();
        if (*peak > watched->peak_before) continue;
        put_in_list(watched, now() + std::clamp(age / LOOKS_IN_AN_AGE, SOONEST_LOOK, LATEST_LOOK));
    }
    set_alarm();
}

void tell_ended(Watched *watched) {
    {
        std::lock_guard<std::mutex> lock(exits->mutex);
        if (watched->is_looked_at) take_from_list(watched);
    }
    /* Others may have a copy of the handle for a moment, and its place in the set lives as long: but it tells once. */
    close_noted(watched->handle);
    watched->ended(watched->given);
    delete watched;
}

void run(void *) {
    struct epoll_event events[EVENTS_AT_ONCE];
    for (;;) {
        int count = epoll_wait(exits->waiting, events, EVENTS_AT_ONCE, -1);
        if (count < 0 && errno != EINTR) break;
        bool is_time = false;
        for (int i = 0; i < count; ++i) {
            if (events[i].data.ptr) tell_ended(static_cast<Watched *>(events[i].data.ptr));
            else is_time = true;
        }
        if (is_time) look_around();
    }
    /* Somebody has closed what was not theirs. Programs that start from now on have another set. */
    std::lock_guard<std::mutex> lock(exits->mutex);
    exits->waiting = exits->timer = -1;
    exits->alarm = NEVER;
    exits->started = false;
}

/* With the mutex. False: no thread, or too many open files. */
bool begin() {
    if (exits->started) return true;
    if (exits->waiting < 0) exits->waiting = note(epoll_create1(EPOLL_CLOEXEC));
    if (exits->waiting < 0) return false;
    if (exits->timer < 0) {
        exits->timer = note(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        /* At the edge: nobody has to read what it counts. */
        struct epoll_event event = {EPOLLIN | EPOLLET, {nullptr}};
        if (exits->timer < 0 || epoll_ctl(exits->waiting, EPOLL_CTL_ADD, exits->timer, &event) != 0) return false;
    }
    return exits->started = start_thread(run, nullptr);
}

}  // namespace

bool tell_exit(const Child &child, Usage *usage, void (*ended)(void *), void *given) {
    constexpr long pidfd_open = 434; /* on every processor; the headers of old systems do not have it */
    std::lock_guard<std::mutex> lock(exits.here()->mutex);
    if (!begin()) return false;
    int handle = note(static_cast<int>(syscall(pidfd_open, child.pid, 0)));
    if (handle < 0) return false;
    Time began = now();
    Watched *watched = nullptr;
    try {
        watched = new Watched{child.pid, handle, child.peak_before, usage, ended, given, began, {}, {}, false};
        watched->place = exits->looks.emplace(began + FIRST_LOOK, watched);
        watched->is_looked_at = true;
        struct epoll_event event = {EPOLLIN | EPOLLONESHOT, {watched}};
        if (epoll_ctl(exits->waiting, EPOLL_CTL_ADD, handle, &event) == 0) {
            set_alarm();
            return true;
        }
    } catch (const std::bad_alloc &) {}
    if (watched && watched->is_looked_at) take_from_list(watched);
    delete watched;
    close_noted(handle);
    return false;
}

}  // namespace hcsrt::emulator::platform

#else

namespace hcsrt::emulator::platform {

bool tell_exit(const Child &, Usage *, void (*)(void *), void *) { return false; }

}  // namespace hcsrt::emulator::platform

#endif
