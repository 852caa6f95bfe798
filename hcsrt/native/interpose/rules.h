/* The rules in force, and which of them something meets. Decided on the thread that comes by, without a lock. */
#ifndef HCSRT_RULES_H
#define HCSRT_RULES_H

#include <atomic>
#include <cstdint>

#include "interpose/entries.h"
#include "interpose/handles.h"
#include "interpose/interpose.h"

namespace hcsrt::interpose {

constexpr int MOST_PARAMETERS = 8;

/* What a rule looks at. */
struct Meeting {
    Subject subject;
    Text document;
    uint32_t type = 0; /* of an event */
    int64_t numbers[MOST_PARAMETERS] = {};
};

/* A rule that something has met, as long as the act that gets it runs. */
struct Met {
    const hcsrt_rule &rule;
    int64_t id;
    uint32_t released;     /* how often it had been released by then */
    uint32_t milliseconds; /* with what chance adds */
};

/* Where rules are looked for. */
constexpr int site_of_call(int function) { return function; }
constexpr int site_of_completion(int function) { return FUNCTIONS + function; }
constexpr int SITE_OF_EVENTS = 2 * FUNCTIONS, SITE_OF_PROCESSES = SITE_OF_EVENTS + 1,
              SITE_OF_STREAMS = SITE_OF_EVENTS + 2;
constexpr int PLACES = SITE_OF_EVENTS + 5; /* a stream has a place of its own */

/* Calls act(met) for each rule there that is for this, in the order of adding, until one returns false. */
void meet(int site, const Meeting &meeting, bool (*act)(const Met &met, void *argument), void *argument);

template <typename Act>
void meet(int site, const Meeting &meeting, Act act) {
    meet(site, meeting, [](const Met &met, void *given) { return (*static_cast<Act *>(given))(met); }, &act);
}

/* Within an act: waits for so long as the rule says, or until it is released or removed. */
void wait_in(const Met &met);

bool has_ended(int64_t rule);
/* Whether what the rule has kept since then is to go on. */
bool is_over(int64_t rule, uint32_t released);

/* Fast answers. In a forked child they may say yes in vain, once. */
extern std::atomic<uint32_t> armed[FUNCTIONS]; /* rules for calls of the function, and for what comes of them */
extern std::atomic<uint32_t> armed_events, armed_completions;

int64_t add_rule(const hcsrt_rule *rule);
/* `end` is called once no thread is inside of the rule any more. */
uint32_t remove_rule(int64_t rule, void (*end)());
void release_rule(int64_t rule);

}  // namespace hcsrt::interpose

#endif
