"""Resources that processes have used up to now."""

from __future__ import annotations

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


class Meter:
    """The resources that the processes of a system have used, ended ones as last seen: totals never fall."""

    def __init__(self) -> None:
        self._ended = Usage()
        # By pid and time of creation, since pids come back.
        self._seen: dict[tuple[int, float], Usage] = {}
        self.peak_commit = 0

    def total(self, living: dict[tuple[int, float], Usage]) -> Usage:
        """Return the total, given what each living process has used."""
        for process, usage in self._seen.items():
            if process not in living:
                self._ended = self._ended.plus(usage)
        self._seen = living
        total = self._ended
        for usage in living.values():
            total = total.plus(usage)
        return total
