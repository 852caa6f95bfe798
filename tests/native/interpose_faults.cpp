/* What rules make of events and completions, with handles that close meanwhile: nothing comes after the close of its
 * handle, which waits for what runs, and nobody waits for itself. A client frees its context right after the close, so
 * that a sanitizer sees who comes too late. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#  include <sys/resource.h>
#  include <sys/wait.h>
#  include <unistd.h>
#endif

#include "core/forks.h"
#include "core/results.h"
#include "fake_hcs.h"
#include "interpose/interpose.h"

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

#define CHECK(condition) check(condition, #condition, __LINE__)

void check(bool holds, const char *condition, int line) {
    if (holds) return;
    std::fprintf(stderr, "violation: line %d: %s\n", line, condition);
    std::abort();
}

void pause(int ms) { std::this_thread::sleep_for(milliseconds(ms)); }

template <typename Holds>
void wait_for(Holds holds) {
    for (int i = 0; i < 20000 && !holds(); ++i) pause(1);
    CHECK(holds());
}

using Units = std::u16string;
const hcsrt_char *units(const Units &text) { return reinterpret_cast<const hcsrt_char *>(text.c_str()); }

/* --- an HCS with events ------------------------------------------------------------------------------------------- */

/* The fake one, with compute systems that tell; it drains its own callbacks at the close, as HCS does. */
struct System {
    std::mutex mutex;
    std::condition_variable changed;
    hcsrt_event_callback callback = nullptr;
    void *context = nullptr;
    int running = 0;
    bool closed = false;

    void emit(uint32_t type, const char16_t *data = nullptr) {
        std::unique_lock<std::mutex> lock(mutex);
        if (closed || !callback) return;
        ++running;
        lock.unlock();
        Units text(data ? data : u"");
        hcsrt_event event = {type, data ? units(text) : nullptr, nullptr};
        callback(&event, context);
        lock.lock();
        --running;
        changed.notify_all();
    }
};

hcsrt_result HCSRT_CALL open_system(const hcsrt_char *, uint32_t, hcsrt_system *system) {
    *system = new System;
    return HCSRT_S_OK;
}

bool fails_to_create = false; /* and gives nothing, not even NULL */

