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

hcsrt_rule failing(uint32_t first, uint32_t calls, hcsrt_result result = HCSRT_E_INVALIDARG) {
    return {first, calls, 0, 0, 1, result, 0, 0};
}

hcsrt_rule waiting(uint32_t first, uint32_t calls, uint32_t ms = 0) { return {first, calls, 1, ms, 0, 0, 0, 0}; }

hcsrt_rule withholding(bool passed_on) { return {1, 0, 0, 0, !passed_on, HCSRT_S_OK, 0, 1}; }

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
    int opens = number_of("HcsOpenComputeSystem");
    hcsrt_rule second = failing(2, 1), from_fourth = failing(4, 0, HCSRT_E_OUTOFMEMORY);
    hcsrt_system system = nullptr;
    int one = hcsrt_rule_add(opens, &second), other = hcsrt_rule_add(opens, &from_fourth);
    CHECK(one >= 0 && other >= 0 && one != other);
    const hcsrt_result expected[] = {0, HCSRT_E_INVALIDARG, 0, HCSRT_E_OUTOFMEMORY, HCSRT_E_OUTOFMEMORY};
    for (hcsrt_result result : expected) {
        system = nullptr;
        CHECK(open_system(outer, &system) == result);
        CHECK(!system == (result != 0));
        if (system) outer->HcsCloseComputeSystem(system);
    }
    CHECK(hcsrt_rule_met(one) == 1 && hcsrt_rule_met(other) == 2);
    hcsrt_rule_remove(one);
    hcsrt_rule_remove(other);
    CHECK(open_system(outer, &system) == HCSRT_S_OK);
    outer->HcsCloseComputeSystem(system);
    CHECK(fake_hcs::live() == 0);
}

void test_what_can_fail() {
    hcsrt_rule rule = failing(1, 1);
    for (const char *name : {"HcsCloseComputeSystem", "HcsGetOperationId", "free_string"})
        CHECK(hcsrt_rule_add(number_of(name), &rule) == -1);
    int creates = hcsrt_rule_add(number_of("HcsCreateOperation"), &rule);
    CHECK(!outer->HcsCreateOperation(nullptr, nullptr));
    hcsrt_rule_remove(creates);
    /* There are not so many rules, and each is free again. */
    std::vector<int> rules;
    int last;
    while ((last = hcsrt_rule_add(0, &rule)) >= 0) rules.push_back(last);
    CHECK(rules.size() >= 32);
    for (int each : rules) hcsrt_rule_remove(each);
    CHECK((last = hcsrt_rule_add(0, &rule)) >= 0);
    hcsrt_rule_remove(last);
}

void test_call_waits() {
    int opens = number_of("HcsOpenComputeSystem");
    hcsrt_rule second = waiting(2, 1);
    int rule = hcsrt_rule_add(opens, &second);
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

    hcsrt_rule for_some_time = waiting(1, 0, 50);
    for_some_time.fails = 1;
    for_some_time.result = HCSRT_E_ABORT;
    rule = hcsrt_rule_add(opens, &for_some_time);
    auto began = Clock::now();
    CHECK(open_system(outer, &systems[0]) == HCSRT_E_ABORT);
    CHECK(Clock::now() - began >= milliseconds(50));
    hcsrt_rule_remove(rule);
}

