#include "engine/engine.h"

#include <chrono>
#include <initializer_list>
#include <new>

#include "backends/backends.h"
#include "core/events.h"
#include "core/reaper.h"
#include "core/results.h"
#include "core/threads.h"

#if !defined(_WIN32)
#  include <errno.h>
#  include <fcntl.h>
#  include <unistd.h>
#  if defined(__linux__)
#    include <sys/eventfd.h>
#  endif
#endif

static_assert(sizeof(void *) == 8, "the context of a callback carries a slot and a generation");

namespace {

using hcsrt::FOREVER;
using hcsrt::Lock;
using hcsrt::Locked;
using Call = hcsrt_call;
using Port = hcsrt_port;

/* A call with a callback is asked for when it has been pending so long; one without is asked for ever less often. */
constexpr uint32_t CALLBACK_LOOK_MS = 1000;
constexpr uint32_t FIRST_LOOK_MS = 2;
constexpr uint32_t LAST_LOOK_MS = 250;

/* How long a call waits before one more worker is woken for it, or started, and how long a worker waits for a call. */
constexpr int64_t WAKE_MS = 1;
constexpr int64_t GROW_MS = 5;
constexpr uint32_t IDLE_MS = 10000;

/* Workers of each pool that may hang in HCS at the same time. */
constexpr uint32_t MOST_WORKERS = 256;

/* Threads that wait for operations where no callback is used, and how long one guarded wait lasts. */
constexpr uint32_t MOST_WAITERS = 256;
constexpr uint32_t WAIT_SLICE_MS = 500;

/* Queries of one handle that may be inside HCS at the same time. */
constexpr uint32_t QUERY_WIDTH = 64;

/* So many calls of a burst are not worth waiting for the rest of it. */
constexpr uint32_t MOST_UNSENT = 64;

constexpr uint32_t SPARE_SLOTS = 64;
constexpr uint32_t SLOTS_A_CHUNK = 256;
constexpr uint32_t MOST_CHUNKS = 4096;

constexpr size_t LINE = 64;

constexpr uint64_t LIVE = 1, HELD = 2, COMPLETED = 4, ABANDONED = 8, LOST = 16;
constexpr uint64_t FLAGS = 0xFFFFFFFFu;
constexpr uint64_t ONE_GENERATION = FLAGS + 1;

enum class Stage : uint8_t { MAKE, RELEASE, ORPHAN };

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

struct Lane;
struct Pool;

}  // namespace

/* What passes between processors should be few cache lines: the first is all that a completion needs, with the second for
 * its outcome, and the others are the submitter's and the worker's. */
struct alignas(LINE) hcsrt_call {
    std::atomic<uint64_t> word{ONE_GENERATION};
    Call *next = nullptr; /* in the one list that the call is in */
    std::atomic<Port *> port{nullptr};
    hcsrt_operation operation = nullptr;
    hcsrt_complete complete = nullptr;
    void *context = nullptr;
    uint32_t index = 0;
    Stage stage = Stage::MAKE;
    bool urgent = false;
    bool has_info = false;
    bool fetched = false;   /* the outcome is HCS's last word */
    bool asked = false;     /* it is made once more, to ask what became of a process */
    bool off_books = false; /* it was announced to the reaper, which counts it itself by now, if at all */
    alignas(LINE) hcsrt_outcome outcome = {}; /* empty again when the call is free */
    std::atomic<void *> subject{nullptr};     /* the request's, for who cannot know whether the slot is used anew */
    alignas(LINE) hcsrt_request request = {};
    Lane *lane = nullptr;
    int64_t since = 0;
    std::atomic<int64_t> look_at{0};
    uint32_t look_ms = 0;
    hcsrt_outcome first = {}; /* what a create said that failed, while its process is asked for */
};

struct hcsrt_port {
    std::atomic<Call *> arrived{nullptr};
    std::atomic<uint32_t> references{1};
    std::atomic<uint32_t> bell{0};
    int reader = -1, writer = -1;
    /* Of the owner alone, whose writes would cost the threads that push their own line: */
    alignas(LINE) Call *newest = nullptr;
    Call *oldest = nullptr; /* a chain of calls that were not sent to a worker yet */
    uint32_t unsent = 0;
    uint32_t spare = 0;  /* the index + 1 of the first slot that it keeps for its next calls */
    uint32_t credit = 0; /* references that it keeps for them */
};

namespace {

/* What a closed port has for a list. */
Call *const CLOSED = reinterpret_cast<Call *>(static_cast<uintptr_t>(1));

/* --- lists ----------------------------------------------------------------------------------------------------- */

/* True: the list was empty. False for a closed port, too, with *closed set. */
bool push(std::atomic<Call *> &list, Call *first, Call *last, bool *closed = nullptr) {
    Call *seen = list.load(std::memory_order_acquire);
    do {
        if (closed && (*closed = seen == CLOSED)) return false;
        last->next = seen;
    } while (!list.compare_exchange_weak(seen, first, std::memory_order_acq_rel, std::memory_order_acquire));
    return !seen;
}

Call *oldest_first(Call *newest_first) {
    Call *result = nullptr;
    while (Call *call = newest_first) {
        newest_first = call->next;
        call->next = result;
        result = call;
    }
    return result;
}

struct Queue {
    Call *first = nullptr, *last = nullptr;
    uint32_t count = 0;

