"""hcsrt from Cython: a module of somebody else that cimports the handle core."""

from libc.stdint cimport int64_t, uint64_t, uintptr_t

from cpython.unicode cimport PyUnicode_DecodeUTF16

from hcsrt cimport (
    HANDLE_OK,
    HcsApi,
    OwnedOperation,
    OwnedSystem,
    adopt,
    check_entered,
    hcs,
    hcsrt_char,
    hcsrt_operation,
    hcsrt_result,
    new_operation as new_owned_operation,
    new_system,
)

from hcsrt.errors import error_from

cdef enum:
    FOR_EVER = 0xFFFFFFFF


def own(uintptr_t raw):
    cdef OwnedSystem system = new_system()
    adopt(system, <void *> raw)
    return system


def new_operation():
    cdef OwnedOperation operation = new_owned_operation()
    adopt(operation, hcs().HcsCreateOperation(NULL, NULL))
    return operation


def own_and_drop(int64_t n, uintptr_t raw):
    cdef OwnedSystem system
    for _ in range(n):
        system = new_system()
        adopt(system, <void *> raw)
        system = None


def call(int64_t n, OwnedOperation operation):
    cdef const HcsApi *api = hcs()
    cdef uint64_t id = 0
    cdef int status
    for _ in range(n):
        with nogil:
            status = operation._enter()
            if status == HANDLE_OK:
                id = api.HcsGetOperationId(operation._raw)
                operation._leave()
        check_entered(operation, status)
    assert id != 0


cdef str properties(OwnedSystem system):
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef hcsrt_operation operation
    cdef hcsrt_result result = 0
    cdef Py_ssize_t length = 0
    cdef int status
    with nogil:
        operation = api.HcsCreateOperation(NULL, NULL)
        status = system._enter()
        if status == HANDLE_OK:
            result = api.HcsGetComputeSystemProperties(system._raw, operation, NULL)
            system._leave()
        if status == HANDLE_OK and result >= 0:
            result = api.HcsWaitForOperationResult(operation, FOR_EVER, &document)
        api.HcsCloseOperation(operation)
    try:
        check_entered(system, status)
        if result < 0:
            raise error_from(result, "HcsGetComputeSystemProperties", None)
        while document[length]:
            length += 1
        return PyUnicode_DecodeUTF16(<char *> document, length * sizeof(hcsrt_char), NULL, NULL)
    finally:
        if document != NULL:
            api.free_string(document)


def round_trip(int64_t n, OwnedSystem system):
    cdef str text = None
    for _ in range(n):
        text = properties(system)
    assert text


cdef extern from *:
    """
    static void nothing(void) {}
    static void (*volatile call_nothing)(void) = nothing;
    """
    void call_nothing() noexcept nogil


cdef class Plain:
    """An object as large as a handle, which owns nothing."""

    cdef object __weakref__
    cdef void *fields[4]

    cdef void method(self) noexcept nogil:
        pass


def allocate_and_switch(int64_t n):
    """Do what any object costs that lets others run while it closes: allocate it, and switch the GIL twice."""
    cdef Plain plain
    for _ in range(n):
        plain = Plain.__new__(Plain)
        with nogil:
            call_nothing()
        plain = None
