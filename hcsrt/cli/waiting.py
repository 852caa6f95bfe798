"""Threads of the command line, and waiting for what they tell."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from .._facade.times import Deadline

T = TypeVar("T")

SLICE = 0.2
"""Seconds to wait at once: a queue that is waited on without a limit would not let signal handlers run on Windows."""


def in_background(function: Callable[..., None], *args: object) -> None:
    threading.Thread(target=function, args=args, daemon=True).start()


def get_from(queue: SimpleQueue[T], deadline: Deadline) -> T | None:
    """Return what comes next, or None once the deadline has passed."""
    while True:
        remaining = deadline.remaining()
        try:
            return queue.get(timeout=SLICE if remaining is None else min(SLICE, remaining))
        except Empty:
            if remaining is not None and remaining <= SLICE:
                return None
