"""What the machine is that the suite runs on, and whether it may run there."""

import ctypes
import functools
import os
import platform
import sys
from ctypes import byref, c_uint, c_uint32, c_void_p
from typing import Any

import hcsrt

STAND_IN = os.environ.get("HCSRT_REAL_WINDOWS") == "stand-in"
"""Whether an HCS that is not Windows' own will do, to see that the tests run at all."""


@functools.cache
def why_not() -> str | None:
    """Why the suite cannot settle anything here; None if it can."""
    try:
        backend = hcsrt.backend()
    except hcsrt.HcsError as error:
        return f"no HCS on this host: {error}"
    if not STAND_IN:
        if sys.platform != "win32":
            return f"needs a real Windows with the features Containers and Hyper-V, and this is {platform.system()}"
        if backend != "windows":
            return f"needs computecore.dll, and this process uses the {backend} backend"
        if hasattr(ctypes.WinDLL("ntdll.dll"), "wine_get_version"):
            return "this is Wine, whose computecore.dll is a stand-in: nothing that it does settles anything"
        if computecore_version() is None:
            return "computecore.dll does not say which Windows it is of, so it may be a stand-in"
        if not ctypes.WinDLL("shell32.dll").IsUserAnAdmin():
            return "needs an elevated prompt: run it as administrator"
    try:
        hcsrt.systems(timeout=60)
    except hcsrt.HcsError as error:
        return f"HCS does not answer on this host: {error}"
    return None


def description() -> dict[str, Any]:
    """The host and what hcsrt talks to on it."""
    return {
        "system": platform.system(),
        "version": platform.version(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "hcsrt": hcsrt.__version__,
        "stand-in": STAND_IN,
        "computecore.dll": computecore_version(),
    }


def computecore_version() -> str | None:
    """The file version of System32's computecore.dll; None if it has none."""
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
