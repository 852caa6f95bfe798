"""cffi in API mode: a compiled module calls the library, `ffi.gc` closes."""

from benchmarks.harness.build import built

from .cffi_declarations import handles_of

module = built("cffi_handles")
ffi, lib = module.ffi, module.lib
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
