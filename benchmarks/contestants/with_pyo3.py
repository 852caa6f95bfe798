"""PyO3: a struct of Rust owns the handle, and the GIL is released around each call and each close."""

from benchmarks.harness.build import built

module = built("pyo3_handles")
own = module.System
new_operation = module.Operation
operation_id = module.operation_id
properties = module.properties

OWN_AND_DROP = "own(raw)"
OWN_AND_CLOSE = "own(raw).close()"
CALL = "operation_id(operation)"
CLOSE_ALL = "for handle in handles: handle.close()"
ROUND_TRIP = "properties(system)"
HAND_OVER = "operation"
USE = "operation_id(handed)"
