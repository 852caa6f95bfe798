#include "interpose/interpose.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <new>
#include <tuple>
#include <type_traits>

#include "backends/functions.h"
#include "backends/table.h"
#include "core/forks.h"
#include "core/results.h"
#include "core/threads.h"
#include "interpose/withheld.h"

namespace {

using Clock = std::chrono::steady_clock;
using hcsrt::interpose::Withheld;

/* The ways to release have no row among the functions. */
#define HCSRT_ENTRIES(F) \
    HCSRT_FUNCTIONS(F) \
    F(free_string, RS5, OTHER, NONE, NONE, NONE) \
    F(free_cotaskmem, RS5, OTHER, NONE, NONE, NONE) \
    F(close_handle, RS5, OTHER, NONE, NONE, NONE)

enum Function : int {
#define HCSRT_NUMBER(name, since, shape, subject, lane, type) NUMBER_##name,
    HCSRT_ENTRIES(HCSRT_NUMBER)
#undef HCSRT_NUMBER
        FUNCTIONS
};

constexpr hcsrt_shape SHAPES[] = {
#define HCSRT_SHAPE(name, since, shape, subject, lane, type) HCSRT_SHAPE_##shape,
    HCSRT_ENTRIES(HCSRT_SHAPE)
#undef HCSRT_SHAPE
};

/* The place of the operation that tracks a call among the parameters. -1: the call is not tracked. */
constexpr int operation_at(int function) {
    switch (function) {
    case NUMBER_HcsEnumerateComputeSystems:
    case NUMBER_HcsGetProcessInfo: return 1;
    case NUMBER_HcsCreateComputeSystem:
    case NUMBER_HcsCreateProcess:
    case NUMBER_HcsEnumerateComputeSystemsInNamespace: return 2;
    case NUMBER_HcsCreateComputeSystemInNamespace: return 3;
    }
    return SHAPES[function] == HCSRT_SHAPE_VERB || SHAPES[function] == HCSRT_SHAPE_MODIFY ? 1 : -1;
}

constexpr bool gives_handle(int function) {
    return function == NUMBER_HcsCreateComputeSystem || function == NUMBER_HcsCreateComputeSystemInNamespace ||
           function == NUMBER_HcsCreateProcess;
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

/* The word of a slot says who may touch the rest of it. The thread that adds a rule takes it from 0 to CLAIMED, writes
 * the rule and makes it ACTIVE; at the end it is 0 again. A call that finds the slot among those of its function counts
 * itself in before it looks: the rule may have ended meanwhile, or the slot may belong to another function. */
constexpr uint32_t ACTIVE = 1, CLAIMED = 2, INSIDE = 4;

struct Slot {
    std::atomic<uint32_t> word{0};
    int function = 0;
    hcsrt_rule rule = {};
    std::atomic<uint32_t> seen{0}, met{0}, waiting{0};
};

constexpr int SLOTS = 64;
Slot slots[SLOTS];

struct Counted {
    std::atomic<uint64_t> calls{0};
    std::atomic<uint64_t> rules{0}; /* a bit for each slot */
};

Counted counted[FUNCTIONS];

/* The rules that withhold operations. */
std::atomic<int> withholding{0};

struct Verdict {
    bool deaf = false, fails = false;
    hcsrt_result result = 0;
    Withheld *withheld = nullptr;

    void fail(hcsrt_result with) {
        fails = true;
        result = with;
    }
};

bool is_for(const hcsrt_rule &rule, uint32_t number) {
    return number >= rule.first && (!rule.calls || number - rule.first < rule.calls);
}

void wait_in(Slot &slot) {
    uint32_t limit = slot.rule.milliseconds;
    auto end = Clock::now() + std::chrono::milliseconds(limit);
    slot.waiting.fetch_add(1, std::memory_order_relaxed);
    for (;;) {
        uint32_t seen = slot.word.load(std::memory_order_acquire);
        auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        if (!(seen & ACTIVE) || (limit && left <= 0)) break;
        hcsrt::wait_on(slot.word, seen, limit ? static_cast<uint32_t>(left) : hcsrt::FOREVER);
    }
    slot.waiting.fetch_sub(1, std::memory_order_relaxed);
}

/* The rule may have ended since the call met it, and then nobody else would. */
Withheld *withhold_for(Slot &slot, hcsrt_operation operation) {
    Withheld *withheld = hcsrt::interpose::withhold(operation, static_cast<int>(&slot - slots), !slot.rule.fails);
    if (withheld && !(slot.word.load() & ACTIVE)) hcsrt::interpose::give_out(withheld);
    return withheld;
}

void meet(Slot &slot, int function, hcsrt_operation operation, Verdict *verdict) {
    if ((slot.word.fetch_add(INSIDE, std::memory_order_acq_rel) & ACTIVE) && slot.function == function &&
        is_for(slot.rule, slot.seen.fetch_add(1, std::memory_order_relaxed) + 1)) {
        slot.met.fetch_add(1, std::memory_order_relaxed);
        if (slot.rule.waits) wait_in(slot);
        if (slot.rule.deaf) verdict->deaf = true;
        if (slot.rule.fails) verdict->fail(slot.rule.result);
        if (slot.rule.withholds && !(verdict->withheld = withhold_for(slot, operation)))
            verdict->fail(HCSRT_E_OUTOFMEMORY);
    }
    slot.word.fetch_sub(INSIDE, std::memory_order_acq_rel);
}

Verdict arrive(int function, hcsrt_operation operation) {
    Verdict verdict;
    counted[function].calls.fetch_add(1, std::memory_order_relaxed);
    uint64_t rules = counted[function].rules.load(std::memory_order_acquire);
    for (int i = 0; rules; ++i, rules >>= 1)
        if (rules & 1) meet(slots[i], function, operation, &verdict);
    return verdict;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

std::atomic<const HcsApi *> inner{nullptr};

template <typename Argument>
constexpr bool IS_CALLBACK =
    std::is_same_v<Argument, hcsrt_event_callback> || std::is_same_v<Argument, hcsrt_operation_completion>;

template <typename Argument>
void deafen(Argument *argument) {
    if constexpr (std::is_same_v<Argument, hcsrt_event_callback>) *argument = [](hcsrt_event *, void *) {};
    if constexpr (std::is_same_v<Argument, hcsrt_operation_completion>) *argument = [](hcsrt_operation, void *) {};
}

template <auto Entry, typename... Parameters>
auto pass_on(Parameters... arguments) {
    return (inner.load(std::memory_order_relaxed)->*Entry)(arguments...);
}

/* The functions of operations, which are told of one that is withheld. */
template <int Number>
struct OfOperation {
    template <auto Entry, typename... Parameters>
    static auto call(Parameters... arguments) {
        return pass_on<Entry>(arguments...);
    }
};

template <>
struct OfOperation<NUMBER_HcsCreateOperation> {
    template <auto Entry>
    static hcsrt_operation call(void *context, hcsrt_operation_completion callback) {
        return withholding.load() ? hcsrt::interpose::create(inner.load(std::memory_order_relaxed), context, callback)
                                  : pass_on<Entry>(context, callback);
    }
};

template <>
struct OfOperation<NUMBER_HcsCloseOperation> {
    template <auto Entry>
    static void call(hcsrt_operation operation) {
        /* Without the callback of ours, or a referee takes it for one that its client still waits for. */
        auto set_callback = inner.load(std::memory_order_relaxed)->HcsSetOperationCallback;
        if (hcsrt::interpose::forget(operation) && set_callback) set_callback(operation, nullptr, nullptr);
        pass_on<Entry>(operation);
    }
};

template <>
struct OfOperation<NUMBER_HcsGetOperationContext> {
    template <auto Entry>
    static void *call(hcsrt_operation operation) {
        void *context;
        return hcsrt::interpose::context_of(operation, &context) ? context : pass_on<Entry>(operation);
    }
};

template <>
struct OfOperation<NUMBER_HcsSetOperationContext> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_operation operation, void *context) {
        return hcsrt::interpose::set_context(operation, context) ? HCSRT_S_OK : pass_on<Entry>(operation, context);
    }
};

template <>
struct OfOperation<NUMBER_HcsSetOperationCallback> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_operation operation, const void *context, hcsrt_operation_completion callback) {
        if (hcsrt::interpose::set_callback(operation, context, callback)) return HCSRT_S_OK;
        return pass_on<Entry>(operation, context, callback);
    }
};

