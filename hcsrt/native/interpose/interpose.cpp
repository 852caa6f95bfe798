#include "interpose/interpose.h"

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "backends/table.h"
#include "core/forks.h"
#include "core/results.h"
#include "core/text.h"
#include "core/threads.h"
#include "interpose/deliveries.h"

using namespace hcsrt::interpose;

namespace {

/* --- what a function is ------------------------------------------------------------------------------------------- */

constexpr hcsrt_shape SHAPES[] = {
#define HCSRT_SHAPE(name, since, shape, subject, lane, type) HCSRT_SHAPE_##shape,
    HCSRT_ENTRIES(HCSRT_SHAPE)
#undef HCSRT_SHAPE
};

constexpr hcsrt_subject SUBJECTS[] = {
#define HCSRT_SUBJECT(name, since, shape, subject, lane, type) HCSRT_SUBJECT_##subject,
    HCSRT_ENTRIES(HCSRT_SUBJECT)
#undef HCSRT_SUBJECT
};

/* The last column of a row as it is written, with its parameters. */
constexpr std::string_view WRITTEN[] = {
#define HCSRT_WRITTEN(name, since, shape, subject, lane, type) #shape,
    HCSRT_ENTRIES(HCSRT_WRITTEN)
#undef HCSRT_WRITTEN
};

constexpr std::string_view parameters_of(int function) {
    switch (SHAPES[function]) {
    case HCSRT_SHAPE_VERB: return "subject, operation, options";
    case HCSRT_SHAPE_MODIFY: return "subject, operation, configuration, identity";
    case HCSRT_SHAPE_EXIT: return "subject, timeout_ms, result";
    case HCSRT_SHAPE_CLOSE: return "subject";
    case HCSRT_SHAPE_STRING: return "text";
    case HCSRT_SHAPE_STRINGS: return "vm_id, file_path";
    case HCSRT_SHAPE_QUESTION: return "query, result";
    case HCSRT_SHAPE_OTHER: break;
    }
    std::string_view written = WRITTEN[function];
    size_t begin = written.find(", (");
    if (begin == written.npos) return {};
    written.remove_prefix(begin + 3);
    return written.substr(0, written.rfind("))"));
}

/* The name of the parameter in that place, empty behind the last one. */
constexpr std::string_view parameter_of(int function, int place) {
    std::string_view rest = parameters_of(function);
    for (; place && !rest.empty(); --place) {
        size_t comma = rest.find(',');
        rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    }
    rest = rest.substr(0, rest.find(','));
    size_t end = rest.size();
    while (end && (rest[end - 1] == ' ' || rest[end - 1] == '\\')) --end;
    rest = rest.substr(0, end);
    size_t space = rest.find_last_of(" *");
    return space == rest.npos ? rest : rest.substr(space + 1);
}

constexpr int place_of(int function, std::string_view name) {
    for (int place = 0; place < MOST_PARAMETERS; ++place)
        if (parameter_of(function, place) == name) return place;
    return -1;
}

/* What is left of a number's name without its unit and its adjectives. */
constexpr std::string_view plain_name(std::string_view name) {
    if (name == "requested_access") return "access";
    if (name == "process_id") return "pid";
    if (name == "callback_options") return "options";
    if (name.size() > 3 && name.substr(name.size() - 3) == "_ms") return name.substr(0, name.size() - 3);
    return name;
}

enum class Role { NOTHING, SYSTEM, NAMESPACE, DOCUMENT };

/* What a text argument is. */
constexpr Role role_of(int function, int place) {
    std::string_view name = parameter_of(function, place);
    if (name == "id" || name == "vm_id") return Role::SYSTEM;
    return name == "id_namespace" ? Role::NAMESPACE : Role::DOCUMENT;
}

/* The place of the operation that tracks a call among the parameters. -1: the call is not tracked. */
constexpr int operation_at(int function) {
    return SUBJECTS[function] == HCSRT_SUBJECT_OPERATION ? -1 : place_of(function, "operation");
}

constexpr bool gives_handle(int function) {
    return operation_at(function) >= 0 && (place_of(function, "system") > 0 || place_of(function, "process") > 0);
}

static_assert(operation_at(NUMBER_HcsStartComputeSystem) == 1 && operation_at(NUMBER_HcsGetOperationResult) == -1);
static_assert(operation_at(NUMBER_HcsCreateComputeSystemInNamespace) == 3 && gives_handle(NUMBER_HcsCreateProcess));
static_assert(!gives_handle(NUMBER_HcsOpenProcess) && plain_name(parameter_of(NUMBER_HcsOpenProcess, 1)) == "pid");

/* --- tables ------------------------------------------------------------------------------------------------------- */

std::atomic<const HcsApi *> inner{nullptr};
std::atomic<const hcsrt_fault_hook *> registered{nullptr};
std::atomic<uint64_t> calls[FUNCTIONS];

const HcsApi *within() { return inner.load(std::memory_order_relaxed); }

}  // namespace

const hcsrt_fault_hook *hcsrt::interpose::hook() {
    const hcsrt_fault_hook *given = registered.load(std::memory_order_acquire);
    return given && within() && given->api->HcsCreateOperation == within()->HcsCreateOperation ? given : nullptr;
}

