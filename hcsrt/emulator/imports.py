"""What the service needs beside the modules of the emulator, imported before it starts.

Not on the service's own thread, where an import may hang: a signal handler that raises within an import of the main
thread may leave CPython's lock of that module taken. And not with the emulator, whose import that would slow down.
"""

from __future__ import annotations

import codecs
import sys
import time
from types import ModuleType

from . import _native

# Seconds that another thread may take to import what this one needs, before it counts as one of the parent's.
_PATIENCE = 1.0

psutil: ModuleType | None = None
"""The module, if it is installed. It comes with the extra `emulator`."""

_done = False


def get_ready() -> None:
    """Import all of it, once."""
    global psutil, _done
    if _done:
        return
    # The first two are for the module warnings, to show one.
    if not _is_stuck("linecache"):
        __import__("linecache")
    if not _is_stuck("tokenize"):
        __import__("tokenize")
    if sys.platform == "win32":
        __import__("subprocess")
    # For rules of documents.
    if not _is_stuck("ipaddress"):
        __import__("ipaddress")
    codecs.lookup("utf-16-le")
    if not _is_stuck("psutil"):
        try:
            psutil = __import__("psutil")
        except (ImportError, Warning):
            psutil = None
    _done = True


def _is_stuck(name: str) -> bool:
    """Return whether a thread of the parent was importing a module at the fork: its lock is never released here."""
    end = time.monotonic() + _PATIENCE
    while getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
        if _native.epoch() == 1:
            return False
        if time.monotonic() > end:
            return True
        time.sleep(0.01)
    return False
