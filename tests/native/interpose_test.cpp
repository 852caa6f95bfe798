/* The table around a table: what it passes on, counts, lets fail, lets wait and withholds; and under threads, where each
 * call that a rule was for has failed, each that was withheld completes once, and nobody waits for a rule that is gone. */
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "backends/functions.h"
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

const HcsApi *inner = fake_hcs::api();
const HcsApi *outer = hcsrt_interpose(inner);

int number_of(const char *name) {
    int function = hcsrt_interposed(name);
    CHECK(function >= 0);
    return function;
}

hcsrt_result open_system(const HcsApi *table, hcsrt_system *system) {
    const hcsrt_char id[] = {0};
    return table->HcsOpenComputeSystem(id, HCSRT_GENERIC_ALL, system);
}

hcsrt_rule rule_for(const char *function, int action) {
    hcsrt_rule rule = {};
    rule.function = number_of(function);
    rule.action = action;
    return rule;
}

hcsrt_rule failing(const char *function, uint32_t first, uint32_t calls, hcsrt_result result = HCSRT_E_INVALIDARG) {
    hcsrt_rule rule = rule_for(function, HCSRT_ACTION_FAIL);
    rule.first = first;
    rule.calls = calls;
    rule.result = result;
    return rule;
}

hcsrt_rule waiting(const char *function, uint32_t first, uint32_t calls, uint32_t ms = 0) {
    hcsrt_rule rule = rule_for(function, ms ? HCSRT_ACTION_DELAY : HCSRT_ACTION_HANG);
    rule.first = first;
    rule.calls = calls;
    rule.milliseconds = ms;
    return rule;
}

hcsrt_rule withholding(const char *function, bool passed_on) {
    hcsrt_rule rule = rule_for(function, passed_on ? HCSRT_ACTION_HANG : HCSRT_ACTION_SILENCE);
    rule.site = passed_on ? HCSRT_SITE_COMPLETION : HCSRT_SITE_CALL;
    return rule;
}

int64_t add(const hcsrt_rule &rule) {
    int64_t number = hcsrt_rule_add(&rule);
    CHECK(number > 0);
    return number;
}

bool is_unfit(const hcsrt_rule &rule) { return hcsrt_rule_add(&rule) == HCSRT_RULE_UNFIT; }

