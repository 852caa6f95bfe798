"""cffi in ABI mode: the library is opened at run time, `ffi.gc` closes."""

import cffi

from benchmarks.harness.build import LIBRARY

from .cffi_declarations import DECLARATIONS, handles_of

ffi = cffi.FFI()
ffi.cdef(DECLARATIONS)
lib = ffi.dlopen(str(LIBRARY))
own, new_operation, properties = handles_of(ffi, lib)
operation_id = lib.HcsGetOperationId
release = ffi.release

OWN_AND_DROP = "own(raw)"
OWN_AND_CLOSE = "release(own(raw))"
CALL = "operation_id(operation)"
CLOSE_ALL = "for handle in handles: release(handle)"
ROUND_TRIP = "properties(system)"
HAND_OVER = "operation"
USE = "operation_id(handed)"
