/* The exports of computecore.dll. */
#include <chrono>
#include <type_traits>

#include "backends/functions.h"
#include "core/threads.h"
#include "emulator/core.h"

namespace hcsrt::emulator {

namespace {

/* Of a function's row: its name, and the type of the operation that tracks it. */
struct Function {
    const char *name;
    int32_t type;
};

namespace row {
#define ROW(name, since, shape, subject, lane, type) [[maybe_unused]] constexpr Function name{#name, HCSRT_TYPE_##type};
HCSRT_FUNCTIONS(ROW)
#undef ROW
}  // namespace row

/* A call on a compute system or a process that the service answers. */
hcsrt_result verb_call(const Function &function, Kind kind, void *raw, void *operation, const hcsrt_char *text) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, kind, function.name);
    if (!inside) return inside.error(operation, function.type);
    Request request;
    request.function = function.name;
    (kind == Kind::System ? request.system : request.process) = inside.target()->key;
    request.text = argument(text);
    auto info = function.type == HCSRT_TYPE_PROCESS_INFO ? inside.target() : nullptr;
    return kick_off(lock, function.type, operation, inside.handle(), std::move(request), info);
}

/* Whoever the identity is of, nothing here asks for rights. */
hcsrt_result modify_call(const Function &function, Kind kind, void *raw, void *operation,
                         const hcsrt_char *configuration, hcsrt_handle) {
    return configuration ? verb_call(function, kind, raw, operation, configuration) : HCSRT_E_INVALIDARG;
}

/* A new handle, which goes again if there is no memory for the call that creates what it is of. */
struct Created {
    std::shared_ptr<Handle> handle;
    bool is_known = false;

    explicit Created(std::shared_ptr<Handle> given) : handle(std::move(given)) {}
    Created(const Created &) = delete;
    Created &operator=(const Created &) = delete;
    ~Created() {
        if (!is_known) core->withdraw(handle);
    }
};

hcsrt_result create_system_in(const Function &function, const hcsrt_char *scope, const hcsrt_char *id,
                              const hcsrt_char *configuration, hcsrt_operation operation,
                              const hcsrt_create_options *options, hcsrt_system *system) {
    if (!system) return HCSRT_E_POINTER;
    *system = nullptr;
    if (!id || !*id || !configuration) return HCSRT_E_INVALIDARG;
    Lock lock(core.here()->mutex);
    if (options && options->callback && !core->ensure_dispatchers()) return HCSRT_E_OUTOFMEMORY;
    Created created(core->add_new(Kind::System, ++core->serial));
    auto &handle = created.handle;
    if (options) {
        handle->options = options->callback_options;
        handle->context = options->callback_context;
        handle->callback = options->callback;
    }
    Request request;
    request.function = function.name;
    request.system = handle->target->key;
    request.scope = argument(scope);
    request.id = argument(id);
    request.text = argument(configuration);
    hcsrt_result result = kick_off(lock, function.type, operation, handle, std::move(request));
    created.is_known = true;
    /* A create that fails at once may have given a handle all the same. */
    if (!hcsrt_failed(result) || core->variation.chance(Switch::handle_of_failed_create)) *system = handle->raw;
    else core->close_target_handle(lock, handle->raw, Kind::System, function.name);
    return result;
}

hcsrt_result HCSRT_CALL create_system(const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation,
                                      const void *security_descriptor, hcsrt_system *system) {
    if (security_descriptor) return HCSRT_E_INVALIDARG;
    return create_system_in(row::HcsCreateComputeSystem, nullptr, id, configuration, operation, nullptr, system);
}

hcsrt_result HCSRT_CALL create_system_in_namespace(const hcsrt_char *scope, const hcsrt_char *id,
                                                   const hcsrt_char *configuration, hcsrt_operation operation,
                                                   const hcsrt_create_options *options, hcsrt_system *system) {
    if (!scope || !*scope || (options && options->version != HCSRT_CREATE_OPTIONS_1)) return HCSRT_E_INVALIDARG;
    if (options && (options->user_token || options->security_descriptor)) return HCSRT_E_NOTIMPL;
    return create_system_in(row::HcsCreateComputeSystemInNamespace, scope, id, configuration, operation, options,
                            system);
}