    void push(Call *call) {
        call->next = nullptr;
        (first ? last->next : first) = call;
        last = call;
        ++count;
    }
    Call *pop() {
        Call *call = first;
        if (!call) return nullptr;
        first = call->next;
        --count;
        return call;
    }
};

/* --- submission ------------------------------------------------------------------------------------------------ */

struct Lane {
    void *subject;
    hcsrt_lane kind;
    uint32_t running;
    Queue waiting;
    Lane *next;
};

/* What is written by one processor and read by another stands in a cache line of its own, here and below. */
struct Pool {
    alignas(LINE) std::atomic<Call *> inbox{nullptr};
    alignas(LINE) std::atomic<uint32_t> bell{0};
    std::atomic<uint32_t> threads{0}, idle{0};
    alignas(LINE) Lock lock;
    /* Under the lock: */
    static constexpr uint32_t BUCKETS = 256;
    Queue ready;
    Lane *lanes[BUCKETS] = {};
    Lane *spare = nullptr;

    bool start_worker();
    void submit(Call *first, Call *last);
    void encourage();
    void accept();
    Lane **find(void *subject, hcsrt_lane kind);
    Call *take(bool *more);
    void leave_lane(Call *call);
    bool retire();
    bool tend(int64_t now);
};

struct Chunk {
    Call calls[SLOTS_A_CHUNK];
    /* For a free slot: the index + 1 of the next one. Not in the slots, each of which would have to be fetched for it. */
    std::atomic<uint32_t> next_free[SLOTS_A_CHUNK] = {};
};

struct Engine {
    bool wait = false;
    Pool ordinary, urgent;
    std::atomic<uint32_t> waiters{0};
    std::atomic<int64_t> stale{0}, repeated{0}, asked{0};

    /* The slab. A slot's index is below `slots`, and its chunk is there. */
    std::atomic<Chunk *> chunks[MOST_CHUNKS] = {};
    std::atomic<uint32_t> slots{0};
    alignas(LINE) std::atomic<uint64_t> free{0}; /* a count of changes, and the index + 1 of the first free slot */
    Lock growth;
    alignas(LINE) std::atomic<int64_t> submitted{0};
    alignas(LINE) std::atomic<int64_t> released{0};

    /* The supervisor. */
    alignas(LINE) std::atomic<uint32_t> supervised{0};
    std::atomic<uint32_t> bell{0};
    std::atomic<bool> alarmed{false}, look_wanted{false}, looking{false};

    std::atomic<Call *> orphans{nullptr};
    Lock notice_lock;
    void (*notice)(void) = nullptr;
};

/* Never destroyed: native threads outlive static destructors. Replaced in a forked child, whose threads are gone. */
Engine *engine;

const HcsApi *hcs() { return hcsrt_chosen(); }

void ring() {
    engine->bell.fetch_add(1);
    hcsrt::wake_all(engine->bell);
}

/* Lets the supervisor see soon whether calls wait for a worker. */
void alarm() {
    if (!engine->alarmed.exchange(true)) ring();
}

Pool *pool_of(const Call *call) { return call->urgent ? &engine->urgent : &engine->ordinary; }

/* --- the slab -------------------------------------------------------------------------------------------------- */

Chunk *chunk_of(uint32_t index) { return engine->chunks[index / SLOTS_A_CHUNK].load(std::memory_order_acquire); }

Call *slot(uint32_t index) { return &chunk_of(index)->calls[index % SLOTS_A_CHUNK]; }

std::atomic<uint32_t> &next_of(uint32_t place) { return chunk_of(place - 1)->next_free[(place - 1) % SLOTS_A_CHUNK]; }

void put_slot(uint32_t place) {
    uint64_t head = engine->free.load(std::memory_order_acquire), next;
    do {
        next_of(place).store(static_cast<uint32_t>(head & FLAGS), std::memory_order_relaxed);
        next = ((head & ~FLAGS) + ONE_GENERATION) | place;
    } while (!engine->free.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_acquire));
}

/* Takes a chain of free slots, at most so many; the index + 1 of the first, 0 if there is none. */
uint32_t take_slots(uint32_t most) {
    uint64_t head = engine->free.load(std::memory_order_acquire);
    while (uint32_t first = static_cast<uint32_t>(head & FLAGS)) {
        /* While others take and put, this walks along slots that are not free any more; the count of changes tells. */
        uint32_t last = first;
        for (uint32_t count = 1, next; count < most && (next = next_of(last)); ++count) last = next;
        uint64_t rest = ((head & ~FLAGS) + ONE_GENERATION) | next_of(last);
        if (!engine->free.compare_exchange_weak(head, rest, std::memory_order_acq_rel, std::memory_order_acquire))
            continue;
        next_of(last).store(0, std::memory_order_relaxed);
        return first;
    }
    return 0;
}

bool add_chunk() {
    Locked locked(engine->growth);
    if (engine->free.load(std::memory_order_acquire) & FLAGS) return true;
    uint32_t slots = engine->slots.load(std::memory_order_relaxed);
    if (slots / SLOTS_A_CHUNK == MOST_CHUNKS) return false;
    Chunk *chunk = new (std::nothrow) Chunk;
    if (!chunk) return false;
    engine->chunks[slots / SLOTS_A_CHUNK].store(chunk, std::memory_order_release);
    engine->slots.store(slots + SLOTS_A_CHUNK, std::memory_order_release);
    for (uint32_t i = SLOTS_A_CHUNK; i-- > 0;) {
        chunk->calls[i].index = slots + i;
        put_slot(slots + i + 1);
    }
    return true;
}

/* --- ports ----------------------------------------------------------------------------------------------------- */

void close_descriptors(Port *port) {
#if !defined(_WIN32)
    if (port->reader >= 0) close(port->reader);
    if (port->writer >= 0 && port->writer != port->reader) close(port->writer);
#endif
    port->reader = port->writer = -1;
}

