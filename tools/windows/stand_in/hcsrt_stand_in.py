"""The Python half of the stand-in computecore.dll: it hands the emulator's table over."""

import ctypes

from hcsrt import emulator


def attach(place: int) -> None:
    """Bring the emulator's service up and store the address of its table at `place`."""
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    backend = get_pointer(emulator.backend_capsule(), b"hcsrt.backend.2")
    # The second field of an hcsrt_backend.
    table = ctypes.c_void_p.from_address(backend + ctypes.sizeof(ctypes.c_size_t)).value
    ctypes.c_void_p.from_address(place).value = table