hcsrt_result HCSRT_CALL create_process(hcsrt_system raw, const hcsrt_char *parameters, hcsrt_operation operation,
                                       const void *security_descriptor, hcsrt_process *process) {
    if (!process) return HCSRT_E_POINTER;
    *process = nullptr;
    if (!parameters || security_descriptor) return HCSRT_E_INVALIDARG;
    Lock lock(core.here()->mutex);
    const Function &function = row::HcsCreateProcess;
    Inside system(raw, Kind::System, function.name);
    if (!system) return system.error(operation, function.type);
    Created created(core->add_new(Kind::Process, ++core->serial));
    auto &handle = created.handle;
    auto target = handle->target;
    Request request;
    request.function = function.name;
    request.system = system.target()->key;
    request.process = target->key;
    request.text = argument(parameters);
    hcsrt_result result = kick_off(lock, function.type, operation, system.handle(), std::move(request), target);
    created.is_known = true;
    /* A running process is never without its handle, whatever the call says. */
    if (!hcsrt_failed(result) || target->started || core->variation.chance(Switch::handle_of_failed_create))
        *process = handle->raw;
    else core->close_target_handle(lock, handle->raw, Kind::Process, function.name);
    return result;
}

hcsrt_result enumerate_systems_in(const Function &function, const hcsrt_char *scope, const hcsrt_char *query,
                                  hcsrt_operation operation) {
    Lock lock(core.here()->mutex);
    Request request;
    request.function = function.name;
    request.scope = argument(scope);
    request.text = argument(query);
    return kick_off(lock, function.type, operation, nullptr, std::move(request));
}

hcsrt_result HCSRT_CALL enumerate_systems(const hcsrt_char *query, hcsrt_operation operation) {
    return enumerate_systems_in(row::HcsEnumerateComputeSystems, nullptr, query, operation);
}

hcsrt_result HCSRT_CALL enumerate_systems_in_namespace(const hcsrt_char *scope, const hcsrt_char *query,
                                                       hcsrt_operation operation) {
    if (!scope || !*scope) return HCSRT_E_INVALIDARG;
    return enumerate_systems_in(row::HcsEnumerateComputeSystemsInNamespace, scope, query, operation);
}

/* --- synchronous calls --------------------------------------------------------------------------------------- */

hcsrt_result open_system_in(const Function &function, const hcsrt_char *scope, const hcsrt_char *id, uint32_t access,
                            hcsrt_system *system) {
    if (!system) return HCSRT_E_POINTER;
    *system = nullptr;
    if (!id || !*id || access != HCSRT_GENERIC_ALL) return HCSRT_E_INVALIDARG;
    Lock lock(core.here()->mutex);
    Request request;
    request.function = function.name;
    request.scope = argument(scope);
    request.id = argument(id);
    std::shared_ptr<Question> question;
    hcsrt_result result = core->ask_and_wait(lock, std::move(request), &question);
    if (question && question->opened) *system = question->opened->raw;
    return result;
}

hcsrt_result HCSRT_CALL open_system(const hcsrt_char *id, uint32_t access, hcsrt_system *system) {
    return open_system_in(row::HcsOpenComputeSystem, nullptr, id, access, system);
}

hcsrt_result HCSRT_CALL open_system_in_namespace(const hcsrt_char *scope, const hcsrt_char *id, uint32_t access,
                                                 hcsrt_system *system) {
    if (!scope || !*scope) return HCSRT_E_INVALIDARG;
    return open_system_in(row::HcsOpenComputeSystemInNamespace, scope, id, access, system);
}

hcsrt_result HCSRT_CALL open_process(hcsrt_system raw, uint32_t pid, uint32_t, hcsrt_process *process) {
    if (!process) return HCSRT_E_POINTER;
    *process = nullptr;
    Lock lock(core.here()->mutex);
    Inside system(raw, Kind::System, "HcsOpenProcess");
    if (!system) return system.error();
    Request request;
    request.function = "HcsOpenProcess";
    request.system = system.target()->key;
    request.number = pid;
    std::shared_ptr<Question> question;
    hcsrt_result result = core->ask_and_wait(lock, std::move(request), &question);
    if (question && question->opened) *process = question->opened->raw;
    return result;
}

hcsrt_result service_call(const char *function, const hcsrt_char *text, hcsrt_char **out,
                          const hcsrt_char *id = nullptr) {
    if (out) *out = nullptr;
    Lock lock(core.here()->mutex);
    Request request;
    request.function = function;
    request.id = argument(id);
    request.text = argument(text);
    std::shared_ptr<Question> question;
    hcsrt_result result = core->ask_and_wait(lock, std::move(request), &question);
    if (question && !core->give(question->document, out) && !hcsrt_failed(result)) return HCSRT_E_OUTOFMEMORY;
    return result;
}