namespace {

template <auto Entry, typename... Parameters>
auto pass_on(Parameters... arguments) {
    return (within()->*Entry)(arguments...);
}

/* --- strings ------------------------------------------------------------------------------------------------------ */

std::atomic<uint32_t> own_strings{0};

/* The strings of ours that no backend has memory for, as handles of a kind. */
hcsrt_char *give_string(const hcsrt_char *text) {
    if (!text) return nullptr;
    size_t bytes = (hcsrt_text_length(text) + 1) * sizeof *text;
    const hcsrt_fault_hook *able = hook();
    hcsrt_char *given;
    if (able && able->allocate_string) {
        given = able->allocate_string(bytes);
    } else {
#if defined(_WIN32)
        given = static_cast<hcsrt_char *>(LocalAlloc(LMEM_FIXED, bytes));
#else
        given = static_cast<hcsrt_char *>(std::malloc(bytes));
#endif
        if (given && !note_string(given)) {
            release_string(given);
            return nullptr;
        }
        if (given) own_strings.fetch_add(1);
    }
    if (given) std::memcpy(given, text, bytes);
    return given;
}

void give(hcsrt_char **out, const hcsrt_char *text) {
    if (out) *out = give_string(text);
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

void note_system(hcsrt_system system, const hcsrt_char *id, const hcsrt_char *document) {
    if (!system) return;
    Kept<MOST_OWNER> owner;
    size_t length = 0;
    if (document) {
        owner.is_known = find_owner(document, owner.units, MOST_OWNER, &length);
        owner.length = static_cast<uint16_t>(length);
    } else {
        copy_owner_of(text_of(id), &owner);
    }
    note(system, {text_of(id), owner.text()});
}

void note_process(hcsrt_process process, hcsrt_system system) {
    if (process) note(process, subject_of(system));
}

/* Registers a callback of ours in the place of the one that is given. */
template <typename Register>
hcsrt_result watch(void *handle, const void *context, hcsrt_event_callback callback, Register call) {
    if (!callback) return call(context, callback);
    Entry *owner = find(handle);
    if (!owner && !note(handle, {}, &owner)) return HCSRT_E_OUTOFMEMORY;
    Entry *entry;
    uint64_t mine = note(nullptr, owner->subject(), &entry);
    if (!mine) return HCSRT_E_OUTOFMEMORY;
    /* Not for somebody else meanwhile. */
    Inside staying(context_of(owner));
    entry->watched.store(handle, std::memory_order_relaxed);
    entry->context.store(const_cast<void *>(context), std::memory_order_relaxed);
    entry->on_event.store(callback, std::memory_order_release);
    hcsrt_result result = call(as_context(mine), event_came);
    if (hcsrt_failed(result)) discard(mine);
    else adopt_watch(owner, mine);
    return result;
}

/* Nothing comes out of a call that HCS never got, nor of one that has failed, unless HCS says so. */
template <typename Argument>
void give_nothing(Argument argument) {
    if constexpr (std::is_same_v<Argument, void **> || std::is_same_v<Argument, hcsrt_char **>) {
        if (argument) *argument = nullptr;
    } else if constexpr (std::is_same_v<Argument, hcsrt_process_information *>) {
        if (argument) *argument = {};
    }
}

/* --- bookkeeping -------------------------------------------------------------------------------------------------- */

/* What is done around a call that HCS gets, for the functions that make, release or look at something. */
template <int Number>
struct Around {
    template <auto Entry, typename... Parameters>
    static auto call(Parameters... arguments) {
        return pass_on<Entry>(arguments...);
    }
};

template <>
struct Around<NUMBER_HcsCreateComputeSystem> {
    template <auto Entry>
    static hcsrt_result call(const hcsrt_char *id, const hcsrt_char *document, hcsrt_operation operation,
                             const void *descriptor, hcsrt_system *system) {
        give_nothing(system);
        hcsrt_result result = pass_on<Entry>(id, document, operation, descriptor, system);
        if (system) note_system(*system, id, document);
        return result;
    }
};

template <>
struct Around<NUMBER_HcsCreateComputeSystemInNamespace> {
    template <auto Function>
    static hcsrt_result call(const hcsrt_char *scope, const hcsrt_char *id, const hcsrt_char *document,
                             hcsrt_operation operation, const hcsrt_create_options *options, hcsrt_system *system) {
        hcsrt_create_options own;
        uint64_t mine = 0;
        if (options && options->version == HCSRT_CREATE_OPTIONS_1 && options->callback) {
            Kept<MOST_OWNER> owner;
            size_t length = 0;
            owner.is_known = find_owner(document, owner.units, MOST_OWNER, &length);
            owner.length = static_cast<uint16_t>(length);
            Entry *entry;
            if (!(mine = note(nullptr, {text_of(id), owner.text()}, &entry))) return HCSRT_E_OUTOFMEMORY;
            entry->context.store(options->callback_context, std::memory_order_relaxed);
            entry->on_event.store(options->callback, std::memory_order_release);
            own = *options;
            own.callback = event_came;
            own.callback_context = as_context(mine);
            options = &own;
        }
        give_nothing(system);
        hcsrt_result result = pass_on<Function>(scope, id, document, operation, options, system);
        hcsrt_system made = system ? *system : nullptr;
        note_system(made, id, document);
        Entry *owner = mine && made ? find(made) : nullptr;
        if (owner) adopt_watch(owner, mine);
        else if (mine && !made) discard(mine);
        return result;
    }
};

template <>
struct Around<NUMBER_HcsOpenComputeSystem> {
    template <auto Entry>
    static hcsrt_result call(const hcsrt_char *id, uint32_t access, hcsrt_system *system) {
        hcsrt_result result = pass_on<Entry>(id, access, system);
        if (system && !hcsrt_failed(result)) note_system(*system, id, nullptr);
        return result;
    }
};

template <>
struct Around<NUMBER_HcsOpenComputeSystemInNamespace> {
    template <auto Entry>
    static hcsrt_result call(const hcsrt_char *scope, const hcsrt_char *id, uint32_t access, hcsrt_system *system) {
        hcsrt_result result = pass_on<Entry>(scope, id, access, system);
        if (system && !hcsrt_failed(result)) note_system(*system, id, nullptr);
        return result;
    }
};

template <>
struct Around<NUMBER_HcsCreateProcess> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_system system, const hcsrt_char *parameters, hcsrt_operation operation,
                             const void *descriptor, hcsrt_process *process) {
        give_nothing(process);
        hcsrt_result result = pass_on<Entry>(system, parameters, operation, descriptor, process);
        if (process) note_process(*process, system);
        return result;
    }
};

