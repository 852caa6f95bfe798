"""A process's standard input, output and error as raw binary streams."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t, uint32_t

from hcsrt._handles cimport HANDLE_OK, OwnedStdio, check_entered

import io
import os
import sys

cdef extern from "../native/streams.h" nogil:
    int64_t hcsrt_stream_read(void *stream, void *buffer, size_t size, uint32_t milliseconds)
    int64_t hcsrt_stream_write(void *stream, const void *buffer, size_t size, uint32_t milliseconds)

# Bound now: at interpreter exit the names of a module are gone before the last stream is.
cdef object is_finalizing = sys.is_finalizing

# How long close() and Ctrl-C may wait for a blocked read or write.
cdef enum:
    SLICE_MS = 100


cdef Py_ssize_t move(OwnedStdio handle, void *buffer, size_t size, bint write) except -1:
    """Read into or write from the buffer, at least one byte unless the stream has ended."""
    cdef int64_t moved = 0
    cdef int status
    while True:
        with nogil:
            status = handle._enter()
            if status == HANDLE_OK:
                if write:
                    moved = hcsrt_stream_write(handle._raw, buffer, size, SLICE_MS)
                else:
                    moved = hcsrt_stream_read(handle._raw, buffer, size, SLICE_MS)
                handle._leave()
        check_entered(handle, status)
        if moved >= 0:
            return moved
        if moved != -EAGAIN:
            raise OSError(-moved, os.strerror(-moved))
        PyErr_CheckSignals()


class _Stdio(io.RawIOBase):

    def __init__(self, OwnedStdio handle not None):
        self._handle = handle

    @property
    def handle(self):
        """The OwnedStdio behind the stream."""
        return self._handle

    def close(self):
        """Close the stream and its handle; a read or write that blocks in another thread ends with an error."""
        if not self.closed:
            self._handle.close()
            super().close()

    def __del__(self):
        # Without flush or any other Python that the io module would run.
        self._handle.close()

    def __repr__(self):
        return f"<{type(self).__name__} {self._handle!r}>"


class StdioReader(_Stdio):
    """A process's standard output or error.

    Reads block without the GIL; close() and Ctrl-C end them within 0.1 seconds.
    """

    def readable(self):
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return True

    def readinto(self, buffer):
        """Read at most len(buffer) bytes into `buffer` and return their number, 0 at the end of the stream."""
        cdef Py_buffer view
        cdef OwnedStdio handle = self._handle
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            if view.len == 0:
                return 0
            return move(handle, view.buf, view.len, False)
        finally:
            PyBuffer_Release(&view)


class StdioWriter(_Stdio):
    """A process's standard input.

    `before_close` is called once, before the handle is closed: the place to tell HCS that no more will come.
    """

    def __init__(self, OwnedStdio handle not None, before_close=None):
        super().__init__(handle)
        self._before_close = before_close

    def writable(self):
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return True

    def write(self, data):
        """Write bytes and return how many were taken; BrokenPipeError if nobody reads any more."""
        cdef Py_buffer view
        cdef OwnedStdio handle = self._handle
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if view.len == 0:
                return 0
            return move(handle, view.buf, view.len, True)
        finally:
            PyBuffer_Release(&view)

    def close(self):
        """Tell HCS that no more will come, then close the stream and its handle."""
        before_close, self._before_close = self._before_close, None
        try:
            if before_close is not None and not self.closed and not is_finalizing():
                before_close()
        finally:
            super().close()