hcsrt_result question_call(const char *function, const hcsrt_char *query, hcsrt_char **result) {
    return service_call(function, query, result);
}

hcsrt_result HCSRT_CALL service_properties(const hcsrt_char *query, hcsrt_char **result) {
    return result ? service_call("HcsGetServiceProperties", query, result) : HCSRT_E_POINTER;
}

hcsrt_result HCSRT_CALL modify_service(const hcsrt_char *settings, hcsrt_char **result) {
    return settings ? service_call("HcsModifyServiceSettings", settings, result) : HCSRT_E_INVALIDARG;
}

hcsrt_result path_call(const char *function, const hcsrt_char *path) {
    return path && *path ? service_call(function, path, nullptr) : HCSRT_E_INVALIDARG;
}

hcsrt_result access_call(const char *function, const hcsrt_char *vm_id, const hcsrt_char *path) {
    bool given = vm_id && *vm_id && path && *path;
    return given ? service_call(function, path, nullptr, vm_id) : HCSRT_E_INVALIDARG;
}

/* --- operations ---------------------------------------------------------------------------------------------- */

hcsrt_operation HCSRT_CALL create_operation(void *context, hcsrt_operation_completion callback) {
    if (!may_throw()) return nullptr;
    Lock lock(core.here()->mutex);
    if (callback && !core->ensure_dispatchers()) return nullptr;
    auto operation = std::make_shared<Operation>();
    auto handle = core->add_handle(Kind::Operation);
    handle->operation = std::move(operation);
    handle->operation->id = reinterpret_cast<uintptr_t>(handle->raw) >> 4;
    handle->operation->context = context;
    handle->operation->callback = callback;
    return handle->raw;
}

/* Nothing that the emulator does has progress to tell of. */
hcsrt_operation HCSRT_CALL create_operation_with_notifications(uint32_t, const void *context, hcsrt_event_callback) {
    return create_operation(const_cast<void *>(context), nullptr);
}

void HCSRT_CALL close_operation(hcsrt_operation raw) {
    Lock lock(core.here()->mutex);
    auto handle = core->find(raw, Kind::Operation, "HcsCloseOperation");
    if (!handle) return;
    core->handles.erase(reinterpret_cast<uintptr_t>(raw));
    if (handle->inside) core->misuse("HcsCloseOperation", raw, "was closed while a call on it had not returned");
    auto &operation = handle->operation;
    operation->closed = true;
    /* Whether the close waits for a callback that runs on another thread is not documented. */
    if (this_thread().callback_depth || !operation->callback_running) return;
    if (core->variation.chance(Switch::close_of_operation))
        while (operation->callback_running) operation->changed.wait(lock);
}

hcsrt_result HCSRT_CALL set_operation_callback(hcsrt_operation raw, const void *context,
                                               hcsrt_operation_completion callback) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsSetOperationCallback");
    if (!inside) return inside.error();
    if (callback && !core->ensure_dispatchers()) return HCSRT_E_OUTOFMEMORY;
    auto &operation = inside.operation();
    operation->context = const_cast<void *>(context);
    operation->callback = callback;
    /* For an operation that has completed already, it fires at once or never: not documented. */
    if (operation->phase == Phase::Done && callback && core->variation.chance(Switch::callback_set_late))
        core->deliver_completion(operation);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL set_operation_context(hcsrt_operation raw, void *context) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsSetOperationContext");
    if (!inside) return inside.error();
    inside.operation()->context = context;
    return HCSRT_S_OK;
}

void *HCSRT_CALL operation_context(hcsrt_operation raw) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetOperationContext");
    return inside ? inside.operation()->context : nullptr;
}

uint64_t HCSRT_CALL operation_id(hcsrt_operation raw) {
    constexpr uint64_t invalid = ~static_cast<uint64_t>(0);
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetOperationId");
    return inside ? inside.operation()->id : invalid;
}

int32_t HCSRT_CALL operation_type(hcsrt_operation raw) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetOperationType");
    return inside ? inside.operation()->type : HCSRT_TYPE_NONE;
}

