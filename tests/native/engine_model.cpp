/* Walks every interleaving of the steps that native/engine takes with one call, and of what HCS and its owner may do.
 *
 * What changes the word of the call is native/engine/word.h itself; the other steps are told as the engine takes them.
 * Threads are coroutines. Before each access to what others see, a thread stops, and any other may go on. The state is
 * what they share, and the stacks of all threads: these are copied, and put back to go another way from there.
 *
 *   engine_model                              walks all scenarios
 *   engine_model MUTATION [PART]              with a mutated step; only the scenarios that have this part
 *
 * Exits with 1 and a line "violation: ..." at the first violation. */
#undef _FORTIFY_SOURCE /* it takes a longjmp to another stack for an error */

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include <ucontext.h>

#include "engine/word.h"

namespace {

namespace word = hcsrt::engine::word;

/* --- scenarios ------------------------------------------------------------------------------------------------- */

/* How HCS answers. With NEWS nobody calls HCS: a reader waits for events, with calls that only a signal completes. */
enum Answer { LATER, INLINE, TWICE, NEVER, TOO_EARLY, HANGS, FAILS, FAILS_AND_CALLS, REFUSED, REFUSED_HANGS, NEWS };
constexpr int ANSWERS = NEWS + 1;
const char *const ANSWER_NAMES[] = {"later",     "inline",
                                    "twice",     "never",
                                    "too early", "hangs",
                                    "fails",     "fails and calls back",
                                    "refused",   "refused and hangs",
                                    "news"};

/* What its owner does, and others do, meanwhile. */
struct Scenario {
    Answer answer;
    bool cancel, close_port, close_handle, ask, lose;
    bool again; /* the slot is used for a second call, whose callback is its own */
    bool wait;  /* a thread waits for the operation, and HCS has no callback to call */

    int size() const { return cancel + close_port + close_handle + ask + again + lose; }
    bool is_started_again() const { return answer == REFUSED || answer == REFUSED_HANGS; }
    bool has(const char *part) const {
        return (cancel && !strcmp(part, "cancel")) || (close_port && !strcmp(part, "close_port")) ||
               (close_handle && !strcmp(part, "close_handle")) || (ask && !strcmp(part, "ask")) ||
               (lose && !strcmp(part, "lose")) || (again && !strcmp(part, "again")) ||
               (wait && !strcmp(part, "wait")) || (is_started_again() && !strcmp(part, "refused")) ||
               (answer == NEWS && !strcmp(part, "news"));
    }
};

/* --- the world: one slot, one port, one handle ----------------------------------------------------------------- */

enum Stage { NO_STAGE, START, RELEASE, ORPHAN };
enum List { EMPTY, CALL, CLOSED_LIST };
enum Running { NO, YES, DONE };
enum Owner { NOBODY, ENGINE, REAPER, RELEASED, TAKEN };

constexpr int EVENTS = 2;
constexpr int MOST_USES =
    6; /* of the slot: one wait that is cancelled, and those that news wake which were taken already */

struct World {
    word::Word word;
    uint64_t tickets[MOST_USES]; /* the generation in the context of each callback */
    int8_t stage, inbox, delivered, signalled;
    int8_t port_references, port_open, port_closed;
    int8_t orphans, collected, announced, unannounced;
    /* The operation of each use of the slot: what HCS does with it, and who may use it. */
    int8_t running[MOST_USES], owner[MOST_USES], created[MOST_USES], over[MOST_USES];
    int8_t use, freed;
    /* The handle: calls inside, and whether the object that has the guard is still there. */
    int8_t inside, closing, released, object_alive;
    int8_t look; /* the supervisor is to look for calls that are cut off */
    int8_t asleep, cancelling, refused;
    /* The events that a reader has not taken, how many news there were, and the wait that they are told to. */
    int8_t queued, count, told_to, taken;
};

World world;
Scenario scenario;
const char *mutation = "";
const char *violation;

bool has(const char *name) { return *mutation && !strcmp(mutation, name); }

struct Digest {
    uint64_t a = 0, b = 0;

