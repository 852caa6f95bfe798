"""The modules' own access to handles, beside the public face: over the fields of the object, inline.

Internal: no wheel has this file.
"""

from hcsrt._core cimport (
    core,
    hcsrt_abandoned,
    hcsrt_finish,
    hcsrt_is_here,
    hcsrt_pointer_load,
    hcsrt_state_close,
    hcsrt_state_detach,
    hcsrt_state_enter,
    hcsrt_state_finish,
    hcsrt_state_leave,
)
from hcsrt._api cimport HcsApi
from hcsrt._engine_types cimport hcsrt_outcome, hcsrt_request
from hcsrt._handles cimport HANDLE_CLOSED, HANDLE_OK, Handle, OwnedOperation
from hcsrt._library cimport hcs
from hcsrt._types cimport hcsrt_char, hcsrt_context, hcsrt_handle, hcsrt_operation, hcsrt_result

# What the functions of a shape look like. Most are a handle, the operation that tracks the call, a document.
ctypedef hcsrt_result (*handle_verb)(void *, hcsrt_operation, const hcsrt_char *) noexcept nogil
ctypedef hcsrt_result (*modify_verb)(void *, hcsrt_operation, const hcsrt_char *, hcsrt_handle) noexcept nogil
ctypedef hcsrt_result (*string_verb)(const hcsrt_char *) noexcept nogil
ctypedef hcsrt_result (*strings_verb)(const hcsrt_char *, const hcsrt_char *) noexcept nogil
ctypedef hcsrt_result (*question_verb)(const hcsrt_char *, hcsrt_char **) noexcept nogil


# The context of a handle, or NULL. By a call that is inside.
cdef inline hcsrt_context *context_of(Handle handle) noexcept nogil:
    return <hcsrt_context *> hcsrt_pointer_load(&handle._ctx)


# What _enter() and _leave() do, in calls so short that to call these counts.
cdef inline int enter(Handle handle) noexcept nogil:
    return hcsrt_state_enter(&handle._state) if hcsrt_is_here(&core, handle._epoch) else HANDLE_CLOSED


cdef inline void leave(Handle handle) noexcept nogil:
    if hcsrt_state_leave(&handle._state):
        hcsrt_finish(&core, handle._close, &handle._raw, &handle._ctx, &handle._state)


# The table, as hcs() gives it, for one of those calls: there is a handle, so it was chosen before.
cdef inline const HcsApi *hcs_of_handle() except NULL:
    cdef const HcsApi *api = core.chosen()
    return api if api != NULL else hcs()


# Closes a handle but leaves what `handle._close` does to the caller, who gets its two arguments. False: there is
# nothing to release, or the last one out will do it.
cdef inline bint close_without_release(Handle handle, void **raw, void **context) noexcept nogil:
    if not hcsrt_is_here(&core, handle._epoch) or not hcsrt_state_close(&handle._state):
        return False
    raw[0] = handle._raw
    context[0] = handle._ctx
    handle._raw = NULL
    handle._ctx = NULL
    hcsrt_state_finish(&handle._state)
    return True


# Moves a pending call to the reaper: the operation and what it creates (or None) are emptied and belong to it.
# `creates` is HCSRT_CREATES_* of core/reaper.h; `has_info` tells that the result may bring stdio handles.
# False: there is no thread for it, and nothing has changed.
cdef inline bint abandon(OwnedOperation operation, Handle created, int creates, bint keep,
                         bint has_info) noexcept nogil:
    cdef hcsrt_abandoned call
    if not core.reaper_start() or hcsrt_state_detach(&operation._state) != HANDLE_OK:
        return False
    call.api = core.chosen()
    call.operation = operation._raw
    operation._raw = NULL
    call.creates = creates
    call.keep = keep
    call.has_info = has_info
    call.created = NULL
    call.context = NULL
    call.close = NULL
    call.disconnected = 0
    if creates and hcsrt_state_detach(&created._state) == HANDLE_OK:
        call.created = created._raw
        call.close = created._close
        created._raw = NULL
    core.reap(&call)
    return True


cdef inline void leave_handle(void *handle) noexcept nogil:
    (<Handle> handle)._leave()


# Enters the handle's guard for a call of the engine, which leaves it once the call was made.
cdef inline int enter_handle(Handle handle, hcsrt_request *request) noexcept nogil:
    cdef int status = handle._enter()
    if status == HANDLE_OK:
        request.raw = handle._raw
        request.subject = <void *> handle
        request.leave = leave_handle
    return status


# An hcsrt_start.
cdef inline hcsrt_result start_verb(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                    hcsrt_outcome *outcome) noexcept nogil:
    return (<handle_verb> request.function)(request.raw, operation, request.texts[0])
