"""The one module that is linked with the native library; it knows nothing of handles, and has no names for Python."""

cdef extern from "exports.h" nogil:
    const hcsrt_core hcsrt_linked

cdef extern from "core/reaper.h" nogil:
    int hcsrt_reaper_init()

cdef extern from "core/forks.h" nogil:
    int hcsrt_forks_watch(void (*in_child)())

cdef extern from "backends/backends.h" nogil:
    void hcsrt_restore_chosen()

if not hcsrt_reaper_init() or not hcsrt_forks_watch(hcsrt_restore_chosen):
    raise MemoryError
core = hcsrt_linked
