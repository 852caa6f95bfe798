"""examples/manager.py, run as a user runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hcsrt

from ..helpers.platforms import posix_signals
from ..helpers.programs import guest

MANAGER = Path(__file__).parents[2] / "examples" / "manager.py"
ENVIRONMENT = os.environ | {"COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}

pytest.importorskip("rich")


def manager(*options: str) -> subprocess.Popen[str]:
    # Whoever runs in the background of a shell has Ctrl-C ignored, and so have its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", str(MANAGER), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=ENVIRONMENT,
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


def test_a_child_that_keeps_the_pipe_does_not_keep_a_container_from_its_next_life(tmp_path: Path) -> None:
    code = "spawn('sleep(60)'); open(f'{argv[0]}/{os.getpid()}', 'w').close(); exit(len(os.listdir(argv[0])) == 1)"
    with manager("--count", "1", "--name", "m", "--", *guest(code, str(tmp_path))) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert re.search(r"m-0 +. done +. 1", output)


def test_output_that_is_no_text_ends_no_manager() -> None:
    code = r"write(b'before \xff\xfe after\n' + b'x' * 200_000 + b'\n'); out('still here')"
    with manager("--count", "2", "--name", "m", "--", *guest(code)) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    for id in ("m-0", "m-1"):
        assert f"{id} | before \ufffd\ufffd after" in output
        assert f"{id} | (a part of a line that is too long)" in output
        assert f"{id} | still here" in output
        assert re.search(rf"{id} +. done +. 0", output)


def test_a_container_that_does_not_stop_in_time_harms_no_other() -> None:
    code = (
        "import runpy, sys\n"
        "from hcsrt import aio\n"
        "stop = aio.ComputeSystem.stop\n"
        "failed = []\n"
        "async def late(self, grace):\n"
        "    rung = await stop(self, grace)\n"
        "    if self.id == 'm-0' and not failed:\n"
        "        failed.append(self.id)\n"
        "        raise TimeoutError('m-0 still runs')\n"
        "    return rung\n"
        "aio.ComputeSystem.stop = late\n"
        "del sys.argv[0]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(MANAGER), "--count", "2", "--name", "m", "--"]
    command += guest("out('x')")
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "m-0 | failed: m-0 still runs" in done.stdout
    assert re.search(r"m-0 +. done +. 1", done.stdout)
    assert re.search(r"m-1 +. done +. 0", done.stdout)


@posix_signals
def test_ctrl_c_stops_all_gracefully(tmp_path: Path) -> None:
    last_words = "open(f'{argv[0]}/{os.getpid()}', 'w').close(); out('bye'); exit(0)"
    code = f"def end(): {last_words}\non('SIGTERM', end); out('working'); sleep(60)"
    with manager("--count", "3", "--name", "m", "--", *guest(code, str(tmp_path))) as process:
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
        assert f"{id} | bye" in output
    assert len(list(tmp_path.iterdir())) == 3


@posix_signals
def test_ctrl_c_ends_a_container_that_waits_for_its_next_life() -> None:
    with manager("--count", "1", "--name", "m", "--", *guest("out('working'); exit(7)")) as process:
        assert process.stdout
        while "working" not in process.stdout.readline():
            pass
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert re.search(r"m-0 +. failed \(7\) +. ", output)


def test_each_container_has_a_document_of_its_own(tmp_path: Path) -> None:
    document = hcsrt.emulator.container_document()
    document["Container"]["Storage"]["Path"] = "/scratch of {id}"
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    code = (
        "import runpy, sys\n"
        "from hcsrt import aio\n"
        "create = aio.ComputeSystem.create\n"
        "def told(id, document):\n"
        "    print(id, 'has the', document['Container']['Storage']['Path'], flush=True)\n"
        "    return create(id, document)\n"
        "aio.ComputeSystem.create = told\n"
        "del sys.argv[0]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(MANAGER), "--count", "2", "--name", "m"]
    command += ["--document", str(path), "--", *guest("out('ok')")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")
    for id in ("m-0", "m-1"):
        assert f"{id} has the /scratch of {id}" in done.stdout
        assert f"{id} | ok" in done.stdout
