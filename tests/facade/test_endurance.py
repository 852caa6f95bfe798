"""What a manager that runs for weeks counts on: nothing grows."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ..helpers.programs import TRUE

SCRIPT = """
    import gc, json, os, sys, warnings
    import psutil
    import hcsrt
    from hcsrt import emulator

    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install(seed=20261123)
    me = psutil.Process()
    document = emulator.container_document(owner="endurance")
    count, command = int(sys.argv[1]), sys.argv[2:]

    def one(number):
        with hcsrt.ComputeSystem.create(f"system-{number}", document) as system:
            system.start()
            assert system.run(command).returncode == 0
            system.stop()

    def figures():
        gc.collect()
        descriptors = me.num_handles() if sys.platform == "win32" else me.num_fds()
        return {"rss": me.memory_info().rss, "descriptors": descriptors, "live": emulator.live()}

    for number in range(20):
        one(number)
    seen = [figures()]
    for number in range(20, count):
        one(number)
        if number == count // 2:
            seen.append(figures())
    seen.append(figures())
    print(json.dumps({"seen": seen, "misuses": emulator.misuses(), "pending": hcsrt.pending()}))
"""


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_systems_come_and_go_without_a_trace(count):
    import json

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(count), *TRUE],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    start, middle, end = facts["seen"]
    print(f"{count} systems: RSS {start['rss']} -> {middle['rss']} -> {end['rss']} bytes")
    assert not any(end["live"].values())
    assert facts["misuses"] == []
    assert facts["pending"] == 0
    assert end["descriptors"] == start["descriptors"]
    if count >= 10_000:
        assert end["rss"] - middle["rss"] < 1 << 20
