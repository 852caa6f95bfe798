/* The service's side of the emulator, and that of the tests. */
#include <chrono>

#include "core/threads.h"
#include "emulator/core.h"

namespace hcsrt::emulator {

namespace {

/* How long a service that goes down waits for its last events to be delivered. */
constexpr std::chrono::seconds DELIVERY_LIMIT{5};

Request take_item() {
    Item *item = core->queue.pop();
    /* The last of the item, maybe. */
    auto keeper = std::move(item->keeper);
    return std::move(item->request);
}

void set(Text *text, const Given &given) {
    text->given = given.units;
    if (given.units) text->value.assign(given.units, given.length);
}

/* Leaves no text where there is no memory for it. */
void set_without_fail(Text *text, const Given &given) {
    try {
        set(text, given);
    } catch (const std::bad_alloc &) {
        text->given = false;
    }
}

/* `reason`: the error document for who waits; nullptr: none. */
void disconnect_everyone(const char16_t *reason) {
    while (!core->queue.empty()) take_item();
    while (!core->questions.empty()) {
        auto first = core->questions.begin();
        auto question = std::move(first->second);
        core->questions.erase(first);
        question->result = HCSRT_E_SERVICE_DISCONNECT;
        if (reason) set_without_fail(&question->document, {reason, std::char_traits<char16_t>::length(reason)});
        core->answer(question);
    }
}

/* Nobody knows any more what the service knew; threads that wait for an exit look up. */
void lose_everything() {
    ++core->service;
    for (auto &entry : core->targets) entry.second->changed.notify_all();
}

void (*start_service)(void) = nullptr;

void start_service_here(void *) {
    if (!is_finalizing || !is_finalizing()) start_service();
}

/* Makes a handle of what the service has opened. */
std::shared_ptr<Handle> open(Key key) {
    if (auto target = core->target_of(key)) return core->add_handle(target);
    /* It is a system: of those alone the service knows some that have no handle. */
    return core->add_new(Kind::System, key);
}

/* Whether a handle was opened after the last one was closed, and before the service heard of that. */
bool is_outdated(const Request &request) {
    if (!request.while_unused) return false;
    auto target = core->target_of(request.system ? request.system : request.process);
    return target && target->handles;
}

/* Without memory for it the answer becomes another. */
void give(const Reply &reply) noexcept {
    auto found = core->questions.find(reply.ticket);
    if (found == core->questions.end()) return;
    auto question = found->second;
    core->questions.erase(found);
    question->result = reply.result;
    if (question->operation) question->operation->pid = reply.pid;
    try {
        if (reply.key) question->opened = open(reply.key);
        set(&question->document, reply.document);
    } catch (const std::bad_alloc &) {
        /* What has failed keeps its reason, without the document. */
        if (!hcsrt_failed(reply.result)) question->result = HCSRT_E_OUTOFMEMORY;
        question->document = Text();
    }
    core->answer(question);
}

}  // namespace

bool Core::ensure_service() {
    if (served || !start_service) return true;
    served = start_thread(start_service_here, nullptr);
    return served;
}

bool attach(int (*finalizing)(void), void (*start)(void)) {
    is_finalizing = finalizing;
    start_service = start;
    return hcsrt_forks_watch(platform::close_inherited);
}

uint32_t process_epoch() { return epoch(); }

Taken take(uint32_t service, int64_t timeout_ms, const Reply *first, Request *request) {
    this_thread().serving = true;
    Lock lock(core.here()->mutex);
    if (first) give(*first);
    auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
        if (core->stopped || core->service != service) return Taken::Stopped;
        if (!core->queue.empty()) {
            *request = take_item();
            if (!is_outdated(*request)) return Taken::Item;
        } else if (timeout_ms < 0) {
            core->queued.wait(lock);
        } else if (core->queued.wait_until(lock, deadline) == std::cv_status::timeout && core->queue.empty()) {
            return core->stopped || core->service != service ? Taken::Stopped : Taken::Nothing;
        }
    }
}

void reply(const Reply &reply) noexcept {
    Lock lock(core.here()->mutex);
    give(reply);
}

