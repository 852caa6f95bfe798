"""Turns of the tests of several processes: many at once, or one alone."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Bytes of the lock file, which stays empty: locks may lie beyond the end of a file.
_GATE = 0
_FIRST = 1
_PLACES = 1 << 16

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, start: int, count: int) -> None:
        while True:
            os.lseek(file, start, os.SEEK_SET)
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, count)
            except OSError:
                time.sleep(0.01)
            else:
                return

    def _unlock(file: int, start: int, count: int) -> None:
        os.lseek(file, start, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, count)

else:
    import fcntl

    def _lock(file: int, start: int, count: int) -> None:
        # Locks of the process, not of the open file: a forked child of a test does not hold them.
        fcntl.lockf(file, fcntl.LOCK_EX, count, start)

    def _unlock(file: int, start: int, count: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, count, start)


class Turns:
    """The turns of a process, which it has beside others or alone.

    Each process locks a byte of its own for a test, and all of them for one that runs alone. The system unlocks what a
    process has locked when it ends, however it ends. The gate is locked by those who wait: nobody new comes in while
    somebody waits to be alone, so that wait ends with the tests that run.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._place = _FIRST + os.getpid() % _PLACES

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        start, count = (_FIRST, _PLACES) if alone else (self._place, 1)
        _lock(self._file, _GATE, 1)
        try:
            _lock(self._file, start, count)
        finally:
            _unlock(self._file, _GATE, 1)
        try:
            yield
        finally:
            _unlock(self._file, start, count)

    def close(self) -> None:
        os.close(self._file)
