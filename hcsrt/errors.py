"""The exceptions of hcsrt, and the meaning of every HRESULT in plain English."""

from __future__ import annotations

import sys
from _collections_abc import Mapping
from errno import EACCES, ECONNRESET, EEXIST, ENOENT, ESRCH, ETIMEDOUT

from . import _hresults as hresults
from ._late import typing

TYPE_CHECKING = False  # the name that type checkers know; importing typing would cost more than this module
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "AccessDeniedError",
    "AlreadyStoppedError",
    "Explanation",
    "HandleBusyError",
    "HandleClosedError",
    "HcsError",
    "InvalidDocumentError",
    "InvalidStateError",
    "NoIsolationError",
    "NoIsolationWarning",
    "NotSupportedError",
    "OperationTimeoutError",
    "PathExistsError",
    "PathNotFoundError",
    "ProcessNotFoundError",
    "ServiceDisconnectedError",
    "StateError",
    "SystemAlreadyExistsError",
    "SystemNotFoundError",
    "error_from",
    "explain",
]

_tables: Callable[[int, str, bool], tuple[str | None, str, str | None]] | None = None

# Whether errors are those of the emulator, which knows nothing of the event log or the services of Windows.
_emulated = sys.platform != "win32"


class HcsError(OSError):
    """A call of HCS failed.

    Args:
        hresult: The HRESULT, signed or unsigned.
        operation: The HCS function, or the place in an argument that was refused before any call.
        document: The ResultError that came with it, as JSON text or parsed. Text that is no JSON object is kept as its
            ErrorMessage.

    Attributes:
        hresult: The HRESULT as a signed number, as C has it.
        symbol: Its name, `HCS_E_INVALID_STATE` for one; None if hcsrt knows none.
        operation: The HCS function, or the place in an argument.
        document: The ResultError, parsed; None if none came.
        hint: What to do about it; None if there is nothing to advise.
    """

    hresult: int  # signed, as C has it
    symbol: str | None
    operation: str
    document: dict[str, typing.Any] | None
    hint: str | None

    _errno: int | None = None

    def __init__(self, hresult: int, operation: str, document: str | Mapping[str, typing.Any] | None = None) -> None:
        code = _unsigned(hresult)
        symbol, meaning, hint = _look_up(code, operation, _emulated)
        super().__init__(self._errno, meaning)
        self.hresult = _signed(code)
        self.symbol = symbol
        self.operation = operation
        self.document = _parsed(document)
        self.hint = hint
        # OSError pickles and copies by its args: these make the same error again.
        self.args: tuple[Any, ...] = (self.hresult, operation, self.document)

    def __str__(self) -> str:
        code = _unsigned(self.hresult)
        sentences = map(_sentence, [self.strerror or "", *_additions(code, self.document)])
        text = " ".join(dict.fromkeys(sentences))
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.operation}: {_spelt(code)}: {text}{hint}"


class SystemNotFoundError(HcsError, LookupError):
    """No compute system has this id."""


class SystemAlreadyExistsError(HcsError, FileExistsError):
    """A compute system has this id already."""

    _errno = EEXIST


class AccessDeniedError(HcsError, PermissionError):
    """The account may not do this."""

    _errno = EACCES


class OperationTimeoutError(HcsError, TimeoutError):
    """The time ran out; the call is still running inside HCS."""

    _errno = ETIMEDOUT


class ServiceDisconnectedError(HcsError, ConnectionError):
    """The Host Compute Service went away, is disabled or is not there."""

    _errno = ECONNRESET


class InvalidDocumentError(HcsError, ValueError):
    """A JSON document is malformed or not what HCS wants; the message names the place."""


class ProcessNotFoundError(HcsError, ProcessLookupError):
    """The compute system has no process of this id, or the process has gone."""

    _errno = ESRCH


class StateError(HcsError):
    """A compute system or process is in a state that does not allow the request.

    A stopped one may raise either subclass.
    """


class InvalidStateError(StateError):
    """The compute system is in a state that does not allow the request."""


class AlreadyStoppedError(StateError):
    """The compute system or process has stopped already."""


class PathExistsError(HcsError, FileExistsError):
    """A file that is to be created is there already."""

    _errno = EEXIST


class PathNotFoundError(HcsError, FileNotFoundError):
    """A file, program or folder is not there."""

    _errno = ENOENT


class NotSupportedError(HcsError, NotImplementedError):
    """The HCS of this process cannot do it."""

    @classmethod
    def missing(cls, function: str, since: str) -> NotSupportedError:
        """Return the error of an export that the DLL lacks.

        Args:
            function: The HCS function.
            since: The Windows version that has it.
        """
        error = cls(hresults.ERROR_PROC_NOT_FOUND, function)
        error.hint = f"{function} needs {since}."
        return error


class HandleClosedError(ValueError):
    """The handle is closed, or was given away."""


