"""Tests that can pass on some operating systems only, each reason once."""

import ctypes
import importlib.util
import os
import sys
import sysconfig
import time

import pytest

WINDOWS = sys.platform == "win32"
WINE = WINDOWS and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")

TICK = time.get_clock_info("monotonic").resolution
"""Seconds by which a timer may seem to be early: the clock moves in such steps, and asyncio allows for one."""

catches_signals = pytest.mark.skipif(
    WINDOWS, reason="on Windows the emulator ends a program by any signal: none reaches a handler in it"
)
pseudo_terminal = pytest.mark.skipif(WINDOWS, reason="on Windows the emulator has no pseudo-terminal to give")
posix_signals = pytest.mark.skipif(WINDOWS, reason="Windows has no signals from one process to another")
posix_modes = pytest.mark.skipif(WINDOWS, reason="Windows has no permission of a file to be executed")
posix_shell = pytest.mark.skipif(WINDOWS, reason="takes a shell of POSIX")
backend_variable = pytest.mark.skipif(WINDOWS, reason="on Windows no environment variable decides about the backend")
compiler = pytest.mark.skipif(WINDOWS, reason="calls a C compiler as POSIX systems do")
fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
win32 = pytest.mark.skipif(not WINDOWS, reason="about Windows' own handles and DLLs")
stand_in = pytest.mark.skipif(
    importlib.util.find_spec("hcsrt_stand_in") is None, reason="needs the stand-in computecore.dll of tools/windows"
)
emulator_by_name = pytest.mark.skipif(
    importlib.util.find_spec("hcsrt_stand_in") is not None,
    reason="there the emulator is behind computecore.dll, and hcsrt takes it for the real HCS",
)
handle_counts = pytest.mark.skipif(WINE, reason="Wine does not count the handles of a process")
peak_memory = pytest.mark.skipif(WINE, reason="Wine counts nothing for a job, and forgets an ended process's memory")
process_names = pytest.mark.skipif(WINE, reason="Wine does not tell psutil what a process is called: no ProcessList")

only_with_a_gil = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="free-threaded CPython leaves an object's end to the thread that made it",
)

locks_of_a_free_threaded_python_under_wine = pytest.mark.skipif(
    WINE and bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="seen to hang there in a lock of threading.Condition, with no frame of hcsrt's in the trace",
)
