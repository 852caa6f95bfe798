"""The one module that is linked with the native library; it knows nothing of handles, and has no names for Python."""

cdef extern from "exports.h" nogil:
    const hcsrt_core hcsrt_linked

cdef extern from "core/reaper.h" nogil:
    int hcsrt_reaper_init()

if not hcsrt_reaper_init():
    raise MemoryError
core = hcsrt_linked