class HandleBusyError(BufferError):
    """The handle cannot be given away: calls are inside, or an event callback was registered on it."""


class NoIsolationError(RuntimeError):
    """Isolation is required, and the emulator has none: it runs commands as plain processes of this machine."""


class NoIsolationWarning(RuntimeWarning):
    """The emulator runs commands as plain processes of this machine, without any isolation."""


_CLASSES: dict[int, type[HcsError]] = {
    hresults.HCS_E_SYSTEM_NOT_FOUND: SystemNotFoundError,
    hresults.HCS_E_SYSTEM_ALREADY_EXISTS: SystemAlreadyExistsError,
    hresults.HCS_E_ACCESS_DENIED: AccessDeniedError,
    hresults.E_ACCESSDENIED: AccessDeniedError,
    hresults.HCS_E_OPERATION_TIMEOUT: OperationTimeoutError,
    hresults.WAIT_TIMEOUT: OperationTimeoutError,
    hresults.HCS_E_SERVICE_DISCONNECT: ServiceDisconnectedError,
    hresults.ERROR_SERVICE_DISABLED: ServiceDisconnectedError,
    hresults.ERROR_SERVICE_DOES_NOT_EXIST: ServiceDisconnectedError,
    hresults.RPC_S_SERVER_UNAVAILABLE: ServiceDisconnectedError,
    hresults.RPC_S_CALL_FAILED: ServiceDisconnectedError,
    hresults.RPC_S_CALL_FAILED_DNE: ServiceDisconnectedError,
    hresults.EPT_S_NOT_REGISTERED: ServiceDisconnectedError,
    hresults.HCN_E_MANAGER_STOPPED: ServiceDisconnectedError,
    hresults.HCS_E_INVALID_JSON: InvalidDocumentError,
    hresults.HCN_E_INVALID_NETWORK: InvalidDocumentError,
    hresults.HCN_E_INVALID_ENDPOINT: InvalidDocumentError,
    hresults.HCN_E_INVALID_POLICY: InvalidDocumentError,
    hresults.HCN_E_INVALID_JSON: InvalidDocumentError,
    hresults.HCN_E_INVALID_JSON_REFERENCE: InvalidDocumentError,
    hresults.HCN_E_INVALID_SUBNET: InvalidDocumentError,
    hresults.HCN_E_INVALID_IP_SUBNET: InvalidDocumentError,
    hresults.HCS_E_INVALID_STATE: InvalidStateError,
    hresults.HCS_E_SYSTEM_ALREADY_STOPPED: AlreadyStoppedError,
    hresults.HCS_E_PROCESS_ALREADY_STOPPED: AlreadyStoppedError,
    hresults.ERROR_FILE_EXISTS: PathExistsError,
    hresults.ERROR_FILE_NOT_FOUND: PathNotFoundError,
    hresults.ERROR_PATH_NOT_FOUND: PathNotFoundError,
    hresults.ERROR_DIRECTORY: PathNotFoundError,
    hresults.E_NOTIMPL: NotSupportedError,
    hresults.ERROR_NOT_SUPPORTED: NotSupportedError,
    hresults.ERROR_MOD_NOT_FOUND: NotSupportedError,
    hresults.ERROR_PROC_NOT_FOUND: NotSupportedError,
    hresults.HCN_E_REQUEST_UNSUPPORTED: NotSupportedError,
    hresults.HCN_E_MAPPING_NOT_SUPPORTED: NotSupportedError,
    hresults.GCN_E_REQUEST_UNSUPPORTED: NotSupportedError,
}


# Of these functions, "not found" is said of the process.
_OF_PROCESSES = frozenset(
    {
        "HcsOpenProcess",
        "HcsGetProcessInfo",
        "HcsGetProcessProperties",
        "HcsModifyProcess",
        "HcsSignalProcess",
        "HcsTerminateProcess",
    }
)


def expect_emulator() -> None:
    """Leave out hints about Windows from the errors to come."""
    global _emulated
    _emulated = True


def error_from(hresult: int, operation: str, document: str | Mapping[str, typing.Any] | None = None) -> HcsError:
    """Return the exception for an HRESULT, of the class that fits it.

    Args:
        hresult: The HRESULT, signed or unsigned.
        operation: The HCS function, or the place in an argument that was refused before any call.
        document: The ResultError that came with it, as JSON text or parsed.
    """
    code = _unsigned(hresult)
    if code == hresults.ERROR_NOT_FOUND and operation in _OF_PROCESSES:
        return ProcessNotFoundError(hresult, operation, document)
    return _class_of(code)(hresult, operation, document)


