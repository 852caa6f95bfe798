"""Commands for compute systems that run wherever Python runs, and checks of their processes."""

import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

# The statement, after `import hcsrt`, that gives a test's program the HCS of the tests.
INSTALL = "hcsrt.emulator.install()" if importlib.util.find_spec("hcsrt_stand_in") is None else ""

# In a virtual environment on Windows, python.exe only starts the real one, which has another pid.
PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
GUEST = str(Path(__file__).with_name("guest.py"))

ELSEWHERE = "/machine.vmgs" if sys.platform == "win32" else "C:\\machine.vmgs"
"""A full path on another operating system, which is none on this one."""


def guest(code: str, *arguments: str) -> list[str]:
    """Return a command that executes code in guest.py, which gives it words like `out`, `cat` and `spawn`."""
    return [PYTHON, "-I", "-S", GUEST, code, *arguments]


KILLED = 128 + 9
"""The exit code of a process that its system's end has killed; of a Linux guest, also of one that was terminated."""
ABORTED = 1067
"""The exit code of a process of a Windows guest that was terminated."""

# The programs that tests start by the hundred are the smallest that the system has.
if sys.platform == "win32":
    TRUE = ["cmd", "/c", "exit 0"]
    CAT = guest("cat()")
    SLEEP = guest("sleep(60)")
    INTERRUPTED = 0xC000013A  # STATUS_CONTROL_C_EXIT
    """The exit code of a process that a Ctrl-C has ended."""
    STARTUP = 1.0
    """Seconds that a guest may take until it executes its code, where a time limit has to leave them to it."""
else:
    TRUE = ["true"]
    CAT = ["cat"]
    SLEEP = ["sleep", "60"]
    INTERRUPTED = 128 + signal.SIGINT
    STARTUP = 0.0


def running() -> set[int]:
    """Return the ids of the programs that this process has started, of which an exit code at least is left to fetch."""
    children: set[int] = set()
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if child.status() == psutil.STATUS_ZOMBIE or "hcsrt-watchdog" not in child.cmdline():
                children.add(child.pid)
    return children


def kill(pid: int) -> None:
    """End a process behind the back of HCS."""
    os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


if sys.platform == "win32":
    import _winapi

    def is_alive(pid: int) -> bool:
        """Return whether a process has not ended."""
        try:
            handle = _winapi.OpenProcess(_winapi.SYNCHRONIZE, False, pid)
        except OSError:
            return False
        try:
            return _winapi.WaitForSingleObject(handle, 0) == _winapi.WAIT_TIMEOUT
        finally:
            _winapi.CloseHandle(handle)

    exists = is_alive
else:

    def exists(pid: int) -> bool:
        """Return whether a process is there, even if only its exit code is left for its parent to fetch."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    def is_alive(pid: int) -> bool:
        """Return whether a process is there, and more of it than an exit code for its parent to fetch."""
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        return bool(state) and not state.startswith("Z")
