/* What faults ask of the emulator. Called on the threads of calls, of callbacks and of the interposer; no Python. */
#include <new>
#if defined(__GLIBCXX__)
#  include <cxxabi.h>
#endif

#include "emulator/core.h"
#include "interpose/interpose.h"

namespace hcsrt::emulator {

namespace {

/* Tells the service something of a system or a process that nobody waits for. */
void tell(const char *function, void *raw, Kind kind) {
    if (!may_throw()) return;
    Lock lock(core.here()->mutex);
    auto found = core->handles.find(reinterpret_cast<uintptr_t>(raw));
    if (found == core->handles.end() || found->second->kind != kind) return;
    try {
        auto item = std::make_shared<Item>();
        item->request.function = function;
        (kind == Kind::System ? item->request.system : item->request.process) = found->second->target->key;
        core->post(item.get(), item);
    } catch (const std::bad_alloc &) {}
}

hcsrt_char *allocate_string(size_t bytes) {
    if (!may_throw()) return nullptr;
    Lock lock(core.here()->mutex);
    hcsrt_char *string = platform::allocate_string(bytes);
    try {
        if (string) core->strings[string] = true;
    } catch (const std::bad_alloc &) {
        platform::release_string(std::exchange(string, nullptr));
    }
    return string;
}

void crash_guest(void *handle, int is_process) {
    tell("GuestCrashed", handle, is_process ? Kind::Process : Kind::System);
}

void crash_process(hcsrt_process process) { tell("ProcessCrashed", process, Kind::Process); }

void cut(hcsrt_process process, int stream, uint64_t after) {
    Lock lock(core.here()->mutex);
    auto found = core->handles.find(reinterpret_cast<uintptr_t>(process));
    if (found != core->handles.end() && found->second->kind == Kind::Process)
        core->cut(found->second->target, stream, after);
}

void disconnect() {
    if (may_throw()) crash();
}

void connect() {
    Lock lock(core.here()->mutex);
    if (!core->crashed) return;
    /* The next call has a service started. */
    core->crashed = core->stopped = core->served = false;
}

void call_back(const char *what, const void *raw, void (*call)(void *), void *argument) {
    try {
        call(argument);
#if defined(__GLIBCXX__)
    } catch (abi::__forced_unwind &) {
        /* The thread ends here: Python ends those that want it while it is being finalized. */
        throw;
#endif
    } catch (...) {
        Lock lock(core.here()->mutex);
        core->misuse(what, raw, THROWN);
    }
}

constexpr hcsrt_fault_hook make_hook() {
    hcsrt_fault_hook hook = {};
    hook.size = sizeof hook;
    hook.allocate_string = allocate_string;
    hook.crash_guest = crash_guest;
    hook.crash_process = crash_process;
    hook.cut = cut;
    hook.disconnect = disconnect;
    hook.connect = connect;
    hook.call_back = call_back;
    return hook;
}

}  // namespace

const hcsrt_fault_hook *fault_hook() {
    static const hcsrt_fault_hook hook = [] {
        hcsrt_fault_hook made = make_hook();
        made.api = api();
        return made;
    }();
    return &hook;
}

}  // namespace hcsrt::emulator
