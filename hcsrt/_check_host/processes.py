"""Interpreters of their own, for what may crash or hang."""

from __future__ import annotations

import ctypes
import os
import signal
import site
import subprocess
import sys
import sysconfig
from contextlib import suppress
from ctypes import byref, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path

import hcsrt

_ROOT = Path(hcsrt.__file__).resolve().parents[1]

# Which say where an interpreter looks for modules.
_FLAGS = {"isolated": "-I", "ignore_environment": "-E", "no_user_site": "-s", "no_site": "-S"}

_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_KILL_ON_JOB_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE


class _JobLimits(ctypes.Structure):
    _fields_ = (
        ("times", c_int64 * 2),
        ("flags", c_uint32),
        ("working_set", c_size_t * 2),
        ("processes", c_uint32),
        ("affinity", c_size_t),
        ("classes", c_uint32 * 2),
        ("io_counters", c_uint64 * 6),
        ("memory", c_size_t * 4),
    )


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this package in an interpreter of its own, as isolated as this one."""
    flags = [option for flag, option in _FLAGS.items() if getattr(sys.flags, flag)]
    # Not by variables only, which an isolated one ignores.
    modes = ["-X", "utf8", "-X", "faulthandler"]
    return [sys.executable, *flags, "-P", *modes, "-m", f"{__package__}.{module}", *arguments]


def check_it_is_this_hcsrt(file: str) -> None:
    """End this process if it has imported another hcsrt than the one with this file."""
    if os.path.realpath(file) != os.path.realpath(hcsrt.__file__):
        sys.exit(f"another hcsrt is imported here, {hcsrt.__file__}, than the one that was started, {file}")


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


def have_children_end_with_this() -> None:
    """Have what this process starts end when this process does, however that happens.

    On POSIX nothing can see to that but who ends a whole group.

    Raises:
        OSError: Windows does not allow it.
    """
    if sys.platform == "win32":
        kernel32 = ctypes.WinDLL("kernel32.dll", use_last_error=True)
        kernel32.CreateJobObjectW.restype = kernel32.GetCurrentProcess.restype = c_void_p
        job = c_void_p(kernel32.CreateJobObjectW(None, None))
        limits = _JobLimits(flags=_KILL_ON_JOB_CLOSE)
        # The job is never closed: its only handle goes with this process.
        if (
            not job
            or not kernel32.SetInformationJobObject(job, _EXTENDED_LIMITS, byref(limits), ctypes.sizeof(limits))
            or not kernel32.AssignProcessToJobObject(job, c_void_p(kernel32.GetCurrentProcess()))
        ):
            raise ctypes.WinError(ctypes.get_last_error())


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
