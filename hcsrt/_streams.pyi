import io
from collections.abc import Callable
from typing import final

from typing_extensions import Buffer

from ._handles import OwnedProcess, OwnedStdio
from .errors import HcsError

@final
class ProcessStart:
    """The answer of HCS about a process that was created or asked about.

    Attributes:
        process: The handle of the process.
        pid: The process id in the guest.
        stdin: The writing end of its standard input; None if it is not connected.
        stdout: The reading end of its standard output; None if it is not connected.
        stderr: The reading end of its standard error; None if it is not connected.
        error: The error that came although there is a handle; None if there was none.
    """

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
        """Close the handles of the process and of its streams."""

class _Stdio(io.RawIOBase):
    def __init__(self, handle: OwnedStdio) -> None: ...
    @property
    def handle(self) -> OwnedStdio:
        """The OwnedStdio behind the stream."""

    def fileno(self) -> int:
        """Return the descriptor of the stream, for another program, as its stdin or stdout, or for select().

        It is the stream's own, open for as long as the stream is: do not close it. Bytes that a buffer of this process
        has taken already are not seen by others. Close the stream once the other program has it.

        Raises:
            io.UnsupportedOperation: No other program can use it: on Windows, or because it is no pipe.
            HandleClosedError: The handle is closed.
        """

    def close(self) -> None:
        """Close the stream and its handle; a read or write that blocks in another thread ends with an error."""

class StdioReader(_Stdio):
    """A process's standard output or error.

    Reads block without the GIL; close() and Ctrl-C interrupt them within 0.1 seconds.

    Args:
        handle: The handle of the stream, which belongs to this object from now on.

    Raises:
        HandleBusyError: The handle belongs to another stream or a loop already.
        HandleClosedError: The handle is closed.
    """

    def readable(self) -> bool: ...
    def readinto(self, buffer: Buffer) -> int:
        """Read into a buffer, waiting until there is at least one byte.

        Args:
            buffer: Where to put the bytes.

        Returns:
            The number of bytes, at most len(buffer); 0 at the end of the stream.

        Raises:
            HandleClosedError: The handle is closed, possibly by another thread meanwhile.
            OSError: The pipe cannot be read.
        """

class StdioWriter(_Stdio):
    """A process's standard input.

    Writes block without the GIL; close() and Ctrl-C interrupt them within 0.1 seconds.

    Args:
        handle: The handle of the stream, which belongs to this object from now on.
        before_close: What to call once before close() closes the handle: the place to tell HCS that no more will come.
    """

    has_written: bool
    def __init__(self, handle: OwnedStdio, before_close: Callable[[], object] | None = None) -> None: ...
    def writable(self) -> bool: ...
    def write(self, data: Buffer) -> int:
        """Write bytes, waiting until at least one is written.

        Args:
            data: The bytes.

        Returns:
            How many were written.

        Raises:
            BrokenPipeError: Nobody reads any more.
            HandleClosedError: The handle is closed, possibly by another thread meanwhile.
            OSError: The pipe cannot be written.
        """

    def close(self) -> None:
        """Call `before_close`, then close the stream and its handle."""

def claim_for_loop(handle: OwnedStdio) -> int:
    """Give the handle to an event loop for good.

    Args:
        handle: The handle of a standard stream.

    Returns:
        The number that loops know the handle by until it is closed: a descriptor on POSIX, a HANDLE on Windows.

    Raises:
        HandleBusyError: The handle belongs to a stream or a loop already.
        HandleClosedError: The handle is closed.
    """

def transfer_now(handle: OwnedStdio, buffer: Buffer, writing: bool) -> int | None:
    """Read into, or write from, a buffer as much as can be moved at once.

    It is not for Windows, where the loop itself reads and writes.

    Args:
        handle: The handle of a standard stream.
        buffer: The bytes to write, or where to put those that are read.
        writing: True to write, False to read.

    Returns:
        The number of bytes, 0 at the end of the stream; None if it is not ready.

    Raises:
        HandleClosedError: The handle is closed.
        OSError: The pipe cannot be read or written.
    """
