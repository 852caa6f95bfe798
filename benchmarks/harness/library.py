"""The native library as this process uses it: what can be set, and how hcsrt is made to call it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence

from hcsrt import _library

from .build import BARE, LIBRARY

native = ctypes.CDLL(str(LIBRARY))
native.hcsbench_backend.restype = ctypes.c_void_p
native.hcsbench_set_latency.argtypes = [ctypes.c_int64]
native.hcsbench_set_document.argtypes = [ctypes.c_uint32]
native.hcsbench_set_threads.argtypes = [ctypes.c_uint32]
native.hcsbench_set_program.argtypes = [ctypes.POINTER(ctypes.c_char_p)]
native.hcsbench_system.restype = ctypes.c_void_p
native.hcsbench_closes.argtypes = [ctypes.c_void_p]
native.hcsbench_closes.restype = ctypes.c_uint64
native.hcsbench_operations.restype = ctypes.c_int64
native.hcsbench_count_end.argtypes = [ctypes.c_char_p]

IN_THE_CALL = -1
"""The latency of operations that are complete when their kick-off returns."""


def install() -> None:
    """Make hcsrt use the native library in this process; before its first call."""
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    new_capsule.restype = ctypes.py_object
    _library.choose("benchmark", new_capsule(native.hcsbench_backend(), CAPSULE_NAME, None))


# A capsule does not copy its name.
CAPSULE_NAME = b"hcsrt.backend.2"


def set_latency(microseconds: int) -> None:
    """Choose when operations complete: inside the call, or so much later on a thread of the library."""
    native.hcsbench_set_latency(microseconds)


def set_document(units: int) -> None:
    """Set the length of a result document; a UTF-16 unit is two bytes."""
    native.hcsbench_set_document(units)


def set_threads(threads: int) -> None:
    """Set how many threads of the library complete operations; they take turns."""
    native.hcsbench_set_threads(threads)


def set_program(argv: Sequence[str]) -> None:
    """Set the program that a process in a system runs."""
    native.hcsbench_set_program((ctypes.c_char_p * (len(argv) + 1))(*map(os.fsencode, argv), None))


def new_system() -> int:
    """Return a system handle that may be closed many times."""
    return int(native.hcsbench_system())


def closes(system: int) -> int:
    return int(native.hcsbench_closes(system))


def bare(name: str) -> Callable[[int], object]:
    """Return a loop of C++."""
    function = ctypes.CDLL(str(BARE))[name]
    function.argtypes = [ctypes.c_int64]
    function.restype = ctypes.c_double if name == "bare_close_all" else None
    return function  # type: ignore[no-any-return]
