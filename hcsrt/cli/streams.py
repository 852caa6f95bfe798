"""The streams between this process and its command."""

import contextlib
import errno
import os
import select
import sys
from collections.abc import Callable, Generator
from io import RawIOBase
from queue import SimpleQueue
from typing import IO, Literal, cast

from .._facade.owner import debug
from .._facade.times import Deadline
from .shield import is_reader_gone
from .signals import Event
from .waiting import get_from, in_background

_CHUNK = 64 * 1024
_ROWS, _COLUMNS = 24, 80

Sink = Callable[[memoryview], object]
Flow = Literal["moving", "idle", "stuck"]


class Pump:
    """A thread's work: what comes from one stream of the command is passed on."""

    def __init__(self, source: IO[bytes], sink: Sink, events: SimpleQueue[Event]) -> None:
        self._source = cast(RawIOBase, source)
        self._sink = sink
        self._events = events
        self._is_reading = True
        self._has_moved = False

    def run(self) -> None:
        buffer = memoryview(bytearray(_CHUNK))
        try:
            # Closing the source tells the command that nobody reads any more, as the end of a pipeline would.
            with self._source:
                while count := self._source.readinto(buffer):
                    self._is_reading = False
                    self._sink(buffer[:count])
                    self._has_moved = self._is_reading = True
        except BrokenPipeError:
            pass
        except Exception as error:
            self._events.put(error)
            return
        self._is_reading = True
        self._events.put("drained")

    def look(self) -> Flow:
        """Return what has happened since the last call; the pump is stuck if our own reader has taken nothing."""
        has_moved, self._has_moved = self._has_moved, False
        if has_moved:
            return "moving"
        return "idle" if self._is_reading else "stuck"


def feed(target: IO[bytes]) -> None:
    """Pass our stdin on to the command."""
    try:
        with target:
            while chunk := _read_from(0):
                view = memoryview(chunk)
                while view:
                    view = view[target.write(view) :]
    except Exception as error:
        # The command may stop reading, close its end or exit at any time, which its exit code accounts for; and where
        # we cannot read, it has come to the end of its input.
        debug("hcsrt.cli", "no more is passed on from stdin: %s", error)


def read_in_time(path: str | None, deadline: Deadline) -> bytes:
    """Read a file, or stdin if there is no path: either may be a pipe that nobody closes in time."""
    outcome: SimpleQueue[bytes | Exception] = SimpleQueue()

    def read() -> None:
        try:
            if path is None:
                outcome.put(b"".join(iter(lambda: _read_from(0), b"")))
            else:
                with open(path, "rb", buffering=0) as file:
                    outcome.put(file.readall())
        except Exception as error:
            outcome.put(error)

    in_background(read)
    data = get_from(outcome, deadline)
    if data is None:
        raise TimeoutError
    if isinstance(data, Exception):
        raise data
    return data


class NoUtf8Error(ValueError):
    """A file is no UTF-8.

    Attributes:
        before: The text before the first byte that is none.
    """

    def __init__(self, reason: str, before: str) -> None:
        super().__init__(reason)
        self.before = before


def text_of(data: bytes) -> str:
    """Return the text of a file in UTF-8, with or without a mark of it at the beginning."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        raise NoUtf8Error("the file is UTF-16, as Windows PowerShell writes it: save it as UTF-8", "")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data.removeprefix(b"\xef\xbb\xbf")[: error.start].decode()
        raise NoUtf8Error("there is a byte that UTF-8 does not have: save the file as UTF-8", before) from None


def _read_from(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:  # another process that shares the terminal or pipe made it non-blocking
            select.select([fd], [], [])


def writer_to(fd: int) -> Sink:
    is_terminal = os.isatty(fd)

    def write(data: memoryview) -> None:
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                select.select([], [fd], [])
            except OSError as error:
                # A terminal that has hung up is a reader that has gone.
                if is_reader_gone(error) or (is_terminal and error.errno == errno.EIO):
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
                raise

    return write


def lossy_writer_to(fd: int) -> Sink:
    """Return a writer that loses what cannot be written, as a command's own messages on a full disk are lost."""
    write = writer_to(fd)

    def write_or_lose(data: memoryview) -> None:
        try:
            write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            debug("hcsrt.cli", "%d bytes for descriptor %d are lost: %s", len(data), fd, error)

    return write_or_lose


def console_size() -> tuple[int, int]:
    """Return rows and columns of the local terminal, which may say that it has none of them."""
    for fd in (0, 1, 2):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            return size.lines or _ROWS, size.columns or _COLUMNS
    return _ROWS, _COLUMNS


@contextlib.contextmanager
def raw_terminal() -> Generator[None, None, None]:
    """Pass each key to the command: its own terminal echoes, edits lines and turns Ctrl-C into a signal."""
    if sys.platform == "win32" or not os.isatty(0):
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may have gone
            termios.tcsetattr(0, termios.TCSADRAIN, before)
