"""All probes, and the points that they are there for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from .probe import Probe, probes_of

# In the order in which they run: the last one may end the service.
MODULES = tuple(
    f"{__package__}.probes.{name}"
    for name in ("operations", "events", "systems", "processes", "streams", "strings", "doctor", "service")
)


@dataclass(frozen=True)
class Point:
    """What is not known of HCS.

    Attributes:
        room: What it is about.
        unknown: The question, beginning with "whether" or another word of a question.
        answer: What hcsrt does, as long as nobody knows.
        probes: The functions that find it out on a host.
        never: Why there is none.
    """

    room: str
    unknown: str
    answer: str
    probes: tuple[str, ...]
    never: str | None


def points() -> list[Point]:
    """Return all points, in their order."""
    rows = json.loads(Path(__file__).with_name("points.json").read_text("utf-8"))
    return [Point(row["room"], row["unknown"], row["answer"], tuple(row["probes"]), row.get("never")) for row in rows]


def probes(modules: Iterable[str] = MODULES) -> list[Probe]:
    """Return all probes of the modules, in their order."""
    return [probe for name in modules for probe in probes_of(import_module(name))]
