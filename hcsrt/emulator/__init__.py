"""An HCS inside this process, for every machine that has none.

It keeps compute systems, their documents and their states as HCS does, and runs their processes as real programs of
this machine. It is no sandbox: these programs have the rights of the user who started Python.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from .._library import choose
from ..errors import expect_emulator
from . import _native
from .service import Service

__all__ = ["container_document", "install", "live", "misuses", "reset"]

_lock = threading.Lock()
_service: Service | None = None
_seed: int | None = None


def install(seed: int | None = None) -> None:
    """Choose the emulator for this process; on Windows this is the only way to get it.

    Args:
        seed: That of `reset`.

    Raises:
        RuntimeError: The process uses another HCS already, or a seed is given to an emulator that runs.
        TypeError: The seed is no int.
    """
    global _seed
    _check_seed(seed)
    with _lock:
        if seed is not None:
            if _service is not None:
                raise RuntimeError("the emulator runs already; reset(seed) starts it afresh")
            _seed = seed
    choose("emulator")


def reset(seed: int | None = None) -> None:
    """End every compute system with its processes and start afresh; handles from before lead nowhere any more.

    Args:
        seed: Varies what HCS leaves open: order and time of answers and events, and which of several documented errors
            is given. None gives one plain order.

    Raises:
        RuntimeError: The thread of the old service does not end.
        TypeError: The seed is no int.
    """
    global _service, _seed
    _check_seed(seed)
    with _lock:
        if _service is not None and not _service.stop():
            raise RuntimeError("the thread of the emulator's service does not end")
        _native.clear()
        _seed = seed
        _service = _started(seed)


def live() -> dict[str, int]:
    """Return how many things were given out and not released yet.

    Returns:
        A count each for "operations", "systems", "processes", "strings" and "stdio" (handles).
    """
    return _native.live()


def misuses() -> list[str]:
    """Return what callers did that could crash or corrupt the real HCS, and failures of the emulator itself."""
    return _native.misuses()


def container_document(owner: str = "hcsrt", *, terminate_on_last_handle_closed: bool = True) -> dict[str, Any]:
    """Return a document of a container that the emulator accepts; the folders in it need not exist.

    Args:
        owner: The Owner in it.
        terminate_on_last_handle_closed: Whether the container ends when its last handle closes.
    """
    return {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "Owner": owner,
        "ShouldTerminateOnLastHandleClosed": terminate_on_last_handle_closed,
        "Container": {
            "Storage": {
                "Layers": [{"Id": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "Path": "C:\\hcsrt\\layers\\base"}],
                "Path": "\\\\?\\Volume{8c0f6f4e-2d1b-4f0a-b6a7-3e5d9c7b1a20}\\",
            }
        },
    }


def backend_capsule() -> object:
    """Return the emulator's backend for `hcsrt._library`, with the service running behind it."""
    global _service
    expect_emulator()
    with _lock:
        if _service is None:
            _service = _started(_seed)
    return _native.backend()


def _check_seed(seed: object) -> None:
    if seed is not None and not isinstance(seed, int):
        raise TypeError(f"seed must be an int or None, not {type(seed).__name__}")


def _started(seed: int | None) -> Service:
    service = Service(seed)
    service.start()
    return service


def _start_afresh_in_child() -> None:
    """Start a service in a forked child, which has neither the thread nor the compute systems of its parent."""
    global _lock, _service
    _lock = threading.Lock()
    if _service is not None:
        _service = _started(_seed)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_start_afresh_in_child)