template <>
struct Around<NUMBER_HcsOpenProcess> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_system system, uint32_t pid, uint32_t access, hcsrt_process *process) {
        hcsrt_result result = pass_on<Entry>(system, pid, access, process);
        if (process && !hcsrt_failed(result)) note_process(*process, system);
        return result;
    }
};

template <>
struct Around<NUMBER_HcsSetComputeSystemCallback> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_system system, uint32_t options, const void *context,
                             hcsrt_event_callback callback) {
        return watch(system, context, callback, [&](const void *own_context, hcsrt_event_callback own) {
            return pass_on<Entry>(system, options, own_context, own);
        });
    }
};

template <>
struct Around<NUMBER_HcsSetProcessCallback> {
    template <auto Entry>
    static hcsrt_result call(hcsrt_process process, uint32_t options, void *context, hcsrt_event_callback callback) {
        return watch(process, context, callback, [&](const void *own_context, hcsrt_event_callback own) {
            return pass_on<Entry>(process, options, const_cast<void *>(own_context), own);
        });
    }
};

template <>
struct Around<NUMBER_HcsCloseComputeSystem> {
    template <auto Entry>
    static void call(hcsrt_system system) {
        if (!known_handles.load(std::memory_order_acquire)) return pass_on<Entry>(system);
        Closing closing(system);
        pass_on<Entry>(system);
    }
};

template <>
struct Around<NUMBER_HcsCloseProcess> : Around<NUMBER_HcsCloseComputeSystem> {};

/* An operation of an earlier session, if HCS has our callback with it. */
Entry *operation_left(hcsrt_operation operation) {
    Entry *entry = find_left(operation);
    auto ask = within()->HcsGetOperationContext;
    if (!entry || !entry->has_callback.load(std::memory_order_acquire) || !ask) return nullptr;
    if (ask(operation) != as_context(context_of(entry))) return nullptr;
    renew(entry);
    return entry;
}

Entry *known_operation(hcsrt_operation operation) {
    if (!known_operations.load(std::memory_order_acquire)) return nullptr;
    Entry *entry = find(operation);
    return entry ? entry : operation_left(operation);
}

template <>
struct Around<NUMBER_HcsCreateOperation> {
    template <auto Function>
    static hcsrt_operation call(void *context, hcsrt_operation_completion callback) {
        uint64_t mine = 0;
        Entry *entry = nullptr;
        /* One without a callback may get one yet, when HCS has long completed its call. */
        if (armed_completions.load(std::memory_order_acquire)) {
            if (!(mine = note(nullptr, {}, &entry))) return nullptr;
            entry->has_callback.store(true, std::memory_order_relaxed);
            entry->context.store(context, std::memory_order_relaxed);
            entry->on_completion.store(callback, std::memory_order_release);
        }
        hcsrt_operation operation =
            mine ? pass_on<Function>(as_context(mine), completion_came) : pass_on<Function>(context, callback);
        if (!mine) {
            if (operation && known_operations.load(std::memory_order_acquire)) forget_handle(operation);
        } else if (!operation) {
            discard(mine);
        } else if (!assign(mine, operation, true)) {
            within()->HcsCloseOperation(operation);
            return nullptr;
        }
        return operation;
    }
};

Entry *with_callback(hcsrt_operation operation) {
    Entry *entry = known_operation(operation);
    return entry && entry->has_callback.load(std::memory_order_acquire) ? entry : nullptr;
}

