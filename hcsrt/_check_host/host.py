"""What the machine is that is checked, and whether anything can be found out on it."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import sysconfig
from ctypes import byref, c_uint, c_uint32, c_void_p
from typing import Any

import hcsrt

from .settings import Backend


def why_not(wanted: Backend) -> str | None:
    """Return why nothing can be found out here, None if it can."""
    try:
        backend = hcsrt.backend()
    except hcsrt.HcsError as error:
        return f"no HCS on this host: {error}"
    except ValueError as error:  # of HCSRT_BACKEND
        return str(error)
    if wanted == "windows":
        if sys.platform != "win32":
            return f"needs a real Windows with the feature Containers or Hyper-V, and this is {platform.system()}"
        if backend != "windows":
            return f"needs computecore.dll, and this process uses the {backend} backend"
        if is_wine():
            return "this is Wine, whose computecore.dll is a stand-in: nothing that it does tells of HCS"
        if computecore_version() is None:
            return "computecore.dll does not say which Windows it is of, so it may be a stand-in"
        if not ctypes.WinDLL("shell32.dll").IsUserAnAdmin():
            return "needs an elevated prompt: run it as administrator"
    try:
        hcsrt.systems(timeout=60)
    except hcsrt.HcsError as error:
        return f"HCS does not answer on this host: {error}"
    return None


def is_wine() -> bool:
    return sys.platform == "win32" and hasattr(ctypes.WinDLL("ntdll.dll"), "wine_get_version")


def description() -> dict[str, Any]:
    """Return the versions of the host and of what hcsrt talks to on it."""
    try:
        backend: str | None = hcsrt.backend()
    except (OSError, ValueError):
        backend = None
    return {
        "system": platform.system(),
        "release": platform.release(),
        "version": platform.version(),
        "edition": platform.win32_edition() if sys.platform == "win32" else None,
        "wine": is_wine(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "free-threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "hcsrt": hcsrt.__version__,
        "backend": backend,
        "computecore.dll": computecore_version(),
    }


def computecore_version() -> str | None:
    """Return the file version of System32's computecore.dll, None if it has none."""
    if sys.platform != "win32":
        return None
    version = ctypes.WinDLL("version.dll")
    path = os.path.join(os.environ["SYSTEMROOT"], "System32", "computecore.dll")
    size = version.GetFileVersionInfoSizeW(path, None)
    block = ctypes.create_string_buffer(size or 1)
    fixed, length = c_void_p(), c_uint()
    if not size or not version.GetFileVersionInfoW(path, 0, size, block):
        return None
    if not version.VerQueryValueW(block, "\\", byref(fixed), byref(length)) or not fixed.value:
        return None
    # VS_FIXEDFILEINFO: signature, structure version, then the two halves of the file version.
    _, _, high, low = (c_uint32 * 4).from_address(fixed.value)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
