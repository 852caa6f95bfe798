from typing import Literal

def backend() -> Literal["windows", "emulator"]:
    """Return which HCS this process uses, "windows" (computecore.dll) or "emulator"; the first call decides.

    Raises NotSupportedError where the HCS that was asked for does not exist, ValueError for a wrong HCSRT_BACKEND.
    """

def choose(name: str, capsule: object = None) -> None:
    """Settle on a backend: "windows", "emulator", or any other whose hcsrt_backend is in a capsule.

    A backend that was compiled for an older level of the same ABI has a shorter table; what it lacks is missing.
    RuntimeError if the process uses another one already.
    """

def impersonates() -> bool:
    """Whether the calling thread acts as somebody else than its process does, which other threads would not."""

def get_include() -> str:
    """Return the folder of hcsrt.h, for the include path of C, C++ and Cython code that uses the handle core."""
