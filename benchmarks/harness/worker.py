"""A process that measures one kind of work: its series go to stdout as JSON, what is left out to stderr."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from typing import NamedTuple

from .measure import EFFORTS


class Kind(NamedTuple):
    function: str
    """module.function of this package."""
    repeated: bool
    """Whether several processes measure it: so it is if bars are about it, and it starts no processes itself."""
    not_quick: str = ""
    """What it is about, if a quick run leaves it out."""


KINDS = {
    "handles": Kind("handles.measure", True),
    "threads": Kind("threads.measure", True),
    "stdout": Kind("streams.measure", True),
    "emulator": Kind("emulated.measure", True),
    "programs": Kind("emulated.measure_programs", False),
    "alive": Kind("alive.measure", True),
    "alive-footprint": Kind("alive.measure_footprint", False, "threads and memory beside 10,000 systems"),
    "faults": Kind("faults.measure", True),
    "worlds": Kind("worlds.measure", True),
    "fixture": Kind("worlds.measure_fixture", False),
    "documents": Kind("documents.measure", True),
    "async": Kind("asynchronous.measure", True),
    "processor-time": Kind("asynchronous.measure_processor_time", True),
    "latency": Kind("asynchronous.measure_latencies", False, "operations that take 1 ms and 50 ms, and 64 in flight"),
    "async-footprint": Kind("asynchronous.measure_footprint", False),
    "import": Kind("footprint.measure_imports", False),
    "memory": Kind("footprint.measure_memory", False),
    "instructions": Kind("handles.count_instructions", False, "instructions, counted by callgrind"),
}


def main(kind: str, effort: str, condition: str = "") -> None:
    module, function = KINDS[kind].function.split(".")
    measure = getattr(importlib.import_module(f"benchmarks.works.{module}"), function)
    how = EFFORTS[effort]
    if "busy" in condition:
        # Every turn is disturbed, and is meant to be.
        how = replace(how, tries=1)
    json.dump([series.to_json() for series in measure(how)], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
