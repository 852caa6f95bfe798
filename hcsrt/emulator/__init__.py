"""An HCS inside this process, for every machine that has none.

It keeps compute systems, their documents and their states as HCS does, and runs their processes as real programs of
this machine. It is no sandbox: these programs have the rights of the user who started Python.

Emulated are containers and virtual machines: to create, open, list, start, shut down and terminate them, their
properties, statistics and events; processes with their pipes, signals and exit codes, on POSIX with a pseudo-terminal;
changes of memory, processors, shared folders, pipes, disks and network adapters, of which only the properties tell;
namespaces, CPU groups, and the files of guest and runtime state. Virtual machines pause, resume, save, restore and
crash, too, but no guest boots in them. Nothing is isolated or limited, and no path of a document is opened. A path of
Windows to a volume leads to a folder in temporary space.

Not emulated are live migration, reports to Windows Error Reporting, the cancelling and the properties of operations,
other users for a process, templates, requests to a guest, storage and network: these answer with E_NOTIMPL.
"""

from __future__ import annotations

import threading
from typing import Any

from .. import _built as _built
from .._library import choose
from ..errors import expect_emulator
from . import _native, volumes
from .service import Service

__all__ = ["container_document", "install", "live", "misuses", "reset"]

_locks: dict[int, threading.Lock] = {}
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
    before = _seed
    with _lock():
        if seed is not None:
            if _here() is not None:
                raise RuntimeError("the emulator runs already; reset(seed) starts it afresh")
            _seed = seed
    try:
        choose("emulator")
    except BaseException:
        _seed = before
        raise


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
    with _lock():
        # First, since it may fail for want of what it needs.
        fresh = Service(seed)
        service = _here()
        if service is not None and not service.stop():
            raise RuntimeError("the thread of the emulator's service does not end")
        _native.clear()
        volumes.clear()
        _seed = seed
        _service = None
        try:
            fresh.start()
        except BaseException:
            # The next call tries again.
            _native.fail_to_start()
            raise
        _service = fresh


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
    expect_emulator()
    try:
        _serve()
    except BaseException:
        _native.fail_to_start()
        raise
    return _native.backend()


def _check_seed(seed: object) -> None:
    if seed is not None and not isinstance(seed, int):
        raise TypeError(f"seed must be an int or None, not {type(seed).__name__}")


def _lock() -> threading.Lock:
    """Return the lock of this process: another thread of a parent may hold that of the parent at the fork."""
    return _locks.setdefault(_native.epoch(), threading.Lock())


def _here() -> Service | None:
    """Return the service of this process: a forked child has neither the thread nor the systems of its parent's."""
    return _service if _service is not None and _service.epoch == _native.epoch() else None


def _serve() -> None:
    """Start a service if this process has none."""
    global _service
    with _lock():
        if _here() is None:
            _service = _started(_seed)


def _started(seed: int | None) -> Service:
    service = Service(seed)
    service.start()
    return service


# Not at the fork: whoever forks may be about to execute another program, and must not wait for us.
_native.serve_on_demand(_serve)
