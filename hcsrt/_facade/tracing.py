"""What the logger hcsrt.calls tells of each call; imported with the first one that it tells of.

It tells of ids and pids, and of nothing else that a caller or HCS has given: documents may have secrets in them.
"""

from __future__ import annotations

import gc
import logging
from time import perf_counter
from weakref import ref

from .._handles import Handle, OwnedOperation, OwnedProcess, OwnedStdio, OwnedSystem
from .._streams import ProcessStart
from ..errors import HcsError, OperationTimeoutError
from .owner import ExitOwner, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any, TypeVar

    ResultT = TypeVar("ResultT")

_LOGGER = logging.getLogger("hcsrt.calls")
_names: dict[ref[Handle], str] = {}
_CLOSES: dict[type, str] = {
    OwnedSystem: "HcsCloseComputeSystem",
    OwnedProcess: "HcsCloseProcess",
    OwnedOperation: "HcsCloseOperation",
    OwnedStdio: "CloseHandle",
    ProcessStart: "HcsCloseProcess",
    tuple: "close_all",
}


def trace(function: str, arguments: tuple[object, ...], call: Callable[[], ResultT]) -> ResultT:
    """Make a call, and tell of it once it has returned, or nobody waits for it any more."""
    function, subject = function or _close_of(arguments), _subject(function, arguments)
    started = perf_counter()
    try:
        result = call()
    except BaseException as error:
        _tell(function, subject, _failure(error), started)
        raise
    _tell(function, subject, _success(result, subject), started)
    return result


def trace_future(
    function: str, arguments: tuple[object, ...], start: Callable[[], asyncio.Future[ResultT]]
) -> asyncio.Future[ResultT]:
    """Start a call, and tell of it once its future is done."""
    function, subject = function or _close_of(arguments), _subject(function, arguments)
    started = perf_counter()

    def done(future: asyncio.Future[ResultT]) -> None:
        if future.cancelled():
            outcome = "cancelled, goes on in the background if HCS has got it"
        elif (error := future.exception()) is not None:
            outcome = _failure(error)
        else:
            outcome = _success(future.result(), subject)
        _tell(function, subject, outcome, started)

    try:
        future = start()
    except BaseException as error:
        _tell(function, subject, _failure(error), started)
        raise
    future.add_done_callback(done)
    return future


def tell_background(function: str, *arguments: object) -> None:
    """Tell of a call that nobody waits for."""
    _tell(
        function or _close_of(arguments),
        _subject(function, arguments),
        "goes on in the background",
        perf_counter(),
    )


def _tell(function: str, subject: str, outcome: str, started: float) -> None:
    tell(_LOGGER, "%s(%s): %s, %.3f ms", function, subject, outcome, (perf_counter() - started) * 1000)


def _name_handle(handle: Handle, name: str) -> None:
    _names.setdefault(ref(handle, _names.pop), name)


def _name_of(handle: Handle) -> str:
    """Return the name of a handle. One of a time when nobody wanted to be told has none yet: its owner knows it."""
    if ref(handle) not in _names:
        # All at once, since a search takes as long as there are objects.
        for one in gc.get_objects():
            # Not isinstance(), which may run code of the program's.
            if issubclass(type(one), ExitOwner) and one._is_given:
                _name_handle(one.handle, one._name)
    return _names.get(ref(handle)) or type(handle).__name__


def _close_of(arguments: tuple[object, ...]) -> str:
    """Return the function that closes something, or that closes many things."""
    return _CLOSES[type(arguments[0])]


def _subject(function: str, arguments: tuple[Any, ...]) -> str:
    """Return what a call is about: an id or a pid."""
    first = arguments[0] if arguments else None
    if isinstance(first, ProcessStart):
        first = first.process
    if isinstance(first, Handle):
        return f"process {arguments[1]} of {_name_of(first)}" if function == "HcsOpenProcess" else _name_of(first)
    if isinstance(first, tuple):
        return f"{len(first)} handles"  # pyright: ignore[reportUnknownArgumentType]
    is_of_system = function.startswith(("HcsCreateComputeSystem", "HcsOpenComputeSystem"))
    return f"system {first!r}" if is_of_system else ""


def _success(result: object, subject: str) -> str:
    if isinstance(result, ProcessStart):
        if result.error is not None:
            return f"{_failure(result.error)}, with a handle"
        _name_handle(result.process, f"process {result.pid}")
        return f"process {result.pid}"
    if isinstance(result, OwnedSystem | OwnedProcess):
        _name_handle(result, subject)
    return "ok"


def _failure(error: BaseException) -> str:
    if isinstance(error, HcsError):
        code = f"0x{error.hresult & 0xFFFFFFFF:08X}"
        outcome = f"{error.symbol} ({code})" if error.symbol else code
        return f"{outcome}, goes on in the background" if isinstance(error, OperationTimeoutError) else outcome
    name = type(error).__name__
    return name if isinstance(error, Exception) else f"{name}, goes on in the background"
