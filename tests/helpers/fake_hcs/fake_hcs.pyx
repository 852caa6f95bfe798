"""The fake HCS for Python, and a call of it from Cython with a completion that runs on a thread of HCS."""

from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_DecodeUTF16
from libc.stdint cimport int64_t, uint32_t

from hcsrt._api cimport hcsrt_backend
from hcsrt cimport HANDLE_OK, HcsApi, OwnedSystem, check_entered, hcs, hcsrt_char
from hcsrt.engine cimport (
    HCSRT_LANE_QUERY,
    hcsrt_function,
    enter_handle,
    hcsrt_call,
    hcsrt_new_request,
    hcsrt_request,
    outcome_of,
    release_call,
    start_verb,
    submit_call,
)

from asyncio import get_running_loop

cdef extern from "fake_hcs.h" namespace "fake_hcs" nogil:
    const HcsApi *c_api "fake_hcs::api"()
    void c_delay "fake_hcs::delay"(uint32_t kick_off_ms, uint32_t close_ms)
    int64_t c_live "fake_hcs::live"()


cdef hcsrt_backend c_backend


def table():
    """Return the backend in a capsule, for hcsrt._library.choose()."""
    c_backend.size = sizeof(hcsrt_backend)
    c_backend.hcs = c_api()
    return PyCapsule_New(&c_backend, "hcsrt.backend.2", NULL)


def delay(uint32_t kick_off_ms, uint32_t close_ms):
    """Let each kick-off, and each close of a system or a process, take so long from now on."""
    c_delay(kick_off_ms, close_ms)


def live():
    """Return the number of handles and strings given out and not released."""
    return c_live()


# --- a callback that takes the GIL ----------------------------------------------------------------------------------

cdef void completed(hcsrt_call *call, void *context) noexcept nogil:
    hand_in(call, context)


cdef void hand_in(hcsrt_call *call, void *context) noexcept with gil:
    cdef const hcsrt_char *document = outcome_of(call).document
    cdef int byteorder = 0
    cdef Py_ssize_t length = 0
    loop, future, _ = <object> context
    while document[length]:
        length += 1
    text = PyUnicode_DecodeUTF16(<const char *> document, length * 2, "surrogatepass", &byteorder)
    release_call(call)
    loop.call_soon_threadsafe(settle, future, text)
    Py_DECREF(<object> context)


def settle(future, text):
    if not future.done():
        future.set_result(text)


def properties_with_gil(OwnedSystem system not None):
    """Return a future of the properties; the engine makes the call, and HCS's thread takes the GIL."""
    cdef hcsrt_request request = hcsrt_new_request()
    cdef hcsrt_call *call = NULL
    cdef int status
    loop = get_running_loop()
    future = loop.create_future()
    context = (loop, future, system)
    request.start = start_verb
    request.function = <hcsrt_function> hcs().HcsGetComputeSystemProperties
    request.lane = HCSRT_LANE_QUERY
    request.complete = completed
    request.context = <void *> context
    Py_INCREF(context)
    status = enter_handle(system, &request)
    if status == HANDLE_OK:
        call = submit_call(NULL, &request)
    check_entered(system, status)
    if call == NULL:
        raise MemoryError
    return future