    void mix(uint64_t value) {
        a = (a ^ value) * 0x9E3779B97F4A7C15u;
        a ^= a >> 29;
        b = (b + value) * 0xC2B2AE3D27D4EB4Fu;
        b ^= b >> 31;
    }
    void mix(const void *what, size_t length) {
        const char *at = static_cast<const char *>(what);
        for (; length >= 8; at += 8, length -= 8) {
            uint64_t value;
            memcpy(&value, at, 8);
            mix(value);
        }
        uint64_t rest = 0;
        memcpy(&rest, at, length);
        mix(rest);
    }
};

/* --- threads ---------------------------------------------------------------------------------------------------- */

constexpr int MOST_THREADS = 9;
constexpr size_t STACK = 64 * 1024;
/* Below the frame that stops a thread, what the compiler may keep there. */
constexpr size_t RED_ZONE = 128;

struct Thread {
    void (*body)(int);
    int argument;
    bool (*may_go_on)(int);
    int condition;
    jmp_buf *at;
    bool done;
    Digest state; /* of its stack, and of what it waits for */
};

Thread threads[MOST_THREADS];
alignas(16) char stacks[MOST_THREADS][STACK];
int thread_count;
int running = -1; /* none: the scenario is being set up */
jmp_buf scheduler;

[[gnu::noinline]] void stop(bool (*may_go_on)(int), int condition) {
    jmp_buf here;
    memset(&here, 0, sizeof here); /* what setjmp leaves alone is no part of the state */
    Thread &self = threads[running];
    self.may_go_on = may_go_on;
    self.condition = condition;
    self.at = &here;
    if (!_setjmp(here)) _longjmp(scheduler, 1);
}

void check(bool fine, const char *what) {
    if (fine || violation) return;
    violation = what;
    if (running >= 0) _longjmp(scheduler, 1);
}

/* Any other thread may go on. */
void step() {
    if (running >= 0) stop(nullptr, 0);
}

void wait_until(bool (*condition)(int), int argument = 0) { stop(condition, argument); }

/* --- steps that several threads take --------------------------------------------------------------------------- */

bool is_this() { return true; }

void announce(int calls) {
    step();
    world.announced += calls;
    check(world.announced >= 0, "more calls are taken from the reaper's count than were announced");
}

bool is_abandoned() { return world.word.value & word::ABANDONED; }

void use_operation(int use) { check(world.owner[use] == ENGINE, "an operation is used by who does not own it"); }

void unannounce() {
    if (world.unannounced || !word::is_abandoned(world.word) || world.created[world.use] == ENGINE) return;
    world.unannounced = 1;
    announce(-1);
}

/* The reaper closes the operation and ends what was created. */
void give_to_reaper() {
    int use = world.use;
    if (use >= 0 && world.owner[use] == ENGINE && !world.collected) {
        world.owner[use] = REAPER;
        if (world.created[use] == ENGINE)
            world.created[use] = has("an abandoned call is closed, not given to the reaper") ? NOBODY : REAPER;
        world.collected = 1;
    }
    unannounce();
}

void unreference() {
    step();
    check(--world.port_references >= 0, "a port loses more references than it has");
    if (!world.port_references) world.port_open = 0;
}

void submit(Stage stage) {
    step();
    check(!world.inbox, "a call is in the inbox twice");
    world.inbox = stage;
}

void make_orphan() {
    if (!has("a call that is delivered late is not abandoned")) word::abandon(world.word, is_this, announce);
    world.stage = ORPHAN;
    submit(ORPHAN);
}

void deliver() {
    bool early = has("a push does not keep the port");
    if (early) unreference();
    step();
    if (world.delivered == CLOSED_LIST) {
        if (!has("the lists forget the closed port")) make_orphan();
    } else {
        check(!world.delivered, "a call is on a list twice");
        check(world.word.value & word::LIVE, "a free slot is delivered");
        world.delivered = CALL;
        step();
        check(world.port_open, "a wake-up is written to a closed descriptor");
        world.signalled = 1;
    }
    if (!early) unreference();
}

bool collect() {
    if (world.collected) return true;
    step();
    use_operation(world.use);
    world.collected = world.running[world.use] == DONE;
    return world.collected;
}

void complete_held() {
    uint64_t before = word::complete(world.word);
    if (before & word::ABANDONED) {
        give_to_reaper();
    } else if ((before & word::DISCONNECTED) && !collect()) {
        if (has("a disconnected call is closed, not given to the reaper")) {
            world.owner[world.use] = RELEASED;
            world.created[world.use] = NOBODY;
            world.collected = 1;
        } else {
            give_to_reaper();
        }
    }
    deliver();
}

/* As a holder that ends its holding without looking. */
bool unhold_blindly() {
    step();
    world.word.value &= ~word::HELD;
    return true;
}

bool abandon() {
    if (!word::abandon(world.word, is_this, announce)) return false;
    give_to_reaper();
    unreference();
    return true;
}

/* Python drops what is behind the request. */
void drop_object() {
    world.object_alive = 0;
    check(!world.inside || world.use > 0, "the owner goes while its call is inside");
}

bool is_finished() {
    if (scenario.answer == NEWS) return world.freed == world.use + 1 && (world.port_closed || world.taken == EVENTS);
    return world.freed == (scenario.again ? 2 : 1);
}

/* --- HCS -------------------------------------------------------------------------------------------------------- */

void signal(int use, uint64_t generation) {
    switch (word::signal(world.word, generation)) {
    case word::Signal::DELIVER:
        check(world.use == use, "a callback completes the slot's next call");
        deliver();
        break;
    case word::Signal::NOTED: check(world.use == use, "a callback completes the slot's next call"); break;
    case word::Signal::REPEATED:
    case word::Signal::STALE: break;
    }
}

bool is_started(int use) { return world.running[use] != NO || is_finished(); }

/* What HCS does with an operation once it has it. */
void hcs(int use) {
    Answer answer = use ? LATER : scenario.answer;
    wait_until(is_started, use);
    if (world.running[use] == NO) return;
    uint64_t ticket = world.tickets[use];
    /* These the worker completes; a callback may come late all the same. */
    if (answer == INLINE || answer == FAILS) return;
    if (answer == FAILS_AND_CALLS) return signal(use, ticket);
    if (answer == TOO_EARLY) signal(use, ticket);
    if (answer == HANGS || answer == REFUSED_HANGS) return;
    step();
    world.running[use] = DONE;
    if (answer == NEVER || answer == TOO_EARLY || answer == REFUSED || scenario.wait) return;
    signal(use, ticket);
    if (answer == TWICE) signal(use, ticket);
}

bool is_refused(int) { return world.refused || is_finished(); }

/* HCS has refused a callback, and calls it all the same. */
void late_callback(int) {
    wait_until(is_refused);
    if (world.refused) signal(0, word::ONE_GENERATION);
}

void leave_guard() {
    if (world.use) return;
    check(world.object_alive, "the guard of a handle that is gone is left");
    --world.inside;
    if (!world.closing || world.inside) return;
    check(!world.released, "a handle is released twice");
    world.released = 1;
}

void close_handle(int) {
    step();
    if (!world.object_alive) return;
    world.closing = 1;
    if (!world.inside) world.released = 1;
}

bool is_of_first() {
    step();
    return !world.use;
}

/* HCS tells the handle of the first call that the service is gone: the calls of that handle are marked. */
void disconnect(int) {
    if (!word::disconnect(world.word, is_of_first)) return;
    check(!world.use, "a call of another handle is disconnected");
    step();
    world.look = 1;
}

/* --- the engine's threads --------------------------------------------------------------------------------------- */

bool is_answered(int use) { return world.running[use] == DONE || !word::may_wait(world.word); }

/* The worker waits for the operation. It holds the call, and looks now and then whether it is still to wait. */
void wait_for() {
    check(!world.inside || world.use > 0, "a guard is kept while its call is waited for");
    if (has("who waits does not hold the call")) unhold_blindly();
    while (word::may_wait(world.word) && !collect()) wait_until(is_answered, world.use);
}

void start() {
    int use = world.use;
    Answer answer = use ? LATER : scenario.answer;
    bool abandoned_before = is_abandoned();
    bool unwanted = word::is_abandoned(world.word) && !has("a call that was not started is started");
    if (unwanted || word::is_disconnected(world.word)) {
        world.collected = 1;
    } else {
        check(!abandoned_before, "an abandoned call is started");
        if (use == 0 && scenario.is_started_again()) {
            /* It is started again, with an operation that has no callback. */
            world.refused = 1;
            word::renew(world.word);
        }
        world.tickets[use] = word::generation_of(word::load(world.word));
        world.owner[use] = world.created[use] = ENGINE;
        world.running[use] = YES;
        step();
        if (answer == INLINE) {
            world.running[use] = DONE;
            if (!scenario.wait) signal(use, world.tickets[use]);
        }
        if (answer == FAILS || answer == FAILS_AND_CALLS) {
            world.running[use] = DONE;
            use_operation(use);
            world.collected = 1;
        }
    }
    bool late = has("the guard is left after the holding ends") || has("who waits keeps the guard");
    if (!late) {
        step();
        leave_guard();
    }
    if (scenario.wait && !world.collected) wait_for();
    if (world.collected && has("a failed kick-off ends the holding")) {
        unhold_blindly();
        deliver();
    } else if (world.collected || !word::unhold(world.word)) {
        complete_held();
    }
    if (late) {
        step();
        leave_guard();
    }
}

void release() {
    int use = world.use;
    give_to_reaper();
    if (world.created[use] == ENGINE) world.created[use] = RELEASED;
    if (world.owner[use] == ENGINE) world.owner[use] = RELEASED;
    unannounce();
}

bool has_work(int) { return world.inbox || is_finished(); }

void work(int) {
    while (!is_finished()) {
        wait_until(has_work);
        if (!world.inbox) return;
        int stage = world.inbox;
        world.inbox = NO_STAGE;
        if (stage == START) {
            start();
            continue;
        }
        release();
        if (stage == ORPHAN) {
            step();
            ++world.orphans;
            continue;
        }
        uint64_t before = word::finish(world.word);
        if ((before & word::ABANDONED) && !world.unannounced) announce(-1);
        step();
        ++world.freed;
    }
}

bool may_look(int early) {
    bool pending = (world.word.value & word::FLAGS) == word::LIVE;
    bool due = early || (world.use >= 0 && world.running[world.use] == DONE);
    return (pending && due) || world.look || is_finished();
}

/* Asks once at any time, and then whenever nothing but the answer is missing. */
void supervise(int) {
    int early = scenario.ask;
    for (;;) {
        wait_until(may_look, early);
        if (is_finished()) return;
        world.look = 0;
        uint64_t seen = word::load_in_order(world.word);
        bool cut_off = word::is_cut_off(seen);
        if (!word::is_pending(seen) && !cut_off) continue;
        if (!word::hold(world.word, seen)) continue;
        if (cut_off) {
            complete_held();
            continue;
        }
        early = 0;
        bool blindly = has("who asks does not look when the holding ends");
        if (collect() || !(blindly ? unhold_blindly() : word::unhold(world.word))) complete_held();
    }
}

/* --- the owner's threads ---------------------------------------------------------------------------------------- */

/* The completion in Python: it takes what it wants, and drops what is behind the request. */
void receive() {
    int use = world.use;
    check(!world.over[use], "a call completes twice");
    world.over[use] = 1;
    world.told_to = -1;
    if (!word::is_abandoned(world.word) && world.created[use] == ENGINE) world.created[use] = TAKEN;
    if (!use) drop_object();
}

void give_back() {
    world.stage = RELEASE;
    submit(RELEASE);
}

bool is_free(int uses) { return world.freed == uses; }

void start_second() {
    world.use = 1;
    world.collected = world.unannounced = 0;
    world.stage = START;
    ++world.port_references;
    word::begin(world.word);
    submit(START);
}

/* What the loop does with the call that it has taken from its port. */
void receive_or_pend() {
    if (!collect()) {
        /* HCS has called back too early. */
        ++world.port_references;
        word::pend(world.word);
        if (!word::unhold(world.word)) complete_held();
        return;
    }
    receive();
    give_back();
    if (!scenario.again || world.use) return;
    wait_until(is_free, 1);
    start_second();
}

int uses_over() {
    int sum = 0;
    for (int over : world.over) sum += over;
    return sum;
}

bool may_drain(int uses) { return !world.cancelling && (world.signalled || world.port_closed || uses_over() == uses); }

/* Takes what was delivered when it is woken. */
void loop(int) {
    int uses = scenario.again ? 2 : 1;
    bool late = has("the wake-up is cleared after the list is taken");
    while (!world.port_closed) {
        world.asleep = 1;
        wait_until(may_drain, uses);
        if (world.port_closed || uses_over() == uses) return;
        world.asleep = 0;
        if (!late) world.signalled = 0;
        step();
        int delivered = world.delivered;
        if (world.port_closed || delivered == CLOSED_LIST) return;
        world.delivered = EMPTY;
        if (delivered) receive_or_pend();
        if (!late) continue;
        step();
        world.signalled = 0;
    }
}

bool is_asleep(int) { return world.asleep; }

/* On the loop's thread, and so never between two steps of a drain: what was received is not cancelled. */
void cancel(int) {
    wait_until(is_asleep);
    int use = world.use;
    if (world.port_closed || use < 0 || world.over[use]) return;
    world.cancelling = 1;
    if (scenario.answer == NEWS) {
        step();
        world.told_to = -1;
    }
    if (abandon()) {
        give_back();
        world.over[use] = 1;
        drop_object();
    }
    world.cancelling = 0;
}

bool may_close(int) { return world.asleep && !world.cancelling; }

/* Also on the loop's thread: after a drain, never inside. */
void close_port(int) {
    wait_until(may_close);
    world.port_closed = 1;
    step();
    int delivered = world.delivered;
    world.delivered = CLOSED_LIST;
    if (delivered == CALL) make_orphan();
    if (!has("the closed port keeps its pending calls") && abandon()) make_orphan();
    unreference();
}

bool has_orphans(int) { return world.orphans || is_finished(); }

/* Whoever has Python, once the loop is gone. */
void collect_orphans(int) {
    for (;;) {
        wait_until(has_orphans);
        if (!world.orphans) return;
        --world.orphans;
        check(is_abandoned(), "a future of a closed loop is resolved");
        if (!world.over[world.use]) receive();
        give_back();
    }
}

/* --- a wait for news -------------------------------------------------------------------------------------------- */

/* Signals the wait that there is, if any; once. */
void tell() {
    step();
    int use = world.told_to;
    world.told_to = -1;
    if (use >= 0) signal(use, world.tickets[use]);
}

/* A thread of HCS that tells of events. */
void tell_events(int) {
    bool late = has("news are counted after they are told");
    for (int i = 0; i < EVENTS; ++i) {
        step();
        ++world.queued;
        if (late) tell();
        step();
        ++world.count;
        if (!late) tell();
    }
}

void expect(int seen) {
    int use = ++world.use;
    check(use < MOST_USES, "the slot is used more often than the model has room for");
    world.collected = 1;
    world.unannounced = 0;
    world.stage = START;
    ++world.port_references;
    bool late = has("a wait for news is live too late");
    world.tickets[use] = word::generation_of(word::load(world.word));
    if (!late) word::expect(world.word);
    step();
    world.told_to = use;
    if (late) word::expect(world.word);
    step();
    if (world.count != seen && !has("who waits for news does not look once more")) tell();
}

bool may_read(int) { return !world.cancelling && (world.signalled || world.port_closed || world.over[world.use]); }

/* Takes all events on the loop's thread; where there is none, it waits for news with a call that nobody starts. */
void read_events(int) {
    while (world.taken < EVENTS) {
        int seen = world.count;
        step();
        if (world.queued) {
            --world.queued;
            ++world.taken;
            continue;
        }
        if (has("who takes news reads their count afterwards")) {
            step();
            seen = world.count;
        }
        expect(seen);
        int use = world.use;
        while (!world.over[use]) {
            world.asleep = 1;
            wait_until(may_read);
            if (world.port_closed) return;
            world.asleep = 0;
            world.signalled = 0;
            step();
            int delivered = world.delivered;
            world.delivered = EMPTY;
            if (!delivered) continue;
            receive();
            give_back();
        }
        wait_until(is_free, use + 1);
    }
    world.asleep = 1;
}

/* --- the walk --------------------------------------------------------------------------------------------------- */

void add_thread(void (*body)(int), int argument = 0) {
    threads[thread_count++] = {body, argument, nullptr, 0, nullptr, false, {}};
}

void run_thread() {
    Thread &self = threads[running];
    self.body(self.argument);
    self.done = true;
    _longjmp(scheduler, 1);
}

char *bottom_of(int index) { return reinterpret_cast<char *>(threads[index].at) - RED_ZONE; }
size_t depth_of(int index) { return static_cast<size_t>(stacks[index] + STACK - bottom_of(index)); }

/* Lets a thread take its next step. */
void resume(int index) {
    running = index;
    if (!_setjmp(scheduler)) {
        if (threads[index].at) _longjmp(*threads[index].at, 1);
        static ucontext_t here, there;
        getcontext(&there);
        there.uc_stack.ss_sp = stacks[index];
        there.uc_stack.ss_size = STACK;
        there.uc_link = nullptr;
        makecontext(&there, run_thread, 0);
        swapcontext(&here, &there);
    }
    running = -1;
    Thread &thread = threads[index];
    thread.state = {};
    if (thread.done) return;
    thread.state.mix(static_cast<uint64_t>(thread.condition) << 1 | !thread.may_go_on);
    thread.state.mix(thread.at, depth_of(index) - RED_ZONE);
}

void set_up() {
    memset(&world, 0, sizeof world);
    memset(stacks, 0, sizeof stacks);
    thread_count = 0;
    world.word.value = word::ONE_GENERATION;
    world.port_open = world.port_references = world.object_alive = 1;
    world.told_to = -1;
    if (scenario.answer == NEWS) {
        world.use = -1;
        add_thread(work);
        add_thread(read_events);
        add_thread(tell_events);
    } else {
        world.inside = 1;
        ++world.port_references;
        world.stage = world.inbox = START;
        word::begin(world.word);
        add_thread(work);
        add_thread(loop);
        add_thread(hcs, 0);
    }
    if (scenario.is_started_again()) add_thread(late_callback);
    if (scenario.again) add_thread(hcs, 1);
    if (scenario.ask || scenario.lose) add_thread(supervise);
    if (scenario.lose) add_thread(disconnect);
    if (scenario.cancel) add_thread(cancel);
    if (scenario.close_port) {
        add_thread(close_port);
        add_thread(collect_orphans);
    }
    if (scenario.close_handle) add_thread(close_handle);
    /* Up to what others may see. */
    for (int i = 0; i < thread_count; ++i) {
        resume(i);
    }
}

void check_end() {
    for (int i = 0; i < thread_count; ++i) check(threads[i].done, "a thread is stuck");
    check(is_finished(), "the slot was not freed");
    check(!world.inside, "the guard was not left");
    check(world.port_references == (world.port_closed ? 0 : 1), "the port has too many references, or too few");
    check(!world.closing || world.released, "the handle was not released");
    check(!world.announced, "the reaper's count keeps a call that is over");
    for (int use = 0; use <= world.use; ++use) {
        check(world.over[use], "a call neither completed nor went");
        check(world.owner[use] != ENGINE, "an operation stays open");
        bool lost = world.owner[use] != NOBODY && world.created[use] == NOBODY;
        check(world.created[use] != ENGINE && !lost, "what was created has no owner");
    }
}

/* Bytes that grow, and that are given back in the reverse order. */
struct Bytes {
    char *data = nullptr;
    size_t size = 0, room = 0;

