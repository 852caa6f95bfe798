"""ctypes, where the handle is a c_void_p of its own that `__del__` closes. ctypes releases the GIL around each call."""

import ctypes

from benchmarks.harness.build import LIBRARY

lib = ctypes.CDLL(str(LIBRARY))

lib.LocalFree.argtypes = [ctypes.c_void_p]
lib.LocalFree.restype = ctypes.c_void_p
lib.HcsCloseComputeSystem.argtypes = [ctypes.c_void_p]
lib.HcsCloseComputeSystem.restype = None
lib.HcsCloseOperation.argtypes = [ctypes.c_void_p]
lib.HcsCloseOperation.restype = None


class System(ctypes.c_void_p):
    def close(self, close=lib.HcsCloseComputeSystem):
        raw, self.value = self.value, None
        if raw is not None:
            close(raw)

    __del__ = close


class Operation(ctypes.c_void_p):
    def close(self, close=lib.HcsCloseOperation):
        raw, self.value = self.value, None
        if raw is not None:
            close(raw)

    __del__ = close


lib.HcsCreateOperation.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
lib.HcsCreateOperation.restype = Operation
lib.HcsGetOperationId.argtypes = [Operation]
lib.HcsGetOperationId.restype = ctypes.c_uint64
lib.HcsGetComputeSystemProperties.argtypes = [System, Operation, ctypes.c_void_p]
lib.HcsGetComputeSystemProperties.restype = ctypes.c_int32
lib.HcsWaitForOperationResult.argtypes = [Operation, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p)]
lib.HcsWaitForOperationResult.restype = ctypes.c_int32


# PyDLL keeps the GIL: the call is too short to be worth giving it up.
lstrlen = ctypes.PyDLL(str(LIBRARY)).lstrlenW
lstrlen.argtypes = [ctypes.c_void_p]
lstrlen.restype = ctypes.c_int


def check(result):
    if result < 0:
        raise OSError(f"HRESULT {result & 0xFFFFFFFF:#x}")


def new_operation():
    return lib.HcsCreateOperation(None, None)


def properties(system):
    document = ctypes.c_void_p()
    operation = new_operation()
    check(lib.HcsGetComputeSystemProperties(system, operation, None))
    check(lib.HcsWaitForOperationResult(operation, 0xFFFFFFFF, document))
    try:
        return ctypes.string_at(document.value, 2 * lstrlen(document)).decode("utf-16-le")
    finally:
        lib.LocalFree(document)


own = System
operation_id = lib.HcsGetOperationId

OWN_AND_DROP = "own(raw)"
OWN_AND_CLOSE = "own(raw).close()"
CALL = "operation_id(operation)"
CLOSE_ALL = "for handle in handles: handle.close()"
ROUND_TRIP = "properties(system)"
HAND_OVER = "operation"
USE = "operation_id(handed)"
