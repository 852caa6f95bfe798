"""What a machine has to do beside the benchmarks: nothing, other work on each processor, or all of it on one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from .measure import one_processor

# Only as long as whoever has started it lives: nobody else would end it if that was killed.
SPIN = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {int(sys.argv[1])})
print(flush=True)
while os.getppid() == int(sys.argv[2]):
    for _ in range(1_000_000):
        pass
"""


def usable_processors() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else list(range(os.cpu_count() or 1))


@contextmanager
def spinning() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep each processor that this process may use busy with a process that spins, at the same priority."""
    with ExitStack() as stack:
        spinners = []
        for number in usable_processors():
            command = [sys.executable, "-c", SPIN, str(number), str(os.getpid())]
            spinner = subprocess.Popen(command, stdout=subprocess.PIPE)
            stack.enter_context(spinner)
            stack.callback(spinner.kill)
            spinners.append(spinner)
        for spinner in spinners:
            assert spinner.stdout
            spinner.stdout.readline()
        yield spinners


@contextmanager
def conditions(busy: bool, pinned: bool) -> Iterator[None]:
    """Have the processes that are started in this block measure beside other work, or on one processor, or both."""
    with ExitStack() as stack:
        if busy:
            stack.enter_context(spinning())
        if pinned:
            stack.enter_context(one_processor())
        yield


def named(machine: Mapping[str, Any]) -> str:
    """Return what the conditions of a run were, or "" for an idle machine and all its processors."""
    # Results of before there were other conditions do not name any.
    return " and ".join(name for name in ("busy", "pinned") if machine.get(name))