void emit(Key key, uint32_t event_type, const Given &data) noexcept {
    Lock lock(core.here()->mutex);
    auto target = core->target_of(key);
    if (!target || core->is_lost(*target)) return;
    bool is_exit = event_type == HCSRT_EVENT_SYSTEM_EXITED || event_type == HCSRT_EVENT_PROCESS_EXITED;
    if (is_exit) {
        if (target->exited) return;
        target->exited = true;
        set_without_fail(&target->exit_document, data);
        target->changed.notify_all();
    }
    for (Handle *each = target->open.first; each; each = each->next) {
        ++core->visited;
        if (!each->callback) continue;
        auto handle = each->shared_from_this();
        if (is_exit) {
            core->deliver_exit(handle);
            continue;
        }
        auto *event = new (std::nothrow) Delivery;
        if (!event) continue;
        event->alone = true;
        set_without_fail(&event->data, data);
        core->deliver_event(event, handle, event_type);
    }
}

void configure(bool vary, uint64_t seed) {
    Lock lock(core.here()->mutex);
    core->variation.configure(vary, seed);
}

void assume(size_t row, uint32_t choice) {
    Lock lock(core.here()->mutex);
    core->variation.assume(row, choice);
}

uint32_t met(size_t row) {
    Lock lock(core.here()->mutex);
    return core->variation.met(row);
}

uint32_t start() {
    Lock lock(core.here()->mutex);
    core->crashed = core->stopped = false;
    core->served = true;
    return core->service;
}

bool serves(uint32_t service) {
    Lock lock(core.here()->mutex);
    return !core->stopped && core->service == service;
}

void fail_to_start() {
    Lock lock(core.here()->mutex);
    core->crashed = core->served = core->stopped = false;
    disconnect_everyone(nullptr);
}

namespace {

/* False: it is down already. */
bool go_down(bool for_good) {
    if (core->stopped) return false;
    core->stopped = true;
    kill_everything();
    disconnect_everyone(for_good ? WORLD_HAS_ENDED : SERVICE_HAS_GONE);
    for (auto &entry : core->handles) {
        if (!entry.second->callback) continue;
        if (!entry.second->disconnect.queued)
            core->deliver_event(&entry.second->disconnect, entry.second, HCSRT_EVENT_SERVICE_DISCONNECT);
    }
    lose_everything();
    core->queued.notify_all();
    return true;
}

void wait_for_deliveries(Lock &lock) {
    if (!this_thread().dispatching) core->idle.wait_for(lock, DELIVERY_LIMIT, [] { return core->all_delivered(); });
}

}  // namespace

void crash() {
    Lock lock(core.here()->mutex);
    core->crashed = go_down(false) || core->crashed;
}

void stop(bool for_good) {
    Lock lock(core.here()->mutex);
    if (go_down(for_good)) wait_for_deliveries(lock);
}

void clear() {
    Lock lock(core.here()->mutex);
    /* The close of a handle that leads nowhere waits for no callback, and a crash has waited for none. */
    wait_for_deliveries(lock);
    kill_everything();
    disconnect_everyone(WORLD_HAS_ENDED);
    lose_everything();
    for (auto &entry : core->handles) entry.second->callback = nullptr;
    for (auto &entry : core->targets) entry.second->open = {};
    core->handles.clear();
    while (!core->targets.empty()) core->drop_target(core->targets.begin()->second);
    for (auto &entry : core->strings) entry.second = false;
    core->misuses.clear();
    core->oldest = ++core->serial;
    core->queued.notify_all();
}

hcsrt_result ask_service(const char *verb, const Given &text, Text *document) noexcept {
    Lock lock(core.here()->mutex);
    try {
        Request request;
        request.function = verb;
        set(&request.text, text);
        std::shared_ptr<Question> question;
        hcsrt_result result = core->ask_and_wait(lock, std::move(request), &question);
        if (question) *document = std::move(question->document);
        return result;
    } catch (const std::bad_alloc &) {
        return HCSRT_E_OUTOFMEMORY;
    }
}

uint64_t visited() {
    Lock lock(core.here()->mutex);
    return core->visited;
}

Key new_key() {
    Lock lock(core.here()->mutex);
    return ++core->serial;
}

Counts live() {
    Lock lock(core.here()->mutex);
    Counts counts = {};
    for (auto &entry : core->handles) {
        Kind kind = entry.second->kind;
        ++(kind == Kind::Operation ? counts.operations : kind == Kind::System ? counts.systems : counts.processes);
    }
    for (auto &entry : core->strings) counts.strings += entry.second;
    for (auto &entry : core->stdio) counts.stdio += entry.second.serial >= core->oldest;
    return counts;
}

std::vector<std::string> misuses() {
    Lock lock(core.here()->mutex);
    for (Calling *callback = core->calling; callback; callback = callback->next) core->misuse_if_blocking(*callback);
    return core->misuses;
}

void record_misuse(const char *text) noexcept {
    Lock lock(core.here()->mutex);
    core->misuse(text);
}

}  // namespace hcsrt::emulator
