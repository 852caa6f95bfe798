"""Asynchronous operations with ctypes: a completion callback of Python, which ctypes calls with the GIL."""

import ctypes
import itertools
from asyncio import get_running_loop

from benchmarks.harness.build import LIBRARY

lib = ctypes.CDLL(str(LIBRARY))
Completion = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)

lib.HcsCreateOperation.argtypes = [ctypes.c_void_p, Completion]
lib.HcsCreateOperation.restype = ctypes.c_void_p
lib.HcsCloseOperation.argtypes = [ctypes.c_void_p]
lib.HcsCloseOperation.restype = None
lib.HcsGetComputeSystemProperties.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
lib.HcsGetComputeSystemProperties.restype = ctypes.c_int32
lib.HcsGetOperationResult.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
lib.HcsGetOperationResult.restype = ctypes.c_int32
lib.LocalFree.argtypes = [ctypes.c_void_p]
lib.LocalFree.restype = ctypes.c_void_p

# PyDLL keeps the GIL: the call is too short to be worth giving it up.
lstrlen = ctypes.PyDLL(str(LIBRARY)).lstrlenW
lstrlen.argtypes = [ctypes.c_void_p]
lstrlen.restype = ctypes.c_int

pending = {}
keys = itertools.count(1)


def check(result):
    if result < 0:
        raise OSError(f"HRESULT {result & 0xFFFFFFFF:#x}")


def settle(future, text):
    if not future.done():
        future.set_result(text)


@Completion
def completed(operation, key):
    loop, future = pending.pop(key)
    document = ctypes.c_void_p()
    check(lib.HcsGetOperationResult(operation, document))
    text = ctypes.string_at(document.value, 2 * lstrlen(document)).decode("utf-16-le")
    lib.LocalFree(document)
    lib.HcsCloseOperation(operation)
    loop.call_soon_threadsafe(settle, future, text)


def properties(raw):
    """Return a future of the properties of a system."""
    loop = get_running_loop()
    future = loop.create_future()
    key = next(keys)
    pending[key] = loop, future
    check(lib.HcsGetComputeSystemProperties(raw, lib.HcsCreateOperation(key, completed), None))
    return future
