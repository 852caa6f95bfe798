"""hcsrt for asyncio: the names of hcsrt, with methods that are awaited instead of blocking.

Errors, events and handles are those of hcsrt. Streams follow asyncio's, the rest follows hcsrt name by name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._facade.commands import DEVNULL, PIPE, STDOUT
    from .._facade.events import Event
    from . import bulk as bulk
    from . import events as events
    from . import once as once
    from . import process as process
    from . import service as service
    from . import streams as streams
    from . import system as system
    from .bulk import close_all, reap, statistics_of, stop_all
    from .events import Events
    from .once import RunResult, run
    from .process import Process
    from .streams import StreamReader, StreamWriter
    from .system import ComputeSystem, systems

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "ComputeSystem",
    "Event",
    "Events",
    "Process",
    "RunResult",
    "StreamReader",
    "StreamWriter",
    "close_all",
    "reap",
    "run",
    "service",
    "statistics_of",
    "stop_all",
    "systems",
]

# As in hcsrt itself, all is imported at first use: importing what a program does not use takes as long as what it uses.
_NAMES_OF = {
    "bulk": ("close_all", "reap", "statistics_of", "stop_all"),
    "events": ("Event", "Events"),
    "once": ("RunResult", "run"),
    "process": ("DEVNULL", "PIPE", "STDOUT", "Process"),
    "streams": ("StreamReader", "StreamWriter"),
    "system": ("ComputeSystem", "systems"),
}
_LATE = {name: module for module, names in _NAMES_OF.items() for name in names}
# Modules stand for themselves.
_LATE.update((module, "") for module in ("bulk", "events", "once", "process", "service", "streams", "system"))

# Hidden from type checkers, which would accept every misspelt name because of it.
if not TYPE_CHECKING:

    def __getattr__(name):
        module = _LATE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # A name that each module has: the module itself is what is wanted.
        found = __import__(f"{__name__}.{module or name}", fromlist=("__name__",))
        if not module:
            return found
        value = globals()[name] = getattr(found, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