hcsrt_system HCSRT_CALL system_from_operation(hcsrt_operation raw) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetComputeSystemFromOperation");
    return inside && inside.operation()->phase == Phase::Running ? inside.operation()->system : nullptr;
}

hcsrt_process HCSRT_CALL process_from_operation(hcsrt_operation raw) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetProcessFromOperation");
    return inside && inside.operation()->phase == Phase::Running ? inside.operation()->process : nullptr;
}

hcsrt_result HCSRT_CALL cancel_operation(hcsrt_operation raw) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, "HcsCancelOperation");
    return inside ? static_cast<hcsrt_result>(HCSRT_E_NOTIMPL) : inside.error();
}

hcsrt_result collect(const char *function, hcsrt_operation raw, uint32_t timeout_ms, bool with_info,
                     hcsrt_process_information *info, hcsrt_char **document) {
    if (document) *document = nullptr;
    if (info) *info = {};
    Lock lock(core.here()->mutex);
    Inside inside(raw, Kind::Operation, function);
    if (!inside) return inside.error();
    auto operation = inside.operation();
    if (operation->phase == Phase::Idle) return HCSRT_E_OPERATION_NOT_STARTED;
    bool has_info = operation->type == HCSRT_TYPE_CREATE_PROCESS || operation->type == HCSRT_TYPE_PROCESS_INFO;
    if (with_info && !has_info) return HCSRT_E_INVALIDARG;
    auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (operation->phase == Phase::Running) {
        if (core->is_gone()) return HCSRT_E_SERVICE_DISCONNECT;
        if (!timeout_ms) return HCSRT_E_OPERATION_PENDING;
        if (timeout_ms == FOREVER) operation->changed.wait(lock);
        else if (operation->changed.wait_until(lock, deadline) == std::cv_status::timeout &&
                 operation->phase == Phase::Running)
            return HCSRT_E_OPERATION_TIMEOUT;
    }
    bool ok = !hcsrt_failed(operation->result), stale = core->is_stale(raw);
    if (stale && ok) return HCSRT_E_SERVICE_DISCONNECT;
    hcsrt_char *given = nullptr;
    if (!core->give(operation->document, document ? &given : nullptr, !stale) && ok) return HCSRT_E_OUTOFMEMORY;
    try {
        if (info && ok) core->give_process_info(operation, info);
    } catch (const std::bad_alloc &) {
        if (core->strings.erase(given)) platform::release_string(given);
        throw;
    }
    if (document) *document = given;
    return operation->result;
}

hcsrt_result HCSRT_CALL operation_result(hcsrt_operation raw, hcsrt_char **document) {
    return collect("HcsGetOperationResult", raw, 0, false, nullptr, document);
}

hcsrt_result HCSRT_CALL operation_result_and_info(hcsrt_operation raw, hcsrt_process_information *info,
                                                  hcsrt_char **document) {
    return collect("HcsGetOperationResultAndProcessInfo", raw, 0, true, info, document);
}

hcsrt_result timed_out_if_pending(hcsrt_result result) {
    return result == HCSRT_E_OPERATION_PENDING ? static_cast<hcsrt_result>(HCSRT_E_OPERATION_TIMEOUT) : result;
}

hcsrt_result HCSRT_CALL wait_operation(hcsrt_operation raw, uint32_t timeout_ms, hcsrt_char **document) {
    return timed_out_if_pending(collect("HcsWaitForOperationResult", raw, timeout_ms, false, nullptr, document));
}

hcsrt_result HCSRT_CALL wait_operation_and_info(hcsrt_operation raw, uint32_t timeout_ms,
                                                hcsrt_process_information *info, hcsrt_char **document) {
    return timed_out_if_pending(
        collect("HcsWaitForOperationResultAndProcessInfo", raw, timeout_ms, true, info, document));
}

/* --- events and exit ----------------------------------------------------------------------------------------- */

