/* hcsrt's declarations against those of mingw-w64, which other people wrote.
 *
 * It is only compiled: each disagreement is an error that names the function, struct or constant. tests/package/test_abi.py
 * defines HCSRT_NOT_IN_MINGW(F), F(name) for each function that mingw-w64 is known to lack. */
#include <windows.h>

#include <computecore.h>
#include <hcsrt.h>

#include <cstddef>
#include <type_traits>

#include "backends/functions.h"
#include "core/results.h"

/* What of a type both sides have to agree on: the width and signedness of a number or an enum, what a pointer points to,
 * and each type of a function; const may differ. Opaque, a pointer to data is a pointer and no more: hcsrt's handles are
 * void *, those of Windows point to structs of their own. */

template <std::size_t width, bool is_signed>
struct Number;

template <bool opaque, typename T, typename = void>
struct Plain {
    using type = T;
};
template <bool opaque, typename T>
using plain = typename Plain<opaque, std::remove_cv_t<T>>::type;

template <bool opaque>
struct Plain<opaque, SECURITY_DESCRIPTOR> {
    using type = void;
};
template <bool opaque, typename T>
struct Plain<opaque, T, std::enable_if_t<std::is_integral_v<T>>> {
    using type = Number<sizeof(T), std::is_signed_v<T>>;
};
template <bool opaque, typename T>
struct Plain<opaque, T, std::enable_if_t<std::is_enum_v<T>>> {
    using type = plain<opaque, std::underlying_type_t<T>>;
};
template <bool opaque, typename T>
struct Plain<opaque, T *> {
    using type = std::conditional_t<opaque, void, plain<opaque, T>> *;
};
template <bool opaque, typename R, typename... P>
struct Plain<opaque, R(HCSRT_CALL *)(P...)> {
    using type = plain<opaque, R>(HCSRT_CALL *)(plain<opaque, P>...);
};

template <typename A, typename B>
constexpr bool alike = std::is_same_v<plain<true, A>, plain<true, B>>;
template <typename A, typename B>
constexpr bool same = std::is_same_v<plain<false, A>, plain<false, B>>;

/* Types: what each of hcsrt's stands for. */

#define TYPES(T) \
    T(hcsrt_result, HRESULT) \
    T(hcsrt_char, WCHAR) \
    T(hcsrt_operation, HCS_OPERATION) \
    T(hcsrt_system, HCS_SYSTEM) \
    T(hcsrt_process, HCS_PROCESS) \
    T(hcsrt_handle, HANDLE) \
    T(hcsrt_operation_completion, HCS_OPERATION_COMPLETION) \
    T(hcsrt_event_callback, HCS_EVENT_CALLBACK)

#define CHECK_TYPE(ours, theirs) static_assert(alike<ours, theirs>, #ours " is not like " #theirs);
TYPES(CHECK_TYPE)

/* Structs. */

