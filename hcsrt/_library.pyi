from collections.abc import Callable
from typing import Literal

def backend() -> Literal["windows", "emulator"]:
    """Return which HCS this process uses; the first call decides.

    Returns:
        "windows" for computecore.dll, or "emulator".

    Raises:
        NotSupportedError: The HCS that was asked for does not exist here.
        ValueError: The environment variable HCSRT_BACKEND names no backend.
    """

def register_backend(name: str, maker: Callable[[], object]) -> None:
    """Let a backend be chosen by its name alone.

    Args:
        name: The name.
        maker: Called without arguments where the name is chosen, and not before. It returns a capsule with the
            hcsrt_backend.

    Raises:
        TypeError: The maker cannot be called.
    """

def choose(name: str, capsule: object = None) -> None:
    """Choose the backend of this process.

    Args:
        name: "windows", "emulator", or the name of any other backend.
        capsule: What holds the hcsrt_backend of any other. A backend that was compiled for an older level of the same
            ABI has a shorter table, and lacks the functions that are not in it.

    Raises:
        RuntimeError: The process uses another backend already.
        ValueError: There is no backend of that name, and none in a capsule; or it lacks what every call needs.
    """

def impersonates() -> bool:
    """Return whether the calling thread impersonates: it then acts as another user, which other threads would not."""

def get_include() -> str:
    """Return the folder of hcsrt.h, for the include path of C, C++ and Cython code that uses the handle core.

    Returns:
        An absolute path.
    """
