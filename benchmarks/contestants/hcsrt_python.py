"""hcsrt from Python."""

from hcsrt import OwnedSystem, close_all
from hcsrt._calls import create_operation as new_operation
from hcsrt._calls import operation_id, system_properties
from hcsrt._handles import close_all as close_handles

__all__ = ["close_all", "close_handles", "new_operation", "operation_id", "own", "system_properties"]

own = OwnedSystem.from_raw

OWN_AND_DROP = "own(raw)"
OWN_AND_CLOSE = "own(raw).close()"
CALL = "operation_id(operation)"
CLOSE_ALL = "close_all(handles)"
CLOSE_HANDLES = "close_handles(handles)"
ROUND_TRIP = "system_properties(system)"
HAND_OVER = "operation.as_raw()"
USE = "operation_id(handed.owner)"
