import io
from collections.abc import Callable
from typing import final

from typing_extensions import Buffer

from ._handles import OwnedProcess, OwnedStdio
from .errors import HcsError

@final
class ProcessStart:
    """What HCS tells of a process that was created, or asked about: our ends of its streams, None if not connected."""

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
    def close(self) -> None:
        """Close all handles."""

class _Stdio(io.RawIOBase):
    def __init__(self, handle: OwnedStdio) -> None: ...
    @property
    def handle(self) -> OwnedStdio:
        """The OwnedStdio behind the stream."""

    def close(self) -> None:
        """Close the stream and its handle; a read or write that blocks in another thread ends with an error."""

class StdioReader(_Stdio):
    """A process's standard output or error.

    Reads block without the GIL; close() and Ctrl-C end them within 0.1 seconds.
    """

    def readable(self) -> bool: ...
    def readinto(self, buffer: Buffer) -> int:
        """Read at most len(buffer) bytes into `buffer` and return their number, 0 at the end of the stream."""

class StdioWriter(_Stdio):
    """A process's standard input.

    `before_close` is called once, before close() closes the handle: the place to tell HCS that no more will come.
    """

    def __init__(self, handle: OwnedStdio, before_close: Callable[[], object] | None = None) -> None: ...
    def writable(self) -> bool: ...
    def write(self, data: Buffer) -> int:
        """Write bytes and return how many were taken; BrokenPipeError if nobody reads any more."""

    def close(self) -> None:
        """Tell HCS that no more will come, then close the stream and its handle."""

def claim_for_loop(handle: OwnedStdio) -> int:
    """Make the handle an event loop's for good, and return the number that loops know it by.

    That is a descriptor on POSIX and a HANDLE on Windows; it is good until the handle is closed. Raises
    HandleBusyError if it belongs to a stream or a loop already.
    """

def transfer_now(handle: OwnedStdio, buffer: Buffer, writing: bool) -> int | None:
    """Read into or write from the buffer what can be moved at once.

    Returns the number of bytes, 0 at the end of the stream, or None if it is not ready. Not for Windows, where the loop
    itself reads and writes. Raises OSError, HandleClosedError.
    """
