"""Python driver of the Windows Host Compute Service (HCS): containers and virtual machines, run from Python."""

from __future__ import annotations

from ._handles import (
    Handle,
    OwnedOperation,
    OwnedProcess,
    OwnedStdio,
    OwnedSystem,
    SendHandle,
    pending,
)
from ._library import backend, get_include
from ._version import __version__
from .bulk import close_all, reap, statistics_of, stop_all
from .errors import (
    AccessDeniedError,
    AlreadyStoppedError,
    HandleBusyError,
    HandleClosedError,
    HcsError,
    InvalidDocumentError,
    InvalidStateError,
    NoIsolationWarning,
    NotSupportedError,
    OperationTimeoutError,
    PathNotFoundError,
    ServiceDisconnectedError,
    SystemAlreadyExistsError,
    SystemNotFoundError,
)
from .events import Event, Events
from .process import DEVNULL, PIPE, STDOUT, Process
from .system import ComputeSystem, systems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import aio as aio
    from . import emulator as emulator
    from . import service as service

# Without aio, the emulator and the service, which `from hcsrt import *` would import and start to pay for.
__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "AccessDeniedError",
    "AlreadyStoppedError",
    "ComputeSystem",
    "Event",
    "Events",
    "Handle",
    "HandleBusyError",
    "HandleClosedError",
    "HcsError",
    "InvalidDocumentError",
    "InvalidStateError",
    "NoIsolationWarning",
    "NotSupportedError",
    "OperationTimeoutError",
    "OwnedOperation",
    "OwnedProcess",
    "OwnedStdio",
    "OwnedSystem",
    "PathNotFoundError",
    "Process",
    "SendHandle",
    "ServiceDisconnectedError",
    "SystemAlreadyExistsError",
    "SystemNotFoundError",
    "__version__",
    "backend",
    "close_all",
    "get_include",
    "pending",
    "reap",
    "statistics_of",
    "stop_all",
    "systems",
]


def __getattr__(name: str) -> Any:
    # Only who uses them pays for their import.
    if name == "aio":
        import hcsrt.aio as aio

        return aio
    if name == "emulator":
        import hcsrt.emulator as emulator

        return emulator
    if name == "service":
        import hcsrt.service as service

        return service
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