template <>
struct Around<NUMBER_HcsCloseOperation> {
    template <auto Function>
    static void call(hcsrt_operation operation) {
        if (!known_operations.load(std::memory_order_acquire)) return pass_on<Function>(operation);
        Entry *entry = with_callback(operation);
        bool needs_nothing = entry && (!entry->context.load(std::memory_order_acquire) ||
                                       !entry->on_completion.load(std::memory_order_acquire));
        Closing closing(operation);
        /* A referee would take our context for one that the client may have freed. */
        if (needs_nothing && within()->HcsSetOperationCallback)
            within()->HcsSetOperationCallback(operation, nullptr, nullptr);
        pass_on<Function>(operation);
    }
};

/* Whether the callback of the operation is ours alone, which is then taken from it: where the events of a handle tell of
 * operations, HCS takes none that has a callback. */
bool takes_own_callback(hcsrt_operation operation) {
    Entry *entry = with_callback(operation);
    if (!entry || entry->on_completion.load(std::memory_order_acquire) || !within()->HcsSetOperationCallback)
        return false;
    void *context = entry->context.load(std::memory_order_acquire);
    if (hcsrt_failed(within()->HcsSetOperationCallback(operation, context, nullptr))) return false;
    entry->has_callback.store(false, std::memory_order_release);
    return true;
}

template <>
struct Around<NUMBER_HcsGetOperationContext> {
    template <auto Function>
    static void *call(hcsrt_operation operation) {
        Entry *entry = with_callback(operation);
        return entry ? entry->context.load(std::memory_order_acquire) : pass_on<Function>(operation);
    }
};

template <>
struct Around<NUMBER_HcsSetOperationContext> {
    template <auto Function>
    static hcsrt_result call(hcsrt_operation operation, void *context) {
        Entry *entry = with_callback(operation);
        if (!entry) return pass_on<Function>(operation, context);
        entry->context.store(context, std::memory_order_release);
        return HCSRT_S_OK;
    }
};

template <>
struct Around<NUMBER_HcsSetOperationCallback> {
    template <auto Function>
    static hcsrt_result call(hcsrt_operation operation, const void *context, hcsrt_operation_completion callback) {
        Entry *entry = with_callback(operation);
        bool is_new = !entry && callback && armed_completions.load(std::memory_order_acquire);
        if (is_new && !(entry = note_operation(operation))) return HCSRT_E_OUTOFMEMORY;
        if (!entry) return pass_on<Function>(operation, context, callback);
        entry->context.store(const_cast<void *>(context), std::memory_order_release);
        entry->on_completion.store(callback, std::memory_order_release);
        if (!is_new) return HCSRT_S_OK;
        entry->has_callback.store(true, std::memory_order_release);
        hcsrt_result result = pass_on<Function>(operation, as_context(context_of(entry)), completion_came);
        if (hcsrt_failed(result)) entry->has_callback.store(false, std::memory_order_release);
        return result;
    }
};

hcsrt_result nothing_yet(hcsrt_result result, hcsrt_char **document, hcsrt_process_information *info = nullptr) {
    if (document) *document = nullptr;
    if (info) *info = {};
    return result;
}

/* Another thread may start the operation again meanwhile. */
void give_own(Entry *entry, hcsrt_char **document) {
    entry->readers.fetch_add(1);
    give(document, entry->document.load());
    entry->readers.fetch_sub(1);
}

bool is_an_outcome(hcsrt_result result) {
    return result != HCSRT_E_OPERATION_PENDING && result != HCSRT_E_OPERATION_TIMEOUT &&
           result != HCSRT_E_OPERATION_NOT_STARTED && result != HCSRT_E_SERVICE_DISCONNECT;
}

/* Asks the inner table, unless a rule knows better. */
template <typename Ask>
hcsrt_result outcome(Entry *entry, hcsrt_char **document, hcsrt_process_information *info, Ask ask) {
    Override overriding = entry->overriding.load(std::memory_order_acquire);
    hcsrt_result result = overriding == Override::ALONE ? nothing_yet(HCSRT_S_OK, document, info) : ask();
    if (overriding == Override::NOTHING || (overriding != Override::ALONE && !is_an_outcome(result))) return result;
    const HcsApi *api = within();
    if (document && *document) api->free_string(*document);
    if (overriding == Override::DOCUMENT) {
        give_own(entry, document);
        return result;
    }
    if (info) *info = {};
    give_own(entry, document);
    return entry->result.load(std::memory_order_acquire);
}

/* Whether the outcome is a failure, which gives no handles. HCS is not asked for them then, so that it can still give them
 * to who asks for the process: it gives each once. */
bool hides_handles(Entry *entry, hcsrt_process_information *info) {
    if (entry->overriding.load(std::memory_order_acquire) != Override::OUTCOME) return false;
    if (info) *info = {};
    return true;
}

template <>
struct Around<NUMBER_HcsGetOperationResult> {
    template <auto Function>
    static hcsrt_result call(hcsrt_operation operation, hcsrt_char **document) {
        Entry *entry = known_operation(operation);
        if (!entry) return pass_on<Function>(operation, document);
        if (is_withheld(entry)) return nothing_yet(HCSRT_E_OPERATION_PENDING, document);
        return outcome(entry, document, nullptr, [&] { return pass_on<Function>(operation, document); });
    }
};

