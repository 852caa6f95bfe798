"""Time limits for what comes after something else that a program does first, however busy the machine is."""

from collections.abc import Callable, Iterator

LONGEST = 60.0
"""Seconds in which a program gets to its first steps on any machine."""


def limits(first: float, has_come: Callable[[], object]) -> Iterator[float]:
    """Yield a time limit, then longer ones until what has to come before its end has come within one of them."""
    limit = first
    yield limit
    while not has_come():
        assert limit < LONGEST, f"what has to come has not come within {limit:g} s"
        limit *= 4
        yield limit
