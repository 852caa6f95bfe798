"""The examination whether HCS can be used from here, and what to do if it cannot: ``hcsrt doctor``.

Where the emulator takes the place of HCS it is the emulator that is examined. Nothing is changed, no compute system is
touched, and no Windows service is started but vmcompute, by the one question that HCS is asked.
"""

from __future__ import annotations

from .. import _built as _built
from .._arguments import seconds
from ..errors import HcsError
from .conclusions import conclude
from .finding import Finding, Status
from .readings import choose_windows, read

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


def why_not_windows(*, timeout: float | None = ANSWER_TIMEOUT) -> str | None:
    """Examine whether the HCS of Windows can be used by this process, and never choose the emulator.

    Args:
        timeout: Seconds that HCS has for its answer; None waits for ever.

    Returns:
        What is against it, and what to do about that; None if nothing is.

    HCS: HcsGetServiceProperties
    """
    readings = read(seconds(timeout), choose_windows)
    if readings.system != "Windows":
        return f"there is no HCS here: it is a service of Windows, and this is {readings.system}"
    if isinstance(readings.backend, RuntimeError) and not isinstance(readings.backend, HcsError):
        return str(readings.backend)
    errors = [finding for finding in conclude(readings) if finding.status == "error"]
    return None if not errors else " ".join(filter(None, (errors[0].found, errors[0].remedy)))


def usable(findings: list[Finding]) -> bool:
    """Return whether HCS can be used, as far as could be found out."""
    return all(finding.status != "error" for finding in findings)
