"""The handle core: objects that own raw HCS handles and may be used from any thread.

One 32-bit word in each object counts the native calls that are inside and tells whether it is closing. Everything that
touches a raw pointer runs without the GIL.
"""

# native/core/state.h has the rules, docs/internals/handles.md the reasons.

cimport cython
from cpython.exc cimport PyErr_CheckSignals, PyErr_Clear, PyErr_Occurred
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t, uintptr_t

from hcsrt._core cimport (
    HCSRT_BOUND,
    HCSRT_OWNED,
    HCSRT_USERS,
    hcsrt_aside,
    hcsrt_core,
    hcsrt_finish,
    hcsrt_fork_epoch,
    hcsrt_is_here,
    hcsrt_pointer_load,
    hcsrt_pointer_store,
    hcsrt_state_adopt,
    hcsrt_state_bind,
    hcsrt_state_close,
    hcsrt_state_detach,
    hcsrt_state_enter,
    hcsrt_state_is_idle,
    hcsrt_state_is_open,
    hcsrt_state_leave,
    hcsrt_word_load,
)
from hcsrt._core cimport core as linked
from hcsrt._immortal cimport make_immortal
from hcsrt._library cimport hcs
from hcsrt._time cimport MAIN_SLICE_MS

import sys
from _thread import get_ident
from _weakref import ref
from itertools import count as counter

from .errors import HandleBusyError, HandleClosedError

cdef extern from "Python.h":
    # Unlike Cython's own conversion, this leaves it to the caller to look for an error.
    size_t PyLong_AsSize_t(object number) noexcept
    PyObject **PySequence_Fast_ITEMS(object sequence)
    # Of a tuple that somebody keeps, for whoever has no GIL.
    PyObject **tuple_items "PySequence_Fast_ITEMS"(void *sequence) nogil
    Py_ssize_t tuple_size "PySequence_Fast_GET_SIZE"(void *sequence) nogil
    PyTypeObject *Py_TYPE(PyObject *object) noexcept
    bint PyObject_TypeCheck(PyObject *object, PyTypeObject *type) noexcept
    unsigned long PyThread_get_thread_ident() noexcept

cdef extern from *:
    """
    #include <structmember.h>

    static int hcsrt_put(PyTypeObject *type, const char *name, PyObject *descriptor) {
        int result = descriptor ? PyDict_SetItemString(type->tp_dict, name, descriptor) : -1;
        Py_XDECREF(descriptor);
        PyType_Modified(type);
        return result;
    }

    /* A method of a base, as if the class had one of its own. */
    static int hcsrt_inherit(PyTypeObject *type, PyTypeObject *base, const char *name) {
        PyObject *method = PyDict_GetItemString(base->tp_dict, name);
        return hcsrt_put(type, name, PyDescr_NewMethod(type, ((PyMethodDescrObject *)method)->d_method));
    }

    /* The first field of a class without a table of methods, where Cython has a function that returns it. */
    static int hcsrt_show_field(PyTypeObject *type, PyMemberDef *member) {
        return hcsrt_put(type, member->name, PyDescr_NewMember(type, member));
    }

    static PyMemberDef hcsrt_owner = {"owner", T_OBJECT_EX, sizeof(PyObject), READONLY, NULL};
    """
    ctypedef struct PyMemberDef:
        pass
    PyMemberDef hcsrt_owner
    int hcsrt_inherit(PyTypeObject *type, PyTypeObject *base, const char *name) except -1
    int hcsrt_show_field(PyTypeObject *type, PyMemberDef *member) except -1

# A copy, since owning and closing a handle costs so little that a load less counts.
cdef hcsrt_core core = linked


cdef inline void release(Handle handle) noexcept nogil:
    hcsrt_finish(&core, handle._close, &handle._raw, &handle._ctx, &handle._state)


cdef inline bint is_closed(Handle handle) noexcept nogil:
    return not hcsrt_is_here(&core, handle._epoch) or not hcsrt_state_is_open(hcsrt_word_load(&handle._state))


