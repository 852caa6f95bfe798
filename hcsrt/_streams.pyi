import io
from collections.abc import Callable

from typing_extensions import Buffer

from ._handles import OwnedStdio

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
