"""What the contestants are called in tables and plots, and the cases of asynchronous operations."""

from __future__ import annotations

from typing import NamedTuple

HCSRT = "hcsrt from Python"
CYTHON = "hcsrt from Cython"
BARE = "C++"
PLAIN = "an object, and the GIL given up once"
EMPTY = "the empty loop"

LOOP = "the loop alone"
ENGINE = "hcsrt"
GIL_CALLBACK = "the callback takes the GIL"
CTYPES_CALLBACK = "ctypes, a callback"
WAITING_POOL = "a pool of threads that wait"


class Case(NamedTuple):
    in_flight: int
    latency: int
    """Milliseconds until an operation completes."""

    def __str__(self) -> str:
        return f"async, {self.in_flight} in flight, {self.latency} ms"