    char *grow(size_t more) {
        while (size + more > room) {
            room = room ? room * 2 : 1 << 20;
            data = static_cast<char *>(realloc(data, room));
            if (!data) abort();
        }
        size += more;
        return data + size - more;
    }
    void put(const void *what, size_t length) { memcpy(grow(length), what, length); }
    void get(void *what, size_t length) {
        size -= length;
        memcpy(what, data + size, length);
    }
};

Bytes saved;

void save() {
    for (int i = 0; i < thread_count; ++i)
        if (!threads[i].done) saved.put(bottom_of(i), depth_of(i));
    saved.put(threads, sizeof threads);
    saved.put(&world, sizeof world);
}

void restore() {
    saved.get(&world, sizeof world);
    saved.get(threads, sizeof threads);
    for (int i = thread_count; i-- > 0;)
        if (!threads[i].done) saved.get(bottom_of(i), depth_of(i));
}

Digest digest() {
    Digest all;
    all.mix(&world, sizeof world);
    for (int i = 0; i < thread_count; ++i) {
        all.mix(threads[i].state.a);
        all.mix(threads[i].state.b);
    }
    return all;
}

/* The states that were seen. */
struct Seen {
    Digest *slots = nullptr;
    size_t count = 0, room = 0;

    Digest *find(const Digest &wanted) {
        size_t at = wanted.a & (room - 1);
        while ((slots[at].a || slots[at].b) && (slots[at].a != wanted.a || slots[at].b != wanted.b))
            at = (at + 1) & (room - 1);
        return &slots[at];
    }
    /* False: it was there. */
    bool add(const Digest &state) {
        if (count * 2 >= room) {
            Digest *before = slots;
            size_t length = room;
            room = room ? room * 2 : 1 << 12;
            slots = static_cast<Digest *>(calloc(room, sizeof(Digest)));
            if (!slots) abort();
            for (size_t i = 0; i < length; ++i)
                if (before[i].a || before[i].b) *find(before[i]) = before[i];
            free(before);
        }
        Digest *slot = find(state);
        if (slot->a || slot->b) return false;
        *slot = state;
        ++count;
        return true;
    }
};

/* The number of states. */
size_t walk() {
    Seen seen;
    saved.size = 0;
    set_up();
    for (;;) {
        int ready[MOST_THREADS], count = 0;
        bool is_new = !violation && seen.add(digest());
        for (int i = 0; is_new && i < thread_count; ++i) {
            const Thread &thread = threads[i];
            if (!thread.done && (!thread.may_go_on || thread.may_go_on(thread.condition))) ready[count++] = i;
        }
        if (is_new && !count) check_end();
        if (violation) break;
        if (count > 1) {
            save();
        } else if (!count) {
            /* Back to the last state from where there is another way. */
            if (!saved.size) break;
            saved.get(&count, sizeof count);
            saved.get(ready, sizeof ready);
            size_t whole = saved.size;
            restore();
            if (count > 1) saved.size = whole;
        }
        int next = ready[--count];
        if (count) {
            saved.put(ready, sizeof ready);
            saved.put(&count, sizeof count);
        }
        resume(next);
    }
    free(seen.slots);
    return seen.count;
}

/* --- which scenarios -------------------------------------------------------------------------------------------- */

Scenario scenarios[512];
int scenario_count;

void add(const Scenario &each) { scenarios[scenario_count++] = each; }

void list_scenarios() {
    for (int number = 0; number < ANSWERS << 5; ++number) {
        Scenario each = {static_cast<Answer>(number >> 5),
                         !!(number & 1),
                         !!(number & 2),
                         !!(number & 4),
                         !!(number & 8),
                         !!(number & 16),
                         false,
                         false};
        Answer answer = each.answer;
        /* Three at once find nothing more, in a hundred times the states; nor do two while a call is started again. */
        int beside = each.cancel + each.close_port + each.close_handle + each.lose;
        if (beside + each.ask > 2 || (answer == REFUSED_HANGS && beside > 1)) continue;
        if (answer == NEWS) {
            if (!each.close_handle && !each.ask && !each.lose) add(each);
            continue;
        }
        bool ends = (answer != HANGS && answer != REFUSED_HANGS) || each.cancel || each.close_port || each.lose;
        /* Without its callback a call completes only because it is asked for. */
        bool must_ask = answer == NEVER || answer == TOO_EARLY || answer == REFUSED;
        /* Who looks for disconnected calls asks for others anyway. */
        bool asks = each.lose || answer == REFUSED_HANGS ? each.ask == must_ask : each.ask >= must_ask;
        if (ends && asks) add(each);
        /* Who waits is who asks. */
        each.wait = true;
        if (ends && !each.ask && (answer == LATER || answer == INLINE || answer == FAILS || answer == HANGS)) add(each);
    }
    for (Answer answer : {LATER, TWICE, FAILS_AND_CALLS, INLINE})
        for (int number = 0; number < 3; ++number)
            add({answer, false, false, false, number == 1, number == 2, true, false});
}

/* A slot that is used again finds in few states what the others cannot. */
int order_of(const Scenario &each) { return each.size() * 2 + !each.again; }

int compare(const void *left, const void *right) {
    return order_of(*static_cast<const Scenario *>(left)) - order_of(*static_cast<const Scenario *>(right));
}

}  // namespace

void model_step() { step(); }

int main(int count, char **arguments) {
    if (count > 1) mutation = arguments[1];
    const char *part = count > 2 ? arguments[2] : nullptr;
    list_scenarios();
    qsort(scenarios, static_cast<size_t>(scenario_count), sizeof *scenarios, compare);
    size_t states = 0;
    int walked = 0;
    for (int i = 0; i < scenario_count; ++i) {
        scenario = scenarios[i];
        if (part && !scenario.has(part)) continue;
        size_t here = walk();
        states += here;
        ++walked;
        if (getenv("MODEL_VERBOSE")) printf("%8zu %s size %d\n", here, ANSWER_NAMES[scenario.answer], scenario.size());
        if (!violation) continue;
        printf("violation: %s; %s", violation, ANSWER_NAMES[scenario.answer]);
        for (const char *name : {"cancel", "close_port", "close_handle", "ask", "lose", "again", "wait"})
            if (scenario.has(name)) printf(" + %s", name);
        printf("\n");
        return 1;
    }
    printf("%d scenarios, %zu states, no violation\n", walked, states);
    return 0;
}
