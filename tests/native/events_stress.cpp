/* The events of a handle under threads, round after round: callbacks run at once, readers come and go, wait, are too
 * slow, and outlive the handle. Each event carries its thread and number, so a reader knows what it has missed. What a
 * subscriber is notified with has plain fields, for a sanitizer to see. */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "core/events.h"
#include "core/results.h"

namespace {

constexpr int CALLBACKS = 3;
constexpr int EVENTS = 60;
constexpr uint32_t CRASH = 2;

bool no_memory = false;

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

/* What can be said of an exit: it comes after all events, while they come, or only the handle is closed. */
enum Ending { AFTER, AMONG, CLOSE_ONLY, ENDINGS };

struct Round {
    hcsrt_watch *watch = hcsrt_watch_new(HCSRT_EVENT_PROCESS_EXITED, nullptr);
    Ending ending;
    std::atomic<int> told[CALLBACKS] = {}; /* events whose callback has returned */
    int told_before_exit[CALLBACKS] = {};  /* of which a reader must hear, if it hears of the exit */
    std::atomic<bool> over{false};
};

struct Bell {
    int alive = 1;
    std::atomic<long> rings{0};
};

void ring(void *context) {
    Bell *bell = static_cast<Bell *>(context);
    if (!bell->alive) fail("notified after the end of the subscription");
    bell->rings.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::yield();
    if (!bell->alive) fail("the subscription ended during a notification");
}

void tell(Round *round, int thread) {
    for (int number = 1; number <= EVENTS; ++number) {
        hcsrt_char text[] = {static_cast<hcsrt_char>('A' + thread), static_cast<hcsrt_char>(number), 0};
        hcsrt_event event = {CRASH, text, nullptr};
        hcsrt_watch_event(&event, round->watch);
        std::memset(text, 0xFF, sizeof text); /* HCS's memory is HCS's again */
        round->told[thread].store(number);
    }
}

void tell_exit(Round *round) {
    if (round->ending == AMONG)
        while (round->told[0].load() < EVENTS / 3) std::this_thread::yield();
    for (int thread = 0; thread < CALLBACKS; ++thread) round->told_before_exit[thread] = round->told[thread].load();
    const hcsrt_char text[] = {'{', '}', 0};
    hcsrt_event event = {HCSRT_EVENT_PROCESS_EXITED, text, nullptr};
    hcsrt_watch_event(&event, round->watch);
}

struct Reader {
    long taken = 0, lost = 0, exits = 0;
    int last[CALLBACKS] = {};
    bool gap = false;

    /* False: the end. */
    bool take(hcsrt_subscriber *subscriber, uint32_t milliseconds) {
        hcsrt_next_event event;
        switch (hcsrt_subscriber_next(subscriber, milliseconds, &event)) {
        case HCSRT_NEXT_NOTHING: return true;
        case HCSRT_NEXT_END: return false;
        default: break;
        }
        lost += static_cast<long>(event.lost);
        if (no_memory != (event.data_lost != 0) || no_memory != !event.data) fail("a document is there, or flagged");
        if (exits) fail("an event after the exit");
        if (event.type == HCSRT_EVENT_PROCESS_EXITED) {
            ++exits;
            if (event.data && event.data[0] != '{') fail("a torn exit document");
        } else {
            ++taken;
            if (event.type != CRASH || event.time <= 0) fail("a torn event");
            if (event.data) look(event);
        }
        hcsrt_next_event_release(&event);
        return true;
    }

