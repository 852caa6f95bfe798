"""The examination whether HCS can be used from here, and what to do if it cannot: ``hcsrt doctor``.

Where the emulator takes the place of HCS it is the emulator that is examined. Nothing is changed, no compute system is
touched, and no Windows service is started but vmcompute, by the one question that HCS is asked.
"""

from __future__ import annotations

from .. import _built as _built
from .._arguments import seconds
from .conclusions import conclude
from .finding import Finding, Status
from .readings import read

__all__ = ["Finding", "Status", "examine", "usable"]

ANSWER_TIMEOUT = 5.0
"""Seconds that HCS has for its answer, unless examine() is told otherwise."""


def examine(*, timeout: float | None = ANSWER_TIMEOUT) -> list[Finding]:
    """Examine whether HCS can be used by this process.

    As any first call does, it decides which HCS this process uses. What HCS refuses is a finding, not an exception.

    Args:
        timeout: Seconds that HCS has for its answer; None waits for ever.

    Returns:
        The findings, in the order in which people read them.

    HCS: HcsGetServiceProperties
    """
    return conclude(read(seconds(timeout)))


def usable(findings: list[Finding]) -> bool:
    """Return whether HCS can be used, as far as could be found out."""
    return all(finding.status != "error" for finding in findings)