void test_deaf_callback() {
    hcsrt_rule rule = {1, 1, 0, 0, 0, 0, 1, 0};
    CHECK(hcsrt_rule_add(number_of("HcsOpenComputeSystem"), &rule) == -1);
    CHECK(hcsrt_rule_add(number_of("HcsSetComputeSystemCallback"), &rule) >= 0);
    int creates = hcsrt_rule_add(number_of("HcsCreateOperation"), &rule);
    std::atomic<int> told{0};
    auto tell = [](hcsrt_operation, void *context) { ++*static_cast<std::atomic<int> *>(context); };
    for (int expected : {0, 1}) {
        hcsrt_operation operation = outer->HcsCreateOperation(&told, tell);
        hcsrt_char *document = nullptr;
        outer->HcsEnumerateComputeSystems(nullptr, operation);
        CHECK(outer->HcsWaitForOperationResult(operation, 10000, &document) == HCSRT_S_OK);
        outer->free_string(document);
        outer->HcsCloseOperation(operation);
        for (int i = 0; i < 10000 && told < expected; ++i) std::this_thread::sleep_for(milliseconds(1));
        std::this_thread::sleep_for(milliseconds(20));
        CHECK(told == expected);
    }
    hcsrt_rule_remove(creates);
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
    int starts = number_of("HcsStartComputeSystem");
    hcsrt_system system = nullptr;
    open_system(outer, &system);
    Asker asker, closer;
    hcsrt_rule rule = withholding(true);
    int number = hcsrt_rule_add(starts, &rule);
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
    int starts = number_of("HcsStartComputeSystem");
    hcsrt_system system = nullptr;
    open_system(outer, &system);
    for (const char *name : {"HcsOpenComputeSystem", "HcsCloseComputeSystem", "HcsCreateOperation", "free_string"}) {
        hcsrt_rule rule = withholding(true);
        CHECK(hcsrt_rule_add(number_of(name), &rule) == -1);
    }
    for (const char *name :
         {"HcsCreateProcess", "HcsCreateComputeSystem", "HcsCreateComputeSystemInNamespace", "HcsGetProcessInfo"}) {
        hcsrt_rule rule = withholding(false), passed_on = withholding(true);
        int number = hcsrt_rule_add(number_of(name), &rule);
        CHECK((number >= 0) == !std::strcmp(name, "HcsGetProcessInfo"));
        if (number >= 0) hcsrt_rule_remove(number);
        CHECK((number = hcsrt_rule_add(number_of(name), &passed_on)) >= 0);
        hcsrt_rule_remove(number);
    }
    hcsrt_rule rule = withholding(false);
    int number = hcsrt_rule_add(starts, &rule);
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
    hcsrt_rule late = withholding(true);
    number = hcsrt_rule_add(starts, &late);
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
    int starts = number_of("HcsStartComputeSystem");
    for (int round = 0; round < rounds; ++round) {
        hcsrt_rule rule = withholding(true);
        int number = hcsrt_rule_add(starts, &rule);
        CHECK(number >= 0);
        for (int i = 0; i < 50 && !hcsrt_rule_met(number); ++i) std::this_thread::yield();
        hcsrt_rule_remove(number);
    }
}

/* The slots of rules go from function to function, while calls of both look at them. */
void rule_all_the_time(int rounds, unsigned seed) {
    int opens = number_of("HcsOpenComputeSystem"), closes = number_of("HcsCloseComputeSystem");
    for (int round = 0; round < rounds; ++round) {
        unsigned roll = static_cast<unsigned>(rand_r(&seed)) / 8;
        hcsrt_rule rule = roll % 2 ? failing(1 + roll % 3, 1 + roll % 5) : waiting(1 + roll % 3, 1 + roll % 2);
        if (rule.fails) may_fail += rule.calls;
        int number = hcsrt_rule_add(rule.fails ? opens : closes, &rule);
        CHECK(number >= 0);
        for (int i = 0; i < 50 && !hcsrt_rule_met(number); ++i) std::this_thread::yield();
        hcsrt_rule_remove(number);
    }
}

void test_threads(int rounds) {
    int opens = number_of("HcsOpenComputeSystem");
    hcsrt_rule never_passed_on = failing(1, 0, HCSRT_E_ABORT);
    int rule = hcsrt_rule_add(number_of("HcsEnumerateComputeSystems"), &never_passed_on);
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
    test_deaf_callback();
    test_withheld_call_that_hcs_gets();
    test_withheld_call_that_hcs_never_gets();
    test_missing_function();
    test_shorter_table();
    test_threads(count > 1 ? std::atoi(arguments[1]) : 2000);
    std::printf("%llu calls, %llu failed\n", static_cast<unsigned long long>(calls.load()),
                static_cast<unsigned long long>(failed.load()));
}
