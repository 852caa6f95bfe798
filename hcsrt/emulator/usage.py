"""Resources that processes have used up to now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Usage(NamedTuple):
    """The resources that a process has used up to now; times in 100 ns."""

    user: int = 0
    kernel: int = 0
    reads: int = 0
    bytes_read: int = 0
    writes: int = 0
    bytes_written: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return the sum."""
        return Usage(*(mine + its for mine, its in zip(self, other, strict=True)))

    def most(self, other: Usage) -> Usage:
        """Return the greater of each two figures."""
        return Usage(*(max(mine, its) for mine, its in zip(self, other, strict=True)))


class Seen(NamedTuple):
    """What a living process has used with all that it waited for, when somebody last looked."""

    usage: Usage
    # Whether its end adds this to the figures of another: those of a parent that waits for it, or its own accounting.
    passed_on: bool


class Meter:
    """The resources that the processes of a system have used. Totals never fall, and count nothing twice."""

    def __init__(self) -> None:
        self._ended = Usage()
        # By pid and time of creation, since pids come back.
        self._seen: dict[tuple[int, float], Seen] = {}
        self._told = Usage()
        # The most bytes that one process has held, or all of them together when somebody looked.
        self.peak: int = 0

    def keep(self, usage: Usage, peak: int) -> None:
        """Count a process that nobody can ask about any more."""
        self._ended = self._ended.plus(usage)
        self.peak = max(self.peak, peak)

    def lose(self, pid: int) -> None:
        """Count a process that has ended as it was last seen: the system has told its figures to somebody else."""
        for process, seen in self._seen.items():
            if process[0] == pid:
                self._seen[process] = Seen(seen.usage, passed_on=False)

    def total(self, accounts: Iterable[tuple[Usage, int]], living: dict[tuple[int, float], Seen]) -> Usage:
        """Return the total.

        Args:
            accounts: What the system has counted for each process that is not kept yet, and its peak. Read before the
                living were looked at, or one that ends meanwhile counts twice.
            living: What lives and has no account yet.
        """
        for process, seen in self._seen.items():
            if process not in living and not seen.passed_on:
                self._ended = self._ended.plus(seen.usage)
        self._seen = living
        total = self._ended
        for usage, peak in accounts:
            total = total.plus(usage)
            self.peak = max(self.peak, peak)
        for seen in living.values():
            total = total.plus(seen.usage)
        # A process that has ended is counted nowhere until its parent has waited for it.
        self._told = self._told.most(total)
        return self._told
