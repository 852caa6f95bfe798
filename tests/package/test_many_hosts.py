"""The programs of docs/how-to/many-hosts.md, word for word, on worker processes of this machine."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import hcsrt

from ..helpers.pages import DOCS, blocks_of
from ..helpers.platforms import posix_shell
from ..helpers.programs import is_alive

PAGE = DOCS / "how-to" / "many-hosts.md"

RUNS = 2_000
FIRST_HELD = 400

STEP_SECONDS = 60.0
"""Seconds that a step may take on a busy machine."""

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def command(held: int, folder: Path) -> list[str]:
    """Return a command that leaves a line for each run; so many runs wait for a file, each with a child of its own."""
    code = f"""
        echo "$2 $$ $PPID" >>"$1/began"
        if [ "$2" -ge {FIRST_HELD} ] && [ "$2" -lt {FIRST_HELD + held} ]; then
            sleep 600 </dev/null >/dev/null 2>&1 &
            echo "$2 $!" >>"$1/held"
            while [ ! -e "$1/go" ]; do sleep 0.05; done
        fi
        echo "hello from $2"
    """
    return ["sh", "-c", code, "sh", str(folder)]


def installed(module: str, advice: str) -> pytest.MarkDecorator:
    found = importlib.util.find_spec(module)
    # A folder of that name, such as the one that Ray leaves in /tmp, is found too, but has no origin.
    missing = found is None or found.origin is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed: pip install {advice}")


def program(library: str, folder: Path) -> Path:
    """Write the program of the page for a library into its file, as a user would."""
    file = folder / f"{library.lower()}_hosts.py"
    (block,) = (block for block in blocks_of(PAGE, "python") if block.file == file.name)
    file.write_text(block.text, "utf-8")
    return file


@contextmanager
def running(psutil: Any, file: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python with its output in files beside one. Whatever happens, nothing that it has started goes on."""
    variables = {"DASK_TEMPORARY_DIRECTORY": str(file.parent), "HOME": str(file.parent), "RAY_USAGE_STATS_ENABLED": "0"}
    with open(file.with_suffix(".out"), "wb") as out, open(file.with_suffix(".err"), "wb") as err:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=file.parent,
            env=os.environ | variables,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()


def listening(psutil: Any, pids: list[int]) -> set[tuple[str, int]]:
    """Return the addresses and ports on which processes listen, of those that are still there."""
    found: set[tuple[str, int]] = set()
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found |= {tuple(one.laddr) for one in psutil.Process(pid).net_connections() if one.status == "LISTEN"}
    return found


def numbers(file: Path) -> list[list[int]]:
    """Return the lines of numbers in a file, but for one that is just being written."""
    text = file.read_text() if file.exists() else ""
    return [list(map(int, line.split())) for line in text.splitlines(keepends=True) if line.endswith("\n")]


@installed("distributed", "'hcsrt[distributed]'")
def test_what_dask_sends_arrives_whole_and_what_it_may_not_send_says_why(system: hcsrt.ComputeSystem) -> None:
    from distributed.protocol import deserialize, serialize

    def sent(thing: object) -> Any:
        return deserialize(*serialize(thing))

    result = hcsrt.RunResult(["a"], 3, b"out", b"err", True, 5, 0.25)
    assert sent(result) == result
    with pytest.raises(FileExistsError) as caught:
        hcsrt.ComputeSystem.create(system.id, hcsrt.emulator.container_document())
    error = sent(caught.value)
    assert type(error) is hcsrt.SystemAlreadyExistsError
    assert (str(error), vars(error), error.errno) == (str(caught.value), vars(caught.value), caught.value.errno)
    for owner, instead in [(system, "send its id, and open() it there"), (system.handle, "send the id")]:
        with pytest.raises(TypeError, match=re.escape(instead)):
            sent(owner)