void test_entries() {
    CHECK(outer->size == sizeof(HcsApi));
#define SAME_ENTRY(name, since, shape, subject, lane, type) \
    CHECK(!outer->name == !inner->name); \
    CHECK(!outer->name || outer->name != inner->name); \
    CHECK(!std::strcmp(hcsrt_interposed_name(number_of(#name)), #name));
    HCSRT_FUNCTIONS(SAME_ENTRY)
    CHECK(outer->free_string && !outer->free_cotaskmem && outer->close_handle);
    CHECK(hcsrt_interposed("HcsNoSuchFunction") == -1 && !hcsrt_interposed_name(1000));
}

/* What goes in and comes out is that of the inner table, and each entry counts for itself. */
void test_pass_on() {
    int opens = number_of("HcsOpenComputeSystem"), closes = number_of("HcsCloseComputeSystem");
    uint64_t before = hcsrt_interposed_calls(opens), closed = hcsrt_interposed_calls(closes);
    hcsrt_system system = nullptr;
    CHECK(open_system(outer, &system) == HCSRT_S_OK && system);
    CHECK(fake_hcs::counts().systems == 1);
    CHECK(hcsrt_interposed_calls(opens) == before + 1 && hcsrt_interposed_calls(closes) == closed);

    std::atomic<bool> told{false};
    hcsrt_operation operation = outer->HcsCreateOperation(
        &told, [](hcsrt_operation, void *context) { static_cast<std::atomic<bool> *>(context)->store(true); });
    CHECK(outer->HcsStartComputeSystem(system, operation, nullptr) == HCSRT_S_OK);
    hcsrt_char *document = nullptr;
    CHECK(outer->HcsWaitForOperationResult(operation, 10000, &document) == HCSRT_S_OK);
    CHECK(document && document[0] == '{');
    while (!told) std::this_thread::yield();
    outer->free_string(document);
    /* What one table has handed out is the other one's too. */
    inner->HcsCloseOperation(operation);
    outer->HcsCloseComputeSystem(system);
    CHECK(fake_hcs::live() == 0);
}

void test_nth_call_fails() {
    const char *opens = "HcsOpenComputeSystem";
    hcsrt_system system = nullptr;
    int64_t one = add(failing(opens, 2, 1)), other = add(failing(opens, 3, 0, HCSRT_E_OUTOFMEMORY));
    CHECK(one != other);
    const hcsrt_result expected[] = {0, HCSRT_E_INVALIDARG, 0, HCSRT_E_OUTOFMEMORY, HCSRT_E_OUTOFMEMORY};
    for (hcsrt_result result : expected) {
        system = nullptr;
        CHECK(open_system(outer, &system) == result);
        CHECK(!system == (result != 0));
        if (system) outer->HcsCloseComputeSystem(system);
    }
    CHECK(hcsrt_rule_met(one) == 1 && hcsrt_rule_met(other) == 2);
    CHECK(hcsrt_rule_remove(one) == 1 && hcsrt_rule_remove(other) == 2 && hcsrt_rule_remove(other) == 0);
    CHECK(open_system(outer, &system) == HCSRT_S_OK);
    outer->HcsCloseComputeSystem(system);
    CHECK(fake_hcs::live() == 0);
}

void test_what_can_fail() {
    for (const char *name :
         {"HcsCloseComputeSystem", "HcsGetOperationId", "HcsGetOperationType", "free_string", "close_handle"})
        CHECK(is_unfit(failing(name, 1, 1)));
    int64_t creates = add(failing("HcsCreateOperation", 1, 1));
    CHECK(!outer->HcsCreateOperation(nullptr, nullptr));
    hcsrt_rule_remove(creates);
    /* There are not so many rules, and each is free again. */
    std::vector<int64_t> rules;
    hcsrt_rule rule = failing("HcsOpenProcess", 1, 1);
    int64_t last;
    while ((last = hcsrt_rule_add(&rule)) > 0) rules.push_back(last);
    CHECK(rules.size() == 256 && last == HCSRT_RULE_CROWDED);
    for (int64_t each : rules) hcsrt_rule_remove(each);
    hcsrt_rule_remove(add(rule));
    rule = rule_for("HcsStartComputeSystem", HCSRT_ACTION_CRASH);
    CHECK(hcsrt_rule_add(&rule) == HCSRT_RULE_UNABLE);
}

void test_call_waits() {
    const char *opens = "HcsOpenComputeSystem";
    int64_t rule = add(waiting(opens, 2, 1));
    hcsrt_system systems[3] = {};
    std::atomic<int> opened{0};
    open_system(outer, &systems[0]);
    std::thread hung([&] {
        CHECK(open_system(outer, &systems[1]) == HCSRT_S_OK);
        ++opened;
    });
    while (!hcsrt_rule_waiting(rule)) std::this_thread::yield();
    open_system(outer, &systems[2]);
    std::this_thread::sleep_for(milliseconds(50));
    CHECK(!opened && fake_hcs::counts().systems == 2 && hcsrt_rule_waiting(rule) == 1);
    hcsrt_rule_remove(rule);
    hung.join();
    CHECK(opened == 1 && fake_hcs::counts().systems == 3);
    for (hcsrt_system system : systems) outer->HcsCloseComputeSystem(system);

    rule = add(waiting(opens, 1, 0, 50));
    int64_t fails = add(failing(opens, 1, 0, HCSRT_E_ABORT));
    auto began = Clock::now();
    CHECK(open_system(outer, &systems[0]) == HCSRT_E_ABORT);
    CHECK(Clock::now() - began >= milliseconds(50));
    hcsrt_rule_remove(rule);
    hcsrt_rule_remove(fails);
}

struct Asker {
    std::atomic<int> told{0};
    hcsrt_operation operation = nullptr;

    static void HCSRT_CALL tell(hcsrt_operation, void *context) { ++static_cast<Asker *>(context)->told; }
    void begin(hcsrt_system system) {
        operation = outer->HcsCreateOperation(this, tell);
        CHECK(outer->HcsStartComputeSystem(system, operation, nullptr) == HCSRT_S_OK);
    }
    hcsrt_result look() {
        hcsrt_char *document = nullptr;
        hcsrt_result result = outer->HcsGetOperationResult(operation, &document);
        if (document) outer->free_string(document);
        return result;
    }
    hcsrt_result wait(uint32_t ms) {
        hcsrt_char *document = nullptr;
        hcsrt_result result = outer->HcsWaitForOperationResult(operation, ms, &document);
        if (document) outer->free_string(document);
        return result;
    }
};

/* What HCS has done meanwhile comes out at the end of the rule, and once. */
void test_withheld_call_that_hcs_gets() {
    const char *starts = "HcsStartComputeSystem";
    hcsrt_system system = nullptr;
    open_system(outer, &system);
    Asker asker, closer;
    int64_t number = add(withholding(starts, true));
    asker.begin(system);
    closer.begin(system);
    CHECK(hcsrt_rule_met(number) == 2);
    CHECK(asker.wait(50) == HCSRT_E_OPERATION_TIMEOUT && asker.look() == HCSRT_E_OPERATION_PENDING);
    /* HCS itself has long completed it. */
    hcsrt_char *document = nullptr;
    CHECK(inner->HcsWaitForOperationResult(asker.operation, 10000, &document) == HCSRT_S_OK);
    outer->free_string(document);
    std::this_thread::sleep_for(milliseconds(20));
    outer->HcsCloseOperation(closer.operation);
    CHECK(!asker.told && !closer.told);
    std::thread waiter([&] { CHECK(asker.wait(0xFFFFFFFFu) == HCSRT_S_OK); });
    std::this_thread::sleep_for(milliseconds(20));
    hcsrt_rule_remove(number);
    waiter.join();
    for (int i = 0; i < 10000 && !asker.told; ++i) std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(20));
    CHECK(asker.told == 1 && !closer.told);
    outer->HcsCloseOperation(asker.operation);
    /* A callback of HCS that comes after the end of the rule is passed on by HCS itself. */
    Asker later;
    later.begin(system);
    CHECK(later.wait(10000) == HCSRT_S_OK);
    while (!later.told) std::this_thread::yield();
    outer->HcsCloseOperation(later.operation);
    outer->HcsCloseComputeSystem(system);
    CHECK(fake_hcs::live() == 0);
}

/* HCS hears nothing, then and later: it says so itself of an operation that nothing was begun with. */
void test_withheld_call_that_hcs_never_gets() {
    const char *starts = "HcsStartComputeSystem";
    hcsrt_system system = nullptr;
    open_system(outer, &system);
    for (const char *name : {"HcsOpenComputeSystem", "HcsCloseComputeSystem", "HcsCreateOperation", "free_string"})
        CHECK(is_unfit(withholding(name, true)));
    for (const char *name :
         {"HcsCreateProcess", "HcsCreateComputeSystem", "HcsCreateComputeSystemInNamespace", "HcsGetProcessInfo"}) {
        CHECK(is_unfit(withholding(name, false)) == (std::strcmp(name, "HcsGetProcessInfo") != 0));
        hcsrt_rule_remove(add(withholding(name, true)));
    }
    int64_t number = add(withholding(starts, false));
    Asker asker;
    asker.begin(system);
    hcsrt_process_information info;
    hcsrt_char *document;
    CHECK(asker.look() == HCSRT_E_OPERATION_PENDING && asker.wait(20) == HCSRT_E_OPERATION_TIMEOUT);
    CHECK(outer->HcsGetOperationResultAndProcessInfo(asker.operation, &info, &document) == HCSRT_E_OPERATION_PENDING);
    CHECK(outer->HcsWaitForOperationResultAndProcessInfo(asker.operation, 1, &info, &document) ==
          HCSRT_E_OPERATION_TIMEOUT);
    CHECK(outer->HcsStartComputeSystem(system, asker.operation, nullptr) == HCSRT_E_OPERATION_ALREADY_STARTED);
    CHECK(!asker.told);
    hcsrt_rule_remove(number);
    CHECK(asker.told == 1);
    /* The fake one knows no operation that was not started; it is pending there. */
    CHECK(asker.look() == HCSRT_E_OPERATION_PENDING && asker.wait(20) == HCSRT_E_OPERATION_TIMEOUT);
    inner->HcsCloseOperation(asker.operation);

    /* A call that HCS does not take at all has nothing to withhold. */
    fake_hcs::set_service(system, fake_hcs::Service::GONE);
    number = add(withholding(starts, true));
    hcsrt_operation operation = outer->HcsCreateOperation(nullptr, nullptr);
    CHECK(outer->HcsStartComputeSystem(system, operation, nullptr) == HCSRT_E_SERVICE_DISCONNECT);
    auto began = Clock::now();
    CHECK(outer->HcsWaitForOperationResult(operation, 1, &document) == HCSRT_E_OPERATION_TIMEOUT);
    CHECK(Clock::now() - began < milliseconds(1000));
    outer->HcsCloseOperation(operation);
    hcsrt_rule_remove(number);
    outer->HcsCloseComputeSystem(system);
    CHECK(fake_hcs::live() == 0);
}

void test_missing_function() {
    int opens = number_of("HcsOpenComputeSystem");
    const HcsApi *without = hcsrt_interpose_without(opens, 1);
    CHECK(!without->HcsOpenComputeSystem && without->HcsCreateComputeSystem);
    hcsrt_system system = nullptr;
    CHECK(open_system(outer, &system) == HCSRT_S_OK);
    without->HcsCloseComputeSystem(system);
    const HcsApi *again = hcsrt_interpose_without(opens, 0);
    CHECK(again == outer && hcsrt_interpose_without(opens, 1) == without);
    hcsrt_interpose_without(opens, 0);
}

/* A backend that was compiled when the table had fewer entries. */
void test_shorter_table() {
    HcsApi older = *inner;
    older.size = offsetof(HcsApi, HcsStartComputeSystem) + sizeof(HcsApi::HcsStartComputeSystem);
    const HcsApi *table = hcsrt_interpose(&older);
    CHECK(table->size == older.size);
    CHECK(table->HcsStartComputeSystem && !table->HcsTerminateComputeSystem);
    hcsrt_interpose(inner);
}

/* --- under threads ------------------------------------------------------------------------------------------------ */

std::atomic<uint64_t> failed{0}, may_fail{0}, calls{0};
std::atomic<bool> over{false};

void call_all_the_time() {
    while (!over) {
        hcsrt_system system = nullptr;
        ++calls;
        hcsrt_result result = open_system(outer, &system);
        CHECK(result == HCSRT_S_OK || result == HCSRT_E_INVALIDARG);
        if (hcsrt_failed(result)) ++failed;
        else outer->HcsCloseComputeSystem(system);
        result = outer->HcsEnumerateComputeSystems(nullptr, nullptr);
        CHECK(result == HCSRT_E_ABORT);
        std::this_thread::yield();
    }
}

std::atomic<uint64_t> started{0}, told{0};

/* Each call that HCS takes is told of once, withheld or not. */
void start_all_the_time() {
    hcsrt_system system = nullptr;
    const hcsrt_char id[] = {0};
    inner->HcsOpenComputeSystem(id, HCSRT_GENERIC_ALL, &system);
    while (!over) {
        Asker asker;
        asker.begin(system);
        ++started;
        while (!asker.told) std::this_thread::yield();
        CHECK(asker.wait(10000) == HCSRT_S_OK);
        outer->HcsCloseOperation(asker.operation);
        CHECK(asker.told == 1);
        ++told;
    }
    inner->HcsCloseComputeSystem(system);
}

void withhold_all_the_time(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        int64_t number = add(withholding("HcsStartComputeSystem", true));
        for (int i = 0; i < 50 && !hcsrt_rule_met(number); ++i) std::this_thread::yield();
        hcsrt_rule_remove(number);
    }
}

/* The slots of rules go from function to function, while calls of both look at them. */
void rule_all_the_time(int rounds, unsigned seed) {
    for (int round = 0; round < rounds; ++round) {
        unsigned roll = static_cast<unsigned>(rand_r(&seed)) / 8;
        bool fails = roll % 2;
        hcsrt_rule rule = fails ? failing("HcsOpenComputeSystem", 1 + roll % 3, 1 + roll % 5)
                                : waiting("HcsCloseComputeSystem", 1 + roll % 3, 1 + roll % 2);
        /* The call looks at it, so that a sanitizer sees where it is there no more. */
        const hcsrt_char pattern[] = {'*', 0};
        if (fails) rule.system = pattern;
        if (fails) may_fail += rule.calls;
        int64_t number = add(rule);
        for (int i = 0; i < 50 && !hcsrt_rule_met(number); ++i) std::this_thread::yield();
        hcsrt_rule_remove(number);
    }
}

void test_threads(int rounds) {
    int opens = number_of("HcsOpenComputeSystem");
    int64_t rule = add(failing("HcsEnumerateComputeSystems", 1, 0, HCSRT_E_ABORT));
    uint64_t before = hcsrt_interposed_calls(opens);
    std::vector<std::thread> callers, rulers;
    for (int i = 0; i < 3; ++i) callers.emplace_back(call_all_the_time);
    for (unsigned i = 0; i < 2; ++i) rulers.emplace_back(rule_all_the_time, rounds, i);
    for (int i = 0; i < 2; ++i) callers.emplace_back(start_all_the_time);
    rulers.emplace_back(withhold_all_the_time, rounds / 4);
    for (std::thread &ruler : rulers) ruler.join();
    over = true;
    for (std::thread &caller : callers) caller.join();
    hcsrt_rule_remove(rule);
    CHECK(hcsrt_interposed_calls(opens) == before + calls);
    CHECK(failed > 0 && failed <= may_fail && fake_hcs::live() == 0 && started > 0 && told == started);
}

}  // namespace

int main(int count, char **arguments) {
    test_entries();
    test_pass_on();
    test_nth_call_fails();
    test_what_can_fail();
    test_call_waits();
    test_withheld_call_that_hcs_gets();
    test_withheld_call_that_hcs_never_gets();
    test_missing_function();
    test_shorter_table();
    test_threads(count > 1 ? std::atoi(arguments[1]) : 2000);
    std::printf("%llu calls, %llu failed\n", static_cast<unsigned long long>(calls.load()),
                static_cast<unsigned long long>(failed.load()));
}
