"""Deadlines on the clock of time.monotonic(), and the slices of a wait; inline.

Internal: no wheel has this file.
"""

from cpython.time cimport monotonic
from libc.stdint cimport uint32_t

# How long one guarded wait lasts: only the main thread gets Ctrl-C.
cdef enum:
    MAIN_SLICE_MS = 100
    SLICE_MS = 1000


cdef inline double deadline_of(timeout) except? -1:
    """Return the time at which `timeout` is over, on the clock of monotonic().

    It is infinite for None, and for an int that no double is as large as.
    """
    if timeout is None:
        return float("inf")
    cdef double seconds
    try:
        seconds = timeout
    except (TypeError, ValueError, OverflowError):
        seconds = -1
    if not seconds >= 0:
        from hcsrt._arguments import seconds as checked
        timeout = checked(timeout)
        seconds = float("inf") if timeout is None else timeout
    return monotonic() + seconds


cdef inline uint32_t slice_of(double deadline, uint32_t most) noexcept:
    """Return the milliseconds to wait until the deadline, at most `most`."""
    cdef double left = (deadline - monotonic()) * 1000
    if left >= most:
        return most
    return 0 if left <= 0 else <uint32_t> left + 1
