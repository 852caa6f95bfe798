"""The table of HCS functions as a C caller has it: nothing stands between a test and the referee, or the real HCS.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import ctypes
import re
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, byref, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from importlib import import_module
from pathlib import Path
from typing import Any

import hcsrt

GENERIC_ALL = 0x10000000
FOREVER = 0xFFFFFFFF

# HRESULTs are unsigned here, as they are written. All other types are pointers and handles.
_TYPES = {
    "void": None,
    "int": c_int,
    "hcsrt_result": c_uint32,
    "int32_t": c_int32,
    "uint32_t": c_uint32,
    "uint64_t": c_uint64,
}
_FUNCTION = re.compile(r"^    ([\w ]+?\*?) ?\((?:HCSRT_CALL )?\*(\w+)\)\(([^)]*)\);", re.MULTILINE)


class Event(ctypes.Structure):
    _fields_ = (("type", c_uint32), ("data", c_void_p), ("operation", c_void_p))


class ProcessInformation(ctypes.Structure):
    _fields_ = (
        ("process_id", c_uint32),
        ("reserved", c_uint32),
        ("std_input", c_void_p),
        ("std_output", c_void_p),
        ("std_error", c_void_p),
    )


class CreateOptions(ctypes.Structure):
    _fields_ = (
        ("version", c_uint32),
        ("user_token", c_void_p),
        ("security_descriptor", c_void_p),
        ("callback_options", c_uint32),
        ("callback_context", c_void_p),
        ("callback", CFUNCTYPE(None, POINTER(Event), c_void_p)),
    )


_Completion = CFUNCTYPE(None, c_void_p, c_void_p)
_EventCallback = CFUNCTYPE(None, POINTER(Event), c_void_p)
# Never freed: a callback still runs for a moment after the last thing that it tells a test.
_callbacks: list[object] = []


def completion(function: Callable[[int, int | None], None]) -> Any:
    """Return an operation's completion callback: it gets the operation and the context."""
    callback = _Completion(function)
    _callbacks.append(callback)
    return callback


def event_callback(function: Callable[[int, int | None], None]) -> Any:
    """Return an event callback that passes on the type of the event and its operation."""
    return whole_event_callback(lambda event, context: function(event.type, event.operation))


def whole_event_callback(function: Callable[[Event, int | None], None]) -> Any:
    """Return an event callback that passes on the context and the event, which is valid until the function returns."""

    def call(event: Any, context: int | None) -> None:
        function(event.contents, context)

    callback = _EventCallback(call)
    _callbacks.append(callback)
    return callback


def wide(text: str) -> Any:
    """Return a string as HCS takes it."""
    return ctypes.create_string_buffer(text.encode("utf-16-le") + b"\0\0")


def read(address: int) -> str:
    """Read a string as HCS gives it."""
    units: list[bytes] = []
    while unit := ctypes.c_uint16.from_address(address + 2 * len(units)).value:
        units.append(unit.to_bytes(2, "little"))
    return b"".join(units).decode("utf-16-le")


class Table:
    """The emulator's table: each function is an attribute, with the types that the header gives it.

    `level` is what the header says of their number.
    """

    def __init__(self) -> None:
        header = (Path(hcsrt.get_include()).parent / "include" / "hcsapi.h").read_text()
        self.prototypes = {name: (result, types) for name, result, types in _prototypes(header)}
        (self.level,) = map(int, re.findall(r"^#define HCSRT_LEVEL (\d+)$", header, re.MULTILINE))
        table = self._address()
        self.pointers = (c_void_p * len(self.prototypes)).from_address(table + ctypes.sizeof(c_size_t))
        # An entry that the pattern misses would shift all that follow.
        assert c_size_t.from_address(table).value == ctypes.sizeof(c_size_t) + ctypes.sizeof(self.pointers)
        self._functions = {
            name: CFUNCTYPE(result, *types)(pointer)
            for (name, (result, types)), pointer in zip(self.prototypes.items(), self.pointers, strict=True)
            if pointer
        }

    def _address(self) -> int:
        from hcsrt.emulator import _native

        # The second field of an hcsrt_backend.
        return c_void_p.from_address(_pointer_in(_native.backend()) + ctypes.sizeof(c_size_t)).value or 0

    def __getattr__(self, name: str) -> Any:
        try:
            return self._functions[name]
        except KeyError:
            raise AttributeError(f"this HCS has no {name}") from None

    def document_of(self, function: str, *arguments: Any) -> tuple[int, str | None]:
        """Call a function whose last parameter gives a document; the document is freed."""
        document = c_void_p()
        result = getattr(self, function)(*arguments, byref(document))
        if document.value is None:
            return result, None
        text = read(document.value)
        self.free_string(document)
        return result, text

    def handle_of(self, function: str, *arguments: Any) -> tuple[int, int | None]:
        """Call a function whose last parameter gives a handle."""
        handle = c_void_p()
        result = getattr(self, function)(*arguments, byref(handle))
        return result, handle.value

    def open_system(self, id: str) -> int:
        result, handle = self.handle_of("HcsOpenComputeSystem", wide(id), GENERIC_ALL)
        assert result == 0
        assert handle is not None
        return handle

    def wait(self, operation: int, milliseconds: int = 10_000) -> int:
        return self.document_of("HcsWaitForOperationResult", operation, milliseconds)[0]


class TableInUse(Table):
    """The table that hcsrt itself calls in this process: the emulator's, or the one made of computecore.dll."""

    def _address(self) -> int:
        hcsrt.backend()
        # By the pointer that Cython exports to modules that cimport it.
        return CFUNCTYPE(c_void_p)(_pointer_in(vars(import_module("hcsrt._library"))["__pyx_capi__"]["hcs_chosen"]))()


def _pointer_in(capsule: object) -> int:
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
    get_pointer = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    return get_pointer(capsule, get_name(capsule))


def _prototypes(header: str) -> list[tuple[str, Any, list[Any]]]:
    return [
        (name, _TYPES.get(result, c_void_p), [_type_of(parameter) for parameter in parameters.split(",")])
        for result, name, parameters in _FUNCTION.findall(header)
    ]


def _type_of(parameter: str) -> Any:
    return c_void_p if "*" in parameter else _TYPES.get(parameter.split()[0], c_void_p)
