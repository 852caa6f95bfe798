/* The programs behind processes. */
#include <atomic>
#include <cstdlib>
#include <utility>

#include "core/threads.h"
#include "emulator/core.h"

namespace hcsrt::emulator {

bool signal_target(const std::shared_ptr<Target> &target, int number) {
    if (!target->started || target->group_gone) return false;
    /* While the group has a member, the pid of its reaped leader is not given to another process. */
    target->group_gone =
        (target->reaped && platform::is_reused(target->group)) || !platform::signal_group(target->group, number);
    return !target->group_gone;
}

void kill_everything() {
    for (auto &entry : core->targets) signal_target(entry.second, platform::KILL);
}

namespace {

struct Watch {
    std::shared_ptr<Target> target;
    platform::Child child;
    Usage used;
};

/* Waits for the exit if it has not been yet. */
void learn_exit(void *given) {
    Watch watching = *static_cast<Watch *>(given);
    delete static_cast<Watch *>(given);
    uint32_t code = 0;
    bool known = platform::wait_for_exit(watching.child, &code, &watching.used);
    Lock lock(core->mutex);
    bool may_be_left = platform::reap(watching.child, &watching.used);
    auto &target = watching.target;
    target->used = watching.used;
    target->reaped = true;
    if (may_be_left) signal_target(target, 0);
    else target->group_gone = true;
    platform::drop_console(std::exchange(target->console, platform::NO_END));
    if (core->target_of(target->key) != target || core->is_lost(*target)) return;
    Request &exited = target->exit.request;
    exited.function = "ProcessExited";
    exited.lost = !known;
    exited.process = target->key;
    exited.number = code;
    core->post(&target->exit, target);
}

#if !defined(_WIN32)
/* Runs after Python has gone, when nobody can be woken by it. On Windows the job objects go with this process. */
void kill_at_exit() {
    if (!core.is_here()) return;
    Lock starting(core.here()->starting);
    Lock lock(core.here()->mutex);
    kill_everything();
}
#endif

}  // namespace

int spawn(Key process, const Program &program, int *error, bool *directory_failed) {
    Lock starting(core.here()->starting);
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    auto is_wanted = [&] { return !core->stopped && !core->is_lost(*target) && core->target_of(process) == target; };
    if (!target || !is_wanted()) {
        *error = platform::NO_SUCH_PROCESS;
        return -1;
    }
#if !defined(_WIN32)
    static bool registered = false;
    if (!registered) registered = std::atexit(kill_at_exit) == 0;
    bool has_memory = registered;
#else
    bool has_memory = true;
#endif
    auto *watching = has_memory ? new (std::nothrow) Watch{target, platform::NO_CHILD, {}} : nullptr;
    platform::Child child;
    lock.unlock();
    try {
        *error = watching ? platform::spawn(program, &child, directory_failed) : platform::NO_MEMORY;
    } catch (const std::bad_alloc &) {
        *error = platform::NO_MEMORY;
    }
    lock.lock();
    if (*error) {
        delete watching;
        return -1;
    }
    target->group = child.group;
    target->started = true;
    target->console = child.console;
    watching->child = child;
    bool is_watched =
        platform::tell_exit(child, &watching->used, learn_exit, watching) || start_thread(learn_exit, watching);
    if (!is_watched) {
        delete watching;
        *error = platform::NO_THREAD;
        platform::signal_group(child.group, platform::KILL);
        platform::reap(child, &target->used);
        target->started = false;
    } else if (!is_wanted()) {
        /* Its service has gone meanwhile, and has ended all that it knew of. */
        *error = platform::NO_SUCH_PROCESS;
        signal_target(target, platform::KILL);
    }
    for (int stream = 0; stream < STREAMS; ++stream) target->unclaimed[stream] = child.ends[stream];
    if (*error) {
        core->drop_target(target);
        return -1;
    }
    for (int stream = 0; stream < STREAMS; ++stream)
        if (target->cuts[stream] != UNCUT) core->cut(target, stream, target->cuts[stream]);
    return child.pid;
}

bool signal(Key process, int number) {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(process);
    return target && signal_target(target, number);
}

bool members(Key process, std::vector<int> *pids) {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(process);
    return target && target->started && platform::members_of(target->group, pids);
}

Usage usage(Key process) {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(process);
    if (!target || !target->started) return {};
    platform::measure(target->group, &target->used);
    return target->used;
}

void resize(Key process, uint16_t rows, uint16_t columns) {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(process);
    if (target && target->console != platform::NO_END) platform::resize(target->console, rows, columns);
}

bool close_stream(Key process, int stream) {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(process);
    if (!target) return false;
    bool any = target->unclaimed[stream] != platform::NO_END;
    platform::close_end(std::exchange(target->unclaimed[stream], platform::NO_END));
    core->each_given(process, stream, [&](platform::End end) {
        platform::sever(target->group, end, stream == 0);
        any = true;
    });
    bool for_writing = any && stream == 0;
    lock.unlock();
    if (for_writing) platform::wait_severed(target->group);
    return any;
}

void Core::cut(const std::shared_ptr<Target> &target, int stream, uint64_t after) {
    target->cuts[stream] = after;
    if (!target->started) return;
    if (target->unclaimed[stream] != platform::NO_END)
        platform::cut(target->group, target->unclaimed[stream], stream == 0, after);
    each_given(target->key, stream, [&](platform::End end) { platform::cut(target->group, end, stream == 0, after); });
}

void forget(Key process) {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(process);
    if (target) core->drop_target(target);
}

}  // namespace hcsrt::emulator