hcsrt_result nothing_yet(hcsrt_result result, hcsrt_char **document, hcsrt_process_information *info = nullptr) {
    if (document) *document = nullptr;
    if (info) *info = {};
    return result;
}

template <>
struct OfOperation<NUMBER_HcsGetOperationResult> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_operation operation, hcsrt_char **document) {
        if (hcsrt::interpose::is_withheld(operation)) return nothing_yet(HCSRT_E_OPERATION_PENDING, document);
        return pass_on<Entry>(operation, document);
    }
};

template <>
struct OfOperation<NUMBER_HcsGetOperationResultAndProcessInfo> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_operation operation, hcsrt_process_information *info, hcsrt_char **document) {
        if (hcsrt::interpose::is_withheld(operation)) return nothing_yet(HCSRT_E_OPERATION_PENDING, document, info);
        return pass_on<Entry>(operation, info, document);
    }
};

template <>
struct OfOperation<NUMBER_HcsWaitForOperationResult> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_operation operation, uint32_t ms, hcsrt_char **document) {
        if (!hcsrt::interpose::wait_while_withheld(operation, &ms))
            return nothing_yet(HCSRT_E_OPERATION_TIMEOUT, document);
        return pass_on<Entry>(operation, ms, document);
    }
};

template <>
struct OfOperation<NUMBER_HcsWaitForOperationResultAndProcessInfo> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_operation operation, uint32_t ms, hcsrt_process_information *info,
                             hcsrt_char **document) {
        if (!hcsrt::interpose::wait_while_withheld(operation, &ms))
            return nothing_yet(HCSRT_E_OPERATION_TIMEOUT, document, info);
        return pass_on<Entry>(operation, ms, info, document);
    }
};