cdef void close_handle(Handle handle) noexcept nogil:
    if hcsrt_is_here(&core, handle._epoch) and hcsrt_state_close(&handle._state):
        release(handle)


# --- where handles are made ------------------------------------------------------------------------------------------

# So many frames of Python are remembered; below what tests have on the stack, little of it is the program's.
cdef enum:
    MAKER_DEPTH = 64

# Whether somebody wants to know. Off, a new handle pays for a look at this.
cdef bint remembering = False
# By number: a weak reference to the handle, its frames from the inside out, and what is known of the task it is of.
# Code and places of instructions, never frames: these would keep what the program has in them alive.
cdef dict makers = {}
# By thread, the frames of another thread's that it makes handles for just now.
cdef dict callers = {}
cdef object next_number = counter().__next__
# Records of handles that are gone are dropped when there are so many: in Python, a handle's own end must do nothing.
cdef Py_ssize_t most_makers = 0


# Before the native call, as all that may fail. With the GIL, on the thread that makes the handle.
cdef int remember_maker(Handle handle) except -1:
    global most_makers
    places = callers.get(get_ident())
    if places is None:
        places = frames_here()
    makers[next_number()] = ref(handle), places, origin_of_task()
    if len(makers) > most_makers:
        drop_records()
        most_makers = 2 * len(makers) + 1024
    return 0


cdef list frames_here():
    cdef list places = []
    cdef int depth = 0
    try:
        frame = sys._getframe(0)
    except ValueError:  # C code alone is on the stack
        return places
    while frame is not None and depth < MAKER_DEPTH:
        places.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
        depth += 1
    return places


cdef origin_of_task():
    """Return where the coroutine of the running task was made, as Python keeps it if asked to; None outside tasks."""
    current_task = getattr(sys.modules.get("asyncio.tasks"), "current_task", None)
    if current_task is None:
        return None
    try:
        task = current_task()
    except RuntimeError:
        return None
    return None if task is None else getattr(task.get_coro(), "cr_origin", None)


cdef drop_records():
    for number, record in list(makers.items()):
        if record[0]() is None:
            makers.pop(number, None)


def remember_makers(bint remember):
    """Let it be remembered where each handle is made from now on, or not any more. All that was remembered is dropped.

    Args:
        remember: Whether to. A new handle then takes some microseconds more.
    """
    global remembering, most_makers
    makers.clear()
    most_makers = 0
    remembering = remember


def for_caller(call):
    """Let what a call makes on another thread be remembered as made here.

    Args:
        call: A callable.

    Returns:
        What that thread is to call: `call` itself, unless it is remembered where handles are made.
    """
    if not remembering:
        return call
    places = frames_here()

    def made_for_caller(*arguments):
        thread = get_ident()
        callers[thread] = places
        try:
            return call(*arguments)
        finally:
            callers.pop(thread, None)

    return made_for_caller


def remembered_makers():
    """Return where the handles were made that are not released yet.

    Returns:
        A list of (handle, frames, origin), in the order in which they were made. The frames, from the inside out, are
        (code object, offset of the instruction); the origin is what `cr_origin` of the running task's coroutine was,
        None outside tasks.
    """
    cdef Handle handle
    cdef list found = []
    for reference, places, origin in list(makers.values()):
        handle = reference()
        if handle is not None and hcsrt_is_here(&core, handle._epoch) and hcsrt_word_load(&handle._state) & HCSRT_OWNED:
            found.append((handle, places, origin))
    return found


# --- the exported C functions ---------------------------------------------------------------------------------------

cdef void adopt(Handle handle, void *raw) noexcept nogil:
    handle._raw = raw
    handle._epoch = hcsrt_fork_epoch(&core)
    hcsrt_state_adopt(&handle._state)


cdef OwnedOperation new_operation():
    cdef OwnedOperation handle = OwnedOperation.__new__(OwnedOperation)
    handle._close = core.close_operation
    if remembering:
        remember_maker(handle)
    return handle


