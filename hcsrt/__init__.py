"""Python driver of the Windows Host Compute Service (HCS): containers and virtual machines, run from Python.

PYTEST_DONT_REWRITE
"""

# The last line is for pytest, which looks for it there: since this package has a plugin, pytest would warn in a program
# that has imported hcsrt before it runs pytest.

from __future__ import annotations

from ._backends import makers as _makers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import aio as aio
    from . import bulk as bulk
    from . import doctor as doctor
    from . import documents as documents
    from . import emulator as emulator
    from . import errors as errors
    from . import events as events
    from . import faults as faults
    from . import once as once
    from . import operations as operations
    from . import process as process
    from . import service as service
    from . import system as system
    from ._handles import Handle, OwnedOperation, OwnedProcess, OwnedStdio, OwnedSystem, SendHandle, pending
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
    from .once import RunResult, run
    from .process import DEVNULL, PIPE, STDOUT, Process
    from .system import ComputeSystem, systems

# Without the modules: `from hcsrt import *` would import those too that the names do not need, which takes time.
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


# Here, since the emulator knows _library, and not the other way round.
def _emulator() -> object:
    from .emulator import backend_capsule

    return backend_capsule()


_makers["emulator"] = _emulator

# All is imported at first use. So `import hcsrt` costs next to nothing and never fails: pytest imports this package for
# its plugin in every project of an environment, with or without extension modules that this Python could load.
_NAMES_OF = {
    "_handles": ("Handle", "OwnedOperation", "OwnedProcess", "OwnedStdio", "OwnedSystem", "SendHandle", "pending"),
    "_library": ("backend", "get_include"),
    "_version": ("__version__",),
    "bulk": ("close_all", "reap", "statistics_of", "stop_all"),
    "errors": (
        "AccessDeniedError",
        "AlreadyStoppedError",
        "HandleBusyError",
        "HandleClosedError",
        "HcsError",
        "InvalidDocumentError",
        "InvalidStateError",
        "NoIsolationError",
        "NoIsolationWarning",
        "NotSupportedError",
        "OperationTimeoutError",
        "PathExistsError",
        "PathNotFoundError",
        "ProcessNotFoundError",
        "ServiceDisconnectedError",
        "StateError",
        "SystemAlreadyExistsError",
        "SystemNotFoundError",
    ),
    "events": ("Event", "Events"),
    "once": ("RunResult", "run"),
    "process": ("DEVNULL", "PIPE", "STDOUT", "Process"),
    "system": ("ComputeSystem", "systems"),
}
_LATE = {name: module for module, names in _NAMES_OF.items() for name in names}
# Modules stand for themselves.
_LATE.update(
    (module, "")
    for module in (
        "aio",
        "bulk",
        "doctor",
        "documents",
        "emulator",
        "errors",
        "events",
        "faults",
        "once",
        "operations",
        "process",
        "service",
        "system",
    )
)

# Hidden from type checkers, which would accept every misspelt name because of it.
if not TYPE_CHECKING:

    def __getattr__(name):
        module = _LATE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            # A name that each module has: of a package, another one would be looked for among its modules.
            found = __import__(f"{__name__}.{module or name}", fromlist=("__name__",))
        except ModuleNotFoundError as error:
            from ._unbuilt import explain

            raise explain(error) from None
        if not module:
            return found
        value = globals()[name] = getattr(found, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
