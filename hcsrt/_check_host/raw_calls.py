"""Tracked calls on the raw functions of HCS, one operation each, and all that HCS tells of them.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import json
import time
from ctypes import byref, c_void_p
from dataclasses import dataclass, field
from typing import Any

from .._hresults import HCS_E_OPERATION_PENDING, HCS_E_OPERATION_TIMEOUT
from ..errors import explain
from .raw_hcs import ProcessInformation, Table, wide

PENDING = HCS_E_OPERATION_PENDING
TIMED_OUT = HCS_E_OPERATION_TIMEOUT

OPERATION = object()
"""Stands for the operation among the arguments of a call."""
HANDLE = object()
"""Stands for the address of the handle that a call gives."""

PATIENCE_MS = 60_000


def failed(code: int) -> bool:
    return bool(code & 0x80000000)


def spell(code: int) -> str:
    """Return a code as a person reads it."""
    symbol = explain(code).symbol if code else "S_OK"
    return f"{symbol} (0x{code:08X})" if symbol else f"0x{code:08X}"


def parsed(document: str | None) -> Any:
    """Return a document of HCS, parsed if it is JSON."""
    try:
        return None if document is None else json.loads(document, strict=False)
    except ValueError:
        return document


@dataclass
class Call:
    """A call that was kicked off, and its result once finish() was called."""

    table: Table
    operation: int
    kicked_off: int
    kick_off_seconds: float
    handle: int | None
    result: int = PENDING
    document: Any = None
    seconds: float = 0.0
    info: ProcessInformation = field(default_factory=ProcessInformation)

    def wait(self, milliseconds: int = PATIENCE_MS, *, with_info: bool = False) -> int:
        """Wait for the result; of a call that was not kicked off, only the document is asked for."""
        begin = time.monotonic()
        ending = "AndProcessInfo" if with_info else ""
        info = [byref(self.info)] if with_info else []
        if failed(self.kicked_off):
            _, document = self.table.document_of(f"HcsGetOperationResult{ending}", self.operation, *info)
            self.result = self.kicked_off
        else:
            self.result, document = self.table.document_of(
                f"HcsWaitForOperationResult{ending}", self.operation, milliseconds, *info
            )
        self.document = parsed(document)
        self.seconds = time.monotonic() - begin
        return self.result

    def __repr__(self) -> str:
        # An error tells of it: its document may be about the systems of others.
        return f"<Call: kick-off {spell(self.kicked_off)}, result {spell(self.result)}>"

    def finish(self, milliseconds: int = PATIENCE_MS, *, with_info: bool = False) -> "Call":
        """Wait for the result and close the operation."""
        self.wait(milliseconds, with_info=with_info)
        self.table.HcsCloseOperation(self.operation)
        return self

    def told(self) -> dict[str, Any]:
        """Return what HCS said, for a fact."""
        return {"kick-off": spell(self.kicked_off), "result": spell(self.result), "document": self.document}


def begin(table: Table, function: str, *arguments: Any) -> Call:
    """Kick off a call. Strings become those of HCS, OPERATION and HANDLE what they stand for."""
    operation = table.HcsCreateOperation(None, None)
    assert operation, "HcsCreateOperation gave NULL"
    handle = c_void_p()
    stands_for = {id(OPERATION): operation, id(HANDLE): byref(handle)}
    given = [wide(value) if isinstance(value, str) else stands_for.get(id(value), value) for value in arguments]
    start = time.monotonic()
    code = getattr(table, function)(*given)
    return Call(table, operation, code, time.monotonic() - start, handle.value)


def call(table: Table, function: str, *arguments: Any) -> Call:
    """Make a call and wait for its result."""
    return begin(table, function, *arguments).finish()


def create_process(table: Table, system: int, **parameters: Any) -> Call:
    """Create a process; its handle, and those of its streams in `info`, belong to the caller."""
    document = json.dumps(parameters)
    return begin(table, "HcsCreateProcess", system, document, OPERATION, None, HANDLE).finish(with_info=True)


def streams(info: ProcessInformation) -> dict[str, int | None]:
    return {"stdin": info.std_input, "stdout": info.std_output, "stderr": info.std_error}


def is_handle(value: int | None) -> bool:
    return value is not None and value != c_void_p(-1).value


def close_process(table: Table, created: Call) -> None:
    """Close all that create_process() gave."""
    for handle in streams(created.info).values():
        if is_handle(handle):
            table.close_handle(handle)
    if created.handle is not None:
        table.HcsCloseProcess(created.handle)