cdef OwnedSystem new_system():
    cdef OwnedSystem handle = OwnedSystem.__new__(OwnedSystem)
    handle._close = core.close_system
    if remembering:
        remember_maker(handle)
    return handle


cdef OwnedProcess new_process():
    cdef OwnedProcess handle = OwnedProcess.__new__(OwnedProcess)
    handle._close = core.close_process
    if remembering:
        remember_maker(handle)
    return handle


cdef OwnedStdio new_stdio():
    cdef OwnedStdio handle = OwnedStdio.__new__(OwnedStdio)
    handle._close = core.close_stdio
    if remembering:
        remember_maker(handle)
    return handle


cdef int bind_context(Handle handle, hcsrt_context *context) noexcept nogil:
    cdef int status
    # Now, because on a callback thread, which may need it, it could not be started.
    core.reaper_start()
    status = hcsrt_state_bind(&handle._state)
    if status == HANDLE_OK:
        hcsrt_pointer_store(&handle._ctx, context)
    return status


cdef int raise_refused(Handle handle, int status) except -1:
    if status == HANDLE_CLOSED:
        raise HandleClosedError(closed_message(handle))
    raise HandleBusyError(f"{words_for(handle)} has too many calls inside; wait for some to return")


# A user of Python has the object that owns the handle, and has not met the class of the handle itself.
cdef words_for(Handle handle):
    if isinstance(handle, OwnedSystem):
        return "The handle of this compute system"
    if isinstance(handle, OwnedProcess):
        return "The handle of this process"
    return "This stdio handle" if isinstance(handle, OwnedStdio) else "The handle of this operation"


cdef closed_message(Handle handle):
    name = words_for(handle)
    if handle._epoch != 0 and not hcsrt_is_here(&core, handle._epoch):
        return f"{name} belongs to the parent process; open the system or process again after a fork"
    return f"{name} is closed"


cdef void callback_enter() noexcept nogil:
    core.callback_enter()


cdef void callback_leave() noexcept nogil:
    core.callback_leave()


# --- the classes ----------------------------------------------------------------------------------------------------

cdef void *address_of(value) except NULL:
    """Return the pointer that an int given to from_raw() means."""
    cdef size_t address
    if type(value) is not int:
        raise TypeError(f"raw must be an int, the address of a live handle, not {type(value).__name__}")
    address = PyLong_AsSize_t(value)
    if address == <size_t> -1 and PyErr_Occurred():
        PyErr_Clear()
        raise ValueError(f"raw is {value:#x}, which is no address")
    if address == 0:
        raise ValueError("raw is 0 (NULL); only a live handle can be owned")
    hcs()
    return <void *> address


