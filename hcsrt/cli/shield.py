"""Standard streams for what is only told: that they take nothing changes no exit code."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer


def is_reader_gone(error: OSError) -> bool:
    """Return whether a write has failed because nobody reads the pipe any more."""
    # So the C runtime of Windows reports it.
    return isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)


def shield_streams() -> None:
    """Replace sys.stdout and sys.stderr: a reader that goes away is no error of a write, and of stderr nothing is.

    What else keeps stdout from being written is raised, once. A character that the encoding does not know is escaped.
    """
    open_closed_descriptors()
    sys.stdout = _shielded(sys.stdout, is_reader_gone)
    sys.stderr = _shielded(sys.stderr, lambda error: True)


def open_closed_descriptors() -> None:
    """Point stdin, stdout and stderr to the null device if they are closed, before a pipe gets their numbers."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _shielded(stream: Any, forgives: Callable[[OSError], bool]) -> Any:
    binary = getattr(stream, "buffer", None)
    if binary is None:
        return stream  # which is None if the descriptor is closed
    raw = getattr(binary, "raw", binary)
    errors = "backslashreplace" if stream.errors == "strict" else stream.errors
    buffer = io.BufferedWriter(_Shield(raw, forgives))
    return io.TextIOWrapper(buffer, stream.encoding, errors, line_buffering=True)


class _Shield(io.RawIOBase):
    """A stream that stops writing when another one cannot be written."""

    def __init__(self, raw: Any, forgives: Callable[[OSError], bool]) -> None:
        super().__init__()
        self._raw = raw
        self._forgives = forgives
        self._is_broken = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def write(self, data: Buffer, /) -> int:
        try:
            while not self._is_broken:
                if (count := self._raw.write(data)) is not None:
                    return count
                # Another process that shares the terminal or pipe made it non-blocking.
                select.select([], [self._raw], [])
        except OSError as error:
            # What is still buffered must not fail again when Python exits, and decide its exit code.
            self._is_broken = True
            if not self._forgives(error):
                raise
        return memoryview(data).nbytes
