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
    document: int = 1024
    """Bytes of a result document, two a character."""
    threads: int = 1
    """How many threads of the library complete operations."""

    def __str__(self) -> str:
        threads = "1 thread completes" if self.threads == 1 else f"{self.threads} threads complete"
        return f"async, {self.in_flight} in flight, {self.latency} ms, {self.document} B, {threads}"


BURSTS = [Case(1024, 0, document, threads) for document in (1024, 128) for threads in (1, 4)]
"""What the bars are about: much in flight that completes at once."""