template <>
struct Around<NUMBER_HcsGetOperationResultAndProcessInfo> {
    template <auto Function>
    static hcsrt_result call(hcsrt_operation operation, hcsrt_process_information *info, hcsrt_char **document) {
        Entry *entry = known_operation(operation);
        if (!entry) return pass_on<Function>(operation, info, document);
        if (is_withheld(entry)) return nothing_yet(HCSRT_E_OPERATION_PENDING, document, info);
        return outcome(entry, document, info, [&] {
            if (hides_handles(entry, info)) return within()->HcsGetOperationResult(operation, document);
            return pass_on<Function>(operation, info, document);
        });
    }
};

template <>
struct Around<NUMBER_HcsWaitForOperationResult> {
    template <auto Function>
    static hcsrt_result call(hcsrt_operation operation, uint32_t ms, hcsrt_char **document) {
        Entry *entry = known_operation(operation);
        if (!entry) return pass_on<Function>(operation, ms, document);
        if (!wait_while_withheld(entry, &ms)) return nothing_yet(HCSRT_E_OPERATION_TIMEOUT, document);
        return outcome(entry, document, nullptr, [&] { return pass_on<Function>(operation, ms, document); });
    }
};

template <>
struct Around<NUMBER_HcsWaitForOperationResultAndProcessInfo> {
    template <auto Function>
    static hcsrt_result call(hcsrt_operation operation, uint32_t ms, hcsrt_process_information *info,
                             hcsrt_char **document) {
        Entry *entry = known_operation(operation);
        if (!entry) return pass_on<Function>(operation, ms, info, document);
        if (!wait_while_withheld(entry, &ms)) return nothing_yet(HCSRT_E_OPERATION_TIMEOUT, document, info);
        return outcome(entry, document, info, [&] {
            if (hides_handles(entry, info)) return within()->HcsWaitForOperationResult(operation, ms, document);
            return pass_on<Function>(operation, ms, info, document);
        });
    }
};

template <>
struct Around<NUMBER_free_string> {
    template <auto Entry>
    static void call(hcsrt_char *string) {
        if (!own_strings.load(std::memory_order_acquire) || !forget_string(string)) return pass_on<Entry>(string);
        own_strings.fetch_sub(1);
        release_string(string);
    }
};

/* --- calls that rules may be for ---------------------------------------------------------------------------------- */

template <int Number, size_t Place, typename Argument>
void look_at(Meeting *meeting, Argument argument) {
    if constexpr (std::is_same_v<Argument, const hcsrt_char *>) {
        if constexpr (role_of(Number, Place) == Role::SYSTEM) meeting->subject.system = text_of(argument);
        if constexpr (role_of(Number, Place) == Role::DOCUMENT) meeting->document = text_of(argument);
    } else if constexpr (std::is_integral_v<Argument>) {
        meeting->numbers[Place] = static_cast<int64_t>(argument);
    } else if constexpr (Place == 0 && std::is_same_v<Argument, void *> &&
                         (SUBJECTS[Number] == HCSRT_SUBJECT_SYSTEM || SUBJECTS[Number] == HCSRT_SUBJECT_PROCESS)) {
        meeting->subject = subject_of(argument);
    }
    static_assert(Place < MOST_PARAMETERS);
}

template <typename Argument>
void give_document(Argument argument, const hcsrt_char *document) {
    if constexpr (std::is_same_v<Argument, hcsrt_char **>) give(argument, document);
}

/* What the rules for a call say. */
struct Verdict {
    bool fails = false, answers = false, silent = false, crashes = false, disconnects = false;
    hcsrt_result result = 0;
    hcsrt_char *document = nullptr; /* of ours */
    Absence absence;                /* of the service */

    bool gets_to_hcs() const { return !fails && !answers && !silent; }

    void fail(hcsrt_result with) {
        fails = true;
        result = with;
    }
};

Verdict decide(int function, const Meeting &meeting, hcsrt_operation operation) {
    Verdict verdict;
    meet(site_of_call(function), meeting, [&](const Met &met) {
        switch (met.rule.action) {
        case HCSRT_ACTION_FAIL:
            verdict.fail(met.rule.result);
            verdict.document = copy(met.rule.document);
            return false;
        case HCSRT_ACTION_ANSWER:
            if (verdict.silent) break;
            verdict.answers = true;
            verdict.document = copy(met.rule.document);
            return false;
        case HCSRT_ACTION_SILENCE:
            if (!(verdict.silent = silence(met, operation))) verdict.fail(HCSRT_E_OUTOFMEMORY);
            break;
        case HCSRT_ACTION_CRASH: verdict.crashes = true; break;
        case HCSRT_ACTION_DISCONNECT:
            if (!verdict.disconnects || met.milliseconds < verdict.absence.milliseconds)
                verdict.absence = {met.id, met.released, met.milliseconds};
            verdict.disconnects = true;
            break;
        default: wait_in(met);
        }
        return !verdict.fails;
    });
    return verdict;
}