bool open_descriptors(Port *port) {
#if defined(_WIN32)
    (void)port;
    return false;
#elif defined(__linux__)
    port->reader = port->writer = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return port->reader >= 0;
#else
    int ends[2];
    if (pipe(ends)) return false;
    for (int end : ends) {
        fcntl(end, F_SETFL, O_NONBLOCK);
        fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    port->reader = ends[0];
    port->writer = ends[1];
    return true;
#endif
}

void wake(Port *port) {
#if !defined(_WIN32)
    if (port->writer >= 0) {
        /* If there is no room, a wake-up that nobody has cleared is there already. */
        uint64_t one = 1;
        ssize_t written = write(port->writer, &one, port->writer == port->reader ? sizeof one : 1);
        (void)written;
        return;
    }
#endif
    port->bell.fetch_add(1, std::memory_order_acq_rel);
    hcsrt::wake_all(port->bell);
}

void clear_wake(Port *port) {
#if !defined(_WIN32)
    uint64_t some[8];
    if (port->reader >= 0)
        while (read(port->reader, some, sizeof some) == static_cast<ssize_t>(sizeof some)) {}
#else
    (void)port;
#endif
}

void drop(Port *port) {
    if (port->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    close_descriptors(port);
    delete port;
}

/* --- the word of a call ---------------------------------------------------------------------------------------- */

bool is_abandoned(const Call *call) { return call->word.load(std::memory_order_acquire) & ABANDONED; }
bool is_lost(const Call *call) { return call->word.load(std::memory_order_acquire) & LOST; }

/* A new generation for the next operation of a call that its holder makes again. */
void renew(Call *call) {
    uint64_t seen = call->word.load(std::memory_order_acquire);
    while (!call->word.compare_exchange_weak(seen,
                                             ((seen & ~FLAGS) + ONE_GENERATION) | ((seen & FLAGS & ~COMPLETED) | HELD),
                                             std::memory_order_acq_rel, std::memory_order_acquire)) {}
}

void forward(Call *call);

/* The call goes to its receiver; by the one who may. After this only the receiver may touch it. */
void arrive(Call *call) {
    Port *port = call->port.load(std::memory_order_relaxed);
    if (!port) {
        hcsrt_call_complete(call);
        return;
    }
    bool closed;
    if (push(port->arrived, call, call, &closed)) wake(port);
    if (closed) forward(call);
    drop(port);
}

/* What the ticket names has happened. */
void signal(void *ticket) {
    uint64_t given = reinterpret_cast<uintptr_t>(ticket);
    uint32_t index = static_cast<uint32_t>(given & FLAGS);
    if (index >= engine->slots.load(std::memory_order_acquire)) return;
    Call *call = slot(index);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    do {
        if (((seen ^ given) & ~FLAGS) || !(seen & LIVE)) {
            engine->stale.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        if (seen & COMPLETED) {
            engine->repeated.fetch_add(1, std::memory_order_relaxed);
            return;
        }
    } while (!call->word.compare_exchange_weak(seen, seen | COMPLETED, std::memory_order_acq_rel,
                                               std::memory_order_acquire));
    if (!(seen & HELD)) arrive(call);
}

/* The completion callback of HCS. */
void HCSRT_CALL completed(hcsrt_operation, void *context) { signal(context); }

void *ticket_of(const Call *call) {
    uint64_t generation = call->word.load(std::memory_order_relaxed) & ~FLAGS;
    return reinterpret_cast<void *>(static_cast<uintptr_t>(generation | call->index));
}

/* By the holder. False: something has happened meanwhile, and the caller goes on holding it. */
bool let_go(Call *call) {
    uint32_t look_ms = call->look_ms;
    call->look_at.store(now_ms() + look_ms, std::memory_order_relaxed);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    do {
        if (seen & (COMPLETED | ABANDONED | LOST)) return false;
    } while (
        !call->word.compare_exchange_weak(seen, seen & ~HELD, std::memory_order_seq_cst, std::memory_order_acquire));
    /* The supervisor stops looking when it finds nothing to look at, and then looks once more. */
    if (look_ms < CALLBACK_LOOK_MS || !engine->looking.load(std::memory_order_seq_cst)) {
        engine->look_wanted.store(true);
        ring();
    }
    return true;
}

/* --- outcomes -------------------------------------------------------------------------------------------------- */

hcsrt_close closer_of(const Call *call) {
    return call->request.creates == HCSRT_CREATES_SYSTEM ? hcsrt_close_system : hcsrt_close_process;
}

hcsrt_handle real(hcsrt_handle handle) { return handle == reinterpret_cast<hcsrt_handle>(-1) ? nullptr : handle; }

/* Asks HCS, waiting at most so long. Stores what it hands out; returns its verdict. */
hcsrt_result ask(Call *call, uint32_t milliseconds) {
    const HcsApi *api = hcs();
    hcsrt_process_information info = {};
    hcsrt_char *document = nullptr;
    hcsrt_result result;
    if (call->has_info)
        result = milliseconds
                     ? api->HcsWaitForOperationResultAndProcessInfo(call->operation, milliseconds, &info, &document)
                     : api->HcsGetOperationResultAndProcessInfo(call->operation, &info, &document);
    else
        result = milliseconds ? api->HcsWaitForOperationResult(call->operation, milliseconds, &document)
                              : api->HcsGetOperationResult(call->operation, &document);
    if (result == HCSRT_E_OPERATION_PENDING || (milliseconds && result == HCSRT_E_OPERATION_TIMEOUT)) {
        if (document) api->free_string(document);
        return HCSRT_E_OPERATION_PENDING;
    }
    call->outcome.document = document;
    call->outcome.info.process_id = info.process_id;
    call->outcome.info.std_input = real(info.std_input);
    call->outcome.info.std_output = real(info.std_output);
    call->outcome.info.std_error = real(info.std_error);
    return result;
}

/* True: the outcome is HCS's last word. */
bool fetch(Call *call) {
    if (!call->fetched) {
        hcsrt_result result = ask(call, 0);
        call->outcome.result = result;
        call->fetched = result != HCSRT_E_OPERATION_PENDING;
    }
    return call->fetched;
}

bool has_handles(const Call *call) {
    const hcsrt_process_information &info = call->outcome.info;
    return call->outcome.created || info.std_input || info.std_output || info.std_error;
}

/* An abandoned call is announced to the reaper until that has it, or nothing is left of it; here this ends, once. */
void close_books(Call *call) {
    if (!call->off_books && is_abandoned(call) && !has_handles(call)) {
        call->off_books = true;
        hcsrt_reaper_announce(-1);
    }
}

/* A call that HCS has goes to the reaper, with what it creates. */
void hand_over(Call *call) {
    if (call->operation && !call->fetched) {
        const hcsrt_request &request = call->request;
        hcsrt_abandoned gone = {hcs(),        call->operation, request.creates,
                                request.keep, call->has_info,  call->outcome.created,
                                nullptr,      closer_of(call), is_lost(call)};
        hcsrt_reaper_adopt(&gone);
        call->operation = nullptr;
        call->outcome.created = nullptr;
        call->outcome.result = HCSRT_E_ABORT;
        call->fetched = true;
    }
    close_books(call);
}

/* Releases the handle that the call gave and nobody took; on a worker. */
void dispose_created(Call *call) {
    void *created = call->outcome.created;
    const hcsrt_request &request = call->request;
    call->outcome.created = nullptr;
    if (!created) return;
    /* As the reaper does: a create that failed may have given the handle of somebody else's system. */
    bool ok = !hcsrt_failed(call->outcome.result);
    bool ours = ok || (request.creates == HCSRT_CREATES_PROCESS && is_abandoned(call));
    if (request.keep || !ours) {
        closer_of(call)(created, nullptr);
        return;
    }
    hcsrt_abandoned gone = {hcs(), nullptr, request.creates, 0, 0, created, nullptr, closer_of(call), 0};
    hcsrt_reaper_adopt(&gone);
}

/* Releases everything of HCS that the call still has; on a worker. */
void dispose(Call *call) {
    const HcsApi *api = hcs();
    hand_over(call);
    for (hcsrt_outcome *outcome : {&call->outcome, &call->first}) {
        if (outcome->document) api->free_string(outcome->document);
        outcome->document = nullptr;
        outcome->of_resources = 0;
        hcsrt_process_information &info = outcome->info;
        for (hcsrt_handle handle : {info.std_input, info.std_output, info.std_error})
            if (handle) api->close_handle(handle);
        info = {};
    }
    dispose_created(call);
    if (call->operation) api->HcsCloseOperation(call->operation);
    call->operation = nullptr;
    close_books(call);
}

void free_call(Call *call) {
    call->port.store(nullptr, std::memory_order_relaxed);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    while (!call->word.compare_exchange_weak(seen, (seen & ~FLAGS) + ONE_GENERATION, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {}
    /* Its port may have been closed just now. */
    if ((seen & ABANDONED) && !call->off_books) hcsrt_reaper_announce(-1);
    put_slot(call->index + 1);
    engine->released.fetch_add(1, std::memory_order_acq_rel);
}

void orphan(Call *call) {
    if (!push(engine->orphans, call, call)) return;
    Locked locked(engine->notice_lock);
    if (engine->notice) engine->notice();
}

/* --- the worker ------------------------------------------------------------------------------------------------ */

/* By the holder of a call that has completed, was abandoned or is lost. */
void settle(Call *call) {
    uint64_t seen = call->word.fetch_or(COMPLETED, std::memory_order_acq_rel);
    if (seen & ABANDONED) {
        hand_over(call);
    } else if ((seen & LOST) && !fetch(call)) {
        hand_over(call);
        call->outcome.result = HCSRT_E_SERVICE_DISCONNECT;
    }
    arrive(call);
}

hcsrt_result no_operation() {
#if defined(_WIN32)
    /* That the last error is set is what hcsshim and WSL count on, the documentation does not say it. */
    DWORD code = GetLastError();
    if (code) return static_cast<hcsrt_result>(0x80070000u | code);
#endif
    return HCSRT_E_OUTOFMEMORY;
}

hcsrt_result add_resources(Call *call) {
    const hcsrt_request &request = call->request;
    hcsrt_result result = HCSRT_S_OK;
    for (uint32_t i = 0; i < request.resource_count && !hcsrt_failed(result); ++i) {
        const hcsrt_resource &resource = request.resources[i];
        result = hcs()->HcsAddResourceToOperation(call->operation, resource.type, resource.uri, resource.handle);
    }
    return result;
}

/* Hands a tracked call to HCS. If that fails, the outcome is fetched. */
void kick_off(Call *call) {
    const HcsApi *api = hcs();
    bool with_callback = !engine->wait;
    hcsrt_result result;
    for (;;) {
        call->operation =
            api->HcsCreateOperation(with_callback ? ticket_of(call) : nullptr, with_callback ? completed : nullptr);
        if (!call->operation) {
            call->outcome.result = no_operation();
            call->fetched = true;
            return;
        }
        result = add_resources(call);
        call->outcome.of_resources = hcsrt_failed(result);
        if (!hcsrt_failed(result)) result = call->request.start(api, &call->request, call->operation, &call->outcome);
        if (result != HCSRT_E_CALLBACK_ALREADY_SET || !with_callback) break;
        /* The handle wants to hear of its operations itself: one without a callback is welcome. */
        api->HcsCloseOperation(call->operation);
        /* Not the process that HCS is asked about once more: nobody has made it anew. */
        if (call->outcome.created && !call->asked) {
            closer_of(call)(call->outcome.created, nullptr);
            call->outcome.created = nullptr;
        }
        with_callback = false;
        renew(call);
    }
    call->look_ms = with_callback ? CALLBACK_LOOK_MS : FIRST_LOOK_MS;
    if (!hcsrt_failed(result)) return;
    /* A call that could not be kicked off may have a document all the same. */
    ask(call, 0);
    call->outcome.result = result;
    call->fetched = true;
}

/* Waits for a call without callback, if there may be one more thread that does. */
void wait_for(Call *call) {
    Pool *pool = pool_of(call);
    if (engine->waiters.fetch_add(1, std::memory_order_acq_rel) < MOST_WAITERS) {
        pool->threads.fetch_sub(1, std::memory_order_acq_rel);
        pool->encourage();
        while (!call->fetched && !is_abandoned(call) && !is_lost(call)) {
            hcsrt_result result = ask(call, WAIT_SLICE_MS);
            call->outcome.result = result;
            call->fetched = result != HCSRT_E_OPERATION_PENDING;
        }
        pool->threads.fetch_add(1, std::memory_order_acq_rel);
    }
    engine->waiters.fetch_sub(1, std::memory_order_acq_rel);
}

void make(Call *call) {
    hcsrt_request &request = call->request;
    if (call->operation) {
        hcs()->HcsCloseOperation(call->operation);
        call->operation = nullptr;
    }
    if (is_abandoned(call) && !request.insist) {
        call->outcome.result = HCSRT_E_ABORT;
        call->fetched = true;
    } else if (!request.untracked && is_lost(call)) {
        call->outcome.result = HCSRT_E_SERVICE_DISCONNECT;
        call->fetched = true;
    } else if (request.untracked) {
        call->outcome.result = request.start(hcs(), &request, nullptr, &call->outcome);
        call->fetched = true;
    } else {
        kick_off(call);
    }
    /* Before anybody can learn that the call is over: then the handle's owner may go. */
    if (request.leave) request.leave(request.subject);
    request.leave = nullptr;
    pool_of(call)->leave_lane(call);
    if (engine->wait && !call->fetched) wait_for(call);
    /* Not only once its loop has seen it. */
    if (call->fetched && is_abandoned(call)) dispose_created(call);
    if (call->fetched || !let_go(call)) settle(call);
}

void perform(Call *call) {
    switch (call->stage) {
    case Stage::MAKE: make(call); break;
    case Stage::RELEASE:
        dispose(call);
        free_call(call);
        break;
    case Stage::ORPHAN:
        dispose(call);
        orphan(call);
        break;
    }
}

void work(void *argument) {
    Pool *pool = static_cast<Pool *>(argument);
    for (;;) {
        uint32_t heard = pool->bell.load();
        bool more;
        if (Call *call = pool->take(&more)) {
            if (more) alarm();
            perform(call);
            continue;
        }
        int64_t began = now_ms();
        pool->idle.fetch_add(1);
        hcsrt::wait_on(pool->bell, heard, IDLE_MS);
        pool->idle.fetch_sub(1);
        if (now_ms() - began >= IDLE_MS && pool->retire()) return;
    }
}

/* --- pools and lanes ------------------------------------------------------------------------------------------- */

bool Pool::start_worker() {
    threads.fetch_add(1, std::memory_order_acq_rel);
    if (hcsrt::start_thread(work, this)) return true;
    threads.fetch_sub(1, std::memory_order_acq_rel);
    return false;
}

void Pool::submit(Call *first, Call *last) {
    if (!push(inbox, first, last)) return;
    encourage();
}

/* There is something to do that no worker has been told of. One that is awake will look for it, unless its call takes
 * long: more than one is woken by the supervisor only, since it costs fast calls more than it gains them. */
void Pool::encourage() {
    bell.fetch_add(1);
    if (idle.load() == threads.load()) hcsrt::wake_one(bell);
    else alarm();
}

/* A call that goes through a lane goes through it once. */
bool has_lane(const Call *call) {
    const hcsrt_request &request = call->request;
    return call->stage == Stage::MAKE && request.subject && request.lane != HCSRT_LANE_NONE &&
           request.lane != HCSRT_LANE_URGENT && !call->asked;
}

Lane **Pool::find(void *subject, hcsrt_lane kind) {
    uintptr_t address = reinterpret_cast<uintptr_t>(subject);
    Lane **link = &lanes[(address >> 4 ^ address >> 12) % BUCKETS];
    while (*link && ((*link)->subject != subject || (*link)->kind != kind)) link = &(*link)->next;
    return link;
}

/* From the inbox to the lanes, and from these to the ready; under the lock. */
void Pool::accept() {
    if (!inbox.load(std::memory_order_acquire)) return;
    Call *call = oldest_first(inbox.exchange(nullptr, std::memory_order_acq_rel));
    int64_t now = now_ms();
    while (call) {
        Call *next = call->next;
        call->since = now;
        call->lane = nullptr;
        if (has_lane(call)) {
            hcsrt_lane kind = call->request.lane;
            Lane **link = find(call->request.subject, kind);
            Lane *lane = *link;
            if (!lane && (lane = spare ? spare : new (std::nothrow) Lane)) {
                if (lane == spare) spare = lane->next;
                *lane = Lane{call->request.subject, kind, 0, {}, nullptr};
                *link = lane;
            }
            call->lane = lane;
        }
        if (!call->lane) ready.push(call);
        else if (call->lane->running == (call->lane->kind == HCSRT_LANE_QUERY ? QUERY_WIDTH : 1))
            call->lane->waiting.push(call);
        else {
            ++call->lane->running;
            ready.push(call);
        }
        call = next;
    }
}

Call *Pool::take(bool *more) {
    Locked locked(lock);
    accept();
    Call *call = ready.pop();
    *more = ready.count;
    return call;
}

/* The native call has returned: the next one of the lane may be made. */
void Pool::leave_lane(Call *call) {
    Lane *lane = call->lane;
    call->lane = nullptr;
    if (!lane) return;
    bool more = false;
    {
        Locked locked(lock);
        if (Call *next = lane->waiting.pop()) {
            next->since = now_ms();
            ready.push(next);
            more = true;
        } else if (!--lane->running) {
            *find(lane->subject, lane->kind) = lane->next;
            lane->next = spare;
            spare = lane;
        }
    }
    /* This worker may go on to wait for the call. */
    if (more && engine->wait) encourage();
}

/* True: one worker too many, and the caller is the one. */
bool Pool::retire() {
    Locked locked(lock);
    if (threads.load() <= 1 || ready.count || inbox.load()) return false;
    threads.fetch_sub(1);
    return true;
}

/* By the supervisor: more workers if a call waits for one. True: look again soon. */
bool Pool::tend(int64_t now) {
    uint32_t waiting;
    int64_t age;
    {
        Locked locked(lock);
        accept();
        waiting = ready.count;
        if (!waiting) return false;
        age = now - ready.first->since;
        if (age < WAKE_MS) return true;
    }
    /* Twice as many as are busy, so that a few steps suffice for many that hang, and few are woken for few. */
    uint32_t asleep = idle.load(), here = threads.load();
    uint32_t more = here > asleep ? here - asleep : 1;
    if (more > waiting) more = waiting;
    bell.fetch_add(1);
    for (; more && asleep; --more, --asleep) hcsrt::wake_one(bell);
    for (; more && age >= GROW_MS && threads.load() < MOST_WORKERS; --more)
        if (!start_worker()) break;
    return threads.load() < MOST_WORKERS || idle.load();
}

/* --- the supervisor -------------------------------------------------------------------------------------------- */

constexpr int64_t NEVER = INT64_MAX;

/* Asks for the calls that are due. Returns when the next one is; NEVER if none is pending. */
int64_t look(int64_t now) {
    int64_t next = NEVER;
    uint32_t slots = engine->slots.load(std::memory_order_acquire);
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slot(index);
        uint64_t seen = call->word.load(std::memory_order_seq_cst);
        bool lost = (seen & FLAGS) == (LIVE | LOST);
        if ((seen & FLAGS) != LIVE && !lost) continue;
        int64_t due = lost ? now : call->look_at.load(std::memory_order_relaxed);
        if (due > now) {
            if (due < next) next = due;
            continue;
        }
        if (!call->word.compare_exchange_strong(seen, seen | HELD, std::memory_order_acq_rel)) continue;
        if (lost) {
            settle(call);
            continue;
        }
        bool over = fetch(call);
        if (over) engine->asked.fetch_add(1, std::memory_order_relaxed);
        else if (call->look_ms < CALLBACK_LOOK_MS)
            call->look_ms = call->look_ms * 2 < LAST_LOOK_MS ? call->look_ms * 2 : LAST_LOOK_MS;
        due = now + call->look_ms;
        if (over || !let_go(call)) settle(call);
        else if (due < next) next = due;
    }
    return next;
}

void supervise(void *argument) {
    Engine *self = static_cast<Engine *>(argument);
    int64_t due = NEVER, tend_at = NEVER;
    for (;;) {
        uint32_t heard = self->bell.load();
        int64_t now = now_ms();
        /* Not at once: most calls that wait for a worker when the alarm is given do not for long. */
        if (tend_at == NEVER && self->alarmed.load()) tend_at = now + WAKE_MS;
        if (now >= tend_at) {
            self->alarmed.store(false);
            bool again = self->ordinary.tend(now);
            again |= self->urgent.tend(now);
            if (again) self->alarmed.store(true);
            tend_at = again ? now + WAKE_MS : NEVER;
        }
        if (self->look_wanted.exchange(false) || now >= due) {
            due = look(now);
            if (due == NEVER) {
                self->looking.store(false, std::memory_order_seq_cst);
                due = look(now);
            }
            if (due != NEVER) self->looking.store(true, std::memory_order_seq_cst);
        }
        int64_t next = due < tend_at ? due : tend_at;
        uint32_t pause = next == NEVER ? FOREVER : next > now ? static_cast<uint32_t>(next - now) : 0;
        if (pause) hcsrt::wait_on(self->bell, heard, pause);
    }
}

bool ensure(Pool *pool) {
    uint32_t not_yet = 0;
    if (!engine->supervised.load(std::memory_order_acquire)) {
        if (!hcsrt_reaper_start()) return false;
        if (engine->supervised.compare_exchange_strong(not_yet, 1, std::memory_order_acq_rel) &&
            !hcsrt::start_thread(supervise, engine)) {
            engine->supervised.store(0, std::memory_order_release);
            return false;
        }
    }
    return pool->threads.load(std::memory_order_acquire) || pool->start_worker();
}

/* The next call will write what other processors have written last. */
void prefetch(const Call *call) {
#if defined(__GNUC__)
    const char *line = reinterpret_cast<const char *>(call);
    for (size_t offset = 0; offset < sizeof(Call); offset += LINE) __builtin_prefetch(line + offset, 1);
#else
    (void)call;
#endif
}

/* A slot for a call, not live yet. NULL: no memory, or no thread. */
Call *new_call(Pool *pool, Port *port) {
    if (!ensure(pool)) return nullptr;
    uint32_t place = port ? port->spare : 0;
    while (!place && !(place = take_slots(port ? SPARE_SLOTS : 1)))
        if (!add_chunk()) return nullptr;
    Call *call = slot(place - 1);
    if (port && (port->spare = next_of(place))) prefetch(slot(port->spare - 1));
    call->urgent = pool == &engine->urgent;
    call->stage = Stage::MAKE;
    call->fetched = call->asked = call->off_books = false;
    call->port.store(port, std::memory_order_relaxed);
    if (port && !port->credit--) {
        port->references.fetch_add(SPARE_SLOTS, std::memory_order_relaxed);
        port->credit = SPARE_SLOTS - 1;
    }
    engine->submitted.fetch_add(1, std::memory_order_acq_rel);
    return call;
}

/* --- abandoned calls ------------------------------------------------------------------------------------------- */

enum class Withdrawn : uint8_t {
    TAKEN,  /* the call belongs to the caller, who has to release or forward it */
    NOTED,  /* it will arrive, or was abandoned before */
    RENEWED /* nothing was done: `seen` is of another generation, which may be that of the same call */
};

Withdrawn withdraw(Call *call, uint64_t seen) {
    uint64_t generation = seen & ~FLAGS, next;
    hcsrt_reaper_announce(1);
    do {
        if ((seen & ~FLAGS) != generation || (seen & ABANDONED)) {
            hcsrt_reaper_announce(-1);
            return (seen & ~FLAGS) != generation ? Withdrawn::RENEWED : Withdrawn::NOTED;
        }
        next = seen & (HELD | COMPLETED) ? seen | ABANDONED : seen | HELD | COMPLETED | ABANDONED;
    } while (!call->word.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_acquire));
    if (seen & (HELD | COMPLETED)) return Withdrawn::NOTED;
    Port *port = call->port.load(std::memory_order_relaxed);
    hand_over(call);
    if (port) drop(port);
    return Withdrawn::TAKEN;
}

/* A call whose port is closed loses all that is HCS's, and then waits for whoever owns what is behind its request. That
 * it is abandoned has to be seen by then: its loop is gone, and the thread that finds it may be any. */
void forward(Call *call) {
    withdraw(call, call->word.load(std::memory_order_acquire));
    call->stage = Stage::ORPHAN;
    pool_of(call)->submit(call, call);
}

/* --- drained calls --------------------------------------------------------------------------------------------- */

hcsrt_result start_process_info(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                hcsrt_outcome *) {
    return api->HcsGetProcessInfo(request->raw, operation);
}

/* Server 2022 reports failure for some process-isolated containers although the process runs: HCS is asked once more. */
bool is_doubtful(const Call *call) {
    return call->request.creates == HCSRT_CREATES_PROCESS && call->has_info && !call->asked && call->outcome.created &&
           hcsrt_failed(call->outcome.result);
}

/* The port's reference of a call goes with the push; a call that goes back needs a new one. */
void take_back(Call *call) {
    call->port.load(std::memory_order_relaxed)->references.fetch_add(1, std::memory_order_acq_rel);
}

void make_again(Call *call) {
    call->asked = true;
    call->first = call->outcome;
    call->outcome = {};
    call->outcome.created = call->first.created;
    call->first.created = nullptr;
    call->request.start = start_process_info;
    call->request.raw = call->outcome.created;
    call->request.resource_count = 0;
    call->fetched = false;
    take_back(call);
    renew(call);
    pool_of(call)->submit(call, call);
}

/* HCS has called back, but says that the operation is pending. */
void wait_again(Call *call) {
    call->look_ms = FIRST_LOOK_MS;
    take_back(call);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    while (!call->word.compare_exchange_weak(seen, (seen & ~COMPLETED) | HELD, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {}
    if (!let_go(call)) settle(call);
}

#if !defined(_WIN32)
void in_forked_child() {
    Engine *parents = engine;
    engine = new Engine;
    engine->wait = parents->wait;
    engine->notice = parents->notice;
}
#endif

}  // namespace

extern "C" {

void hcsrt_engine_init(int wait) {
    if (engine) return;
    engine = new Engine;
    engine->wait = wait;
    hcsrt_set_disconnect_notice(hcsrt_lose);
#if !defined(_WIN32)
    pthread_atfork(nullptr, nullptr, in_forked_child);
#endif
}

hcsrt_call *hcsrt_submit(hcsrt_port *port, const hcsrt_request *request) {
    bool urgent = request->lane == HCSRT_LANE_TERMINATE || request->lane == HCSRT_LANE_URGENT;
    Pool *pool = urgent ? &engine->urgent : &engine->ordinary;
    Call *call = new_call(pool, port);
    if (!call) return nullptr;
    call->request = *request;
    call->complete = request->complete;
    call->context = request->context;
    call->has_info = request->has_info;
    call->subject.store(request->subject, std::memory_order_relaxed);
    call->word.fetch_or(LIVE | HELD, std::memory_order_acq_rel);
    if (!port || urgent) {
        pool->submit(call, call);
    } else {
        call->next = port->newest;
        port->newest = call;
        if (!port->unsent++) port->oldest = call;
        if (port->unsent == MOST_UNSENT) hcsrt_port_send(port);
    }
    return call;
}

uint32_t hcsrt_port_unsent(const hcsrt_port *port) { return port->unsent; }

void hcsrt_port_send(hcsrt_port *port) {
    if (!port->unsent) return;
    Call *newest = port->newest;
    port->newest = nullptr;
    port->unsent = 0;
    engine->ordinary.submit(newest, port->oldest);
}

hcsrt_call *hcsrt_expect(hcsrt_port *port, hcsrt_complete complete, void *context, void **ticket) {
    Call *call = new_call(&engine->ordinary, port);
    if (!call) return nullptr;
    call->outcome.result = HCSRT_S_OK;
    call->request = {};
    call->complete = complete;
    call->context = context;
    call->has_info = false;
    call->fetched = true;
    call->subject.store(nullptr, std::memory_order_relaxed);
    call->look_at.store(NEVER, std::memory_order_relaxed);
    *ticket = ticket_of(call);
    call->word.fetch_or(LIVE, std::memory_order_acq_rel);
    return call;
}

void hcsrt_signal(void *ticket) { signal(ticket); }

void hcsrt_lose(void *subject) {
    uint32_t slots = engine->slots.load(std::memory_order_acquire);
    bool any = false;
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slot(index);
        bool marked = false;
        while (!marked) {
            uint64_t seen = call->word.load(std::memory_order_acquire);
            if (!(seen & LIVE) || call->subject.load(std::memory_order_relaxed) != subject) break;
            /* With another generation it may be a call of somebody else by now, or the same one, which is made again. */
            marked = call->word.compare_exchange_strong(seen, seen | LOST, std::memory_order_acq_rel);
        }
        any |= marked;
    }
    if (!any) return;
    engine->look_wanted.store(true);
    ring();
}

int hcsrt_call_abandon(hcsrt_call *call) {
    Withdrawn how;
    do how = withdraw(call, call->word.load(std::memory_order_acquire));
    while (how == Withdrawn::RENEWED);
    if (how != Withdrawn::TAKEN) return 0;
    hcsrt_call_release(call);
    return 1;
}

int hcsrt_call_is_abandoned(const hcsrt_call *call) { return is_abandoned(call); }

hcsrt_outcome *hcsrt_call_outcome(hcsrt_call *call) {
    fetch(call);
    return &call->outcome;
}

void hcsrt_call_complete(hcsrt_call *call) { call->complete(call, call->context); }

hcsrt_call *hcsrt_call_next(const hcsrt_call *call) { return call->next; }

void hcsrt_call_release(hcsrt_call *call) {
    call->next = nullptr;
    hcsrt_calls_release(call);
}

void hcsrt_calls_release(hcsrt_call *chain) {
    for (Pool *pool : {&engine->ordinary, &engine->urgent}) {
        Call *first = nullptr, *last = nullptr, **link = &chain;
        while (Call *call = *link) {
            if (pool_of(call) != pool) {
                link = &call->next;
                continue;
            }
            *link = call->next;
            call->stage = Stage::RELEASE;
            call->next = first;
            first = call;
            if (!last) last = call;
        }
        if (first) pool->submit(first, last);
    }
}

hcsrt_port *hcsrt_port_new(int with_descriptor) {
    Port *port = new (std::nothrow) Port;
    if (port && with_descriptor && !open_descriptors(port)) {
        delete port;
        return nullptr;
    }
    return port;
}

int hcsrt_port_descriptor(const hcsrt_port *port) { return port->reader; }

uint32_t hcsrt_port_wait(hcsrt_port *port, uint32_t seen, uint32_t milliseconds) {
    if (port->bell.load(std::memory_order_acquire) == seen) hcsrt::wait_on(port->bell, seen, milliseconds);
    return port->bell.load(std::memory_order_acquire);
}

int hcsrt_port_has_arrived(const hcsrt_port *port) {
    Call *newest = port->arrived.load(std::memory_order_acquire);
    return newest && newest != CLOSED;
}

hcsrt_call *hcsrt_port_take(hcsrt_port *port) {
    clear_wake(port);
    Call *chain = oldest_first(port->arrived.exchange(nullptr, std::memory_order_acq_rel));
    Call **link = &chain;
    while (Call *call = *link) {
        if (fetch(call) && !(is_doubtful(call) && !is_abandoned(call))) {
            if (call->asked && hcsrt_failed(call->outcome.result) && call->first.document) {
                hcsrt_char *second = call->outcome.document;
                call->outcome.document = call->first.document;
                call->first.document = second;
            }
            if (call->asked && hcsrt_failed(call->outcome.result)) call->outcome.result = call->first.result;
            link = &call->next;
            continue;
        }
        *link = call->next;
        if (call->fetched) make_again(call);
        else wait_again(call);
    }
    return chain;
}

void hcsrt_port_close(hcsrt_port *port) {
    hcsrt_port_send(port);
    Call *chain = port->arrived.exchange(CLOSED, std::memory_order_acq_rel);
    while (Call *call = chain) {
        chain = call->next;
        forward(call);
    }
    uint32_t slots = engine->slots.load(std::memory_order_acquire);
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slot(index);
        Withdrawn how;
        do {
            uint64_t seen = call->word.load(std::memory_order_acquire);
            bool ours = (seen & LIVE) && call->port.load(std::memory_order_relaxed) == port;
            how = ours ? withdraw(call, seen) : Withdrawn::NOTED;
        } while (how == Withdrawn::RENEWED);
        if (how == Withdrawn::TAKEN) forward(call);
    }
    while (uint32_t place = port->spare) {
        port->spare = next_of(place);
        put_slot(place);
    }
    port->bell.fetch_add(1, std::memory_order_acq_rel);
    hcsrt::wake_all(port->bell);
    port->references.fetch_sub(port->credit, std::memory_order_relaxed);
    drop(port);
}

void hcsrt_port_forget(hcsrt_port *port) { close_descriptors(port); }

hcsrt_call *hcsrt_orphans(void) {
    if (!engine->orphans.load(std::memory_order_acquire)) return nullptr;
    return oldest_first(engine->orphans.exchange(nullptr, std::memory_order_acq_rel));
}

void hcsrt_set_orphan_notice(void (*notice)(void)) {
    Locked locked(engine->notice_lock);
    engine->notice = notice;
}

hcsrt_engine_counts hcsrt_engine_count(void) {
    /* In this order: what is released was submitted. */
    int64_t released = engine->released.load();
    return {engine->submitted.load() - released, engine->stale.load(), engine->repeated.load(), engine->asked.load(),
            static_cast<int64_t>(engine->ordinary.threads.load()) + engine->urgent.threads.load()};
}

}  // extern "C"