class Explanation:
    """The meaning of an HRESULT.

    Attributes:
        symbol: Its name; None if hcsrt knows none.
        hresult: The HRESULT as a signed number.
        meaning: What it means, in a sentence without a full stop.
        hint: What to do about it; None if there is nothing to advise.
        exception: The name of the exception that it becomes.
    """

    __slots__ = ("exception", "hint", "hresult", "meaning", "symbol")

    def __init__(self, symbol: str | None, hresult: int, meaning: str, hint: str | None, exception: str) -> None:
        self.symbol: str | None = symbol
        self.hresult: int = hresult
        self.meaning: str = meaning
        self.hint: str | None = hint
        self.exception: str = exception

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"Explanation({fields})"


def explain(code_or_name: int | str) -> Explanation:
    """Explain an HRESULT.

    Args:
        code_or_name: A number, signed or unsigned, or text: decimal, hexadecimal or a symbol. Eight hexadecimal digits
            need no prefix. A number from 1 to 65535 is a Win32 error.

    Raises:
        ValueError: No HRESULT has this name (the message offers close ones), or the number has more than 32 bits.
    """
    number = _number(code_or_name) if isinstance(code_or_name, str) else code_or_name
    code = _unsigned(hresults.from_win32(number) if 0 < number <= 0xFFFF else number)
    symbol, meaning, hint = _look_up(code)
    return Explanation(symbol, _signed(code), meaning, hint, _class_of(code).__name__)


def _number(text: str) -> int:
    """Return the code that a text stands for: a number or a symbol, in any case."""
    word = text.strip().upper()
    if len(word) == 8 and not set(word) - set("0123456789ABCDEF"):
        return int(word, 16)
    # int() would take the underscores of Python's numerals, and digits of other scripts.
    if word.isascii() and "_" not in word:
        try:
            return int(word, 0)
        except ValueError:
            pass
    names = {name: code for name, code in vars(hresults).items() if isinstance(code, int)}
    if word in names:
        return names[word]
    from difflib import get_close_matches

    close = get_close_matches(word, names)
    advice = f"; did you mean {' or '.join(close)}?" if close else ""
    raise ValueError(f"no HRESULT is called {text!r}{advice}")


def _class_of(code: int) -> type[HcsError]:
    return _CLASSES.get(_canonical(code), HcsError)


def _unsigned(hresult: int) -> int:
    if not -0x80000000 <= hresult <= 0xFFFFFFFF:
        raise ValueError(f"{hresult} is no HRESULT: it does not fit into 32 bits")
    return hresult & 0xFFFFFFFF


def _signed(code: int) -> int:
    return code - 0x100000000 if code & 0x80000000 else code


def _canonical(code: int) -> int:
    """Return the key of the classes: 0x8037xxxx and 0xC037xxxx are two spellings of one meaning."""
    return code & ~0x40000000 if code & 0xFFFF0000 == 0xC0370000 else code


def _look_up(code: int, operation: str = "", emulated: bool = False) -> tuple[str | None, str, str | None]:
    """Return symbol, meaning and hint of an unsigned HRESULT. The first error imports the table, not `import hcsrt`."""
    global _tables
    if _tables is None:
        from ._codes import look_up

        _tables = look_up
    return _tables(code, operation, emulated)


def _spelt(code: int) -> str:
    symbol, _, _ = _look_up(code)
    return f"{symbol} (0x{code:08X})" if symbol else f"0x{code:08X}"


def _parsed(document: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if document is None:
        return None
    if not isinstance(document, str):
        return dict(document)
    from ._json import loads

    try:
        parsed = loads(document)
    except (ValueError, RecursionError):
        parsed = document
    return None if parsed is None else next(iter(_objects([parsed])), {"ErrorMessage": document})


def _additions(code: int, document: dict[str, Any] | None) -> list[str]:
    """Return what the document says beyond the HRESULT: its events, else its message, and a code of its own.

    Documents of HCS are not always what the schema says, especially the Data of an event; what has another shape is
    passed over.
    """
    if not document:
        return []
    texts: list[str] = []
    for event in _objects(document.get("ErrorEvents")):
        message = _one_line(event.get("Message"))
        # The place in a document is among these texts, and not always in the message too.
        data = [item for item in _objects(event.get("Data")) if item.get("Type") in (None, "String", "AnsiString")]
        missing = ", ".join(text for item in data if (text := _one_line(item.get("Value"))) not in message)
        texts.append(f"{message} ({missing})" if message and missing else message or missing)
    if not any(texts):
        texts = [_one_line(document.get("ErrorMessage"))]
    own = document.get("Error")
    if isinstance(own, int) and own and _canonical(own & 0xFFFFFFFF) != _canonical(code):
        texts.append(f"The document gives {_spelt(own & 0xFFFFFFFF)}")
    return [text for text in texts if text]


def _objects(value: list[Any] | None) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _one_line(value: object) -> str:
    """Return text for one line of any terminal or log: without line breaks, control characters, lone surrogates."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(character if character.isprintable() else " " for character in value).split())


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