template <auto Entry, int Number>
struct Through;
template <typename Result, typename... Parameters, Result (HCSRT_CALL *HcsApi::*Entry)(Parameters...), int Number>
struct Through<Entry, Number> {
    static constexpr bool can_fail = std::is_same_v<Result, hcsrt_result> || std::is_pointer_v<Result>;
    static constexpr bool has_callback = (IS_CALLBACK<Parameters> || ...);
    static constexpr bool is_tracked = operation_at(Number) >= 0;

    static Result HCSRT_CALL call(Parameters... arguments) {
        hcsrt_operation operation = nullptr;
        if constexpr (is_tracked) {
            operation = std::get<operation_at(Number)>(std::tie(arguments...));
            /* HCS may not know of its first call, and would take another one. */
            if (hcsrt::interpose::is_withheld(operation)) return HCSRT_E_OPERATION_ALREADY_STARTED;
        }
        Verdict verdict = arrive(Number, operation);
        if constexpr (std::is_pointer_v<Result>) {
            if (verdict.fails) return nullptr;
        } else if constexpr (can_fail) {
            if (verdict.fails) {
                if (verdict.withheld && hcsrt_failed(verdict.result)) hcsrt::interpose::take_back(verdict.withheld);
                return verdict.result;
            }
        }
        if (verdict.deaf) (deafen(&arguments), ...);
        if constexpr (is_tracked) {
            Result result = pass_on<Entry>(arguments...);
            /* A call that HCS has not taken has nothing to withhold. */
            if (verdict.withheld && hcsrt_failed(result)) hcsrt::interpose::give_out(verdict.withheld);
            return result;
        } else {
            return OfOperation<Number>::template call<Entry>(arguments...);
        }
    }

    static void put(HcsApi *table, bool missing) {
        table->*Entry = missing || !(inner.load(std::memory_order_relaxed)->*Entry) ? nullptr : call;
    }
};

struct Row {
    const char *name;
    size_t end; /* of the entry in the table: one that is older may be shorter */
    bool can_fail, has_callback, is_tracked;
    void (*put)(HcsApi *table, bool missing);
};

