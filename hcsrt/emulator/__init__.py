"""An HCS inside this process, for every machine that has none.

It keeps compute systems, their documents and their states as HCS does, and runs their processes as real programs of
this machine. It is no sandbox: these programs have the rights of the user who started Python.

It emulates containers and virtual machines, which can be created, opened, listed, started, shut down and terminated,
with their properties, statistics and events; processes with their pipes, signals and exit codes, on POSIX with a
pseudo-terminal; changes of each resource that a source names, of which at most the properties tell; namespaces, CPU
groups, instances of Container Credential Guard, and the files of guest and runtime state. Virtual machines can be
paused, resumed, saved, restored and crashed, too, but no guest boots in them. Nothing is isolated or limited, no
process becomes another user's, and no path of a document is opened. A path of Windows to a volume leads to a folder in
temporary space.

Not emulated are live migration, reports to Windows Error Reporting, the cancelling and the properties of operations,
restricted tokens, templates, requests to a guest, storage and network: these answer with E_NOTIMPL.

A `Host` is a world of its own for a block of a program, such as a test: with nothing on it yet, and with its own seed,
assumptions and faults.
"""

from __future__ import annotations

from typing import Any

from .. import _built as _built
from ..errors import expect_emulator
from ..faults import Fault, Faults
from . import _native
from .sometimes import sometimes
from .world import Host, install, reset, send_event, serve

__all__ = [
    "Fault",
    "Faults",
    "Host",
    "container_document",
    "install",
    "live",
    "misuses",
    "reset",
    "send_event",
    "sometimes",
]


def live() -> dict[str, int]:
    """Return how many things were given out and not released yet.

    Returns:
        A count each for "operations", "systems", "processes", "strings" and "stdio" (handles). `Host.live` has the
        calls that nobody waits for any more, too.
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
        serve()
    except BaseException:
        _native.start_at_next_call()
        raise
    return _native.backend()