hcsrt_result set_callback(const char *function, void *raw, Kind kind, uint32_t options, const void *context,
                          hcsrt_event_callback callback) {
    Lock lock(core.here()->mutex);
    Inside inside(raw, kind, function);
    if (!inside) return inside.error();
    if (!callback) return HCSRT_E_INVALIDARG;
    auto &handle = inside.handle();
    /* A second registration is refused or replaces the first: not documented. */
    if (handle->callback && !core->variation.chance(Switch::second_event_callback)) return HCSRT_E_CALLBACK_ALREADY_SET;
    if (!core->ensure_dispatchers()) return HCSRT_E_OUTOFMEMORY;
    handle->options = options;
    handle->context = const_cast<void *>(context);
    handle->callback = callback;
    /* One that is set after the exit is told of it at once, or never: not documented. */
    if (handle->target->exited && !handle->exit_told && !core->variation.chance(Switch::exit_callback_set_late))
        core->deliver_exit(handle);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL set_system_callback(hcsrt_system raw, uint32_t options, const void *context,
                                            hcsrt_event_callback callback) {
    return set_callback("HcsSetComputeSystemCallback", raw, Kind::System, options, context, callback);
}

hcsrt_result HCSRT_CALL set_process_callback(hcsrt_process raw, uint32_t options, void *context,
                                             hcsrt_event_callback callback) {
    return set_callback("HcsSetProcessCallback", raw, Kind::Process, options, context, callback);
}

hcsrt_result wait_exit(const char *function, Kind kind, void *raw, uint32_t timeout_ms, hcsrt_char **document) {
    if (document) *document = nullptr;
    Lock lock(core.here()->mutex);
    Inside inside(raw, kind, function);
    if (!inside) return inside.error();
    auto target = inside.target();
    auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!target->exited) {
        if (core->is_gone() || core->is_lost(*target)) return HCSRT_E_SERVICE_DISCONNECT;
        if (timeout_ms == FOREVER) target->changed.wait(lock);
        else if (target->changed.wait_until(lock, deadline) == std::cv_status::timeout && !target->exited)
            /* The code for a wait that timed out is not documented. */
            return core->variation.chance(Switch::exit_wait_timeout) ? HCSRT_E_WAIT_TIMEOUT : HCSRT_E_OPERATION_TIMEOUT;
    }
    return core->give(target->exit_document, document, !core->is_stale(raw)) ? HCSRT_S_OK : HCSRT_E_OUTOFMEMORY;
}

/* --- release ------------------------------------------------------------------------------------------------- */

void close_call(const char *function, Kind kind, void *raw) {
    Lock lock(core.here()->mutex);
    core->close_target_handle(lock, raw, kind, function);
}

void free_string(hcsrt_char *string) {
    if (!string) return;
    Lock lock(core.here()->mutex);
    if (core->strings.erase(string)) platform::release_string(string);
    else core->misuse("LocalFree", string, "is no string of HCS, or was freed before");
}

void free_cotaskmem(void *memory) {
    if (!memory) return;
    Lock lock(core.here()->mutex);
    core->misuse("CoTaskMemFree", memory, "is no string of HCN");
}

int close_stdio(hcsrt_handle raw) {
    Lock lock(core.here()->mutex);
    return core->close_stdio(raw);
}

/* --- the table ----------------------------------------------------------------------------------------------- */

/* A function as HCS has it: what fails for want of memory says so. */
template <auto function>
struct Guarded;
template <typename Result, typename... Parameters, Result(HCSRT_CALL *function)(Parameters...)>
struct Guarded<function> {
    static Result HCSRT_CALL call(Parameters... arguments) {
        if constexpr (std::is_same_v<Result, hcsrt_result>)
            if (!may_throw()) return HCSRT_E_OUTOFMEMORY;
        try {
            return function(arguments...);
        } catch (const std::bad_alloc &) {
            if constexpr (std::is_same_v<Result, hcsrt_result>) return HCSRT_E_OUTOFMEMORY;
            else return Result();
        }
    }
};

template <typename Function>
struct NotEmulated;
template <typename... Arguments>
struct NotEmulated<hcsrt_result(HCSRT_CALL *)(Arguments...)> {
    static hcsrt_result HCSRT_CALL call(Arguments...) { return HCSRT_E_NOTIMPL; }
};
template <typename Result, typename... Arguments>
struct NotEmulated<Result(HCSRT_CALL *)(Arguments...)> {
    static Result HCSRT_CALL call(Arguments...) { return Result(); }
};

constexpr Kind KIND_SYSTEM = Kind::System, KIND_PROCESS = Kind::Process, KIND_OPERATION = Kind::Operation;