const Row rows[] = {
#define HCSRT_ROW(name, since, shape, subject, lane, type) \
    {#name, \
     offsetof(HcsApi, name) + sizeof(HcsApi::name), \
     Through<&HcsApi::name, NUMBER_##name>::can_fail, \
     Through<&HcsApi::name, NUMBER_##name>::has_callback, \
     operation_at(NUMBER_##name) >= 0, \
     Through<&HcsApi::name, NUMBER_##name>::put},
    HCSRT_ENTRIES(HCSRT_ROW)
#undef HCSRT_ROW
};

/* Never freed: code that has asked for the table in use may call through it much later. */
struct Table {
    HcsApi api;
    Table *next;
};

hcsrt::OfProcess<hcsrt::Lock> lock;
Table *tables = nullptr;
int missing[FUNCTIONS]; /* by so many blocks */

/* Under the lock. Returns an earlier table if it has the same entries. */
const HcsApi *table_of_now() {
    HcsApi api = {};
    api.size = inner.load(std::memory_order_relaxed)->size;
    if (api.size > sizeof api) api.size = sizeof api;
    for (int function = 0; function < FUNCTIONS; ++function)
        if (rows[function].end <= api.size) rows[function].put(&api, missing[function] > 0);
    for (Table *each = tables; each; each = each->next)
        if (!std::memcmp(&each->api, &api, sizeof api)) return &each->api;
    Table *made = new (std::nothrow) Table{api, tables};
    if (!made) return nullptr;
    tables = made;
    return &made->api;
}

}  // namespace

extern "C" {

const HcsApi *hcsrt_interpose(const HcsApi *table) {
    hcsrt::Locked locked(*lock.here());
    inner.store(table, std::memory_order_relaxed);
    hcsrt::interpose::forget_all();
    return table_of_now();
}

int hcsrt_interposed(const char *name) {
    for (int function = 0; function < FUNCTIONS; ++function)
        if (!std::strcmp(rows[function].name, name)) return function;
    return -1;
}

const char *hcsrt_interposed_name(int function) { return function < FUNCTIONS ? rows[function].name : nullptr; }

const HcsApi *hcsrt_interpose_without(int function, int is_missing) {
    hcsrt::Locked locked(*lock.here());
    missing[function] += is_missing ? 1 : -1;
    return table_of_now();
}

uint64_t hcsrt_interposed_calls(int function) { return counted[function].calls.load(std::memory_order_relaxed); }

int hcsrt_rule_add(int function, const hcsrt_rule *rule) {
    if ((rule->fails && !rows[function].can_fail) || (rule->deaf && !rows[function].has_callback)) return -1;
    if (rule->withholds && (!rows[function].is_tracked || (rule->fails && gives_handle(function)))) return -1;
    for (int i = 0; i < SLOTS; ++i) {
        Slot &slot = slots[i];
        uint32_t free = 0;
        if (!slot.word.compare_exchange_strong(free, CLAIMED, std::memory_order_acq_rel)) continue;
        slot.function = function;
        slot.rule = *rule;
        for (auto *count : {&slot.seen, &slot.met, &slot.waiting}) count->store(0, std::memory_order_relaxed);
        if (rule->withholds) withholding.fetch_add(1);
        slot.word.fetch_sub(CLAIMED - ACTIVE, std::memory_order_acq_rel);
        counted[function].rules.fetch_or(uint64_t{1} << i, std::memory_order_acq_rel);
        return i;
    }
    return -1;
}

void hcsrt_rule_remove(int number) {
    Slot &slot = slots[number];
    counted[slot.function].rules.fetch_and(~(uint64_t{1} << number), std::memory_order_acq_rel);
    if (slot.rule.withholds) withholding.fetch_sub(1);
    /* Claimed until all is given out, or the next rule here would lose what it withholds. */
    slot.word.fetch_add(CLAIMED - ACTIVE);
    hcsrt::wake_all(slot.word);
    hcsrt::interpose::give_out_all(number);
    slot.word.fetch_sub(CLAIMED);
}

uint32_t hcsrt_rule_met(int number) { return slots[number].met.load(std::memory_order_relaxed); }

uint32_t hcsrt_rule_waiting(int number) { return slots[number].waiting.load(std::memory_order_relaxed); }

}  // extern "C"