# Making and dropping handles in a loop then costs no allocation; the leaves share it, they have no fields of their own.
@cython.freelist(64)
cdef class Handle:
    """A raw HCS handle with one owner: this object.

    The handle is released when close() is called, when a `with` block ends, or when the object goes. Any method may be
    called from any thread at any time. close() refuses new calls at once; if native calls are inside, the last one out
    releases. Equality is identity.
    """

    def __init__(self, *args, **kwargs):
        name = type(self).__name__
        raise TypeError(f"{name} has no public constructor; hcsrt makes them, {name}.from_raw() adopts a raw handle")

    def __dealloc__(self):
        # In a forked child the handle is still the parent's. A plain read is enough: every user of the handle holds a
        # reference, so nobody is inside.
        if not hcsrt_is_here(&core, self._epoch):
            return
        if hcsrt_state_is_idle(self._state):
            with nogil:
                core.release(self._close, self._raw, self._ctx)
        elif self._state & HCSRT_OWNED:
            # C code has forgotten _leave, or its reference while inside. A leak is better than a use after the close.
            core.count_leak()

    cdef int _enter(self) noexcept nogil:
        if not hcsrt_is_here(&core, self._epoch):
            return HANDLE_CLOSED
        return hcsrt_state_enter(&self._state)

    cdef void _leave(self) noexcept nogil:
        if hcsrt_state_leave(&self._state):
            release(self)

    @property
    def closed(self):
        """Whether close() was called or the handle was detached; calls inside may still be running."""
        return is_closed(self)

    @cython.binding(False)
    @cython.always_allow_keywords(False)
    def close(self):
        """Release the handle, or leave that to the last native call inside.

        It never raises, and a second close does nothing. Closing a system does not stop it, and closing a process does
        not kill it. A standard stream is released by CloseHandle.

        HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation
        """
        with nogil:
            close_handle(self)

    @cython.binding(False)
    @cython.always_allow_keywords(False)
    def as_raw(self):
        """Return a view of the handle for another thread or across an await.

        Returns:
            A SendHandle, which keeps this object alive.

        Raises:
            HandleClosedError: The handle is closed.
        """
        if is_closed(self):
            raise HandleClosedError(closed_message(self))
        cdef SendHandle view = SendHandle.__new__(SendHandle)
        view.owner = self
        return view

    def into_raw(self):
        """Detach the handle unreleased; the caller then has to call its HcsClose function.

        If this raises, nothing has changed.

        Returns:
            The address of the handle.

        Raises:
            HandleBusyError: A call is inside, or the handle has an event callback, which only the close can end.
            HandleClosedError: The handle is closed.
        """
        cdef int status
        cdef uintptr_t address
        if not hcsrt_is_here(&core, self._epoch):
            raise HandleClosedError(closed_message(self))
        status = hcsrt_state_detach(&self._state)
        if status == HANDLE_OK:
            address = <uintptr_t> self._raw
            self._raw = NULL
            return address
        if status == HANDLE_CLOSED:
            raise HandleClosedError(closed_message(self))
        name = type(self).__name__
        if isinstance(self, OwnedStdio) and hcsrt_word_load(&self._state) & HCSRT_BOUND:
            raise HandleBusyError(f"{name} belongs to a stream; only its close() can end that")
        if hcsrt_pointer_load(&self._ctx) != NULL:
            raise HandleBusyError(f"{name} has an event callback, which HCS keeps until the close; give away a "
                                  "duplicate_handle() instead")
        raise HandleBusyError(f"{name} has a call inside; wait until it has returned")

    def __enter__(self):
        if is_closed(self):
            raise HandleClosedError(closed_message(self))
        return self

    def __exit__(self, *exception):
        self.close()

    def __reduce__(self):
        instead = {
            OwnedSystem: "send the id of its compute system, and open() that there",
            OwnedProcess: "send its pid and the id of its compute system, open() that there, and open_process() of it",
            OwnedOperation: "make the call there",
        }.get(type(self), "open_process() the process there, which gives new streams")
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled, a raw handle has one owner: {instead}")

    def __repr__(self):
        cdef uint32_t state = hcsrt_word_load(&self._state)
        cdef uint32_t inside = (state & HCSRT_USERS) >> 8
        if not state & HCSRT_OWNED or not hcsrt_is_here(&core, self._epoch):
            text = "closed" if self._epoch else "empty"
        else:
            text = "open" if hcsrt_state_is_open(state) else "closing"
            if inside:
                text += f", {inside} inside"
        return f"<{type(self).__name__} {text} at {<uintptr_t> <PyObject *> self:#x}>"


@cython.final
cdef class OwnedOperation(Handle):
    """An HCS_OPERATION."""

    @staticmethod
    def from_raw(raw, /):
        """Adopt a live HCS_OPERATION.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """
        cdef OwnedOperation handle = new_operation()
        adopt(handle, address_of(raw))
        return handle


@cython.final
cdef class OwnedSystem(Handle):
    """An HCS_SYSTEM."""

    @staticmethod
    def from_raw(raw, /):
        """Adopt a live HCS_SYSTEM.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """
        cdef OwnedSystem handle = new_system()
        adopt(handle, address_of(raw))
        return handle


