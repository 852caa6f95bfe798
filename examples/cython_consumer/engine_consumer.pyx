"""Calls of the asynchronous engine from C: any number at once, without a thread or a Python object for each.

The engine makes the call on a thread of its own and calls back when HCS has completed it, on whatever thread that is.
All that the callback does here is to open a lock, so that the outcome is read by the thread that has asked.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.unicode cimport PyUnicode_DecodeUTF16
from libc.stdlib cimport calloc, free

from hcsrt cimport HANDLE_OK, OwnedSystem, check_entered, hcs, hcsrt_char, hcsrt_result
from hcsrt.engine cimport (
    HCSRT_LANE_QUERY,
    abandon_call,
    hcsrt_function,
    enter_handle,
    hcsrt_call,
    hcsrt_new_request,
    hcsrt_outcome,
    hcsrt_request,
    outcome_of,
    release_call,
    start_verb,
    submit_call,
)

import json
import time

from hcsrt.errors import error_from

cdef extern from "pythread.h" nogil:
    ctypedef void *PyThread_type_lock
    PyThread_type_lock PyThread_allocate_lock()
    void PyThread_free_lock(PyThread_type_lock lock)
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long microseconds, int interruptible)
    void PyThread_release_lock(PyThread_type_lock lock)

cdef enum:
    SLICE_US = 100_000

cdef str FUNCTION = "HcsGetComputeSystemProperties"


cdef struct Question:
    PyThread_type_lock shut     # held until the call is over
    hcsrt_call *call            # NULL: not asked, or answered


cdef void completed(hcsrt_call *call, void *context) noexcept nogil:
    # No GIL and no waiting here: this may be a thread of HCS. It may come before submit_call() has returned.
    PyThread_release_lock((<Question *> context).shut)


cdef int ask(Question *question, OwnedSystem system) except -1:
    cdef hcsrt_request request = hcsrt_new_request()
    cdef int status
    question.shut = PyThread_allocate_lock()
    if question.shut == NULL:
        raise MemoryError
    PyThread_acquire_lock_timed(question.shut, -1, 0)
    request.start = start_verb
    request.function = <hcsrt_function> hcs().HcsGetComputeSystemProperties
    request.lane = HCSRT_LANE_QUERY
    request.complete = completed
    request.context = question
    with nogil:
        status = enter_handle(system, &request)
        if status == HANDLE_OK:
            question.call = submit_call(NULL, &request)
    check_entered(system, status)
    if question.call == NULL:
        raise MemoryError
    return 0


cdef answer(Question *question, double end):
    cdef hcsrt_outcome *outcome
    cdef hcsrt_result result
    cdef bint over = False
    while not over:
        with nogil:
            over = PyThread_acquire_lock_timed(question.shut, SLICE_US, 0) != 0
        if not over:
            PyErr_CheckSignals()
            if time.monotonic() >= end:
                raise TimeoutError(f"{FUNCTION} goes on in HCS")
    PyThread_release_lock(question.shut)
    try:
        outcome = outcome_of(question.call)
        result = outcome.result
        text = decoded(outcome.document)
    finally:
        # With the document, which nobody has taken.
        release_call(question.call)
        question.call = NULL
    if result < 0:
        raise error_from(result, FUNCTION, text)
    return json.loads(text)


cdef str decoded(const hcsrt_char *text):
    cdef size_t length = 0
    if text == NULL:
        return None
    while text[length]:
        length += 1
    return PyUnicode_DecodeUTF16(<char *> text, 2 * length, NULL, NULL)


cdef void forget(Question *question) noexcept nogil:
    if question.call != NULL:
        # A call that is gone calls nobody back. One that is just being made does, and needs its handle until it has.
        if not abandon_call(question.call):
            PyThread_acquire_lock_timed(question.shut, -1, 0)
            PyThread_release_lock(question.shut)
            release_call(question.call)
    if question.shut != NULL:
        PyThread_free_lock(question.shut)


def properties_of(systems, double timeout=10):
    """Ask for the properties of many compute systems at once; return what HcsGetComputeSystemProperties gives.

    systems: OwnedSystem handles. Raises TimeoutError if not all are there within `timeout` seconds, HandleClosedError.
    """
    cdef list handles = list(systems)
    cdef Py_ssize_t count = len(handles), i
    cdef double end = time.monotonic() + timeout
    cdef Question *questions = <Question *> calloc(count + 1, sizeof(Question))
    if questions == NULL:
        raise MemoryError
    try:
        for i in range(count):
            if not isinstance(handles[i], OwnedSystem):
                raise TypeError(f"systems[{i}] is a {type(handles[i]).__name__}, not an OwnedSystem")
            ask(&questions[i], <OwnedSystem> handles[i])
        return [answer(&questions[i], end) for i in range(count)]
    finally:
        with nogil:
            for i in range(count):
                forget(&questions[i])
        free(questions)
