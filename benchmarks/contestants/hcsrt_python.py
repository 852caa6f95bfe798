"""hcsrt from Python."""

from hcsrt import OwnedSystem, close_all
from hcsrt._calls import call
from hcsrt._handles import close_all as close_handles
from hcsrt.operations import create_operation as new_operation
from hcsrt.operations import operation_id

__all__ = ["call", "close_all", "close_handles", "new_operation", "operation_id", "own"]

own = OwnedSystem.from_raw

OWN_AND_DROP = "own(raw)"
OWN_AND_CLOSE = "own(raw).close()"
CALL = "operation_id(operation)"
CLOSE_ALL = "close_all(handles)"
CLOSE_HANDLES = "close_handles(handles)"
ROUND_TRIP = 'call(system, "HcsGetComputeSystemProperties")'
HAND_OVER = "operation.as_raw()"
USE = "operation_id(handed.owner)"
HAND_OVER_OWNER = "operation"
USE_OWNER = "operation_id(handed)"
