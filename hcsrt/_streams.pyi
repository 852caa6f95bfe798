import io
from collections.abc import Callable
from typing import final

from typing_extensions import Buffer

from ._handles import OwnedProcess, OwnedStdio
from .errors import HcsError

@final
class ProcessStart:
    def __init__(
        self,
        process: OwnedProcess,
        pid: int,
        stdin: OwnedStdio | None = None,
        stdout: OwnedStdio | None = None,
        stderr: OwnedStdio | None = None,
    ) -> None: ...
    @property
    def process(self) -> OwnedProcess: ...
    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> OwnedStdio | None: ...
    @property
    def stdout(self) -> OwnedStdio | None: ...
    @property
    def stderr(self) -> OwnedStdio | None: ...
    @property
    def error(self) -> HcsError | None: ...
    def close(self) -> None: ...

class _Stdio(io.RawIOBase):
    def __init__(self, handle: OwnedStdio) -> None: ...
    @property
    def handle(self) -> OwnedStdio:
        """The OwnedStdio behind the stream."""

class StdioReader(_Stdio):
    """A process's standard output or error."""

    def __init__(self, handle: OwnedStdio) -> None: ...
    def readinto(self, buffer: Buffer) -> int:
        """Read at most len(buffer) bytes into `buffer` and return their number."""

class StdioWriter(_Stdio):
    """A process's standard input."""

    def __init__(self, handle: OwnedStdio, before_close: Callable[[], object] | None = None) -> None: ...
    def write(self, data: Buffer) -> int:
        """Write bytes and return how many were taken."""

def claim_for_loop(handle: OwnedStdio) -> int:
    """Make the handle an event loop's for good, and return its descriptor or HANDLE."""

def transfer_now(handle: OwnedStdio, buffer: Buffer, writing: bool) -> int | None:
    """Read into or write from the buffer what can be moved at once; None if that is nothing."""
