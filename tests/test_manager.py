"""examples/manager.py, run as a user runs it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .platforms import posix_signals
from .programs import guest

MANAGER = Path(__file__).parents[1] / "examples" / "manager.py"

pytest.importorskip("rich")


def manager(*options: str) -> subprocess.Popen[str]:
    # Whoever runs in the background of a shell has Ctrl-C ignored, and so have its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", str(MANAGER), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"COLUMNS": "120", "PYTHONIOENCODING": "utf-8"},
        )
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_manager_is_small() -> None:
    assert len(MANAGER.read_text().splitlines()) < 150


def test_what_fails_is_started_again_until_it_succeeds(tmp_path: Path) -> None:
    """The containers fail until three lives have been lived, of which each leaves a file."""
    code = (
        "lives = len(os.listdir(argv[0]))\n"
        "open(f'{argv[0]}/{os.getpid()}', 'w').close()\n"
        "out('life', lives); err('trouble')\n"
        "exit(0 if lives >= 3 else 5)"
    )
    with manager("--count", "2", "--name", "m", "--", *guest(code, str(tmp_path))) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    for id in ("m-0", "m-1"):
        assert re.search(rf"{id} \| life \d", output)
        assert f"{id} | trouble" in output
    restarts = dict(re.findall(r"(m-\d) +. done +. (\d)", output))
    assert restarts.keys() == {"m-0", "m-1"}
    assert sum(map(int, restarts.values())) >= 2


@posix_signals
def test_ctrl_c_stops_all_gracefully() -> None:
    with manager("--count", "3", "--name", "m", "--", *guest("out('working'); sleep(60)")) as process:
        assert process.stdout
        begun = ""
        while begun.count("working") < 3:
            begun += process.stdout.readline()
        before = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert time.monotonic() - before < 5
    for id in ("m-0", "m-1", "m-2"):
        assert re.search(rf"{id} +. stopped by shutdown +. 0", output)
