"""The exit latch and the events of a handle, for the calls and the engine.

Internal: no wheel has this file.
"""

from hcsrt._core cimport hcsrt_watch
from hcsrt._handles cimport Handle
from hcsrt._types cimport hcsrt_result

# Whether Ctrl-C comes to this thread.
cdef bint on_main_thread() noexcept

# The watch of a handle, or NULL if watch_system() or watch_process() was not called. By a call that is inside.
cdef hcsrt_watch *watch_of(Handle handle) noexcept nogil

# Makes and registers the event callback of a handle; by a call that is inside. HANDLE_OK with what HCS has answered in
# `result`, or HANDLE_BUSY: it has one already.
cdef int register_watch(Handle handle, bint is_system, hcsrt_result *result) noexcept nogil

cdef not_watched(Handle handle)
