r"""Paths of volumes, such as \\?\Volume{26a90000-0000-0000-0000-100000000000}\folder, on a machine without them.

Each volume is a folder in temporary space of this process, named by the GUID and made when something is looked for in
it first. It goes with the process, or with a reset.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
from contextlib import suppress

from . import _native

_VOLUME = re.compile(r"\\\\\?\\Volume\{(?P<guid>[0-9a-f-]{36})\}(?P<rest>[\\/].*)?", re.IGNORECASE | re.DOTALL)
_TEMPORARY = ("TEMP", "TMP") if sys.platform == "win32" else ("TMPDIR",)
_USUAL = "C:\\Windows\\Temp" if sys.platform == "win32" else "/tmp"

# The folder with the volumes, by the epoch of the process: a forked child has volumes of its own.
_roots: dict[int, str] = {}


def local(path: str) -> str:
    """Return the path of this machine that a path stands for, which is the same unless it leads into a volume.

    No path leads out of its volume.
    """
    match = _VOLUME.fullmatch(path)
    if match is None:
        return path
    try:
        folder = _folder(match["guid"].lower())
    except OSError:
        return path  # no path of this machine, and is refused as that
    parts = [part for part in re.split(r"[\\/]", match["rest"] or "") if part not in ("", ".", "..")]
    return os.path.join(folder, *parts)


def clear() -> None:
    """Remove the volumes of this process with all that is in them."""
    root = _roots.pop(_native.epoch(), None)
    if root is not None:
        _remove(root)


def _folder(guid: str) -> str:
    folder = os.path.join(_root(), guid)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        # Somebody has cleaned up the temporary space. Whoever knew the name may have a folder of it now: take another.
        _roots.pop(_native.epoch(), None)
        folder = os.path.join(_root(), guid)
        os.mkdir(folder, 0o700)
    return folder


def _root() -> str:
    root = _roots.get(_native.epoch())
    if root is None:
        temporary = next((os.environ[name] for name in _TEMPORARY if os.environ.get(name)), _USUAL)
        # Nobody else knows the name, and nobody else may look into the folder.
        root = os.path.join(os.path.abspath(temporary), f"hcsrt-emulator-{os.urandom(8).hex()}")
        os.mkdir(root, 0o700)
        _roots[_native.epoch()] = root
        atexit.register(clear)
    return root


def _remove(root: str) -> None:
    """Remove a folder as far as that is possible."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files + folders:
            path = os.path.join(folder, name)
            with suppress(OSError):
                if os.path.isdir(path) and not os.path.islink(path):
                    os.rmdir(path)
                else:
                    os.remove(path)
    with suppress(OSError):
        os.rmdir(root)