/* What the rules for processes and streams say of one that is being created. */
void decide_process(hcsrt_process process, Meeting meeting) {
    const hcsrt_fault_hook *able = hook();
    if (!process || !able) return;
    for (int stream = 0; stream < 3; ++stream)
        meet(SITE_OF_STREAMS + stream, meeting, [&](const Met &met) {
            able->cut(process, stream, met.rule.amount);
            return true;
        });
    meet(SITE_OF_PROCESSES, meeting, [&](const Met &) {
        able->crash_process(process);
        return true;
    });
}

/* Only now its return is queued, which would do nothing while the service is there. */
void go_away(const Verdict &verdict) {
    const hcsrt_fault_hook *able = hook();
    /* A call may outlast its world. */
    if (!verdict.disconnects || !able || has_ended(verdict.absence.rule)) return;
    able->disconnect();
    connect_later(verdict.absence, able->connect);
}

/* Without a document nothing of the failure is left with the operation. */
void leave_behind(hcsrt_operation operation, hcsrt_result result, hcsrt_char *document) {
    Entry *entry = document ? note_operation(operation) : nullptr;
    if (!entry) return release_copy(document);
    entry->result.store(result, std::memory_order_relaxed);
    replace_document(entry, document);
    entry->overriding.store(Override::ALONE, std::memory_order_release);
}

template <auto Entry, int Number>
struct Through;
template <typename Result, typename... Parameters, Result (HCSRT_CALL *HcsApi::*Entry)(Parameters...), int Number>
struct Through<Entry, Number> {
    static constexpr bool has_result =
        std::is_same_v<Result, hcsrt_result> && Number != NUMBER_close_handle && Number != NUMBER_HcsGetOperationType;
    static constexpr bool can_fail = has_result || std::is_pointer_v<Result>;
    static constexpr bool is_tracked = operation_at(Number) >= 0;
    static constexpr bool can_answer =
        has_result && !gives_handle(Number) && !(std::is_same_v<Parameters, void **> || ...);
    static constexpr bool gives_document = (std::is_same_v<Parameters, hcsrt_char **> || ...);
    static constexpr bool has_subject =
        SUBJECTS[Number] == HCSRT_SUBJECT_SYSTEM || SUBJECTS[Number] == HCSRT_SUBJECT_PROCESS;
    static constexpr int traits = (can_fail ? HCSRT_CAN_FAIL : 0) | (is_tracked ? HCSRT_IS_TRACKED : 0) |
                                  (gives_handle(Number) ? HCSRT_GIVES_HANDLE : 0) |
                                  (is_tracked || gives_document ? HCSRT_HAS_DOCUMENT : 0) |
                                  (has_subject ? HCSRT_HAS_SUBJECT : 0) | (can_answer ? HCSRT_CAN_ANSWER : 0);
    /* A bit for each parameter that is a number. */
    static constexpr uint32_t numbers() {
        uint32_t bits = 0;
        int place = 0;
        ((bits |= (std::is_same_v<Parameters, uint32_t> ? 1u : 0u) << place++), ...);
        return bits;
    }

    static Result HCSRT_CALL call(Parameters... arguments) {
        calls[Number].fetch_add(1, std::memory_order_relaxed);
        if constexpr (is_tracked) {
            if (auto *entry = known_operation(operation_of(arguments...))) {
                /* HCS may not know of its first call, and would take another one. */
                if (is_withheld(entry)) return HCSRT_E_OPERATION_ALREADY_STARTED;
                reset(entry);
            }
        }
        if (armed[Number].load(std::memory_order_acquire)) return call_by_rules(arguments...);
        return hand_over(arguments...);
    }

    /* To HCS. */
    static Result hand_over(Parameters... arguments) {
        if constexpr (is_tracked) {
            Result result = Around<Number>::template call<Entry>(arguments...);
            if (result != HCSRT_E_CALLBACK_ALREADY_SET || !takes_own_callback(operation_of(arguments...)))
                return result;
            (close_given(arguments), ...);
        }
        return Around<Number>::template call<Entry>(arguments...);
    }

    /* A call that has failed may have given a handle all the same. */
    template <typename Argument>
    static void close_given([[maybe_unused]] Argument argument) {
        if constexpr (std::is_same_v<Argument, void **>) {
            if (!argument || !*argument) return;
            if (Number == NUMBER_HcsCreateProcess)
                Around<NUMBER_HcsCloseProcess>::call<&HcsApi::HcsCloseProcess>(*argument);
            else Around<NUMBER_HcsCloseComputeSystem>::call<&HcsApi::HcsCloseComputeSystem>(*argument);
        }
    }

    static hcsrt_operation operation_of([[maybe_unused]] Parameters... arguments) {
        if constexpr (is_tracked) return std::get<operation_at(Number)>(std::tie(arguments...));
        else return nullptr;
    }

    template <size_t... Places>
    static void look_at_all(Meeting *meeting, std::index_sequence<Places...>, Parameters... arguments) {
        (look_at<Number, Places>(meeting, arguments), ...);
    }

