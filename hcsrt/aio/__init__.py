"""hcsrt for asyncio: the names of hcsrt, with methods that are awaited instead of blocking.

Errors, events and handles are those of hcsrt. Streams follow asyncio's, the rest follows hcsrt name by name.
"""

from __future__ import annotations

from .._facade.commands import DEVNULL, PIPE, STDOUT
from .._facade.events import Event
from . import service as service
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
