"""The streams between this process and its command."""

import contextlib
import errno
import os
import select
import sys
from collections.abc import Callable, Generator
from io import RawIOBase
from queue import SimpleQueue
from typing import IO, cast

from .signals import Event

_CHUNK = 64 * 1024

Sink = Callable[[memoryview], object]


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

    def is_idle(self) -> bool:
        """Return whether the command was silent since the last call; False while our own reader is slow."""
        has_moved, self._has_moved = self._has_moved, False
        return self._is_reading and not has_moved


def feed(target: IO[bytes]) -> None:
    # The command may stop reading, close its end or exit at any time, which its exit code accounts for.
    with contextlib.suppress(OSError, ValueError), target:
        while chunk := _read_from(0):
            view = memoryview(chunk)
            while view:
                view = view[target.write(view) :]


def _read_from(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:  # another process that shares the terminal or pipe made it non-blocking
            select.select([fd], [], [])


def writer_to(fd: int) -> Sink:
    def write(data: memoryview) -> None:
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                select.select([], [fd], [])
            except OSError as error:
                # So the C runtime of Windows reports a pipe whose reader has gone.
                if sys.platform == "win32" and error.errno == errno.EINVAL:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
                raise

    return write


def console_size() -> tuple[int, int]:
    """Return rows and columns of the local terminal."""
    for fd in (0, 1, 2):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            return size.lines, size.columns
    return 24, 80


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
        termios.tcsetattr(0, termios.TCSADRAIN, before)
