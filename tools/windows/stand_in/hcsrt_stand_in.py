"""What the stand-in computecore.dll asks of the Python that it finds in its process: the emulator's table."""

import ctypes

from hcsrt import emulator


def attach(place: int) -> None:
    """Bring the emulator's service up and store the address of its table at `place`."""
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    table = get_pointer(emulator.api_capsule(), b"hcsrt.HcsApi")
    ctypes.c_void_p.from_address(place).value = table
