"""Python driver of the Windows Host Compute Service (HCS): containers and virtual machines, run from Python."""

from __future__ import annotations

try:
    from ._handles import (
        Handle,
        OwnedOperation,
        OwnedProcess,
        OwnedStdio,
        OwnedSystem,
        SendHandle,
        pending,
    )
except ModuleNotFoundError as _error:
    from ._unbuilt import explain

    raise explain(_error) from None

from ._library import backend, get_include
from ._library import register_backend as _register_backend
from .errors import (
    AccessDeniedError,
    AlreadyStoppedError,
    HandleBusyError,
    HandleClosedError,
    HcsError,
    InvalidDocumentError,
    InvalidStateError,
    NoIsolationError,
    NoIsolationWarning,
    NotSupportedError,
    OperationTimeoutError,
    PathExistsError,
    PathNotFoundError,
    ProcessNotFoundError,
    ServiceDisconnectedError,
    StateError,
    SystemAlreadyExistsError,
    SystemNotFoundError,
)
from .events import Event, Events
from .process import DEVNULL, PIPE, STDOUT, Process
from .system import ComputeSystem, systems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import aio as aio
    from . import bulk as bulk
    from . import doctor as doctor
    from . import documents as documents
    from . import emulator as emulator
    from . import operations as operations
    from . import service as service
    from ._version import __version__
    from .bulk import close_all, reap, statistics_of, stop_all
    from .once import RunResult, run

# Without the modules of _LATE: `from hcsrt import *` would import them, which takes time.
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
    "NoIsolationError",
    "NoIsolationWarning",
    "NotSupportedError",
    "OperationTimeoutError",
    "OwnedOperation",
    "OwnedProcess",
    "OwnedStdio",
    "OwnedSystem",
    "PathExistsError",
    "PathNotFoundError",
    "Process",
    "ProcessNotFoundError",
    "RunResult",
    "SendHandle",
    "ServiceDisconnectedError",
    "StateError",
    "SystemAlreadyExistsError",
    "SystemNotFoundError",
    "__version__",
    "backend",
    "close_all",
    "get_include",
    "pending",
    "reap",
    "run",
    "statistics_of",
    "stop_all",
    "systems",
]


def _emulator() -> object:
    from .emulator import backend_capsule

    return backend_capsule()


# Here, since the emulator knows _library, and not the other way round.
_register_backend("emulator", _emulator)

# Imported at first use: only then their import costs anything.
_LATE = ("aio", "bulk", "doctor", "emulator", "operations", "service")
_LATE_NAMES = {
    "RunResult": "once",
    "__version__": "_version",
    "close_all": "bulk",
    "reap": "bulk",
    "run": "once",
    "statistics_of": "bulk",
    "stop_all": "bulk",
}

# Hidden from type checkers, which would accept every misspelt name because of it.
if not TYPE_CHECKING:

    def __getattr__(name):
        if name in _LATE:
            __import__(f"{__name__}.{name}")
            return globals()[name]
        if name in _LATE_NAMES:
            module = __import__(f"{__name__}.{_LATE_NAMES[name]}", fromlist=(name,))
            value = globals()[name] = getattr(module, name)
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, *_LATE_NAMES})
