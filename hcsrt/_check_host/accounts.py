"""A process of this account without the rights of an administrator."""

import ctypes
import subprocess
import sys
from ctypes import byref, c_uint16, c_uint32, c_void_p, c_wchar_p, create_unicode_buffer
from pathlib import Path

_USER_SCOPE = 2  # SAFER_SCOPEID_USER
_NORMAL_USER = 0x20000  # SAFER_LEVELID_NORMALUSER
_OPEN_LEVEL = 1  # SAFER_LEVEL_OPEN
_UNICODE_ENVIRONMENT = 0x400  # CREATE_UNICODE_ENVIRONMENT
_NO_WINDOW = 0x08000000  # CREATE_NO_WINDOW
_PATIENCE_MS = 120_000


class _Startup(ctypes.Structure):
    _fields_ = (
        ("size", c_uint32),
        ("reserved", c_wchar_p),
        ("desktop", c_wchar_p),
        ("title", c_wchar_p),
        ("position_size_and_fill", c_uint32 * 7),
        ("flags", c_uint32),
        ("show", c_uint16),
        ("reserved_size", c_uint16),
        ("reserved_bytes", c_void_p),
        ("handles", c_void_p * 3),
    )


class _Process(ctypes.Structure):
    _fields_ = (("process", c_void_p), ("thread", c_void_p), ("process_id", c_uint32), ("thread_id", c_uint32))


def run_as_normal_user(command: list[str], environment: dict[str, str], output: Path) -> int:
    """Run a command as this user would without elevation, and return its exit code; its output goes to a file."""
    if sys.platform != "win32":
        raise OSError("needs the access tokens of Windows")
    advapi32 = ctypes.WinDLL("advapi32.dll", use_last_error=True)
    kernel32 = ctypes.WinDLL("kernel32.dll", use_last_error=True)

    def check(result: int) -> None:
        if not result:
            raise ctypes.WinError(ctypes.get_last_error())

    level, token = c_void_p(), c_void_p()
    check(advapi32.SaferCreateLevel(_USER_SCOPE, _NORMAL_USER, _OPEN_LEVEL, byref(level), None))
    try:
        check(advapi32.SaferComputeTokenFromLevel(level, None, byref(token), 0, None))
    finally:
        advapi32.SaferCloseLevel(level)
    line = create_unicode_buffer(f'cmd /s /c "{subprocess.list2cmdline(command)} > "{output}" 2>&1"')
    block = create_unicode_buffer("".join(f"{name}={value}\0" for name, value in environment.items()) + "\0")
    startup, process = _Startup(size=ctypes.sizeof(_Startup)), _Process()
    flags = _UNICODE_ENVIRONMENT | _NO_WINDOW
    try:
        check(
            advapi32.CreateProcessAsUserW(
                token, None, line, None, None, 0, flags, block, None, byref(startup), byref(process)
            )
        )
    finally:
        kernel32.CloseHandle(token)
    code = c_uint32()
    try:
        if kernel32.WaitForSingleObject(c_void_p(process.process), _PATIENCE_MS):
            kernel32.TerminateProcess(c_void_p(process.process), 1)
            raise OSError(f"it does not end within {_PATIENCE_MS} ms")
        check(kernel32.GetExitCodeProcess(c_void_p(process.process), byref(code)))
    finally:
        for handle in (process.thread, process.process):
            kernel32.CloseHandle(c_void_p(handle))
    return code.value
