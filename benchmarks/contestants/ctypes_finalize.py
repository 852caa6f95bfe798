"""ctypes, where weakref.finalize closes the handle: it works at interpreter exit and in reference cycles alike."""

import ctypes
import weakref

from benchmarks.harness.build import LIBRARY

lib = ctypes.CDLL(str(LIBRARY))

lib.LocalFree.argtypes = [ctypes.c_void_p]
lib.LocalFree.restype = ctypes.c_void_p
lib.HcsCloseComputeSystem.argtypes = [ctypes.c_void_p]
lib.HcsCloseComputeSystem.restype = None
lib.HcsCreateOperation.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
lib.HcsCreateOperation.restype = ctypes.c_void_p
lib.HcsCloseOperation.argtypes = [ctypes.c_void_p]
lib.HcsCloseOperation.restype = None
lib.HcsGetOperationId.argtypes = [ctypes.c_void_p]
lib.HcsGetOperationId.restype = ctypes.c_uint64
lib.HcsGetComputeSystemProperties.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
lib.HcsGetComputeSystemProperties.restype = ctypes.c_int32
lib.HcsWaitForOperationResult.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p)]
lib.HcsWaitForOperationResult.restype = ctypes.c_int32

# PyDLL keeps the GIL: the call is too short to be worth giving it up.
lstrlen = ctypes.PyDLL(str(LIBRARY)).lstrlenW
lstrlen.argtypes = [ctypes.c_void_p]
lstrlen.restype = ctypes.c_int


class Handle:
    """A handle that ctypes passes on by its `_as_parameter_`."""

    __slots__ = ("__weakref__", "_as_parameter_", "close")

    def __init__(self, raw, close):
        self._as_parameter_ = raw
        self.close = weakref.finalize(self, close, raw)


def own(raw, close=lib.HcsCloseComputeSystem):
    return Handle(raw, close)


def new_operation():
    return Handle(lib.HcsCreateOperation(None, None), lib.HcsCloseOperation)


def check(result):
    if result < 0:
        raise OSError(f"HRESULT {result & 0xFFFFFFFF:#x}")


def properties(system):
    document = ctypes.c_void_p()
    operation = new_operation()
    check(lib.HcsGetComputeSystemProperties(system, operation, None))
    check(lib.HcsWaitForOperationResult(operation, 0xFFFFFFFF, document))
    try:
        return ctypes.string_at(document.value, 2 * lstrlen(document)).decode("utf-16-le")
    finally:
        lib.LocalFree(document)


operation_id = lib.HcsGetOperationId

OWN_AND_DROP = "own(raw)"
OWN_AND_CLOSE = "own(raw).close()"
CALL = "operation_id(operation)"
CLOSE_ALL = "for handle in handles: handle.close()"
ROUND_TRIP = "properties(system)"
HAND_OVER = "operation"
USE = "operation_id(handed)"
