#include "interpose/rules.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

#include "core/forks.h"
#include "core/text.h"
#include "core/threads.h"

namespace hcsrt::interpose {

std::atomic<uint32_t> armed[FUNCTIONS], armed_events{0}, armed_completions{0};

namespace {

using Clock = std::chrono::steady_clock;

int64_t now() { return Clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

constexpr int SLOTS = 256, WORDS = SLOTS / 64;

/* The word of a slot says who may touch the rest of it. The thread that adds a rule takes it from 0 to CLAIMED, writes
 * the rule and makes it ACTIVE; who removes it waits until nobody is inside, and at the end it is 0 again. A call that
 * finds the slot among those of its site counts itself in before it looks: the rule may have ended meanwhile, or the slot
 * may belong to another site. */
constexpr uint32_t ACTIVE = 1, CLAIMED = 2, INSIDE = 4;

struct Slot {
    std::atomic<uint32_t> word{0};
    std::atomic<uint32_t> signal{0}; /* changes with each release, and at the end */
    std::atomic<int64_t> id{0};
    int site = 0;
    hcsrt_rule rule = {};
    void *memory = nullptr;
    int64_t began = 0;
    std::atomic<uint32_t> seen{0}, fired{0}, waiting{0}, released{0};
};

/* --- the record of what has fired --------------------------------------------------------------------------------- */

constexpr uint64_t PLACES_OF_RECORD = 4096;
constexpr size_t WORDS_OF_FIRING = (sizeof(hcsrt_firing) + 7) / 8;

/* Odd while it is being written. Each word with release and acquire, so that the turn is read before and after. */
struct Place {
    std::atomic<uint64_t> turn{0};
    std::atomic<uint64_t> words[WORDS_OF_FIRING] = {};
};

struct Record {
    std::atomic<uint64_t> next{0};
    Place places[PLACES_OF_RECORD];
};

struct Rules {
    Slot slots[SLOTS];
    std::atomic<uint64_t> places[PLACES][WORDS] = {}; /* a bit for each slot */
    std::atomic<int64_t> added{0};
    std::atomic<Record *> record{nullptr};

    Rules() {
        for (auto &each : armed) each.store(0);
        armed_events.store(0);
        armed_completions.store(0);
    }
};

OfProcess<Rules> rules;

void write_down(const Slot &slot, const Meeting &meeting, uint32_t number) {
    hcsrt_firing firing = {};
    firing.rule = slot.id.load(std::memory_order_relaxed);
    firing.time = now() - slot.began;
    firing.number = number;
    firing.type = meeting.type;
    Text id = meeting.subject.system;
    firing.length = id ? static_cast<uint32_t>(id.length) : HCSRT_FOR_EVER;
    if (id && id.length > HCSRT_FIRING_TEXT) firing.length = HCSRT_FIRING_TEXT;
    for (uint32_t i = 0; id && i < firing.length; ++i) firing.system[i] = id.units[i];
    uint64_t words[WORDS_OF_FIRING] = {};
    std::memcpy(words, &firing, sizeof firing);
    Record *record = rules->record.load(std::memory_order_acquire);
    uint64_t turn = record->next.fetch_add(1, std::memory_order_acq_rel);
    Place &place = record->places[turn % PLACES_OF_RECORD];
    uint64_t seen = place.turn.load(std::memory_order_relaxed), writing = turn * 2 + 1;
    /* Whoever has gone round the record meanwhile has the place. */
    do
        if (seen > writing) return;
    while (!place.turn.compare_exchange_weak(seen, writing, std::memory_order_relaxed));
    for (size_t i = 0; i < WORDS_OF_FIRING; ++i) place.words[i].store(words[i], std::memory_order_release);
    place.turn.compare_exchange_strong(writing, writing + 1, std::memory_order_release, std::memory_order_relaxed);
}

/* --- selection ---------------------------------------------------------------------------------------------------- */

uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* From 0 to 1, by the number of what comes by and not by the thread that brings it. */
double chance(const hcsrt_rule &rule, uint64_t number, uint64_t purpose) {
    return static_cast<double>(mix(mix(rule.seed + purpose) + number) >> 11) / 9007199254740992.0;
}

bool compares(int comparison, int64_t number, int64_t other) {
    switch (comparison) {
    case HCSRT_IS_EQUAL: return number == other;
    case HCSRT_IS_NOT_EQUAL: return number != other;
    case HCSRT_IS_LESS: return number < other;
    case HCSRT_IS_AT_MOST: return number <= other;
    case HCSRT_IS_MORE: return number > other;
    default: return number >= other;
    }
}

bool compares(int comparison, Text text, Text other) {
    switch (comparison) {
    case HCSRT_IS_EQUAL: return is_equal(text, other);
    case HCSRT_IS_NOT_EQUAL: return !is_equal(text, other);
    case HCSRT_IS_LIKE: return is_like(text, other);
    default: return contains(text, other);
    }
}

bool holds(const hcsrt_condition &condition, const Meeting &meeting) {
    switch (condition.field) {
    case HCSRT_FIELD_SYSTEM: return compares(condition.comparison, meeting.subject.system, text_of(condition.text));
    case HCSRT_FIELD_OWNER: return compares(condition.comparison, meeting.subject.owner, text_of(condition.text));
    case HCSRT_FIELD_DOCUMENT: return compares(condition.comparison, meeting.document, text_of(condition.text));
    case HCSRT_FIELD_ARGUMENT:
        return compares(condition.comparison, meeting.numbers[condition.argument], condition.number);
    default: return true;
    }
}

bool selects(const hcsrt_rule &rule, const Meeting &meeting) {
    bool wanted = !rule.type_count;
    for (uint32_t i = 0; i < rule.type_count; ++i) wanted = wanted || rule.types[i] == meeting.type;
    if (!wanted) return false;
    if (rule.system && !is_like(meeting.subject.system, text_of(rule.system))) return false;
    if (rule.owner && !is_like(meeting.subject.owner, text_of(rule.owner))) return false;
    for (size_t i = 0; i < rule.condition_count; ++i)
        if (!holds(rule.conditions[i], meeting)) return false;
    return true;
}

bool is_for(const hcsrt_rule &rule, uint32_t number) {
    if (number < rule.first || (rule.calls && number - rule.first >= rule.calls)) return false;
    if (rule.every && number % rule.every) return false;
    for (size_t i = 0; i < rule.condition_count; ++i) {
        const hcsrt_condition &condition = rule.conditions[i];
        if (condition.field == HCSRT_FIELD_COUNT && !compares(condition.comparison, number, condition.number))
            return false;
    }
    return !rule.by_chance || chance(rule, number, 1) < rule.probability;
}

/* False: it has fired as often as it may. */
bool fire(Slot &slot) {
    uint32_t before = slot.fired.load(std::memory_order_relaxed);
    do {
        if (slot.rule.times && before >= slot.rule.times) return false;
    } while (!slot.fired.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
    return true;
}

void leave(Slot &slot) {
    uint32_t before = slot.word.fetch_sub(INSIDE, std::memory_order_acq_rel);
    if (before & CLAIMED) wake_all(slot.word);
}

/* False: no rule after this one is to be met. */
bool meet(Slot &slot, int site, const Meeting &meeting, bool (*act)(const Met &, void *), void *argument) {
    bool more = true;
    if ((slot.word.fetch_add(INSIDE, std::memory_order_acq_rel) & ACTIVE) && slot.site == site &&
        selects(slot.rule, meeting)) {
        uint32_t number = slot.seen.fetch_add(1, std::memory_order_relaxed) + 1;
        if (is_for(slot.rule, number) && fire(slot)) {
            write_down(slot, meeting, number);
            const hcsrt_rule &rule = slot.rule;
            uint32_t milliseconds = rule.milliseconds;
            if (rule.jitter) milliseconds += static_cast<uint32_t>(chance(rule, number, 2) * (rule.jitter + 1.0));
            more = act({rule, slot.id.load(std::memory_order_relaxed), slot.released.load(), milliseconds}, argument);
        }
    }
    leave(slot);
    return more;
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* NULL: that rule has ended, or is one of a parent. */
Slot *slot_of(int64_t id) {
    Slot *slot = &rules.here()->slots[id % SLOTS];
    return id > 0 && slot->id.load(std::memory_order_acquire) == id ? slot : nullptr;
}

int site_of(const hcsrt_rule &rule) {
    switch (rule.site) {
    case HCSRT_SITE_CALL: return site_of_call(rule.function);
    case HCSRT_SITE_COMPLETION: return site_of_completion(rule.function);
    case HCSRT_SITE_EVENT: return SITE_OF_EVENTS;
    case HCSRT_SITE_PROCESS: return SITE_OF_PROCESSES;
    default: return SITE_OF_STREAMS + rule.stream;
    }
}

size_t bytes_of(const hcsrt_char *text) { return text ? (hcsrt_text_length(text) + 1) * sizeof *text : 0; }

const hcsrt_char *move(const hcsrt_char *text, char **to) {
    size_t bytes = bytes_of(text);
    if (!bytes) return nullptr;
    std::memcpy(*to, text, bytes);
    auto *moved = reinterpret_cast<const hcsrt_char *>(*to);
    *to += bytes;
    return moved;
}

/* Gives a rule memory of its own. False: there is none. */
bool keep(Slot &slot, const hcsrt_rule &given) {
    size_t bytes = given.condition_count * sizeof(hcsrt_condition);
    for (const hcsrt_char *text : {given.system, given.owner, given.document}) bytes += bytes_of(text);
    for (size_t i = 0; i < given.condition_count; ++i) bytes += bytes_of(given.conditions[i].text);
    auto *memory = static_cast<char *>(std::malloc(bytes + 1));
    if (!memory) return false;
    slot.memory = memory;
    slot.rule = given;
    if (given.action == HCSRT_ACTION_HANG) {
        slot.rule.milliseconds = HCSRT_FOR_EVER;
        slot.rule.jitter = 0;
    }
    auto *conditions = reinterpret_cast<hcsrt_condition *>(memory);
    char *to = memory + given.condition_count * sizeof(hcsrt_condition);
    for (const hcsrt_char **text : {&slot.rule.system, &slot.rule.owner, &slot.rule.document}) *text = move(*text, &to);
    for (size_t i = 0; i < given.condition_count; ++i) {
        conditions[i] = given.conditions[i];
        conditions[i].text = move(conditions[i].text, &to);
    }
    slot.rule.conditions = conditions;
    return true;
}

void arm(const hcsrt_rule &rule, bool is_armed) {
    auto change = [&](std::atomic<uint32_t> &word) { is_armed ? word.fetch_add(1) : word.fetch_sub(1); };
    switch (rule.site) {
    case HCSRT_SITE_EVENT: change(armed_events); break;
    case HCSRT_SITE_PROCESS:
    case HCSRT_SITE_STREAM: change(armed[NUMBER_HcsCreateProcess]); break;
    default: change(armed[rule.function]);
    }
    if (rule.site == HCSRT_SITE_COMPLETION || rule.action == HCSRT_ACTION_SILENCE || rule.action == HCSRT_ACTION_ANSWER)
        change(armed_completions);
}

}  // namespace

void meet(int site, const Meeting &meeting, bool (*act)(const Met &, void *), void *argument) {
    Rules *all = rules.here();
    /* In the order of adding: a slot is used again. */
    uint16_t found[SLOTS];
    int64_t ids[SLOTS];
    int count = 0;
    for (int word = 0; word < WORDS; ++word) {
        uint64_t bits = all->places[site][word].load(std::memory_order_acquire);
        for (int bit = 0; bits; ++bit, bits >>= 1) {
            if (!(bits & 1)) continue;
            auto slot = static_cast<uint16_t>(word * 64 + bit);
            int64_t id = all->slots[slot].id.load(std::memory_order_acquire);
            int at = count++;
            for (; at && ids[at - 1] > id; --at) {
                ids[at] = ids[at - 1];
                found[at] = found[at - 1];
            }
            ids[at] = id;
            found[at] = slot;
        }
    }
    for (int i = 0; i < count; ++i)
        if (!meet(all->slots[found[i]], site, meeting, act, argument)) return;
}

void wait_in(const Met &met) {
    Slot &slot = rules->slots[met.id % SLOTS];
    auto end = Clock::now() + std::chrono::milliseconds(met.milliseconds);
    bool ends = met.milliseconds != HCSRT_FOR_EVER;
    slot.waiting.fetch_add(1, std::memory_order_relaxed);
    for (;;) {
        uint32_t seen = slot.signal.load(std::memory_order_acquire);
        auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        if (!(slot.word.load(std::memory_order_acquire) & ACTIVE) || slot.released.load() != met.released) break;
        if (ends && left <= 0) break;
        wait_on(slot.signal, seen, ends ? static_cast<uint32_t>(left) : FOREVER);
    }
    slot.waiting.fetch_sub(1, std::memory_order_relaxed);
}

bool has_ended(int64_t rule) {
    Slot *slot = slot_of(rule);
    return !slot || !(slot->word.load(std::memory_order_acquire) & ACTIVE);
}

bool is_over(int64_t rule, uint32_t released) {
    return has_ended(rule) || rules->slots[rule % SLOTS].released.load() != released;
}

int64_t add_rule(const hcsrt_rule *rule) {
    Rules *all = rules.here();
    if (!all->record.load(std::memory_order_acquire)) {
        Record *made = new (std::nothrow) Record, *none = nullptr;
        if (!made) return HCSRT_RULE_NO_MEMORY;
        if (!all->record.compare_exchange_strong(none, made, std::memory_order_acq_rel)) delete made;
    }
    for (int i = 0; i < SLOTS; ++i) {
        Slot &slot = all->slots[i];
        uint32_t free = 0;
        if (!slot.word.compare_exchange_strong(free, CLAIMED, std::memory_order_acq_rel)) continue;
        if (!keep(slot, *rule)) {
            slot.word.fetch_sub(CLAIMED, std::memory_order_acq_rel);
            return HCSRT_RULE_NO_MEMORY;
        }
        slot.site = site_of(*rule);
        slot.began = now();
        for (auto *count : {&slot.seen, &slot.fired, &slot.waiting, &slot.released})
            count->store(0, std::memory_order_relaxed);
        int64_t id = all->added.fetch_add(1) * SLOTS + SLOTS + i;
        slot.id.store(id, std::memory_order_release);
        arm(slot.rule, true);
        slot.word.fetch_sub(CLAIMED - ACTIVE, std::memory_order_acq_rel);
        all->places[slot.site][i / 64].fetch_or(uint64_t{1} << i % 64, std::memory_order_acq_rel);
        return id;
    }
    return HCSRT_RULE_CROWDED;
}

uint32_t remove_rule(int64_t id, void (*end)()) {
    Slot *slot = slot_of(id);
    if (!slot) return 0;
    /* Of several threads that remove it, one does. */
    uint32_t seen = slot->word.load(std::memory_order_acquire);
    do {
        if (!(seen & ACTIVE) || slot->id.load(std::memory_order_acquire) != id) return 0;
    } while (!slot->word.compare_exchange_weak(seen, seen + CLAIMED - ACTIVE, std::memory_order_acq_rel));
    auto place = static_cast<int>(id % SLOTS);
    rules->places[slot->site][place / 64].fetch_and(~(uint64_t{1} << place % 64), std::memory_order_acq_rel);
    arm(slot->rule, false);
    slot->signal.fetch_add(1, std::memory_order_acq_rel);
    wake_all(slot->signal);
    while ((seen = slot->word.load(std::memory_order_acquire)) >= INSIDE) wait_on(slot->word, seen, FOREVER);
    end();
    std::free(slot->memory);
    slot->memory = nullptr;
    uint32_t fired = slot->fired.load(std::memory_order_relaxed);
    slot->id.store(0, std::memory_order_release);
    slot->word.fetch_sub(CLAIMED, std::memory_order_acq_rel);
    return fired;
}

void release_rule(int64_t id) {
    Slot *slot = slot_of(id);
    if (!slot) return;
    slot->released.fetch_add(1);
    slot->signal.fetch_add(1, std::memory_order_acq_rel);
    wake_all(slot->signal);
}

}  // namespace hcsrt::interpose

using namespace hcsrt::interpose;

extern "C" {

uint32_t hcsrt_rule_met(int64_t rule) {
    Slot *slot = slot_of(rule);
    return slot ? slot->fired.load(std::memory_order_relaxed) : 0;
}

uint32_t hcsrt_rule_waiting(int64_t rule) {
    Slot *slot = slot_of(rule);
    return slot ? slot->waiting.load(std::memory_order_relaxed) : 0;
}

int hcsrt_next_firing(uint64_t *next, hcsrt_firing *firing) {
    Record *record = rules.here()->record.load(std::memory_order_acquire);
    for (; record; ++*next) {
        uint64_t end = record->next.load(std::memory_order_acquire);
        /* A forked child begins anew. */
        if (*next > end) *next = 0;
        if (end > PLACES_OF_RECORD && *next < end - PLACES_OF_RECORD) *next = end - PLACES_OF_RECORD;
        if (*next >= end) return 0;
        Place &place = record->places[*next % PLACES_OF_RECORD];
        uint64_t turn = place.turn.load(std::memory_order_acquire);
        if (turn < *next * 2 + 2) return 0;
        uint64_t words[WORDS_OF_FIRING];
        for (size_t i = 0; i < WORDS_OF_FIRING; ++i) words[i] = place.words[i].load(std::memory_order_acquire);
        if (turn != *next * 2 + 2 || place.turn.load(std::memory_order_acquire) != turn) continue;
        std::memcpy(firing, words, sizeof *firing);
        ++*next;
        return 1;
    }
    return 0;
}

}  // extern "C"