@cython.final
cdef class OwnedProcess(Handle):
    """An HCS_PROCESS."""

    @staticmethod
    def from_raw(raw, /):
        """Adopt a live HCS_PROCESS.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """
        cdef OwnedProcess handle = new_process()
        adopt(handle, address_of(raw))
        return handle


@cython.final
cdef class OwnedStdio(Handle):
    """Our end of a process's standard input, output or error, as HCS_PROCESS_INFORMATION gives it."""

    @staticmethod
    def from_raw(raw, /):
        """Adopt a live stdio HANDLE.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """
        cdef OwnedStdio handle = new_stdio()
        adopt(handle, address_of(raw))
        return handle


# Of what it leads to, nothing leads back to it: handles are in no cycle. A producer may be far ahead of the thread that
# it hands views to.
@cython.final
@cython.no_gc
@cython.freelist(1024)
cdef class SendHandle:
    """A view of a handle that may go to any thread; it keeps its owner alive and never closes anything.

    Views are equal, and hash alike, if their owner is the same object. int(view) is the address.
    """

    def __init__(self, *args, **kwargs):
        raise TypeError("SendHandle has no public constructor; use as_raw() of a handle")

    @property
    def closed(self):
        """Whether the owner is closed or its handle was detached."""
        return self.owner is None or is_closed(self.owner)

    def __int__(self):
        cdef Handle owner = self.owner
        if owner is None:
            raise HandleClosedError("SendHandle is empty; use as_raw() of a handle")
        cdef uintptr_t address = 0
        cdef int status
        with nogil:
            status = owner._enter()
            if status == HANDLE_OK:
                address = <uintptr_t> owner._raw
                owner._leave()
        check_entered(owner, status)
        return address

    def __eq__(self, other):
        if isinstance(other, SendHandle):
            return self.owner is (<SendHandle> other).owner
        return NotImplemented

    def __hash__(self):
        return hash(self.owner)

    def __reduce__(self):
        raise TypeError("SendHandle cannot be pickled, an address means nothing in another process: send the id of the "
                        "compute system, and open() that there")

    def __repr__(self):
        return f"<SendHandle of {self.owner!r}>"


cdef Py_ssize_t first_stranger(tuple items) noexcept:
    """Return the index of the first item that is not a handle; -1 if all are."""
    # Borrowed references: without a GIL, counting references of another thread's objects is slow.
    cdef PyObject **objects = PySequence_Fast_ITEMS(items)
    # Usually all are of one type, which is checked once.
    cdef PyTypeObject *known = NULL
    cdef Py_ssize_t i
    for i in range(len(items)):
        if Py_TYPE(objects[i]) != known:
            if not PyObject_TypeCheck(objects[i], <PyTypeObject *> Handle):
                return i
            known = Py_TYPE(objects[i])
    return -1


def are_handles(tuple items not None):
    """Return whether each item is a handle.

    Args:
        items: Objects of any type.

    Returns:
        True if each of them is a handle, of any kind.
    """
    return first_stranger(items) < 0


cdef void close_items(void *handles) noexcept nogil:
    cdef PyObject **items = tuple_items(handles)
    cdef Py_ssize_t i
    for i in range(tuple_size(handles)):
        close_handle(<Handle> <void *> items[i])


def close_all(handles):
    """Close many handles with one release of the GIL for all of them.

    Args:
        handles: An iterable of handles of any kind.

    Raises:
        TypeError: One of them is not a handle; then none is closed.

    HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation
    """
    # A tuple, which nobody can change meanwhile; if `handles` is one, nothing is copied.
    cdef tuple owned = tuple(handles)
    cdef Py_ssize_t i = first_stranger(owned)
    if i >= 0:
        raise TypeError(f"handles[{i}] must be a handle, not {type(owned[i]).__name__}")
    with nogil:
        close_items(<void *> owned)


def pending():
    """Return how many calls go on inside HCS with nobody waiting: timed out, interrupted or cancelled.

    Each is watched until it has completed; what it creates is terminated, and every document and handle is released.

    Returns:
        The number of these calls, and of the handles that are being closed without anybody waiting.
    """
    drop_done()
    return core.reaper_pending()


