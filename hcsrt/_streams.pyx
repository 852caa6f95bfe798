"""A process's standard input, output and error as raw binary streams."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from hcsrt._core cimport (
    HCSRT_TRANSFER_BLOCKING,
    HCSRT_TRANSFER_READ,
    HCSRT_TRANSFER_WRITE,
    core,
    hcsrt_stdio_received,
    hcsrt_transfer,
)
from hcsrt._handles cimport (
    HANDLE_CLOSED,
    HANDLE_OK,
    OwnedProcess,
    OwnedStdio,
    adopt,
    bind_context,
    check_entered,
    new_stdio,
)
from hcsrt._types cimport hcsrt_handle

import io
import os
import sys

from .errors import HandleBusyError

cdef extern from "<errno.h>":
    int ENOTSUP

cdef extern from *:
    """
    #include "core/stdio_handle.h"

    static Py_ssize_t hcsrt_loop_number(hcsrt_handle handle) {
    #if defined(_WIN32)
        return (Py_ssize_t)handle;
    #else
        return hcsrt_stdio_descriptor(handle);
    #endif
    }
    """
    Py_ssize_t loop_number "hcsrt_loop_number"(void *handle) noexcept nogil

# --- what HCS tells of a process ------------------------------------------------------------------------------------

cdef class ProcessStart:
    """The answer of HCS about a process that was created or asked about.

    Attributes:
        process: The handle of the process.
        pid: The process id in the guest.
        stdin: The writing end of its standard input; None if it is not connected.
        stdout: The reading end of its standard output; None if it is not connected.
        stderr: The reading end of its standard error; None if it is not connected.
        error: The error that came although there is a handle; None if there was none.
    """

    def __init__(self, OwnedProcess process not None, uint32_t pid, OwnedStdio stdin=None, OwnedStdio stdout=None,
                 OwnedStdio stderr=None):
        self.process = process
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    def close(self):
        """Close the handles of the process and of its streams."""
        for handle in (self.stdin, self.stdout, self.stderr, self.process):
            if handle is not None:
                handle.close()

    cdef keep_connected(self):
        self.stdin = None if self.stdin.closed else self.stdin
        self.stdout = None if self.stdout.closed else self.stdout
        self.stderr = None if self.stderr.closed else self.stderr


cdef ProcessStart new_start(OwnedProcess process):
    cdef ProcessStart start = ProcessStart.__new__(ProcessStart)
    start.process = process
    start.stdin = new_stdio()
    start.stdout = new_stdio()
    start.stderr = new_stdio()
    return start


cdef void own_stdio(OwnedStdio owner, hcsrt_handle handle) noexcept nogil:
    if handle != NULL:
        adopt(owner, handle)
        hcsrt_stdio_received(handle)


# --- the streams -------------------------------------------------------------------------------------------------

# Bound now: at interpreter exit the names of a module are gone before the last stream is.
cdef object is_finalizing = sys.is_finalizing

# How long close() and Ctrl-C may wait for a blocked read or write.
cdef enum:
    SLICE_MS = 100


cdef Py_ssize_t move(OwnedStdio handle, void *buffer, size_t size, int mode, int64_t *late=NULL) except -1:
    """Read into or write from the buffer, at least one byte unless the stream has ended.

    `late` is how many bytes were moved all the same although an exception is raised.
    """
    cdef hcsrt_transfer transfer
    cdef int64_t moved = 0, given_up
    cdef int status
    # Before anything is moved: who reads to the end of a stream that has none could not be interrupted otherwise.
    PyErr_CheckSignals()
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            core.transfer_begin(&transfer, handle._raw, buffer, size, mode)
            moved = core.transfer_step(&transfer, SLICE_MS)
    check_entered(handle, status)
    try:
        while moved == -EAGAIN:
            PyErr_CheckSignals()
            # The system may still work on the buffer, so the call stays inside and checks for the close itself.
            if handle.closed:
                check_entered(handle, HANDLE_CLOSED)
            with nogil:
                moved = core.transfer_step(&transfer, SLICE_MS)
    finally:
        with nogil:
            given_up = core.transfer_end(&transfer)
            handle._leave()
        if late != NULL:
            late[0] = given_up
    if moved < 0:
        raise OSError(-moved, os.strerror(-moved))
    return moved


cdef Py_ssize_t read_kept(kept, Py_buffer *view) except -1:
    cdef bytes data = kept.popleft()
    cdef Py_ssize_t size = min(len(data), view.len)
    memcpy(view.buf, PyBytes_AS_STRING(data), size)
    if size < len(data):
        kept.appendleft(data[size:])
    return size


cdef OwnedStdio handle_of(stream):
    """Return the handle of a stream. Raises ValueError for one whose __init__ was not called."""
    cdef OwnedStdio handle = stream._handle
    if handle is None:
        raise ValueError(f"{type(stream).__name__} has no handle: call super().__init__(handle) before anything else")
    return handle


cdef int claim(OwnedStdio handle) except -1:
    """Give the handle to the caller for good: on Windows it stays bound to the first completion port that it meets."""
    cdef int status, claimed = HANDLE_OK
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            claimed = bind_context(handle, NULL)
            handle._leave()
    check_entered(handle, status)
    if claimed != HANDLE_OK:
        raise HandleBusyError("OwnedStdio belongs to another stream or event loop already; use that one")
    return 0


def claim_for_loop(OwnedStdio handle not None):
    """Give the handle to an event loop for good.

    Args:
        handle: The handle of a standard stream.

    Returns:
        The number that loops know the handle by until it is closed: a descriptor on POSIX, a HANDLE on Windows.

    Raises:
        HandleBusyError: The handle belongs to a stream or a loop already.
        HandleClosedError: The handle is closed.
    """
    cdef Py_ssize_t number = 0
    cdef int status
    claim(handle)
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            number = loop_number(handle._raw)
            handle._leave()
    check_entered(handle, status)
    return number


def transfer_now(OwnedStdio handle not None, buffer, bint writing):
    """Read into, or write from, a buffer as much as can be moved at once.

    It is not for Windows, where the loop itself reads and writes.

    Args:
        handle: The handle of a standard stream.
        buffer: The bytes to write, or where to put those that are read.
        writing: True to write, False to read.

    Returns:
        The number of bytes, 0 at the end of the stream; None if it is not ready.

    Raises:
        HandleClosedError: The handle is closed.
        OSError: The pipe cannot be read or written.
    """
    cdef hcsrt_transfer transfer
    cdef Py_buffer view
    cdef int64_t moved = 0
    cdef int status
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE if writing else PyBUF_WRITABLE)
    try:
        with nogil:
            status = handle._enter()
            if status == HANDLE_OK:
                core.transfer_begin(&transfer, handle._raw, view.buf, view.len,
                                    HCSRT_TRANSFER_WRITE if writing else HCSRT_TRANSFER_READ)
                moved = core.transfer_step(&transfer, 0)
                core.transfer_end(&transfer)
                handle._leave()
    finally:
        PyBuffer_Release(&view)
    check_entered(handle, status)
    if moved == -EAGAIN:
        return None
    if moved < 0:
        raise OSError(-moved, os.strerror(-moved))
    return moved


cdef void close(OwnedStdio handle) noexcept:
    """Close the handle. Native reads and writes that are inside end at once, and the last one out releases it."""
    cdef int status
    with nogil:
        status = handle._enter()
    # Between the two: an interrupted call has to find the handle closed, or it would begin again.
    handle.close()
    with nogil:
        if status == HANDLE_OK:
            core.stream_interrupt(handle._raw)
            handle._leave()


cdef int share(OwnedStdio handle) except -1:
    """Return the descriptor of a stream, and make it one that other programs can use."""
    cdef int status, number = 0
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            number = core.stream_share(handle._raw)
            handle._leave()
    check_entered(handle, status)
    if number == -ENOTSUP:
        what = "HCS makes pipes for overlapped I/O" if sys.platform == "win32" else "it is no pipe"
        raise io.UnsupportedOperation(
            f"the stream cannot be the stdin or stdout of another program, because {what}: copy between the two, with "
            "shutil.copyfileobj() on a thread say"
        )
    if number < 0:
        raise OSError(-number, os.strerror(-number))
    return number


class _Stdio(io.RawIOBase):

    # For __del__, should __init__ fail.
    _handle = None
    # What fileno() adds to the mode of reads and writes.
    _shared = 0

    def __init__(self, OwnedStdio handle not None):
        claim(handle)
        self._handle = handle

    @property
    def handle(self):
        """The OwnedStdio behind the stream."""
        return handle_of(self)

    def fileno(self):
        """Return the descriptor of the stream, for another program, as its stdin or stdout, or for select().

        It is the stream's own, open for as long as the stream is: do not close it. Bytes that a buffer of this process
        has taken already are not seen by others. Close the stream once the other program has it.

        Raises:
            io.UnsupportedOperation: No other program can use it: on Windows, or because it is no pipe.
            HandleClosedError: The handle is closed.
        """
        if self.closed:
            raise ValueError("I/O operation on closed file")
        # Before the descriptor changes: a read that begins now must not block where close() cannot end it.
        self._shared = HCSRT_TRANSFER_BLOCKING
        return share(handle_of(self))

    def close(self):
        """Close the stream and its handle; a read or write that blocks in another thread ends with an error."""
        if not self.closed:
            if self._handle is not None:
                close(self._handle)
            super().close()

    def __del__(self):
        # Without the flush, and all other Python, that io's own __del__ would run.
        if isinstance(self._handle, OwnedStdio):
            self._handle.close()

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled, a raw handle has one owner: "
                        "open_process() the process there, which gives new streams")

    def __repr__(self):
        return f"<{type(self).__name__} {self._handle!r}>"


class StdioReader(_Stdio):
    """A process's standard output or error.

    Reads block without the GIL; close() and Ctrl-C interrupt them within 0.1 seconds.

    Args:
        handle: The handle of the stream, which belongs to this object from now on.

    Raises:
        HandleBusyError: The handle belongs to another stream or a loop already.
        HandleClosedError: The handle is closed.
    """

    # A deque of bytes that reads got although an exception ended them; the next reads take them.
    _kept = None

    def readable(self):
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return True

    def readinto(self, buffer):
        """Read into a buffer, waiting until there is at least one byte.

        Args:
            buffer: Where to put the bytes.

        Returns:
            The number of bytes, at most len(buffer); 0 at the end of the stream.

        Raises:
            HandleClosedError: The handle is closed, possibly by another thread meanwhile.
            OSError: The pipe cannot be read.
        """
        cdef Py_buffer view
        cdef OwnedStdio handle = handle_of(self)
        cdef int64_t late = 0
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            if view.len == 0:
                return 0
            if self._kept:
                try:
                    return read_kept(self._kept, &view)
                except IndexError:
                    pass  # another thread has read it
            try:
                return move(handle, view.buf, view.len, HCSRT_TRANSFER_READ | <int> self._shared, &late)
            finally:
                if late:
                    from collections import deque

                    kept = self.__dict__.setdefault("_kept", deque())
                    kept.append(PyBytes_FromStringAndSize(<char *> view.buf, late))
        finally:
            PyBuffer_Release(&view)


class StdioWriter(_Stdio):
    """A process's standard input.

    Writes block without the GIL; close() and Ctrl-C interrupt them within 0.1 seconds.

    Args:
        handle: The handle of the stream, which belongs to this object from now on.
        before_close: What to call once before close() closes the handle: the place to tell HCS that no more will come.
    """

    # Whether anything was written.
    has_written = False

    def __init__(self, OwnedStdio handle not None, before_close=None):
        super().__init__(handle)
        self._before_close = before_close

    def writable(self):
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return True

    def write(self, data):
        """Write bytes, waiting until at least one is written.

        Args:
            data: The bytes.

        Returns:
            How many were written.

        Raises:
            BrokenPipeError: Nobody reads any more.
            HandleClosedError: The handle is closed, possibly by another thread meanwhile.
            OSError: The pipe cannot be written.
        """
        cdef Py_buffer view
        cdef OwnedStdio handle = handle_of(self)
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if view.len == 0:
                return 0
            self.has_written = True
            return move(handle, view.buf, view.len, HCSRT_TRANSFER_WRITE | <int> self._shared)
        finally:
            PyBuffer_Release(&view)

    def close(self):
        """Call `before_close`, then close the stream and its handle."""
        # Only one of several threads gets it.
        before_close = self.__dict__.pop("_before_close", None)
        try:
            # If the handle is closed already, nobody wants to wait.
            if before_close is not None and not self._handle.closed and not is_finalizing():
                before_close()
        finally:
            super().close()
