"""What people compute with, from what HCS answers: seconds, bytes and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from .._arguments import check_text, integer

__all__ = ["Usage", "bytes_of_pages", "parse_time", "seconds", "usage"]

_TICKS_PER_SECOND = 10_000_000
_BYTES_PER_PAGE = 4096
_MOST_BITS = 64

# As HCS writes a time: to the tick of 100 ns, or shorter.
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


class Usage(NamedTuple):
    """What a compute system has used, in seconds and bytes, as usage() returns it. What HCS did not report is None.

    Attributes:
        uptime: Seconds since the start of the system.
        processor_time: Seconds that the processors have worked for it, of all of them together.
        user_time: Of these, the seconds spent in user mode.
        kernel_time: Of these, the seconds spent in the kernel.
        memory: Bytes that it has committed now.
        peak_memory: The most bytes that it had committed at once.
        private_memory: Bytes of its private working set: those in physical memory that it shares with nobody.
        read_bytes: Bytes that it has read from its storage.
        written_bytes: Bytes that it has written to its storage.
    """

    uptime: float | None = None
    processor_time: float | None = None
    user_time: float | None = None
    kernel_time: float | None = None
    memory: int | None = None
    peak_memory: int | None = None
    private_memory: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


def seconds(ticks: int) -> float:
    """Return the seconds of a time of HCS, which counts in ticks of 100 ns.

    Args:
        ticks: The value of a member such as Uptime100ns, or a difference of two.

    Raises:
        TypeError: ticks is no int.
        ValueError: ticks has more than 64 bits.
    """
    number = integer(ticks, "ticks", "an int, in units of 100 ns")
    if number.bit_length() > _MOST_BITS:
        raise ValueError(f"ticks must be an int of at most {_MOST_BITS} bits, as HCS counts")
    return number / _TICKS_PER_SECOND


def bytes_of_pages(pages: int) -> int:
    """Return the bytes of a size that HCS tells in pages of 4 KiB, as in the answer of ComputeSystem.memory().

    Args:
        pages: The value of a member such as AssignedMemory, or a difference of two.

    Raises:
        TypeError: pages is no int.
    """
    return integer(pages, "pages") * _BYTES_PER_PAGE


def usage(statistics: Mapping[str, Any]) -> Usage:
    """Return what a Statistics document tells, in seconds and bytes.

    Args:
        statistics: What ComputeSystem.statistics() returns.

    Raises:
        TypeError: statistics is no mapping.
        ValueError: statistics is the whole properties document, which has a member Statistics.
    """
    if not isinstance(statistics, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"statistics must be a mapping, as ComputeSystem.statistics() returns it, not {type(statistics).__name__}"
        )
    if "Statistics" in statistics:
        raise ValueError("statistics is the whole properties document: give the value of its 'Statistics'")
    processor, memory, storage = (_block(statistics, name) for name in ("Processor", "Memory", "Storage"))
    return Usage(
        uptime=_seconds(statistics, "Uptime100ns"),
        processor_time=_seconds(processor, "TotalRuntime100ns"),
        user_time=_seconds(processor, "RuntimeUser100ns"),
        kernel_time=_seconds(processor, "RuntimeKernel100ns"),
        memory=_number(memory, "MemoryUsageCommitBytes"),
        peak_memory=_number(memory, "MemoryUsageCommitPeakBytes"),
        private_memory=_number(memory, "MemoryUsagePrivateWorkingSetBytes"),
        read_bytes=_number(storage, "ReadSizeBytes"),
        written_bytes=_number(storage, "WriteSizeBytes"),
    )


def parse_time(text: str) -> datetime:
    """Return the time that a text of HCS tells, such as that of Timestamp, with its time zone.

    HCS tells times to 100 ns, and a datetime holds microseconds: what is finer is cut off. A text without a time zone
    is taken as UTC.

    Args:
        text: A time such as "2026-04-21T12:34:56.1234567Z".

    Raises:
        TypeError: text is no str.
        ValueError: text is no such time.
    """
    check_text(text, "text")
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        moment, fraction, zone = match.groups()
        return datetime.fromisoformat(f"{moment}.{(fraction or '')[:6]:0<6}{zone or 'Z'}".upper())
    except ValueError:
        raise ValueError(
            f"text must be a time as HCS writes it, such as '2026-04-21T12:34:56.1234567Z', not {text!r}"
        ) from None


def _block(statistics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    block: object = statistics.get(name)
    return cast("Mapping[str, Any]", block) if isinstance(block, Mapping) else {}


def _number(block: Mapping[str, Any], name: str) -> int | None:
    value = block.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > _MOST_BITS:
        return None
    return value


def _seconds(block: Mapping[str, Any], name: str) -> float | None:
    ticks = _number(block, name)
    return None if ticks is None else seconds(ticks)
