"""An HCS that completes every call at once: `use()` builds it if need be and makes it the HCS of this process."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "benchmarks"


def build() -> None:
    """Compile the module `instant`, unless it is there and newer than its sources."""
    folders = ["--build-lib", str(BUILD), "--build-temp", str(BUILD / "temp")]
    command = [sys.executable, str(HERE / "setup.py"), "-q", "build_ext", *folders]
    done = subprocess.run(command, cwd=HERE.parent.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the module `instant` does not build:\n{done.stdout}{done.stderr}")


def use() -> ModuleType:
    """Make it the HCS of this process, before the first call of hcsrt; returns the module `instant`."""
    from hcsrt import _library

    build()
    sys.path.insert(0, str(BUILD))
    try:
        instant = importlib.import_module("instant")
    finally:
        sys.path.remove(str(BUILD))
    _library.choose("instant", instant.table())
    return instant
