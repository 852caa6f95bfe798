"""The answer of HCS about a created process, for the calls and the engine."""

from libc.stdint cimport uint32_t

from hcsrt._handles cimport OwnedProcess, OwnedStdio
from hcsrt._types cimport hcsrt_handle


cdef class ProcessStart:
    cdef readonly OwnedProcess process
    cdef readonly uint32_t pid
    # Under other names in C++, where stdin, stdout and stderr may be macros.
    cdef readonly OwnedStdio stdin "std_input"
    cdef readonly OwnedStdio stdout "std_output"
    cdef readonly OwnedStdio stderr "std_error"
    # The error that came although there is a handle: HCS has to be asked whether the process runs.
    cdef readonly object error

    # Sets to None what is not connected.
    cdef keep_connected(self)

# Makes empty owners for what a call will bring: beforehand, so that nothing can fail when it does.
cdef ProcessStart new_start(OwnedProcess process)

# Nothing for NULL: the stream is not connected.
cdef void own_stdio(OwnedStdio owner, hcsrt_handle handle) noexcept nogil