    static Result refuse(const Verdict &verdict, Parameters... arguments) {
        (give_nothing(arguments), ...);
        if constexpr (is_tracked) {
            if (verdict.silent) end_silence(operation_of(arguments...));
            leave_behind(operation_of(arguments...), verdict.result, verdict.document);
        } else {
            (give_document(arguments, verdict.document), ...);
            release_copy(verdict.document);
        }
        if constexpr (std::is_pointer_v<Result>) {
#if defined(_WIN32)
            SetLastError(static_cast<DWORD>(verdict.result) & 0xFFFF);
#endif
            return nullptr;
        } else if constexpr (has_result) {
            return verdict.result;
        } else {
            return Result();
        }
    }

    static Result answer_with(const Verdict &verdict, const Meeting &meeting, Parameters... arguments) {
        (give_nothing(arguments), ...);
        if constexpr (is_tracked) {
            if (!answer(Number, meeting, operation_of(arguments...), verdict.document)) return HCSRT_E_OUTOFMEMORY;
        } else {
            (give_document(arguments, verdict.document), ...);
            release_copy(verdict.document);
        }
        return HCSRT_S_OK;
    }

    /* Kept out of the way of calls that no rule is for. */
#if defined(__GNUC__)
    [[gnu::noinline]]
#endif
    static Result call_by_rules(Parameters... arguments) {
        Meeting meeting;
        look_at_all(&meeting, std::index_sequence_for<Parameters...>(), arguments...);
        if constexpr (Number == NUMBER_HcsCreateComputeSystem || Number == NUMBER_HcsCreateComputeSystemInNamespace) {
            hcsrt_char owner[MOST_OWNER];
            size_t length = 0;
            if (find_owner(meeting.document.units, owner, MOST_OWNER, &length)) meeting.subject.owner = {owner, length};
            return call_by_rules_about(meeting, arguments...);
        } else {
            return call_by_rules_about(meeting, arguments...);
        }
    }

    static Result call_by_rules_about(const Meeting &meeting, Parameters... arguments) {
        hcsrt_operation operation = operation_of(arguments...);
        Verdict verdict = decide(Number, meeting, operation);
        if (!verdict.gets_to_hcs()) go_away(verdict);
        if (verdict.fails) return refuse(verdict, arguments...);
        if constexpr (can_answer)
            if (verdict.answers) return answer_with(verdict, meeting, arguments...);
        if constexpr (is_tracked) {
            if (verdict.silent) return HCSRT_S_OK;
            if (!plan_completion(Number, meeting, operation)) return HCSRT_E_OUTOFMEMORY;
        }
        if constexpr (std::is_void_v<Result>) {
            hand_over(arguments...);
            afterwards(verdict, meeting, arguments...);
        } else {
            Result result = hand_over(arguments...);
            [[maybe_unused]] bool is_taken = true;
            if constexpr (has_result) is_taken = !hcsrt_failed(result);
            if constexpr (is_tracked) is_taken ? call_was_taken(operation) : call_was_refused(operation);
            afterwards(verdict, meeting, arguments...);
            return result;
        }
    }

    static void afterwards(const Verdict &verdict, [[maybe_unused]] const Meeting &meeting,
                           [[maybe_unused]] Parameters... arguments) {
        const hcsrt_fault_hook *able = hook();
        if constexpr (has_subject)
            if (verdict.crashes && able)
                able->crash_guest(std::get<0>(std::tie(arguments...)), SUBJECTS[Number] == HCSRT_SUBJECT_PROCESS);
        if constexpr (Number == NUMBER_HcsCreateProcess) {
            hcsrt_process *process = std::get<sizeof...(Parameters) - 1>(std::tie(arguments...));
            /* HCS reports failure for some that run. */
            if (process) decide_process(*process, meeting);
        }
        go_away(verdict);
    }

    static void put(HcsApi *table, bool missing) { table->*Entry = missing || !(within()->*Entry) ? nullptr : call; }
};

struct Row {
    const char *name;
    size_t end; /* of the entry in the table: one that is older may be shorter */
    int traits;
    uint32_t numbers;
    void (*put)(HcsApi *table, bool missing);
};