HcsApi make_table() {
    HcsApi table = {};
    table.size = sizeof table;
    /* By its shape each function of the table has its entry, whether the service knows it or not. */
#define FILL(name, since, shape, subject, lane, type) FILL_##shape(name, subject)
#define FILL_VERB(name, subject) \
    table.name = [](void *raw, hcsrt_operation operation, const hcsrt_char *text) { \
        return Guarded<verb_call>::call(row::name, KIND_##subject, raw, operation, text); \
    };
#define FILL_MODIFY(name, subject) \
    table.name = [](void *raw, hcsrt_operation operation, const hcsrt_char *configuration, hcsrt_handle identity) { \
        return Guarded<modify_call>::call(row::name, KIND_##subject, raw, operation, configuration, identity); \
    };
#define FILL_EXIT(name, subject) \
    table.name = [](void *raw, uint32_t timeout_ms, hcsrt_char **document) { \
        return wait_exit(#name, KIND_##subject, raw, timeout_ms, document); \
    };
#define FILL_CLOSE(name, subject) table.name = [](void *raw) { close_call(#name, KIND_##subject, raw); };
#define FILL_STRING(name, subject) \
    table.name = [](const hcsrt_char *text) { return Guarded<path_call>::call(#name, text); };
#define FILL_STRINGS(name, subject) \
    table.name = [](const hcsrt_char *vm_id, const hcsrt_char *path) { \
        return Guarded<access_call>::call(#name, vm_id, path); \
    };
#define FILL_QUESTION(name, subject) \
    table.name = [](const hcsrt_char *query, hcsrt_char **result) { \
        return Guarded<question_call>::call(#name, query, result); \
    };
#define FILL_OTHER(name, subject) table.name = NotEmulated<decltype(table.name)>::call;
#define FILL_OF(result, parameters) FILL_OTHER
    HCSRT_FUNCTIONS(FILL)
#undef FILL
#undef FILL_VERB
#undef FILL_MODIFY
#undef FILL_EXIT
#undef FILL_CLOSE
#undef FILL_STRING
#undef FILL_STRINGS
#undef FILL_QUESTION
#undef FILL_OTHER
#undef FILL_OF

    table.HcsGetProcessInfo = [](hcsrt_process process, hcsrt_operation operation) {
        return Guarded<verb_call>::call(row::HcsGetProcessInfo, Kind::Process, process, operation, nullptr);
    };
    table.HcsCreateComputeSystem = Guarded<create_system>::call;
    table.HcsCreateComputeSystemInNamespace = Guarded<create_system_in_namespace>::call;
    table.HcsOpenComputeSystem = Guarded<open_system>::call;
    table.HcsOpenComputeSystemInNamespace = Guarded<open_system_in_namespace>::call;
    table.HcsEnumerateComputeSystems = Guarded<enumerate_systems>::call;
    table.HcsEnumerateComputeSystemsInNamespace = Guarded<enumerate_systems_in_namespace>::call;
    table.HcsCreateProcess = Guarded<create_process>::call;
    table.HcsOpenProcess = Guarded<open_process>::call;
    table.HcsSetComputeSystemCallback = set_system_callback;
    table.HcsSetProcessCallback = set_process_callback;
    table.HcsGetServiceProperties = Guarded<service_properties>::call;
    table.HcsModifyServiceSettings = Guarded<modify_service>::call;
    table.HcsCreateOperation = Guarded<create_operation>::call;
    table.HcsCreateOperationWithNotifications = Guarded<create_operation_with_notifications>::call;
    table.HcsCloseOperation = close_operation;
    table.HcsSetOperationCallback = set_operation_callback;
    table.HcsSetOperationContext = set_operation_context;
    table.HcsGetOperationContext = operation_context;
    table.HcsGetOperationId = operation_id;
    table.HcsGetOperationType = operation_type;
    table.HcsGetComputeSystemFromOperation = system_from_operation;
    table.HcsGetProcessFromOperation = process_from_operation;
    table.HcsCancelOperation = cancel_operation;
    table.HcsGetOperationResult = Guarded<operation_result>::call;
    table.HcsGetOperationResultAndProcessInfo = Guarded<operation_result_and_info>::call;
    table.HcsWaitForOperationResult = Guarded<wait_operation>::call;
    table.HcsWaitForOperationResultAndProcessInfo = Guarded<wait_operation_and_info>::call;
    table.free_string = free_string;
    table.free_cotaskmem = free_cotaskmem;
    table.close_handle = close_stdio;
    return table;
}

}  // namespace

const HcsApi *api() {
    static const HcsApi table = make_table();
    return &table;
}

}  // namespace hcsrt::emulator