hcsrt_result HCSRT_CALL create_system(const hcsrt_char *, const hcsrt_char *, hcsrt_operation, const void *,
                                      hcsrt_system *system) {
    if (fails_to_create) return HCSRT_E_ABORT;
    *system = new System;
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL set_callback(hcsrt_system system, uint32_t, const void *context,
                                     hcsrt_event_callback callback) {
    auto *given = static_cast<System *>(system);
    std::lock_guard<std::mutex> lock(given->mutex);
    if (given->callback) return HCSRT_E_CALLBACK_ALREADY_SET;
    given->callback = callback;
    given->context = const_cast<void *>(context);
    return HCSRT_S_OK;
}

/* Kept until the end: somebody may be about to emit. */
std::mutex graves_mutex;
std::vector<std::unique_ptr<System>> graves;

/* What happens while HCS closes a system. */
std::function<void()> while_closing;

void HCSRT_CALL close_system(hcsrt_system system) {
    if (while_closing) while_closing();
    auto *given = static_cast<System *>(system);
    std::unique_lock<std::mutex> lock(given->mutex);
    given->closed = true;
    given->changed.wait(lock, [&] { return !given->running; });
    std::lock_guard<std::mutex> of_graves(graves_mutex);
    graves.emplace_back(given);
}

/* Where the events of a handle tell of operations, HCS refuses those that have a callback. */
std::atomic<bool> tells_of_operations{false};
std::mutex callbacks_mutex;
std::set<hcsrt_operation> with_callback;

/* The call of a start instead, and the callback of the operation that was created last. */
std::function<hcsrt_result(hcsrt_operation)> while_starting;
hcsrt_operation_completion last_callback = nullptr;
void *last_context = nullptr;

hcsrt_operation HCSRT_CALL create_operation(void *context, hcsrt_operation_completion callback) {
    hcsrt_operation operation = fake_hcs::api()->HcsCreateOperation(context, callback);
    std::lock_guard<std::mutex> lock(callbacks_mutex);
    callback ? (void)with_callback.insert(operation) : (void)with_callback.erase(operation);
    last_callback = callback;
    last_context = context;
    return operation;
}

hcsrt_result HCSRT_CALL set_operation_callback(hcsrt_operation operation, const void *,
                                               hcsrt_operation_completion callback) {
    std::lock_guard<std::mutex> lock(callbacks_mutex);
    CHECK(!callback);
    with_callback.erase(operation);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL start_system(hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) {
    if (while_starting) return while_starting(operation);
    {
        std::lock_guard<std::mutex> lock(callbacks_mutex);
        if (tells_of_operations && with_callback.count(operation)) return HCSRT_E_CALLBACK_ALREADY_SET;
    }
    return fake_hcs::api()->HcsStartComputeSystem(system, operation, options);
}

HcsApi make_table() {
    HcsApi table = *fake_hcs::api();
    table.HcsCreateOperation = create_operation;
    table.HcsSetOperationCallback = set_operation_callback;
    table.HcsStartComputeSystem = start_system;
    table.HcsOpenComputeSystem = open_system;
    table.HcsCreateComputeSystem = create_system;
    table.HcsSetComputeSystemCallback = set_callback;
    table.HcsCloseComputeSystem = close_system;
    return table;
}

const HcsApi inner = make_table();
const HcsApi *outer = hcsrt_interpose(&inner);

/* --- a client ----------------------------------------------------------------------------------------------------- */

struct Client {
    /* What a callback is given; freed right after the close. */
    struct Context {
        uint32_t magic = 0xC0FFEE;
        std::mutex mutex;
        std::vector<uint32_t> types;
        std::function<void(uint32_t)> inside;
        size_t count() {
            std::lock_guard<std::mutex> lock(mutex);
            return types.size();
        }
    };

    hcsrt_system raw = nullptr;
    Context *context = new Context;

    explicit Client(const char16_t *id = u"a", const char16_t *document = nullptr) {
        auto *text = reinterpret_cast<const hcsrt_char *>(id);
        if (document)
            outer->HcsCreateComputeSystem(text, reinterpret_cast<const hcsrt_char *>(document), nullptr, nullptr, &raw);
        else outer->HcsOpenComputeSystem(text, HCSRT_GENERIC_ALL, &raw);
        CHECK(raw);
        CHECK(outer->HcsSetComputeSystemCallback(raw, 0, context, hear) == HCSRT_S_OK);
    }
    Client(const Client &) = delete;
    ~Client() { close(); }

    static void HCSRT_CALL hear(hcsrt_event *event, void *given) {
        auto *context = static_cast<Context *>(given);
        CHECK(context->magic == 0xC0FFEE);
        {
            std::lock_guard<std::mutex> lock(context->mutex);
            context->types.push_back(event->type);
        }
        if (context->inside) context->inside(event->type);
    }
    System *system() const { return static_cast<System *>(raw); }
    void close() {
        if (!raw) return;
        outer->HcsCloseComputeSystem(raw);
        raw = nullptr;
        context->magic = 0;
        delete context;
        context = nullptr;
    }
};

int number_of(const char *name) {
    int function = hcsrt_interposed(name);
    CHECK(function >= 0);
    return function;
}

hcsrt_rule of_events(int action, uint32_t ms = 0) {
    hcsrt_rule rule = {};
    rule.site = HCSRT_SITE_EVENT;
    rule.action = action;
    rule.milliseconds = ms;
    return rule;
}

hcsrt_rule of_completions(int action, uint32_t ms = 0) {
    hcsrt_rule rule = of_events(action, ms);
    rule.site = HCSRT_SITE_COMPLETION;
    rule.function = number_of("HcsStartComputeSystem");
    return rule;
}

struct Rule {
    int64_t number;
    explicit Rule(const hcsrt_rule &rule) : number(hcsrt_rule_add(&rule)) { CHECK(number > 0); }
    Rule(const Rule &) = delete;
    ~Rule() { remove(); }
    void remove() {
        hcsrt_rule_remove(number);
        number = 0;
    }
    uint32_t met() const { return hcsrt_rule_met(number); }
};

/* --- events ------------------------------------------------------------------------------------------------------- */

void test_nothing_comes_after_the_close() {
    for (int action : {HCSRT_ACTION_DELAY, HCSRT_ACTION_HANG, HCSRT_ACTION_REORDER}) {
        Rule rule(of_events(action, 20));
        Client client;
        client.system()->emit(HCSRT_EVENT_SYSTEM_EXITED, u"{}");
        CHECK(rule.met() == 1 && client.context->count() == 0);
        client.close();
        /* Nor does the next one get it, in the same slots. */
        Client next;
        pause(30);
        hcsrt_rule_release(rule.number);
        pause(10);
        CHECK(next.context->count() == 0);
    }
}

void test_what_is_delayed_comes() {
    Rule rule(of_events(HCSRT_ACTION_DELAY, 30));
    Client client;
    auto began = Clock::now();
    client.system()->emit(1, u"{\"Status\":0}");
    CHECK(client.context->count() == 0);
    wait_for([&] { return client.context->count() == 1; });
    CHECK(Clock::now() - began >= milliseconds(29));
    client.system()->emit(2);
    rule.remove();
    /* With the end of its rule it has come. */
    CHECK(client.context->count() == 2);
}

void test_nothing_comes_too_early() {
    Rule rule(of_events(HCSRT_ACTION_DELAY, 3)), other(of_completions(HCSRT_ACTION_HANG));
    Client client;
    for (size_t i = 1; i <= 20; ++i) {
        auto began = Clock::now();
        client.system()->emit(1);
        /* Each time the thread looks whether it is due. */
        while (client.context->count() < i) hcsrt_rule_release(other.number);
        CHECK(Clock::now() - began >= milliseconds(3));
    }
}

void test_what_hangs_comes_when_it_is_released() {
    Rule rule(of_events(HCSRT_ACTION_HANG));
    Client client;
    client.system()->emit(1);
    pause(30);
    CHECK(client.context->count() == 0);
    hcsrt_rule_release(rule.number);
    CHECK(client.context->count() == 1);
    std::vector<uint32_t> expected{1};
    for (uint32_t type = 2; type < 10; ++type) {
        client.system()->emit(type);
        expected.push_back(type);
    }
    pause(10);
    CHECK(client.context->count() == 1);
    rule.remove();
    CHECK(client.context->types == expected);
}

/* In the order of the time when they are due, the others behind them in that of arrival. However many there are, one more
 * costs the same: where each were put behind all others one by one, this would not end. */
void test_many_are_kept(uint32_t count) {
    constexpr uint32_t HANGING = 1u << 31;
    hcsrt_rule first_half = of_events(HCSRT_ACTION_HANG), others = of_events(HCSRT_ACTION_DELAY, 3600000);
    first_half.type_count = others.type_count = 1;
    first_half.types[0] = HANGING;
    others.types[0] = 1;
    Rule hang(first_half), delay(others);
    Client client, other;
    for (uint32_t i = 0; i < count; ++i) client.system()->emit(i % 2 ? 1 : HANGING, i % 2 ? u"" : u"{}");
    other.system()->emit(1);
    CHECK(hang.met() == count / 2 && client.context->count() == 0);
    hcsrt_rule_release(delay.number);
    CHECK(client.context->types == std::vector<uint32_t>(count / 2, 1) && other.context->count() == 1);
    hang.remove();
    CHECK(client.context->count() == count && client.context->types.back() == HANGING);
}

void test_each_comes_when_it_is_due() {
    std::vector<std::unique_ptr<Rule>> rules;
    std::vector<uint32_t> expected;
    constexpr uint32_t COUNT = 60;
    for (uint32_t i = 0; i < COUNT; ++i) {
        hcsrt_rule rule = of_events(HCSRT_ACTION_DELAY, 200 + i * 37 % COUNT * 20);
        rule.type_count = 1;
        rule.types[0] = i * 37 % COUNT;
        rules.push_back(std::make_unique<Rule>(rule));
        expected.push_back(i);
    }
    Client client;
    auto began = Clock::now();
    for (uint32_t i = 0; i < COUNT; ++i) client.system()->emit(i * 37 % COUNT);
    bool in_time = Clock::now() - began < milliseconds(20);
    wait_for([&] { return client.context->count() == COUNT; });
    CHECK(!in_time || client.context->types == expected);
}

/* Sanitizers keep memory that was given back. gcc names them by macros, clang by features. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#  define IS_SANITIZED
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define IS_SANITIZED
#  endif
#endif

#if defined(__linux__) && !defined(IS_SANITIZED)
long resident() {
    struct rusage usage;
    CHECK(!getrusage(RUSAGE_SELF, &usage));
    return usage.ru_maxrss;
}

/* Of closed handles next to nothing is kept: the documents of these would be 400 MB. */
void test_what_is_kept_for_closed_handles_is_dropped() {
    hcsrt_rule hang = of_events(HCSRT_ACTION_HANG), delay = of_events(HCSRT_ACTION_DELAY, 1);
    hang.type_count = delay.type_count = 1;
    hang.types[0] = 1;
    delay.types[0] = 2;
    Rule keeps(hang), tells(delay);
    Client other;
    long before = resident();
    Units document(2000, u'x');
    for (uint32_t i = 0; i < 100000; ++i) {
        {
            Client client;
            client.system()->emit(1, document.c_str());
        }
        if (i % 200) continue;
        /* The thread has had a look at them when it has delivered this. */
        other.system()->emit(2);
        wait_for([&] { return other.context->count() == i / 200 + 1; });
        std::lock_guard<std::mutex> lock(graves_mutex);
        graves.clear();
    }
    CHECK(resident() - before < 100000);
}
#else
void test_what_is_kept_for_closed_handles_is_dropped() {}
#endif

void test_a_close_waits_for_what_runs() {
    Rule rule(of_events(HCSRT_ACTION_DELAY, 1));
    Client client;
    std::atomic<bool> is_inside{false}, may_go{false}, is_closed{false};
    client.context->inside = [&](uint32_t) {
        is_inside = true;
        while (!may_go) pause(1);
    };
    client.system()->emit(1);
    wait_for([&] { return is_inside.load(); });
    std::thread closer([&] {
        client.close();
        is_closed = true;
    });
    pause(30);
    CHECK(!is_closed);
    may_go = true;
    closer.join();
}

void test_nothing_begins_while_the_handle_closes() {
    Rule rule(of_events(HCSRT_ACTION_HANG));
    Client client;
    client.system()->emit(1);
    std::atomic<int> told{0};
    client.context->inside = [&](uint32_t) { ++told; };
    while_closing = [&] { hcsrt_rule_release(rule.number); };
    client.close();
    while_closing = nullptr;
    CHECK(told == 0);
}

void test_a_close_within_a_callback() {
    for (bool twice : {false, true}) {
        Rule rule(of_events(HCSRT_ACTION_DELAY, 1)), again(of_events(HCSRT_ACTION_DUPLICATE));
        if (!twice) again.remove();
        Client client;
        std::atomic<int> told{0};
        hcsrt_system raw = client.raw;
        client.context->inside = [&](uint32_t) {
            ++told;
            outer->HcsCloseComputeSystem(raw);
        };
        client.raw = nullptr;
        static_cast<System *>(raw)->emit(1);
        wait_for([&] { return told == 1; });
        pause(10);
        CHECK(told == 1);
        rule.remove();
        delete client.context;
    }
}

void test_duplicates_and_drops() {
    Client client;
    {
        Rule rule(of_events(HCSRT_ACTION_DUPLICATE));
        client.system()->emit(7);
        CHECK(client.context->types == (std::vector<uint32_t>{7, 7}));
    }
    hcsrt_rule only = of_events(HCSRT_ACTION_DROP);
    only.type_count = 1;
    only.types[0] = 8;
    Rule rule(only);
    client.system()->emit(8);
    client.system()->emit(9);
    CHECK(client.context->types == (std::vector<uint32_t>{7, 7, 9}) && rule.met() == 1);
}

/* How long it waits for the next one is its own affair. */
bool comes_after_the_next() {
    hcsrt_rule first = of_events(HCSRT_ACTION_REORDER);
    first.first = first.calls = 1;
    Rule rule(first);
    Client client, other;
    auto began = Clock::now();
    client.system()->emit(1);
    other.system()->emit(5);
    CHECK(other.context->count() == 1);
    client.system()->emit(2);
    wait_for([&] { return client.context->count() == 2; });
    bool in_time = Clock::now() - began < milliseconds(400);
    CHECK(!in_time || client.context->types == (std::vector<uint32_t>{2, 1}));
    return in_time;
}

void test_reorder() {
    /* On a busy machine not each time. */
    int tries = 0;
    while (!comes_after_the_next()) CHECK(++tries < 20);
    /* Without a next one it comes at last. */
    Rule alone(of_events(HCSRT_ACTION_REORDER));
    Client client;
    auto began = Clock::now();
    client.system()->emit(3);
    CHECK(client.context->count() == 0);
    wait_for([&] { return client.context->count() == 1; });
    CHECK(Clock::now() - began >= milliseconds(499));
}

void test_selectors() {
    Client web(u"Web-1", u" {\"A\": [{\"Owner\": \"x\"}, \"]\"], \"Owner\" : \"m\\u0065 \\\"\"}"), data(u"data", u"{}");
    Client opened(u"wEB-1");
    hcsrt_rule rule = of_events(HCSRT_ACTION_DROP);
    Units system(u"web-?"), owner(u"me*\"");
    rule.system = units(system);
    {
        Rule of_system(rule);
        for (Client *each : {&web, &data, &opened}) each->system()->emit(1);
        CHECK(web.context->count() == 0 && data.context->count() == 1 && opened.context->count() == 0);
        hcsrt_firing firing;
        uint64_t next = 0;
        uint32_t count = 0;
        while (hcsrt_next_firing(&next, &firing)) {
            if (firing.rule != of_system.number) continue;
            CHECK(++count == firing.number && firing.type == 1 && firing.length == 5 && firing.system[3] == '-');
        }
        CHECK(count == 2);
    }
    rule.owner = units(owner);
    hcsrt_condition condition = {HCSRT_FIELD_DOCUMENT, HCSRT_CONTAINS, 0, 0, nullptr};
    Units part(u"\"Status\":1");
    condition.text = units(part);
    rule.conditions = &condition;
    rule.condition_count = 1;
    Rule of_owner(rule);
    for (Client *each : {&web, &data, &opened}) {
        each->system()->emit(2, u"{\"Status\":1}");
        each->system()->emit(3, u"{\"Status\":2}");
    }
    CHECK(web.context->count() == 1 && data.context->count() == 3 && opened.context->count() == 1);
}

Units id_of(uint32_t number) {
    Units id = u"system-";
    for (; number; number /= 10) id += static_cast<char16_t>(u'0' + number % 10);
    return id;
}

/* However many handles there are: where each were looked at, this would not end. */
void test_the_owner_of_one_among_many() {
    constexpr uint32_t COUNT = 50000, OPENED = 200000;
    std::vector<hcsrt_system> systems(COUNT);
    Units document(u"{\"Owner\":\"me\"}"), owner(u"me"), other(u"you");
    for (uint32_t i = 0; i < COUNT; ++i)
        CHECK(outer->HcsCreateComputeSystem(units(id_of(i)), units(document), nullptr, nullptr, &systems[i]) ==
              HCSRT_S_OK);
    hcsrt_rule rule = of_events(HCSRT_ACTION_DROP);
    rule.owner = units(owner);
    Rule of_owner(rule);
    for (uint32_t i = 0; i < OPENED; ++i) {
        hcsrt_system opened;
        CHECK(outer->HcsOpenComputeSystem(units(id_of(COUNT - 1 - i % 7)), HCSRT_GENERIC_ALL, &opened) == HCSRT_S_OK);
        outer->HcsCloseComputeSystem(opened);
        if (i % 1000) continue;
        std::lock_guard<std::mutex> lock(graves_mutex);
        graves.clear();
    }
    Client opened(id_of(7).c_str()), unknown(id_of(COUNT).c_str());
    for (Client *each : {&opened, &unknown}) each->system()->emit(1);
    CHECK(opened.context->count() == 0 && unknown.context->count() == 1);
    for (hcsrt_system each : systems) outer->HcsCloseComputeSystem(each);
    /* An opened handle keeps the owner; without any handle nobody knows it. */
    Client again(id_of(7).c_str()), gone(id_of(8).c_str());
    for (Client *each : {&again, &gone}) each->system()->emit(1);
    CHECK(again.context->count() == 0 && gone.context->count() == 1);
    /* Somebody else's, of the same id. */
    Units document_of_other(u"{\"Owner\":\"you\"}");
    Client theirs(id_of(8).c_str(), document_of_other.c_str()), theirs_too(id_of(8).c_str());
    for (Client *each : {&theirs, &theirs_too}) each->system()->emit(1);
    CHECK(theirs.context->count() == 1 && theirs_too.context->count() == 1);
}

void test_probability() {
    std::vector<std::vector<uint32_t>> seen;
    for (uint64_t seed : {1, 1, 2}) {
        hcsrt_rule rule = of_events(HCSRT_ACTION_DROP);
        rule.by_chance = 1;
        rule.probability = 0.5;
        rule.seed = seed;
        Rule by_chance(rule);
        Client client;
        for (uint32_t i = 0; i < 200; ++i) client.system()->emit(i);
        seen.push_back(client.context->types);
        CHECK(seen.back().size() > 60 && seen.back().size() < 140);
    }
    CHECK(seen[0] == seen[1] && seen[0] != seen[2]);
}

/* What was in the table before: handles whose close the table did not see. */
void test_what_was_closed_elsewhere() {
    Units other(u"other");
    hcsrt_rule rule = of_events(HCSRT_ACTION_DROP);
    rule.system = units(other);
    Rule of_other(rule);
    Client client;
    client.system()->emit(1);
    CHECK(client.context->count() == 1);
    hcsrt_interpose_end();
    inner.HcsCloseComputeSystem(client.raw);
    CHECK(hcsrt_interpose(&inner) == outer);
    client.raw = nullptr;
    delete client.context;
}

/* However many there have been: the context that HCS is given has the number of a slot. */
void test_slots_are_used_again() {
    Rule rule(of_events(HCSRT_ACTION_DROP));
    auto slot = [] {
        Client client;
        return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(client.system()->context));
    };
    uint32_t most = slot() + 3;
    for (int i = 0; i < 2000; ++i) CHECK(slot() <= most);
    for (int i = 0; i < 200; ++i) {
        const hcsrt_char id[] = {0};
        hcsrt_system system;
        CHECK(outer->HcsOpenComputeSystem(id, HCSRT_GENERIC_ALL, &system) == HCSRT_S_OK);
        hcsrt_interpose_end();
        inner.HcsCloseComputeSystem(system);
        CHECK(hcsrt_interpose(&inner) == outer);
    }
    CHECK(slot() <= most);
}

/* --- completions -------------------------------------------------------------------------------------------------- */

/* Never freed: HCS may call back after the close of an operation. */
std::atomic<int> &new_count() {
    static std::mutex mutex;
    static auto &counts = *new std::vector<std::unique_ptr<std::atomic<int>>>;
    std::lock_guard<std::mutex> lock(mutex);
    counts.push_back(std::make_unique<std::atomic<int>>(0));
    return *counts.back();
}

struct Start {
    std::atomic<int> &told = new_count();
    hcsrt_operation operation = nullptr;
    hcsrt_system system = nullptr;

    explicit Start(bool with_callback = true) {
        fake_hcs::api()->HcsOpenComputeSystem(nullptr, HCSRT_GENERIC_ALL, &system);
        operation = outer->HcsCreateOperation(&told, with_callback ? tell : nullptr);
        CHECK(outer->HcsStartComputeSystem(system, operation, nullptr) == HCSRT_S_OK);
    }
    Start(const Start &) = delete;
    ~Start() {
        outer->HcsCloseOperation(operation);
        fake_hcs::api()->HcsCloseComputeSystem(system);
    }
    static void HCSRT_CALL tell(hcsrt_operation, void *context) { ++*static_cast<std::atomic<int> *>(context); }

    hcsrt_result wait(uint32_t ms, Units *text = nullptr) {
        hcsrt_char *document = nullptr;
        hcsrt_result result = outer->HcsWaitForOperationResult(operation, ms, &document);
        if (text && document) *text = reinterpret_cast<char16_t *>(document);
        if (document) outer->free_string(document);
        return result;
    }
};

void test_completions() {
    for (bool with_callback : {true, false}) {
        Rule rule(of_completions(HCSRT_ACTION_DELAY, 40));
        auto began = Clock::now();
        Start start(with_callback);
        CHECK(start.wait(1) == HCSRT_E_OPERATION_TIMEOUT && start.told == 0);
        CHECK(start.wait(20000) == HCSRT_S_OK);
        CHECK(Clock::now() - began >= milliseconds(39));
        wait_for([&] { return start.told == with_callback; });
    }
    {
        Rule rule(of_completions(HCSRT_ACTION_DROP));
        Start start;
        CHECK(start.wait(20000) == HCSRT_S_OK);
        pause(20);
        CHECK(start.told == 0);
    }
    {
        Rule rule(of_completions(HCSRT_ACTION_DUPLICATE));
        Start start;
        wait_for([&] { return start.told == 2; });
    }
    {
        hcsrt_rule first = of_completions(HCSRT_ACTION_REORDER);
        first.first = first.calls = 1;
        Rule rule(first);
        Start start;
        CHECK(start.wait(20000) == HCSRT_S_OK);
        pause(20);
        CHECK(start.told == 0);
        Start next;
        wait_for([&] { return next.told == 1 && start.told == 1; });
    }
    {
        hcsrt_rule fails = of_completions(HCSRT_ACTION_FAIL);
        Units document(u"{\"Error\":1}"), found;
        fails.result = HCSRT_E_ABORT;
        fails.document = units(document);
        Rule rule(fails);
        Start start;
        CHECK(start.wait(20000, &found) == HCSRT_E_ABORT && found == document);
    }
    {
        /* It leaves its document with the operation, which can be used again. */
        hcsrt_rule fails = of_completions(HCSRT_ACTION_FAIL);
        Units document(u"{\"Error\":2}"), found;
        fails.site = HCSRT_SITE_CALL;
        fails.first = 2;
        fails.calls = 1;
        fails.result = HCSRT_E_ABORT;
        fails.document = units(document);
        Rule rule(fails);
        Start start;
        CHECK(start.wait(20000, &found) == HCSRT_S_OK && found != document);
        hcsrt_operation operation = outer->HcsCreateOperation(nullptr, nullptr);
        CHECK(outer->HcsStartComputeSystem(start.system, operation, nullptr) == HCSRT_E_ABORT);
        hcsrt_char *given = nullptr;
        CHECK(outer->HcsGetOperationResult(operation, &given) == HCSRT_E_ABORT && given);
        CHECK(Units(reinterpret_cast<char16_t *>(given)) == document);
        outer->free_string(given);
        CHECK(outer->HcsStartComputeSystem(start.system, operation, nullptr) == HCSRT_S_OK);
        CHECK(outer->HcsWaitForOperationResult(operation, 20000, &given) == HCSRT_S_OK);
        outer->free_string(given);
        outer->HcsCloseOperation(operation);
    }
    wait_for([] { return fake_hcs::live() == 0; });
}

/* A callback of ours is in nobody's way. */
void test_operations_without_a_callback() {
    tells_of_operations = true;
    hcsrt_rule elsewhere = of_completions(HCSRT_ACTION_DROP);
    elsewhere.function = number_of("HcsPauseComputeSystem");
    for (const hcsrt_rule &given : {of_completions(HCSRT_ACTION_DELAY, 30), elsewhere}) {
        Rule rule(given);
        auto began = Clock::now();
        Start start(false);
        CHECK(start.wait(20000) == HCSRT_S_OK);
        CHECK(!rule.met() || Clock::now() - began >= milliseconds(29));
        hcsrt_operation operation = outer->HcsCreateOperation(&start.told, Start::tell);
        CHECK(outer->HcsStartComputeSystem(start.system, operation, nullptr) == HCSRT_E_CALLBACK_ALREADY_SET);
        outer->HcsCloseOperation(operation);
    }
    tells_of_operations = false;
    wait_for([] { return fake_hcs::live() == 0; });
}

/* An operation whose calls only while_starting gets. */
struct Called {
    hcsrt_operation operation;
    int told = 0;
    std::function<void()> inside;

    Called() : operation(outer->HcsCreateOperation(this, tell)) { CHECK(last_context != this); }
    Called(const Called &) = delete;
    ~Called() {
        outer->HcsCloseOperation(operation);
        while_starting = nullptr;
    }
    static void HCSRT_CALL tell(hcsrt_operation, void *context) {
        auto *called = static_cast<Called *>(context);
        ++called->told;
        if (called->inside) called->inside();
    }
    static void complete(hcsrt_operation operation) { last_callback(operation, last_context); }
    hcsrt_result start() { return outer->HcsStartComputeSystem(nullptr, operation, nullptr); }
};

void test_a_call_completes_while_the_next_one_is_refused() {
    hcsrt_rule elsewhere = of_completions(HCSRT_ACTION_HANG);
    elsewhere.function = number_of("HcsPauseComputeSystem");
    Rule rule(elsewhere);
    Called called;
    while_starting = [](hcsrt_operation) { return HCSRT_S_OK; };
    CHECK(called.start() == HCSRT_S_OK);
    Rule hangs(of_completions(HCSRT_ACTION_HANG));
    while_starting = [&](hcsrt_operation operation) {
        Called::complete(operation);
        CHECK(called.told == 0);
        return HCSRT_E_OPERATION_ALREADY_STARTED;
    };
    CHECK(called.start() == HCSRT_E_OPERATION_ALREADY_STARTED);
    CHECK(called.told == 1);
}

void test_a_call_does_not_inherit_the_delay_of_the_last_one() {
    hcsrt_rule first = of_completions(HCSRT_ACTION_DELAY, 3600000), others = of_completions(HCSRT_ACTION_HANG);
    first.first = first.calls = 1;
    others.first = 2;
    Rule delays(first), hangs(others);
    Called called;
    while_starting = [](hcsrt_operation operation) {
        Called::complete(operation);
        return HCSRT_S_OK;
    };
    called.inside = [&] {
        called.inside = nullptr;
        CHECK(called.start() == HCSRT_S_OK);
    };
    CHECK(called.start() == HCSRT_S_OK && called.told == 0);
    /* With its callback the next call begins, before what the delay of this one has queued is looked at. */
    hcsrt_rule_release(delays.number);
    CHECK(called.told == 1);
    hangs.remove();
    CHECK(called.told == 2);
}

void test_a_failed_create_gives_nothing() {
    Client client;
    hcsrt_system given = client.raw;
    fails_to_create = true;
    CHECK(outer->HcsCreateComputeSystem(units(u"b"), units(u"{}"), nullptr, nullptr, &given) == HCSRT_E_ABORT);
    fails_to_create = false;
    CHECK(!given);
    /* Who has the handle that was in the variable before hears all. */
    client.system()->emit(1);
    CHECK(client.context->count() == 1);
}

/* Others ask for the outcome while a thread starts the operation again: they may get the document of any call, whole. */
void test_an_operation_is_started_while_somebody_asks() {
    hcsrt_rule fails = of_completions(HCSRT_ACTION_FAIL);
    Units document(4000, u'x');
    fails.site = HCSRT_SITE_CALL;
    fails.result = HCSRT_E_ABORT;
    fails.document = units(document);
    Rule rule(fails);
    hcsrt_system system;
    fake_hcs::api()->HcsOpenComputeSystem(nullptr, HCSRT_GENERIC_ALL, &system);
    hcsrt_operation operation = outer->HcsCreateOperation(nullptr, nullptr);
    CHECK(outer->HcsStartComputeSystem(system, operation, nullptr) == HCSRT_E_ABORT);
    std::atomic<bool> is_over{false};
    std::vector<std::thread> askers;
    for (int i = 0; i < 2; ++i)
        askers.emplace_back([&] {
            while (!is_over) {
                hcsrt_char *given = nullptr;
                outer->HcsGetOperationResult(operation, &given);
                if (!given) continue;
                CHECK(Units(reinterpret_cast<char16_t *>(given)) == document);
                outer->free_string(given);
            }
        });
    for (int i = 0; i < 20000; ++i) CHECK(outer->HcsStartComputeSystem(system, operation, nullptr) == HCSRT_E_ABORT);
    is_over = true;
    for (std::thread &asker : askers) asker.join();
    outer->HcsCloseOperation(operation);
    fake_hcs::api()->HcsCloseComputeSystem(system);
}

/* --- a forked child ----------------------------------------------------------------------------------------------- */

#if !defined(_WIN32)
void test_fork() {
    CHECK(hcsrt_forks_watch(nullptr));
    hcsrt_rule hang = of_events(HCSRT_ACTION_HANG);
    hang.site = HCSRT_SITE_CALL;
    hang.function = number_of("HcsOpenComputeSystem");
    Rule events(of_events(HCSRT_ACTION_DELAY, 20));
    Client client;
    client.system()->emit(1);
    Rule calls(hang);
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        alarm(20);
        hcsrt_rule_remove(calls.number);
        hcsrt_rule_release(events.number);
        hcsrt_interpose_end();
        Client own;
        own.system()->emit(2);
        CHECK(own.context->count() == 1);
        Rule again(of_events(HCSRT_ACTION_DELAY, 1));
        own.system()->emit(3);
        wait_for([&] { return own.context->count() == 2; });
        own.close();
        outer->HcsCloseComputeSystem(client.raw);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    calls.remove();
    wait_for([&] { return client.context->count() == 1; });
}
#endif

/* --- under threads ------------------------------------------------------------------------------------------------ */

std::atomic<bool> over{false};
std::atomic<uint64_t> closed{0}, told{0}, fired{0}, completed{0};

hcsrt_rule random_rule(unsigned roll) {
    const int actions[] = {HCSRT_ACTION_DELAY, HCSRT_ACTION_HANG, HCSRT_ACTION_DROP, HCSRT_ACTION_DUPLICATE,
                           HCSRT_ACTION_REORDER};
    int action = actions[roll / 2 % 5];
    hcsrt_rule rule = roll % 2 ? of_events(action, roll % 3) : of_completions(action, roll % 3);
    rule.jitter = roll % 2;
    rule.every = 1 + roll / 16 % 3;
    return rule;
}

void rule_all_the_time(int rounds, unsigned seed) {
    for (int round = 0; round < rounds; ++round) {
        Rule rule(random_rule(static_cast<unsigned>(rand_r(&seed)) / 8));
        for (int i = 0; i < 20 && !rule.met(); ++i) std::this_thread::yield();
        if (rand_r(&seed) % 4 == 0) hcsrt_rule_release(rule.number);
        fired += hcsrt_rule_remove(rule.number);
    }
}

thread_local bool is_of_hcs = false;

/* Opens, has somebody else tell, and closes at any time, now and then within a callback; not within one that HCS itself
 * makes, whose close would wait for it. */
void live_all_the_time(unsigned seed) {
    while (!over) {
        Client client;
        System *system = client.system();
        auto *context = client.context;
        bool may_close_itself = rand_r(&seed) % 4 == 0;
        std::atomic<bool> is_closed{false}, is_left{true};
        context->inside = [&](uint32_t) {
            ++told;
            if (!may_close_itself || is_of_hcs || is_closed.exchange(true)) return;
            is_left = false;
            outer->HcsCloseComputeSystem(system);
            is_left = true;
        };
        std::thread teller([&] {
            is_of_hcs = true;
            for (uint32_t i = 0; i < 4; ++i) system->emit(i, u"{}");
        });
        if (rand_r(&seed) % 2) std::this_thread::yield();
        if (!is_closed.exchange(true)) {
            client.close();
        } else {
            while (!is_left) std::this_thread::yield();
            /* The callback itself is still about to end. */
            hcsrt_interpose_end();
            client.raw = nullptr;
            client.context = nullptr;
            teller.join();
            pause(1);
            delete context;
        }
        if (teller.joinable()) teller.join();
        ++closed;
    }
}

void start_all_the_time() {
    while (!over) {
        Start start;
        CHECK(start.wait(20000) == HCSRT_S_OK);
        ++completed;
    }
}

void test_threads(int rounds) {
    std::vector<std::thread> clients, rulers;
    for (unsigned i = 0; i < 2; ++i) rulers.emplace_back(rule_all_the_time, rounds, i + 1);
    for (unsigned i = 0; i < 2; ++i) clients.emplace_back(live_all_the_time, i + 7);
    for (int i = 0; i < 2; ++i) clients.emplace_back(start_all_the_time);
    for (std::thread &ruler : rulers) ruler.join();
    over = true;
    for (std::thread &client : clients) client.join();
    CHECK(closed > 0 && told > 0 && fired > 0 && completed > 0);
    wait_for([] { return fake_hcs::live() == 0; });
}

}  // namespace