#define STRUCT(ours, theirs) \
    static_assert(sizeof(ours) == sizeof(theirs) && alignof(ours) == alignof(theirs), \
                  #ours " has not the size of " #theirs)
#define FIELD(ours, field, theirs, their_field) \
    static_assert(offsetof(ours, field) == offsetof(theirs, their_field), \
                  #ours "." #field " is not where " #theirs "." #their_field " is"); \
    static_assert(alike<decltype(ours::field), decltype(theirs::their_field)>, \
                  #ours "." #field " is not like " #theirs "." #their_field)

STRUCT(hcsrt_event, HCS_EVENT);
FIELD(hcsrt_event, type, HCS_EVENT, Type);
FIELD(hcsrt_event, data, HCS_EVENT, EventData);
FIELD(hcsrt_event, operation, HCS_EVENT, Operation);

STRUCT(hcsrt_process_information, HCS_PROCESS_INFORMATION);
FIELD(hcsrt_process_information, process_id, HCS_PROCESS_INFORMATION, ProcessId);
FIELD(hcsrt_process_information, reserved, HCS_PROCESS_INFORMATION, Reserved);
FIELD(hcsrt_process_information, std_input, HCS_PROCESS_INFORMATION, StdInput);
FIELD(hcsrt_process_information, std_output, HCS_PROCESS_INFORMATION, StdOutput);
FIELD(hcsrt_process_information, std_error, HCS_PROCESS_INFORMATION, StdError);

STRUCT(hcsrt_create_options, HCS_CREATE_OPTIONS_1);
FIELD(hcsrt_create_options, version, HCS_CREATE_OPTIONS_1, Version);
FIELD(hcsrt_create_options, user_token, HCS_CREATE_OPTIONS_1, UserToken);
FIELD(hcsrt_create_options, security_descriptor, HCS_CREATE_OPTIONS_1, SecurityDescriptor);
FIELD(hcsrt_create_options, callback_options, HCS_CREATE_OPTIONS_1, CallbackOptions);
FIELD(hcsrt_create_options, callback_context, HCS_CREATE_OPTIONS_1, CallbackContext);
FIELD(hcsrt_create_options, callback, HCS_CREATE_OPTIONS_1, Callback);

/* Constants. */

#define CONSTANT(ours, theirs) \
    static_assert(static_cast<unsigned long>(ours) == static_cast<unsigned long>(theirs), #ours " is not " #theirs)

CONSTANT(HCSRT_S_OK, S_OK);
CONSTANT(HCSRT_E_NOTIMPL, E_NOTIMPL);
CONSTANT(HCSRT_E_ABORT, E_ABORT);
CONSTANT(HCSRT_E_POINTER, E_POINTER);
CONSTANT(HCSRT_E_HANDLE, E_HANDLE);
CONSTANT(HCSRT_E_OUTOFMEMORY, E_OUTOFMEMORY);
CONSTANT(HCSRT_E_INVALIDARG, E_INVALIDARG);
CONSTANT(HCSRT_E_WAIT_TIMEOUT, HRESULT_FROM_WIN32(WAIT_TIMEOUT));
CONSTANT(HCSRT_EVENT_SYSTEM_EXITED, HcsEventSystemExited);
CONSTANT(HCSRT_EVENT_PROCESS_EXITED, HcsEventProcessExited);
CONSTANT(HCSRT_EVENT_OPERATION_CALLBACK, HcsEventOperationCallback);
CONSTANT(HCSRT_EVENT_SERVICE_DISCONNECT, HcsEventServiceDisconnect);
CONSTANT(HCSRT_TYPE_NONE, HcsOperationTypeNone);
CONSTANT(HCSRT_TYPE_ENUMERATE, HcsOperationTypeEnumerate);
CONSTANT(HCSRT_TYPE_CREATE, HcsOperationTypeCreate);
CONSTANT(HCSRT_TYPE_START, HcsOperationTypeStart);
CONSTANT(HCSRT_TYPE_SHUTDOWN, HcsOperationTypeShutdown);
CONSTANT(HCSRT_TYPE_PAUSE, HcsOperationTypePause);
CONSTANT(HCSRT_TYPE_RESUME, HcsOperationTypeResume);
CONSTANT(HCSRT_TYPE_SAVE, HcsOperationTypeSave);
CONSTANT(HCSRT_TYPE_TERMINATE, HcsOperationTypeTerminate);
CONSTANT(HCSRT_TYPE_MODIFY, HcsOperationTypeModify);
CONSTANT(HCSRT_TYPE_PROPERTIES, HcsOperationTypeGetProperties);
CONSTANT(HCSRT_TYPE_CREATE_PROCESS, HcsOperationTypeCreateProcess);
CONSTANT(HCSRT_TYPE_SIGNAL_PROCESS, HcsOperationTypeSignalProcess);
CONSTANT(HCSRT_TYPE_PROCESS_INFO, HcsOperationTypeGetProcessInfo);
CONSTANT(HCSRT_TYPE_PROCESS_PROPERTIES, HcsOperationTypeGetProcessProperties);
CONSTANT(HCSRT_TYPE_MODIFY_PROCESS, HcsOperationTypeModifyProcess);
CONSTANT(HCSRT_TYPE_CRASH, HcsOperationTypeCrash);
CONSTANT(HCSRT_OPTION_OPERATION_CALLBACKS, HcsEventOptionEnableOperationCallbacks);
CONSTANT(HCSRT_CREATE_OPTIONS_1, HcsCreateOptions_1);
CONSTANT(HCSRT_WAIT_TIMEOUT, WAIT_TIMEOUT);
CONSTANT(HCSRT_GENERIC_ALL, GENERIC_ALL);

/* Functions: hcsrt's prototypes with Windows's types in them, so that a system in the place of an operation shows. */

namespace in_windows_types {
#define STANDS_FOR(ours, theirs) using ours = theirs;
TYPES(STANDS_FOR)
using hcsrt_event = HCS_EVENT;
using hcsrt_process_information = HCS_PROCESS_INFORMATION;
/* The functions take a pointer to the enum that each version of the struct begins with. */
using hcsrt_create_options = HCS_CREATE_OPTIONS;

/* The table once more, of these types. */
#undef HCSRT_HCSAPI_H
#include <hcsapi.h>
}  // namespace in_windows_types

/* ::name and known_missing::name are looked up in the namespaces that are used there only if they are not declared. */

struct Missing;

namespace missing {
#define MISSING(name, since, shape, subject, lane, type) extern Missing name;
HCSRT_FUNCTIONS(MISSING)
}  // namespace missing
using namespace missing;

namespace others {
#define OTHER(name, since, shape, subject, lane, type) constexpr bool name = false;
HCSRT_FUNCTIONS(OTHER)
}  // namespace others
namespace known_missing {
#define KNOWN_MISSING(name) constexpr bool name = true;
HCSRT_NOT_IN_MINGW(KNOWN_MISSING)
using namespace others;
}  // namespace known_missing

template <typename Theirs>
constexpr bool is_missing = std::is_same_v<Theirs, Missing *>;

#define CHECK_FUNCTION(name, since, shape, subject, lane, type) \
    static_assert(is_missing<decltype(&::name)> || same<decltype(in_windows_types::HcsApi::name), decltype(&::name)>, \
                  #name " is not what mingw-w64 declares"); \
    static_assert(is_missing<decltype(&::name)> || alike<decltype(HcsApi::name), decltype(&::name)>, \
                  #name " is another function in HcsApi"); \
    static_assert(is_missing<decltype(&::name)> == known_missing::name, \
                  #name " is missing in one of mingw-w64 and the list of what is missing there");
HCSRT_FUNCTIONS(CHECK_FUNCTION)
