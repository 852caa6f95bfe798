"""The ties of an object to one event loop."""

from __future__ import annotations

import asyncio

# Timers of uvloop count whole milliseconds, from a time that is cut to whole milliseconds too.
_EARLY = 0.002


def wait_time(timeout: float | None) -> float | None:
    """Return how long to wait where a wait that ends early is begun anew: the rest of it must not be a busy loop."""
    return max(timeout, _EARLY) if timeout else timeout


def whole_time(timeout: float | None) -> float | None:
    """Return how long to wait where a wait that ends early cannot be begun anew."""
    return None if timeout is None else timeout + _EARLY


def runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether an event loop is the one that runs in this thread."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def check_own_loop(thing: object, loop: asyncio.AbstractEventLoop, remedy: str) -> None:
    """Raise RuntimeError if something that belongs to one event loop is used on another."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        # A transport may be used while its loop is not running.
        running = None if loop.is_closed() else loop
    if running is not loop:
        if loop.is_closed():
            raise RuntimeError(f"{thing!r} is bound to an event loop that is closed: {remedy}")
        raise RuntimeError(
            f"{thing!r} is bound to a different event loop: let that one run the call, by "
            f"asyncio.run_coroutine_threadsafe() from here, or {remedy}"
        )