int main(int count, char **arguments) {
    test_nothing_comes_after_the_close();
    test_what_is_delayed_comes();
    test_nothing_comes_too_early();
    test_what_hangs_comes_when_it_is_released();
    test_many_are_kept(400000);
    test_each_comes_when_it_is_due();
    test_what_is_kept_for_closed_handles_is_dropped();
    test_a_close_waits_for_what_runs();
    test_nothing_begins_while_the_handle_closes();
    test_a_close_within_a_callback();
    test_duplicates_and_drops();
    test_reorder();
    test_selectors();
    test_the_owner_of_one_among_many();
    test_probability();
    test_what_was_closed_elsewhere();
    test_slots_are_used_again();
    test_completions();
    test_operations_without_a_callback();
    test_a_call_completes_while_the_next_one_is_refused();
    test_a_call_does_not_inherit_the_delay_of_the_last_one();
    test_a_failed_create_gives_nothing();
    test_an_operation_is_started_while_somebody_asks();
    test_threads(count > 1 ? std::atoi(arguments[1]) : 300);
#if !defined(_WIN32)
    if (count > 2) test_fork();
#endif
    std::printf("%llu closed, %llu told, %llu fired, %llu completed\n", static_cast<unsigned long long>(closed.load()),
                static_cast<unsigned long long>(told.load()), static_cast<unsigned long long>(fired.load()),
                static_cast<unsigned long long>(completed.load()));
}
