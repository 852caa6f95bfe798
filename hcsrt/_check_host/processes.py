"""Interpreters of their own, for what may crash or hang."""

from __future__ import annotations

import os
import signal
import site
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

import hcsrt

_ROOT = Path(hcsrt.__file__).resolve().parents[1]


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package in an interpreter of its own."""
    return [sys.executable, "-P", "-m", f"{__package__}.{module}", *arguments]


def environment() -> dict[str, str]:
    """Return the environment for such a command, which finds this hcsrt from any folder."""
    changed = {name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
    paths = [os.path.abspath(path) for path in changed.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Not where packages are installed: ahead of the standard library, they might hide modules of it.
    installed = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), site.getusersitepackages())
    if _ROOT not in (Path(path).resolve() for path in installed):
        paths.insert(0, str(_ROOT))
    return changed | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONFAULTHANDLER": "1", "PYTHONUTF8": "1"}


def start(arguments: list[str], folder: Path, output: Path) -> subprocess.Popen[bytes]:
    """Start a command with all that it prints in a file; end() ends it with what it has started.

    Its stdin ends when this process does, so that it need not go on alone.
    """
    with open(output, "wb") as file:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # which means nothing to Windows
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of start(), and what it has started, at once."""
    if sys.platform == "win32":
        tree = ["taskkill", "/t", "/f", "/pid", str(process.pid)]
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(tree, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    else:
        with suppress(OSError):  # nobody is left in its group
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(30)