const Row rows[] = {
#define HCSRT_ROW(name, since, shape, subject, lane, type) \
    {#name, offsetof(HcsApi, name) + sizeof(HcsApi::name), Through<&HcsApi::name, NUMBER_##name>::traits, \
     Through<&HcsApi::name, NUMBER_##name>::numbers(), Through<&HcsApi::name, NUMBER_##name>::put},
    HCSRT_ENTRIES(HCSRT_ROW)
#undef HCSRT_ROW
};

/* Never freed: code that has asked for the table in use may call through it much later. */
struct Table {
    HcsApi api;
    Table *next;
};

struct Tables {
    hcsrt::Lock lock;
    Table *made = nullptr;
    int missing[FUNCTIONS] = {}; /* by so many blocks */
};

hcsrt::OfProcess<Tables> tables;

/* Under the lock. Returns an earlier table if it has the same entries. */
const HcsApi *table_of_now(Tables *all) {
    HcsApi api = {};
    api.size = within()->size;
    if (api.size > sizeof api) api.size = sizeof api;
    for (int function = 0; function < FUNCTIONS; ++function)
        if (rows[function].end <= api.size) rows[function].put(&api, all->missing[function] > 0);
    for (Table *each = all->made; each; each = each->next)
        if (!std::memcmp(&each->api, &api, sizeof api)) return &each->api;
    Table *made = new (std::nothrow) Table{api, all->made};
    if (!made) return nullptr;
    all->made = made;
    return &made->api;
}

bool is_function(int function) { return function >= 0 && function < FUNCTIONS; }

/* Whether what is there can be treated so. */
bool fits(const hcsrt_rule &rule) {
    if (rule.site < 0 || rule.site >= HCSRT_SITES || !is_function(rule.function)) return false;
    int traits = rule.site <= HCSRT_SITE_COMPLETION ? rows[rule.function].traits : 0;
    switch (rule.site) {
    case HCSRT_SITE_CALL:
        switch (rule.action) {
        case HCSRT_ACTION_FAIL: return traits & HCSRT_CAN_FAIL;
        case HCSRT_ACTION_DELAY:
        case HCSRT_ACTION_HANG:
        case HCSRT_ACTION_DISCONNECT: return true;
        case HCSRT_ACTION_CRASH: return traits & HCSRT_HAS_SUBJECT;
        /* One that creates something would owe the handle. */
        case HCSRT_ACTION_SILENCE: return (traits & HCSRT_IS_TRACKED) && !(traits & HCSRT_GIVES_HANDLE);
        case HCSRT_ACTION_ANSWER: return traits & HCSRT_CAN_ANSWER;
        default: return false;
        }
    case HCSRT_SITE_COMPLETION:
        return (traits & HCSRT_IS_TRACKED) &&
               (rule.action <= HCSRT_ACTION_REORDER || rule.action == HCSRT_ACTION_REWRITE);
    case HCSRT_SITE_EVENT:
        return (rule.action >= HCSRT_ACTION_DELAY && rule.action <= HCSRT_ACTION_REORDER) ||
               rule.action == HCSRT_ACTION_REWRITE;
    case HCSRT_SITE_STREAM: return rule.action == HCSRT_ACTION_CUT && rule.stream >= 0 && rule.stream < 3;
    default: return rule.action == HCSRT_ACTION_CRASH;
    }
}

/* Whether the HCS in use can do that on demand, where it has to. */
bool is_able(const hcsrt_rule &rule) {
    const hcsrt_fault_hook *able = hook();
    switch (rule.action) {
    case HCSRT_ACTION_CRASH:
        return able &&
               (rule.site == HCSRT_SITE_PROCESS ? able->crash_process != nullptr : able->crash_guest != nullptr);
    case HCSRT_ACTION_CUT: return able && able->cut;
    case HCSRT_ACTION_DISCONNECT: return able && able->disconnect && able->connect;
    default: return true;
    }
}

}  // namespace

extern "C" {

const HcsApi *hcsrt_interpose(const HcsApi *table) {
    Tables *all = tables.here();
    hcsrt::Locked locked(all->lock);
    inner.store(table, std::memory_order_relaxed);
    begin_session();
    return table_of_now(all);
}

void hcsrt_interpose_end(void) { quiesce(); }

int hcsrt_interposed(const char *name) {
    for (int function = 0; function < FUNCTIONS; ++function)
        if (!std::strcmp(rows[function].name, name)) return function;
    return -1;
}

const char *hcsrt_interposed_name(int function) { return is_function(function) ? rows[function].name : nullptr; }

const HcsApi *hcsrt_interpose_without(int function, int is_missing) {
    Tables *all = tables.here();
    hcsrt::Locked locked(all->lock);
    all->missing[function] += is_missing ? 1 : -1;
    return table_of_now(all);
}

uint64_t hcsrt_interposed_calls(int function) { return calls[function].load(std::memory_order_relaxed); }

int hcsrt_interposed_traits(int function) { return is_function(function) ? rows[function].traits : 0; }

int hcsrt_interposed_number(int function, int which, char *name, size_t size) {
    for (int place = 0; is_function(function) && place < MOST_PARAMETERS; ++place) {
        if (!(rows[function].numbers >> place & 1) || which--) continue;
        std::string_view plain = plain_name(parameter_of(function, place));
        std::snprintf(name, size, "%.*s", static_cast<int>(plain.size()), plain.data());
        return place;
    }
    return -1;
}

int64_t hcsrt_rule_add(const hcsrt_rule *rule) {
    if (!fits(*rule)) return HCSRT_RULE_UNFIT;
    if (!is_able(*rule)) return HCSRT_RULE_UNABLE;
    bool may_keep = rule->site == HCSRT_SITE_COMPLETION || rule->site == HCSRT_SITE_EVENT ||
                    rule->action == HCSRT_ACTION_DISCONNECT || rule->action == HCSRT_ACTION_ANSWER;
    if (may_keep && !start_deliveries()) return HCSRT_RULE_NO_MEMORY;
    return add_rule(rule);
}

uint32_t hcsrt_rule_remove(int64_t rule) { return remove_rule(rule, end_keeping); }

void hcsrt_rule_release(int64_t rule) {
    release_rule(rule);
    end_keeping();
}

void hcsrt_set_fault_hook(const hcsrt_fault_hook *given) { registered.store(given, std::memory_order_release); }

}  // extern "C"