def fork_epoch():
    """Return a number that differs in each forked child, which has none of the threads of its parent.

    Returns:
        The number of forks between the process that imported hcsrt and this one, and one.
    """
    return hcsrt_fork_epoch(&core)


def announce(int64_t calls):
    """Let pending() count calls that go on without anybody waiting.

    Args:
        calls: How many more there are; negative when they have completed.
    """
    core.reaper_announce(calls)


def leaked():
    """Return how many native handles were never released, because C code broke the rules of the guard.

    Returns:
        The number of these handles since the start of the process.
    """
    return core.leaked()


# Kept: at the end of the interpreter the names of modules are gone.
cdef object is_finalizing = sys.is_finalizing
# The work of native threads that nobody waits for any more.
cdef list abandoned = []


@cython.final
cdef class _Abandoned:
    """One such work."""

    cdef hcsrt_aside *aside
    cdef uint32_t epoch
    # What the thread uses until it is done, with a reference for that: it goes on at the end of the interpreter.
    cdef object needed


# Drops what is done of that. Of these threads none may do it, since they have no Python.
cdef int drop_done() except -1:
    cdef list going_on = []
    cdef _Abandoned each
    while True:
        try:
            each = abandoned.pop()
        except IndexError:
            break
        if not hcsrt_is_here(&core, each.epoch):
            continue
        if core.aside_wait(each.aside, 0):
            core.aside_release(each.aside)
            Py_DECREF(each.needed)
        else:
            going_on.append(each)
    abandoned.extend(going_on)
    return 0


def close_beside(tuple handles not None):
    """Close many handles on another thread: a signal handler that raises, as that of Ctrl-C, ends the wait for it.

    The closes go on then, and pending() counts them as one. They are made on this thread where no signal handler runs,
    where it impersonates, where there can be no other thread, and at the end of the interpreter.

    Args:
        handles: Handles of any kind.

    Returns:
        False if one of them is no handle; then none is closed.

    HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation
    """
    cdef uint32_t epoch = hcsrt_fork_epoch(&core)
    cdef hcsrt_aside *aside = NULL
    # Now, since it must not fail later.
    cdef _Abandoned left = _Abandoned.__new__(_Abandoned)
    cdef bint is_done = True
    if abandoned:
        drop_done()
    if not handles:
        return True
    if first_stranger(handles) >= 0:
        return False
    cdef bint may_go_aside = (
        PyThread_get_thread_ident() == core.forks.main_thread and not core.impersonates() and not is_finalizing())
    with nogil:
        if may_go_aside:
            aside = core.aside_begin(close_items, <void *> handles)
        if aside == NULL:
            close_items(<void *> handles)
        else:
            is_done = core.aside_wait(aside, MAIN_SLICE_MS)
    try:
        while not is_done:
            PyErr_CheckSignals()
            if not hcsrt_is_here(&core, epoch):
                # A signal handler has forked, and this is the child: it has neither the thread nor the handles.
                return True
            with nogil:
                is_done = core.aside_wait(aside, MAIN_SLICE_MS)
    except BaseException:
        if hcsrt_is_here(&core, epoch):
            left.aside = aside
            left.epoch = epoch
            left.needed = handles
            Py_INCREF(handles)
            core.aside_abandon(aside)
            abandoned.append(left)
        raise
    if aside != NULL:
        core.aside_release(aside)
    return True


# CPython calls a method without a detour only if the class of the object has it itself, and reads a field that it knows
# without a call.
for kind in (OwnedOperation, OwnedSystem, OwnedProcess, OwnedStdio):
    hcsrt_inherit(<PyTypeObject *> kind, <PyTypeObject *> Handle, "as_raw")
    hcsrt_inherit(<PyTypeObject *> kind, <PyTypeObject *> Handle, "close")
hcsrt_show_field(<PyTypeObject *> SendHandle, &hcsrt_owner)
del kind

make_immortal(globals())