    void look(const hcsrt_next_event &event) {
        int thread = event.data[0] - 'A', number = event.data[1];
        if (thread < 0 || thread >= CALLBACKS || event.data[2]) fail("a torn document");
        if (number <= last[thread]) fail("events of one callback out of order");
        if (number != last[thread] + 1) gap = true;
        last[thread] = number;
    }
};

/* Reads from before the first event to the end. */
void read_all(Round *round, hcsrt_subscriber *subscriber, bool slow) {
    Reader reader;
    while (reader.take(subscriber, slow ? 0 : 20))
        if (slow) std::this_thread::yield();
    if (reader.exits != (round->ending != CLOSE_ONLY)) fail("the exit was not told once");
    if (reader.gap && !reader.lost) fail("an event was dropped and not counted");
    for (int thread = 0; reader.exits && !reader.lost && !no_memory && thread < CALLBACKS; ++thread)
        if (reader.last[thread] < round->told_before_exit[thread]) fail("the exit came before what was told before it");
    if (!slow && reader.lost) fail("events were dropped although there was room");
    if (round->ending == AFTER && reader.taken + reader.lost != CALLBACKS * EVENTS) fail("an event is unaccounted for");
    if (round->ending == CLOSE_ONLY && !slow && reader.taken != CALLBACKS * EVENTS) fail("the close lost an event");
    hcsrt_unsubscribe(subscriber);
}

/* Comes and goes, and leaves what it has not read. */
void come_and_go(Round *round, int seed) {
    std::vector<std::unique_ptr<Bell>> bells;
    for (int i = 0; !round->over.load(); ++i) {
        bells.push_back(std::make_unique<Bell>());
        Bell *bell = bells.back().get();
        hcsrt_subscriber *subscriber = hcsrt_subscribe(round->watch, static_cast<uint32_t>((seed + i) % 4), ring, bell);
        Reader reader;
        for (int j = 0; j < i % 5; ++j) reader.take(subscriber, 0);
        if (i % 3 == 0) std::this_thread::yield();
        hcsrt_unsubscribe(subscriber);
        bell->alive = 0;
    }
}

void wait_for_exit(Round *round, hcsrt_subscriber *subscriber, Bell *bell) {
    /* As an event loop does it: nothing but the notification tells when to look. */
    for (int patience = 0; !bell->rings; ++patience) {
        if (patience == 60000) fail("no notification of the end");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    Reader reader;
    while (reader.take(subscriber, 0)) {}
    if (reader.taken || reader.lost) fail("an event for who only waits for the exit");
    if (reader.exits != (round->ending != CLOSE_ONLY)) fail("who waits for the exit did not hear of it once");
    hcsrt_unsubscribe(subscriber);
    bell->alive = 0;
}

void come_late(Round *round) {
    Bell bell;
    hcsrt_subscriber *subscriber = hcsrt_subscribe(round->watch, 1, ring, &bell);
    if (bell.rings != 1) fail("who comes late is not notified");
    Reader reader;
    if (!reader.take(subscriber, 0) || reader.exits != 1) fail("who comes late does not hear of the exit");
    if (reader.take(subscriber, 0)) fail("no end after the exit");
    hcsrt_unsubscribe(subscriber);
    bell.alive = 0;
}

void play(int number) {
    auto round = std::make_unique<Round>();
    round->ending = static_cast<Ending>(number % ENDINGS);
    hcsrt_watch *watch = round->watch;
    Bell bell;
    std::vector<std::thread> readers, guests, callbacks;
    readers.emplace_back(read_all, round.get(), hcsrt_subscribe(watch, CALLBACKS * EVENTS, nullptr, nullptr), false);
    readers.emplace_back(read_all, round.get(), hcsrt_subscribe(watch, 1u + number % 5, nullptr, nullptr), true);
    readers.emplace_back(wait_for_exit, round.get(), hcsrt_subscribe(watch, 0, ring, &bell), &bell);
    for (int i = 0; i < 2; ++i) guests.emplace_back(come_and_go, round.get(), i);
    for (int thread = 0; thread < CALLBACKS; ++thread) callbacks.emplace_back(tell, round.get(), thread);
    if (round->ending == AMONG) callbacks.emplace_back(tell_exit, round.get());
    for (std::thread &callback : callbacks) callback.join();
    if (round->ending == AFTER) tell_exit(round.get());
    if (round->ending != CLOSE_ONLY) come_late(round.get());
    /* A handle is closed by who has left its guard; readers need none, and go on. */
    round->over.store(true);
    for (std::thread &guest : guests) guest.join();
    hcsrt_context *context = hcsrt_watch_context(watch);
    context->destroy(context);
    for (std::thread &reader : readers) reader.join();
}

}  // namespace

int main(int count, char **arguments) {
    int rounds = count > 1 ? std::atoi(arguments[1]) : 300;
    no_memory = count > 2 && !std::strcmp(arguments[2], "no-memory");
    for (int number = 0; number < rounds; ++number) play(number);
    std::printf("%d rounds\n", rounds);
    return 0;
}
