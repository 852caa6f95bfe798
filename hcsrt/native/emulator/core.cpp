#include "emulator/core.h"

#include <cstdio>
#include <cstring>
#include <thread>

static_assert(sizeof(void *) == 8, "a stdio handle carries a serial number and a descriptor");

namespace hcsrt::emulator {

namespace {

constexpr size_t MOST_MISUSES = 1000;

const char *name_of(Kind kind) {
    return kind == Kind::Operation ? "HCS_OPERATION" : kind == Kind::System ? "HCS_SYSTEM" : "HCS_PROCESS";
}

}  // namespace

int (*is_finalizing)(void) = nullptr;

#define RESULT_ERROR(message) u"{\"Error\": -2143878882, \"ErrorMessage\": \"" message u"\"}"
const char16_t WORLD_HAS_ENDED[] = RESULT_ERROR(u"The world of the emulator that this is of has ended.");
const char16_t SERVICE_HAS_GONE[] = RESULT_ERROR(u"The service has gone, and its compute systems with it.");
const char16_t SERVICE_HAD_GONE[] = RESULT_ERROR(
    u"The service that knew this has gone, and its compute systems with it. Another service has come since.");
#undef RESULT_ERROR

OfProcess<Core> core;

Thread &this_thread() {
    HCSRT_FROM_THE_START static thread_local Thread thread;
    uint32_t now = epoch();
    if (thread.epoch != now) thread = Thread{now};
    return thread;
}

bool may_throw() {
    Thread &thread = this_thread();
    return thread.may_throw || (thread.may_throw = prepare_to_throw());
}

Text argument(const hcsrt_char *text) {
    Text result;
    if (!text) return result;
    result.given = true;
    for (; *text; ++text) result.value.push_back(static_cast<char16_t>(*text));
    return result;
}

void Variation::configure(bool vary, uint64_t seed) {
    vary_ = vary;
    for (size_t row = 0; row < SWITCH_COUNT; ++row) {
        rows_[row] = Row();
        rows_[row].stream = Stream(seed, SWITCHES[row].name);
    }
    latency_ = Stream(seed, "latency");
}

uint32_t Variation::choose(Switch which) {
    Row &row = rows_[static_cast<size_t>(which)];
    auto [name, choices, one_in] = SWITCHES[static_cast<size_t>(which)];
    uint32_t choice = row.assumed;
    if (choice == NOT_ASSUMED && !vary_) choice = 0;
    else if (choice == NOT_ASSUMED && !one_in) choice = static_cast<uint32_t>(row.stream.next() % choices);
    else if (choice == NOT_ASSUMED)
        choice = row.stream.next() % one_in ? 0 : 1 + static_cast<uint32_t>(row.stream.next() % (choices - 1));
    row.met |= 1u << choice;
    return choice;
}

void Core::misuse(const char *text) noexcept {
    if (misuses.size() == MOST_MISUSES) return;
    try {
        misuses.emplace_back(text);
    } catch (const std::bad_alloc &) {}
}

void Core::misuse(const char *function, const void *raw, const char *what) noexcept {
    char text[300];
    std::snprintf(text, sizeof text, "%s: handle %p %s", function, raw, what);
    misuse(text);
}

std::shared_ptr<Handle> Core::add_handle(Kind kind) {
    auto handle = std::make_shared<Handle>();
    handle->kind = kind;
    handle->raw = reinterpret_cast<void *>(static_cast<uintptr_t>(++serial << 4 | static_cast<uintptr_t>(kind)));
    handles[reinterpret_cast<uintptr_t>(handle->raw)] = handle;
    return handle;
}

std::shared_ptr<Handle> Core::add_handle(const std::shared_ptr<Target> &target) {
    auto handle = add_handle(target->kind);
    handle->target = target;
    ++target->handles;
    target->open.push(handle.get());
    return handle;
}

std::shared_ptr<Handle> Core::add_new(Kind kind, Key key) {
    auto target = add_target(kind, key);
    try {
        auto handle = add_handle(target);
        target->maker = handle->raw;
        return handle;
    } catch (const std::bad_alloc &) {
        targets.erase(target->key);
        throw;
    }
}

void Core::withdraw(const std::shared_ptr<Handle> &handle) {
    targets.erase(handle->target->key);
    remove_handle(handle.get());
}

void Core::remove_handle(Handle *handle) {
    handle->target->open.remove(handle);
    handles.erase(reinterpret_cast<uintptr_t>(handle->raw));
}

std::shared_ptr<Handle> Core::find(void *raw, Kind kind, const char *function) {
    auto found = handles.find(reinterpret_cast<uintptr_t>(raw));
    if (found != handles.end() && found->second->kind == kind) return found->second;
    if (raw && is_stale(raw)) return nullptr;
    char what[100];
    bool ever = reinterpret_cast<uintptr_t>(raw) >> 4 <= serial && raw;
    std::snprintf(what, sizeof what,
                  found != handles.end() ? "is of the wrong kind, %s is expected"
                  : ever                 ? "is closed; %s is expected"
                                         : "was never given out; %s is expected",
                  name_of(kind));
    misuse(function, raw, what);
    return nullptr;
}

hcsrt_result Inside::error(void *raw, int32_t type) const {
    auto found = core->handles.find(reinterpret_cast<uintptr_t>(raw));
    if ((!stale_ && !lost_) || found == core->handles.end() || found->second->kind != Kind::Operation) return error();
    auto &operation = found->second->operation;
    if (operation->phase == Phase::Running) return error();
    operation->document.value = stale_ ? WORLD_HAS_ENDED : SERVICE_HAD_GONE;
    operation->document.given = true;
    operation->result = error();
    operation->type = type;
    operation->phase = Phase::Done;
    return error();
}

std::shared_ptr<Target> Core::add_target(Kind kind, Key key) {
    auto target = std::make_shared<Target>();
    target->kind = kind;
    target->key = key;
    target->service = service;
    targets[key] = target;
    return target;
}

std::shared_ptr<Target> Core::target_of(Key key) {
    auto found = targets.find(key);
    return found == targets.end() ? nullptr : found->second;
}

void Core::drop_target(const std::shared_ptr<Target> &target) {
    for (platform::End &end : target->unclaimed) platform::close_end(std::exchange(end, platform::NO_END));
    platform::drop_console(std::exchange(target->console, platform::NO_END));
    targets.erase(target->key);
}

void Core::close_target_handle(Lock &lock, void *raw, Kind kind, const char *function) {
    auto handle = find(raw, kind, function);
    if (!handle) return;
    remove_handle(handle.get());
    auto &target = handle->target;
    if (handle->inside)
        misuse(function, raw, "was closed while a call on it had not returned; close it when no call is inside");
    if (target->creating && raw == target->maker)
        misuse(function, raw,
               "was closed before the call that creates what it leads to had completed, and that goes on without a "
               "handle; wait for the operation first");
    if (this_thread().callback_depth)
        misuse(function, raw,
               "was closed on a callback thread; close it on another one, as a close waits for callbacks that run");
    handle->callback = nullptr;
    int own = this_thread().calling_back == handle.get() ? 1 : 0;
    while (handle->running > own) handle->drained.wait(lock);
    if (variation.chance(Switch::close_of_handle)) {
        std::chrono::microseconds drain(variation.latency(2000));
        lock.unlock();
        std::this_thread::sleep_for(drain);
        lock.lock();
    }
    if (--target->handles) return;
    /* The service has not heard of the last time yet, and will find it so. */
    if (target->released.queued) return;
    Request &released = target->released.request;
    released = Request();
    released.function = "HandlesReleased";
    released.while_unused = true;
    (kind == Kind::System ? released.system : released.process) = target->key;
    if (kind == Kind::System) targets.erase(target->key);
    post(&target->released, target);
}

bool Core::give(const Text &text, hcsrt_char **out, bool counts) noexcept {
    if (!out) return true;
    *out = nullptr;
    if (!text.given) return true;
    size_t bytes = (text.value.size() + 1) * sizeof(hcsrt_char);
    hcsrt_char *string = platform::allocate_string(bytes);
    if (!string) return false;
    std::memcpy(string, text.value.c_str(), bytes);
    try {
        strings[string] = counts;
    } catch (const std::bad_alloc &) {
        platform::release_string(string);
        return false;
    }
    *out = string;
    return true;
}

void Core::give_process_info(const std::shared_ptr<Operation> &operation, hcsrt_process_information *info) {
    if (!operation->info) {
        info->process_id = operation->pid;
        return;
    }
    /* All memory first: nothing may fail once an end has left its place. */
    std::unordered_map<uintptr_t, Stdio> fresh;
    for (uintptr_t stream = 0; stream < STREAMS; ++stream) fresh.emplace(stream, Stdio());
    stdio.reserve(stdio.size() + STREAMS);
    Row<Stdio> &row = stdio_of[operation->info->key];
    info->process_id = operation->pid;
    auto target = std::exchange(operation->info, nullptr);
    hcsrt_handle *out[STREAMS] = {&info->std_input, &info->std_output, &info->std_error};
    for (int stream = 0; stream < STREAMS; ++stream) {
        platform::End end = std::exchange(target->unclaimed[stream], platform::NO_END);
        for (Stdio *each = row.first; end == platform::NO_END && each; each = each->next) {
            ++visited;
            if (each->stream == stream) end = platform::duplicate(each->end);
        }
        if (end == platform::NO_END) continue;
        *out[stream] = platform::handle_of(static_cast<uint32_t>(++serial), end);
        auto entry = fresh.extract(static_cast<uintptr_t>(stream));
        entry.key() = reinterpret_cast<uintptr_t>(*out[stream]);
        entry.mapped() = Stdio{serial, end, target->key, stream};
        row.push(&stdio.insert(std::move(entry)).position->second);
    }
    if (!row.first) stdio_of.erase(target->key);
}

int Core::close_stdio(hcsrt_handle raw) {
    auto found = stdio.find(reinterpret_cast<uintptr_t>(raw));
    if (found == stdio.end()) {
        misuse("CloseHandle", raw, "is no open stdio handle");
        return 0;
    }
    platform::End end = found->second.end;
    auto of_process = stdio_of.find(found->second.process);
    of_process->second.remove(&found->second);
    if (!of_process->second.first) stdio_of.erase(of_process);
    stdio.erase(found);
    platform::close_end(end);
    return 1;
}

}  // namespace hcsrt::emulator
