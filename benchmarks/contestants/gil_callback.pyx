"""Asynchronous operations the usual way: HCS's completion callback takes the GIL and calls into asyncio."""

from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_DecodeUTF16

from hcsrt cimport (
    HANDLE_OK,
    HcsApi,
    OwnedSystem,
    check_entered,
    hcs,
    hcsrt_char,
    hcsrt_operation,
    hcsrt_result,
)

from asyncio import get_running_loop

from hcsrt.errors import error_from


cdef str text_of(hcsrt_operation operation, hcsrt_result *result):
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef Py_ssize_t length = 0
    result[0] = api.HcsGetOperationResult(operation, &document)
    if document == NULL:
        return None
    while document[length]:
        length += 1
    try:
        return PyUnicode_DecodeUTF16(<char *> document, length * sizeof(hcsrt_char), NULL, NULL)
    finally:
        api.free_string(document)


def settle(future, text):
    if not future.done():
        future.set_result(text)


def fail(future, error):
    if not future.done():
        future.set_exception(error)


cdef void completed(hcsrt_operation operation, void *context) noexcept with gil:
    cdef hcsrt_result result = 0
    loop, future = <object> context
    text = text_of(operation, &result)
    if result < 0:
        loop.call_soon_threadsafe(fail, future, error_from(result, "HcsGetComputeSystemProperties", text))
    else:
        loop.call_soon_threadsafe(settle, future, text)
    hcs().HcsCloseOperation(operation)
    Py_DECREF(<object> context)


def properties(OwnedSystem system not None):
    """Return a future of the properties."""
    cdef const HcsApi *api = hcs()
    cdef hcsrt_operation operation
    cdef hcsrt_result result = 0
    cdef int status
    loop = get_running_loop()
    future = loop.create_future()
    context = (loop, future)
    Py_INCREF(context)
    with nogil:
        status = system._enter()
        if status == HANDLE_OK:
            operation = api.HcsCreateOperation(<void *> context, completed)
            result = api.HcsGetComputeSystemProperties(system._raw, operation, NULL)
            system._leave()
    if status != HANDLE_OK or result < 0:
        Py_DECREF(context)
        check_entered(system, status)
        raise error_from(result, "HcsGetComputeSystemProperties", None)
    return future