@posix_shell
@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "systems", "processes", "reason"),
    [
        pytest.param(
            "Dask",
            16,
            4,
            r"Unable to contact Actor's worker|Worker holding Actor was lost",
            marks=installed("distributed", "'hcsrt[distributed]'"),
            id="dask",
        ),
        pytest.param("Ray", 4, 4, r"The actor died", marks=installed("ray", "ray"), id="ray"),
    ],
)
def test_one_worker_is_killed_and_every_run_is_accounted_for(
    tmp_path: Path, settle: Callable[..., bool], library: str, systems: int, processes: int, reason: str
) -> None:
    psutil = pytest.importorskip("psutil")
    file = program(library, tmp_path)
    output, held = file.with_suffix(".out"), tmp_path / "held"
    with running(psutil, file, str(file), "--runs", str(RUNS), "--", *command(systems, tmp_path)) as process:
        settle(lambda: len(numbers(held)) == systems or process.poll() is not None, STEP_SECONDS)
        assert len(numbers(held)) == systems, file.with_suffix(".err").read_text()
        began = {number: (pid, worker) for number, pid, worker in numbers(tmp_path / "began")}
        places = re.findall(r"^many-hosts-\d+ is .*in process (\d+)$", output.read_text(), re.MULTILINE)
        workers = Counter(map(int, places))
        assert sorted(workers.values()) == [systems // processes] * processes
        assert {worker for _, worker in began.values()} == set(workers)

        tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        ports = listening(psutil, tree)
        assert len(ports) >= processes
        assert {ip for ip, _ in ports} <= LOOPBACK

        programs = {number: [began[number][0], child] for number, child in numbers(held)}
        victim = min(workers)
        lost = {number for number in programs if began[number][1] == victim}
        assert len(lost) == systems // processes
        os.kill(victim, signal.SIGKILL)
        # With its worker each program has gone, and what it had started.
        assert settle(lambda: not any(is_alive(pid) for number in lost for pid in programs[number]), STEP_SECONDS)
        assert all(is_alive(pid) for number in programs.keys() - lost for pid in programs[number])
        (tmp_path / "go").touch()
        assert process.wait(STEP_SECONDS) == 1

    lines = output.read_text().splitlines()
    assert lines[-1] == f"{RUNS - len(lost)} done, {len(lost)} lost"
    outcomes = [
        (int(found[1]), found[2], found[3]) for line in lines if (found := re.match(r"(\d+) (\w+): (.*)", line))
    ]
    assert sorted(number for number, _, _ in outcomes) == list(range(RUNS))
    assert {number for number, outcome, _ in outcomes if outcome == "lost"} == lost
    for number, outcome, what in outcomes:
        assert re.match(reason, what) if outcome == "lost" else what == f"exit code 0, b'hello from {number}\\n'"
    # No command was sent twice, those of the killed worker included.
    assert Counter(number for number, _, _ in numbers(tmp_path / "began")) == Counter(range(RUNS))
    assert settle(lambda: not any(map(is_alive, tree)), STEP_SECONDS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('["a list"]', "a document is a JSON object"),
        ("no JSON", "Expecting value: line 1 column 1 (char 0)"),
        (None, "[Errno 2] No such file or directory: 'document.json'"),
    ],
)
@pytest.mark.parametrize(
    "library",
    [
        pytest.param("Dask", marks=installed("distributed", "'hcsrt[distributed]'"), id="dask"),
        pytest.param("Ray", marks=installed("ray", "ray"), id="ray"),
    ],
)
def test_a_file_without_a_document_is_refused_before_anything_starts(
    tmp_path: Path, library: str, text: str | None, reason: str
) -> None:
    if text is not None:
        (tmp_path / "document.json").write_text(text, "utf-8")
    command = [sys.executable, program(library, tmp_path), "--document", "document.json", "--", "true"]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"error: argument --document: document.json: {reason}\n")
    assert "Traceback" not in done.stderr


@posix_shell
@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "systems"),
    [
        pytest.param("Dask", 16, marks=installed("distributed", "'hcsrt[distributed]'"), id="dask"),
        pytest.param("Ray", 4, marks=installed("ray", "ray"), id="ray"),
    ],
)
def test_ctrl_c_in_a_terminal_ends_a_program_with_its_summary(
    tmp_path: Path, settle: Callable[..., bool], library: str, systems: int
) -> None:
    psutil = pytest.importorskip("psutil")
    file = program(library, tmp_path)
    held = tmp_path / "held"
    with running(psutil, file, str(file), "--runs", str(RUNS), "--", *command(systems, tmp_path)) as process:
        settle(lambda: len(numbers(held)) == systems or process.poll() is not None, STEP_SECONDS)
        assert len(numbers(held)) == systems, file.with_suffix(".err").read_text()
        tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(STEP_SECONDS) == 130

    lines = file.with_suffix(".out").read_text().splitlines()
    sent = FIRST_HELD + systems
    assert lines[-2:] == [
        f"{sent} to {RUNS - 1} not sent: no compute system is left",
        f"{FIRST_HELD} done, {systems} lost, {RUNS - sent} not sent",
    ]
    lost = {int(found[1]) for line in lines if (found := re.match(r"(\d+) lost: interrupted", line))}
    assert lost == {number for number, _ in numbers(held)}
    assert "Traceback" not in file.with_suffix(".err").read_text()
    assert settle(lambda: not any(map(is_alive, tree)), STEP_SECONDS)


@posix_shell
@installed("distributed", "'hcsrt[distributed]'")
@pytest.mark.slow
def test_a_silent_host_is_told_and_left_out_and_the_other_one_used(tmp_path: Path, settle: Callable[..., bool]) -> None:
    psutil = pytest.importorskip("psutil")
    where = tmp_path / "scheduler.json"

    def dask(name: str, *options: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        loopback = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(where)]
        return running(psutil, tmp_path / name, "-m", "dask", *options, *loopback)

    def worker(name: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return dask(name, "worker", "--no-nanny", "--nthreads", "1", "--resources", "MEMORY=5e9")

    def is_registered(name: str) -> bool:
        return "Registered to:" in (tmp_path / f"{name}.err").read_text()

    with dask("scheduler", "scheduler", "--port", "0"):
        assert settle(where.exists, STEP_SECONDS)
        with worker("silent") as silent, worker("other") as other:
            assert settle(lambda: is_registered("silent") and is_registered("other"), STEP_SECONDS)
            os.kill(silent.pid, signal.SIGSTOP)
            file = program("Dask", tmp_path)
            scheduler = json.loads(where.read_text())["address"]
            with running(psutil, file, str(file), "--scheduler", scheduler, "--runs", "6", "--", "true") as process:
                assert process.wait(STEP_SECONDS) == 0

    *lines, summary = file.with_suffix(".out").read_text().splitlines()
    places = [line for line in lines if line.startswith("many-hosts-")]
    assert len(places) == 2
    assert all(place.endswith(f"in process {other.pid}") for place in places)
    assert summary == "6 done"
    assert re.fullmatch(r"tcp://\S+ is left out: no answer in 30 s\n", file.with_suffix(".err").read_text())
