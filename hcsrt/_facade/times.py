"""Timeouts, deadlines, and the durations that nobody gives."""

from __future__ import annotations

from time import monotonic

FIRST_QUERY = 1.0
"""Seconds until HCS is asked for an exit whose event has not come; from then on twice as long each time."""
LAST_QUERY = 30.0
"""The longest time between two such queries, in seconds."""
QUERY_TIMEOUT = 1.0
"""Seconds that such a query may take."""
MOST_REFUSALS = 6
"""Such queries in a row that HCS may refuse before waiting ends, if none was ever answered: some 30 seconds."""
POLL_TIMEOUT = 0.1
"""Seconds that it may take even if no time is left: a caller who only polls has to learn of a lost event, too."""
EVENT_PATIENCE = 1.0
"""Seconds that an exit event may come later than the first sign of the exit."""
CLEANUP_TIMEOUT = 10.0
"""Seconds that ending what nobody will own may take."""
SHORT_CLEANUP = 0.1
"""The same after Ctrl-C, which ends any wait: HCS still gets the calls, and pending() counts them."""
STOP_TIMEOUT = 30.0
"""Seconds that terminating a system may take in stop(), unless it is told otherwise."""
CHECK_TIMEOUT = 10.0
"""Seconds that asking a system what it is may take, before something else is done with it."""
KILL_PATIENCE = 2.0
"""Seconds after which a kill is tried again on handles of its own: HCS may be busy with another call on the first."""
CLOSE_TIMEOUT = 5.0
"""Seconds that writing what is left for stdin may take, and telling HCS of its end."""
DRAIN_QUIET = 1.0
"""Seconds without a byte after which the output of an exited process is taken to be complete."""
DRAIN_LIMIT = 10.0
"""Seconds after the exit when the output is taken to be complete in any case."""


def cleanup_time(error: BaseException) -> float:
    """Return the seconds to wait for the end of something that nobody will own, because of this error."""
    return SHORT_CLEANUP if isinstance(error, KeyboardInterrupt) else CLEANUP_TIMEOUT


class Deadline:
    """The point in time at which a timeout, counted from now, ends."""

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else monotonic() + timeout

    def remaining(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - monotonic())

    def within(self, limit: float) -> float:
        """Return the seconds that remain, but not more than the limit."""
        remaining = self.remaining()
        return max(0.0, limit) if remaining is None else max(0.0, min(limit, remaining))

    def passed(self) -> bool:
        return self.remaining() == 0.0


def query_timeout(deadline: Deadline) -> float:
    """Return the seconds that a query may take if its caller waits until the deadline."""
    return max(deadline.within(QUERY_TIMEOUT), POLL_TIMEOUT)
