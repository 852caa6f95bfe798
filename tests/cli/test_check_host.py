"""The check of a host: what it writes, what it leaves out, and what becomes of what it makes, whatever happens."""

import enum
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import hcsrt
from hcsrt import ComputeSystem, emulator
from hcsrt._check_host import catalogue, checking, command, worker
from hcsrt._check_host.bench import Bench, Shared
from hcsrt._check_host.catalogue import points, probes
from hcsrt._check_host.raw_calls import Call
from hcsrt._check_host.raw_hcs import Table
from hcsrt._check_host.reducing import Reducer, Whole
from hcsrt._check_host.report import Report
from hcsrt._check_host.settings import NAMESPACE, Settings

from ..helpers.limits import limits
from ..helpers.platforms import WINDOWS, posix_signals
from ..helpers.programs import is_alive

# Modules of probes that a test makes, and the command with them.
COMMAND = (
    "import sys; from hcsrt._check_host.command import main; "
    "sys.exit(main(sys.argv[2:], modules=sys.argv[1].split(',')))"
)

PLANTED = """
import os, sys, threading, time
from hcsrt._check_host.probe import probe

HOME = os.path.expanduser("~")

@probe()
def sees(at):
    at.seen("the answer", 42)

@probe(both_kinds=True, cases={"one": 1, "two": 2})
def sees_systems(at, value):
    at.seen("running", [at.start().properties()["State"], value])

@probe()
def skips(at):
    at.skip("not today")

@probe()
def is_wrong(at):
    count, code, inside = 42, "E_FAIL (0x80004005)", {"key of somebody": os.environ["PLANTED"]}
    at.seen("a folder", os.path.join(HOME, "private", "file.txt"))
    system = at.start(at.vm_document())
    assert not os.environ["PLANTED"], "it is not so"

@probe()
def has_a_stray_error(at):
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    (tmp_path / "temporary").mkdir()

    def run(source: str, *options: str, **variables: str) -> "subprocess.Popen[str]":
        (tmp_path / "planted.py").write_text(source, "utf-8")
        # The folders of runs are in one of this test, so that it finds no others.
        changed = {name: str(tmp_path / "temporary") for name in ("TMPDIR", "TEMP", "TMP")}
        paths = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH", ""))))
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, "planted", *options],
            cwd=tmp_path,
            env=os.environ | changed | {"PYTHONPATH": paths, "PYTHONUTF8": "1"} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    return run


def result_of(process: "subprocess.Popen[str]") -> tuple[int, str]:
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def told_in(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def left_in(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "temporary").iterdir()]


def test_it_writes_what_it_has_seen(run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    code, output = result_of(run(PLANTED, "--emulator", "--output", "seen.json", PLANTED="a secret"))
    assert code == 1, output
    told = told_in(tmp_path / "seen.json")
    assert (told["complete"], told["tells of a real HCS"], told["running"]) == (True, False, None)
    assert told["asked"]["backend"] == "emulator"
    assert told["host"]["hcsrt"] == hcsrt.__version__
    assert told["host"]["backend"] == "emulator"
    assert told["nothing tried because"] is None
    assert "hcs" in [finding["name"] for finding in told["doctor"]]
    assert [point["unknown"] for point in told["points"]] == [point.unknown for point in points()]
    records = told["other"]
    assert {name: record["outcome"] for name, record in records.items()} == {
        "planted.sees": "seen",
        "planted.sees_systems[container, one]": "seen",
        "planted.sees_systems[container, two]": "seen",
        "planted.sees_systems[virtual machine, one]": "seen",
        "planted.sees_systems[virtual machine, two]": "seen",
        "planted.skips": "skipped",
        "planted.is_wrong": "wrong",
        "planted.has_a_stray_error": "wrong",
    }
    assert records["planted.sees"]["facts"] == [{"fact": "the answer", "seen": 42}]
    assert records["planted.sees_systems[container, two]"]["facts"] == [{"fact": "running", "seen": ["Running", 2]}]
    assert records["planted.skips"]["reason"] == "not today"
    assert all(record["seconds"] >= 0 for record in records.values())
    assert "ZeroDivisionError" in records["planted.has_a_stray_error"]["error"]
    assert told["left behind and removed"] == []
    assert left_in(tmp_path) == []


def test_it_says_before_what_it_does_and_what_the_file_has(
    run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    code, output = result_of(run(PLANTED, "--emulator", "--only", "planted.sees", "--output", "seen.json"))
    assert code == 0, output
    before, _, progress = output.partition("planted.sees")
    path = tmp_path / "seen.json"
    for words in ("It creates", "removes them again", str(path), "what `hcsrt doctor` finds", "Nothing is sent"):
        assert words in " ".join(before.split()), words
    assert "tells nothing of HCS" in before
    assert f"Written to {path}" in progress


@pytest.mark.slow
def test_no_secret_is_in_the_file(run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    home = tmp_path / "home of annabella"
    home.mkdir()
    variables = {"HOME": str(home), "USERPROFILE": str(home), "PLANTED": "a secret", "TOKEN": "7c6b1f0e-token"}
    variables |= dict.fromkeys(("LOGNAME", "USER", "USERNAME"), "annabella")
    result_of(run(PLANTED, "--emulator", "--output", "seen.json", **variables))
    text = (tmp_path / "seen.json").read_text("utf-8")
    told = told_in(tmp_path / "seen.json")
    error = told["other"]["planted.is_wrong"]["error"]
    # The error is whole, with its place and the numbers of the probe.
    assert "AssertionError: it is not so" in error
    assert "in is_wrong" in error
    assert "count = 42\n    code = 'E_FAIL (0x80004005)'\n    inside = <dict of 1>\n" in error
    assert told["other"]["planted.is_wrong"]["facts"][0]["seen"].startswith("<home>")
    for nobodys_business in (
        "a secret",
        "7c6b1f0e-token",
        "key of",
        "annabella",
        str(tmp_path),
        json.dumps(str(tmp_path))[1:-1],
    ):
        assert nobodys_business not in text
    result_of(run(PLANTED, "--emulator", "--names", "--output", "names.json", **variables))
    named = told_in(tmp_path / "names.json")
    assert named["other"]["planted.is_wrong"]["facts"][0]["seen"] == str(home / "private" / "file.txt")
    assert "7c6b1f0e-token" not in (tmp_path / "names.json").read_text("utf-8")


def error_of(name: str, seen: dict[str, Any]) -> str:
    """Run a probe of this package on the emulator, which has to fail, and return what is told of that."""
    settings = Settings(owner="hcsrt-check-host-test", folder="", backend="emulator")
    (probe,) = (probe for probe in probes() if probe.name == name)
    record = worker.run_one(probe, Bench(settings, seen.__setitem__, Shared(settings)), catalogue.MODULES)
    assert record["outcome"] == "wrong", record
    return record["error"]


def test_a_failed_probe_of_variables_tells_none_of_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    class Container:
        def run(self, *_: Any, **__: Any) -> "subprocess.CompletedProcess[bytes]":
            return subprocess.CompletedProcess("cmd /c set", 0, b"SECRET=hunter2\r\nPATH=C:\\\r\n")

    monkeypatch.setattr(Bench, "container", lambda self: Container())
    seen: dict[str, Any] = {}
    error = error_of("processes.environment", seen)
    assert "AssertionError: Environment does not reach the process" in error
    assert list(seen.values()) == [{"with": ["PATH", "SECRET"], "without": ["PATH", "SECRET"]}]
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("systems.enumeration[container]", "systems", "systems(ids=) compares otherwise"),
        ("operations.kick_off_time[container]", "systems", "the system is still listed"),
        ("operations.timeout_then_result", "pending", "calls that timed out are pending for ever"),
    ],
)
def test_a_failed_probe_tells_nothing_of_the_systems_of_others(
    name: str, fault: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = emulator.container_document(owner="somebodys-owner", terminate_on_last_handle_closed=True)
    faults: dict[str, Any] = {"systems": lambda **_: hcsrt_systems(), "pending": lambda: 1}
    hcsrt_systems = hcsrt.systems
    seen: dict[str, Any] = {}
    with ComputeSystem.create("somebodys-id", others), monkeypatch.context() as patched:
        patched.setattr(hcsrt, fault, faults[fault])
        # No probe has to wait for its faults.
        patched.setattr(time, "monotonic", itertools.count(step=20).__next__)
        error = error_of(name, seen)
    assert words in error
    assert "somebodys" not in error + json.dumps(seen)


class Secret:
    def __repr__(self) -> str:
        return "hunter2"


class Level(int):
    __repr__ = Secret.__repr__


class Color(enum.Enum):
    RED = "hunter2"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (4, "4"),
        (0.5, "0.5"),
        (True, "True"),
        (None, "None"),
        ("HCS_E_TIMEOUT (0x8037011E)", "'HCS_E_TIMEOUT (0x8037011E)'"),
        ("0xC0000005", "'0xC0000005'"),
        ("0xC0000005 hunter2", "<str of 18>"),
        (b"hunter2", "<bytes of 7>"),
        (["hunter2"], "<list of 1>"),
        (("hunter2", 1), "<tuple of 2>"),
        ({"hunter2"}, "<set of 1>"),
        ({"hunter2": 1}, "<dict of 1>"),
        (Secret(), "<Secret>"),
        (Level(), "<Level>"),
        (Color.RED, "<Color>"),
        (Call(Table(), 0, 0, 0.0, None, 1, "hunter2"), "<Call: kick-off S_OK (0x00000000), result 0x00000001>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_of_what_a_failed_probe_has_in_hand_only_numbers_are_told(value: Any, told: str) -> None:
    def probe(value: Any) -> None:
        raise AssertionError("it is not so")

    with pytest.raises(AssertionError) as raised:
        probe(value)
    error = worker.tell_error(raised.value, [__name__])
    assert f"    value = {told}\n" in error
    assert "hunter2" not in error


ENDS = """
import faulthandler, os, time
from hcsrt._check_host.probe import probe

@probe()
def crashes(at):
    at.start(at.container_document())
    at.seen("before the crash", 1)
    os._exit(77)

@probe()
def comes_after_the_crash(at):
    at.seen("after the crash", 1)

@probe()
def hangs(at):
    at.seen("before it hangs", 1)
    time.sleep(3600)

@probe()
def comes_last(at):
    at.seen("after it hung", 1)
"""


@pytest.mark.slow
def test_a_probe_that_crashes_or_hangs_is_recorded_and_the_next_ones_run(
    run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    outcomes: list[str] = []
    # A busy machine keeps the others from their ends as well.
    for limit in limits(2, lambda: outcomes.count("hung") == 1):
        code, output = result_of(run(ENDS, "--emulator", "--limit", f"{limit:g}", "--output", f"seen-{limit:g}.json"))
        assert code == 1, output
        told = told_in(tmp_path / f"seen-{limit:g}.json")
        assert told["complete"]
        records = told["other"]
        outcomes[:] = [record["outcome"] for record in records.values()]
    assert outcomes == ["crashed", "seen", "hung", "seen"]
    crashed, _, hung, _ = records.values()
    assert crashed["facts"] == [{"fact": "before the crash", "seen": 1}]
    assert ("0x4D" if WINDOWS else "77") in crashed["error"]
    assert crashed["left behind"] == hung["left behind"] == []
    assert hung["facts"] == [{"fact": "before it hangs", "seen": 1}]
    assert limit <= hung["seconds"] < limit + 18
    assert f"no end within {limit:g} s" in hung["error"]
    assert "in hangs" in hung["error"]  # where it was
    assert "crashed: planted.crashes" in output
    assert left_in(tmp_path) == []


HANGS = """
import os, subprocess, sys, time
from pathlib import Path
from hcsrt._check_host.probe import probe

@probe()
def sees(at):
    at.seen("before", 1)

@probe()
def hangs(at):
    # As an experiment does.
    child = subprocess.Popen([getattr(sys, "_base_executable", sys.executable), "-c", "import time; time.sleep(3600)"])
    Path(os.environ["PLANTED"]).write_text(f"{os.getpid()} {child.pid}.")
    time.sleep(3600)
"""


def wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def pids_in(note: Path) -> list[int]:
    """Return the processes of the probe that hangs: its own, and the one that it has started."""
    wait_for(lambda: note.exists() and note.read_text().endswith("."))
    pids = [int(pid) for pid in note.read_text().rstrip(".").split()]
    assert all(map(is_alive, pids))
    return pids


@posix_signals
def test_ctrl_c_ends_it_with_a_file(run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    note = tmp_path / "pid"
    process = run(HANGS, "--emulator", "--output", "seen.json", PLANTED=str(note))
    pids = pids_in(note)
    process.send_signal(signal.SIGINT)
    code, output = result_of(process)
    assert code == 130, output
    told = told_in(tmp_path / "seen.json")
    assert (told["complete"], told["running"]) == (False, "planted.hangs")
    assert told["other"]["planted.sees"]["outcome"] == "seen"
    wait_for(lambda: not any(map(is_alive, pids)))
    assert left_in(tmp_path) == []


@pytest.mark.slow
def test_a_check_that_is_killed_leaves_nothing_running_and_the_next_one_cleans_up(
    run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    process = run(HANGS, "--emulator", "--output", "seen.json", PLANTED=str(note))
    pids = pids_in(note)
    process.kill()
    result_of(process)
    wait_for(lambda: not any(map(is_alive, pids)))
    # What was seen by then is there.
    told = told_in(tmp_path / "seen.json")
    assert (told["complete"], told["running"]) == (False, "planted.hangs")
    assert told["other"]["planted.sees"]["facts"] == [{"fact": "before", "seen": 1}]
    folder, lock = sorted(left_in(tmp_path))
    assert lock == f"{folder}.lock"
    code, output = result_of(run(PLANTED, "--emulator", "--only", "planted.sees", "--output", "next.json"))
    assert code == 0, output
    assert left_in(tmp_path) == []


def test_what_a_crash_leaves_is_removed_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(owner="hcsrt-check-host-test", folder=str(tmp_path), backend="any")
    mine = emulator.container_document(owner=settings.owner, terminate_on_last_handle_closed=False)
    others = emulator.container_document(owner=settings.owner + "2", terminate_on_last_handle_closed=False)
    for id, document, namespace in (("a", mine, None), ("b", mine, NAMESPACE), ("c", others, None)):
        with ComputeSystem.create(id, document, namespace=namespace) as system:
            system.start()
    told: list[dict[str, Any]] = []
    worker.clean(settings, {}, told.append)
    assert [(record["what"], record["how"]) for record in told] == [
        ("compute system a", "terminate"),
        ("compute system b", "terminate"),
    ]
    assert [item["Id"] for item in hcsrt.systems()] == ["c"]
    assert hcsrt.systems(namespace=NAMESPACE) == []
    worker.clean(settings, {}, told.append)
    assert len(told) == 2
    hcsrt.reap(settings.owner + "2")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which this process looks for the folders of runs."""
    monkeypatch.setattr(checking.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_a_folder_that_is_in_use_is_not_abandoned(temporary: Path) -> None:
    with checking.folder_of_a_run("emulator") as folder:
        assert folder.parent == temporary
        assert list(checking.abandoned_folders("emulator")) == []
        checking.remove(folder)
    assert list(temporary.iterdir()) == []
    folder.mkdir()
    # Whoever cleans up has it alone.
    for abandoned in checking.abandoned_folders("emulator"):
        assert abandoned == folder
        assert list(checking.abandoned_folders("emulator")) == []
    assert list(checking.abandoned_folders("emulator")) == [folder]
    folder.rmdir()
    (temporary / f"{folder.name}.lock").touch()
    assert list(checking.abandoned_folders("emulator")) == []
    assert list(temporary.iterdir()) == []


OF_A_RUN = "hcsrt-check-host-5f0c36cc-5ad4-4c4b-a1e7-4a8c5bd3b8a4"


@pytest.mark.parametrize(
    "name",
    [
        "hcsrt-check-host-results",
        "hcsrt-check-host-20261130-120000.json",
        f"{OF_A_RUN}-copy",
        f"{OF_A_RUN}.new",
        f"{OF_A_RUN}.lock.lock",
    ],
)
def test_a_folder_of_the_user_is_not_abandoned(name: str, temporary: Path) -> None:
    (temporary / name).mkdir()
    assert list(checking.abandoned_folders("windows")) == []
    assert [path.name for path in temporary.iterdir()] == [name]


def test_a_run_on_the_emulator_leaves_those_on_windows_alone(temporary: Path) -> None:
    """Nothing of them is in the emulator, and without its folder nobody knows the owner of what a run has left."""
    (temporary / OF_A_RUN).mkdir()
    assert list(checking.abandoned_folders("emulator")) == []
    assert list(checking.abandoned_folders("windows")) == [temporary / OF_A_RUN]
    with checking.folder_of_a_run("emulator") as folder:
        pass
    assert list(checking.abandoned_folders("windows")) == [temporary / OF_A_RUN]
    assert list(checking.abandoned_folders("emulator")) == [folder]


@pytest.fixture
def found_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process take the host for one on which probes can run."""
    found: dict[str, Any] = {"host": {}, "findings": [], "why_not": None}
    monkeypatch.setattr(checking, "examine", lambda *_: found)


def test_a_folder_of_another_account_is_noted_and_stays(
    found_here: None, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with checking.folder_of_a_run("emulator") as abandoned:
        pass
    touch = Path.touch

    def touch_as_another(path: Path, *options: Any, **more: Any) -> None:
        if path.parent == abandoned:
            raise PermissionError(13, "Permission denied")
        touch(path, *options, **more)

    monkeypatch.setattr(Path, "touch", touch_as_another)
    monkeypatch.setattr(checking, "run", lambda *_: iter(()))
    path = temporary / "seen.json"
    assert command.main(["--emulator", "--output", str(path)]) == 0
    (left,) = told_in(path)["left behind and removed"]
    assert abandoned.name in left["what"]
    assert "Permission denied" in left["how"]
    assert sorted(temporary.iterdir()) == [abandoned, path]


def test_what_cannot_be_removed_keeps_its_folder(
    found_here: None, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = temporary / "seen.json"
    left = {"event": "left", "what": "compute system a", "how": "E_FAIL"}
    monkeypatch.setattr(checking, "run", lambda *_: iter(()))
    with monkeypatch.context() as patched:
        patched.setattr(checking, "_do", lambda *_: [left | {"gone": False}])
        assert command.main(["--emulator", "--output", str(path)]) == 0
    (folder,) = (at for at in temporary.iterdir() if at.is_dir())
    path.unlink()
    owners: list[str] = []

    def clean(settings: Settings, *_: Any) -> list[dict[str, Any]]:
        owners.append(settings.owner)
        return [left | {"gone": True}]

    monkeypatch.setattr(checking, "_do", clean)
    assert command.main(["--emulator", "--output", str(path)]) == 0
    assert owners[0] == folder.name
    assert len(told_in(path)["left behind and removed"]) == 2
    assert list(temporary.iterdir()) == [path]


@pytest.mark.parametrize("interrupted", ["once", "while it cleans up", "while it writes"])
def test_however_often_it_is_interrupted_nothing_is_lost(
    interrupted: str,
    found_here: None,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: Any) -> Any:
        if interrupted == "while it writes":
            monkeypatch.setattr(Report, "write", interrupt)
        raise KeyboardInterrupt

    path = temporary / "seen.json"
    monkeypatch.setattr(checking, "run", interrupt)
    monkeypatch.setattr(checking, "clean", interrupt if interrupted == "while it cleans up" else lambda _: ([], True))
    assert command.main(["--emulator", "--output", str(path)]) == 130
    printed = capsys.readouterr().out
    assert "Interrupted. Cleaning up, at most 300 seconds ..." in printed
    assert printed.endswith(f"Written to {path}\n")
    assert ("the next run removes" in printed) == (interrupted != "once")
    assert not told_in(path)["complete"]
    left = [at for at in temporary.iterdir() if at != path]
    # The name of the folder is what the next run finds the rest by.
    assert left == (list(checking.abandoned_folders("emulator")) if interrupted == "while it cleans up" else [])
    assert (len(left) == 1) == (interrupted == "while it cleans up")


def test_a_command_that_fails_cleans_up_and_has_its_file(
    found_here: None, temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("it is not so")

    path = temporary / "seen.json"
    monkeypatch.setattr(checking, "run", fail)
    monkeypatch.setattr(checking, "clean", lambda _: ([{"what": "a system", "how": "terminate"}], True))
    with pytest.raises(RuntimeError, match="it is not so"):
        command.main(["--emulator", "--output", str(path)])
    assert "This command has failed. Cleaning up" in capsys.readouterr().out
    told = told_in(path)
    assert not told["complete"]
    assert told["left behind and removed"] == [{"what": "a system", "how": "terminate"}]
    assert list(temporary.iterdir()) == [path]


def test_ctrl_c_while_it_is_imported_is_no_traceback(tmp_path: Path) -> None:
    program = """
import runpy, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == "hcsrt._check_host.command":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
runpy.run_module("hcsrt.check_host", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_worker_of_an_isolated_interpreter_is_isolated(tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for module in ("hcsrt", "json"):
        (others / f"{module}.py").write_text("raise SystemExit('this is another one')")
    command = [sys.executable, "-I", "-m", "hcsrt.check_host", "--emulator", "--only", "systems.runtime_id"]
    done = subprocess.run(
        [*command, "--output", "seen.json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(others)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if "No module named hcsrt" in done.stderr or "No module named 'hcsrt'" in done.stderr:
        pytest.skip("hcsrt is found by PYTHONPATH only")
    assert done.returncode == 0, done.stdout + done.stderr
    assert told_in(tmp_path / "seen.json")["complete"]


def test_a_worker_of_another_hcsrt_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hcsrt, "__file__", str(tmp_path / "hcsrt" / "__init__.py"))
    settings = Settings(owner="hcsrt-check-host-test", folder=str(tmp_path), backend="emulator")
    with pytest.raises(checking.NoAnswer, match="another hcsrt is imported here"):
        checking.examine(settings, 60)


@pytest.mark.parametrize("options", [[], ["--output", "seen.json"]], ids=["default", "output"])
def test_of_two_that_begin_at_once_each_has_its_file(
    options: list[str], found_here: None, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls(2026, 11, 30, 12, tzinfo=tz)

    begun: list[int | str | None] = []
    codes: list[int | str | None] = []

    def begin_another(*_: Any) -> dict[str, Any]:
        begun.append(len(begun))
        if len(begun) == 1:
            try:
                codes.append(command.main(["--emulator", *options]))
            except SystemExit as ended:
                codes.append(ended.code)
        return {"host": {"number": len(begun)}, "findings": [], "why_not": None}

    monkeypatch.chdir(temporary)
    monkeypatch.setattr(command, "datetime", Clock)
    monkeypatch.setattr(checking, "examine", begin_another)
    monkeypatch.setattr(checking, "run", lambda *_: iter(()))
    codes.append(command.main(["--emulator", *options]))
    names = sorted(path.name for path in temporary.iterdir())
    if options:
        assert (codes, names) == ([2, 0], ["seen.json"])
    else:
        assert codes == [0, 0]
        assert names == [f"hcsrt-check-host-20261130-120000{which}.json" for which in ("-2", "")]
    assert all(told_in(temporary / name)["complete"] for name in names)


def test_a_file_in_which_nothing_is_yet_tells_of_no_hcs(tmp_path: Path) -> None:
    report = Report(tmp_path / "seen.json", {"backend": "windows"}, Reducer())
    assert report.as_json([])["tells of a real HCS"] is False
    report.host = {"system": "Windows"}
    assert report.as_json([])["tells of a real HCS"] is True


def test_a_full_disk_leaves_no_part_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "seen.json"
    report = Report(path, {"backend": "emulator"}, Reducer())
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            report.write([])
        assert list(tmp_path.iterdir()) == []
    report.write([])
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        report.write([])
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_run_that_begins_or_ends_is_never_abandoned(temporary: Path) -> None:
    """Look for abandoned folders at each line that makes, locks and removes one."""
    looked: set[int] = set()
    found: list[Path] = []

    def look(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != checking.__file__:
            return None
        if event == "line" and frame.f_lineno not in looked:
            looked.add(frame.f_lineno)
            sys.settrace(None)
            found.extend(checking.abandoned_folders("emulator"))
            sys.settrace(look)
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        with checking.folder_of_a_run("emulator") as folder:
            assert folder.is_dir()
            checking.remove(folder)
    finally:
        sys.settrace(before)
    assert len(looked) > 10
    assert found == []
    assert list(temporary.iterdir()) == []


def test_no_file_of_the_user_is_touched(run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    mine = [tmp_path / "seen.json.new", tmp_path / "seen.json.tmp", tmp_path / "hcsrt-check-host.new"]
    for path in mine:
        path.write_text("mine")
    before = {path.name for path in tmp_path.iterdir()}
    code, output = result_of(run(PLANTED, "--emulator", "--only", "planted.sees", "--output", "seen.json"))
    assert code == 0, output
    assert [path.read_text() for path in mine] == ["mine"] * 3
    assert {path.name for path in tmp_path.iterdir()} - before - {"planted.py", "__pycache__"} == {"seen.json"}


def test_a_file_that_has_come_into_being_since_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    report = Report(path, {"backend": "emulator"}, Reducer())
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        report.write([])
    with pytest.raises(FileExistsError):
        report.write([])
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    report.write([])
    report.write([])
    assert told_in(path)["asked"] == {"backend": "emulator"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(WINDOWS, reason="there may be a real HCS here, or a stand-in")
def test_without_hcs_it_says_so_and_writes_nothing(run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    code, output = result_of(run(PLANTED, "--output", "seen.json"))
    assert code == 3
    assert "Nothing can be found out here: needs a real Windows" in output
    assert "--emulator" in output
    assert not (tmp_path / "seen.json").exists()
    assert left_in(tmp_path) == []


@pytest.mark.skipif(WINDOWS, reason="computecore.dll may be there")
@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("garbage", "HCSRT_BACKEND is 'garbage'; set it to 'windows' or 'emulator', or unset it."),
        ("", "HCSRT_BACKEND is ''; set it to 'windows' or 'emulator', or unset it."),
        ("windows", "no HCS on this host: "),
    ],
)
def test_a_backend_that_cannot_be_had_is_told_in_a_sentence(
    backend: str, words: str, run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    code, output = result_of(run(PLANTED, "--output", "seen.json", HCSRT_BACKEND=backend))
    assert code == 3, output
    (sentence,) = (line for line in output.splitlines() if line.startswith("Nothing can be found out here: "))
    assert sentence.removeprefix("Nothing can be found out here: ").startswith(words)
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert "Traceback" not in output
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "planted.py"], "exists already"),
        (["--output", "nowhere/seen.json"], "is no folder"),
        (["--output", "planted.py/seen.json"], "is no folder"),
        (["--output", "n" * 300], "cannot be written"),
        (["--only", "systems"], "no probe has a name that begins with systems"),
        (["--limit", "0"], "invalid seconds value"),
        (["--emu"], "unrecognized arguments"),
    ],
)
def test_a_wrong_command_is_told(
    run: Callable[..., "subprocess.Popen[str]"], options: list[str], words: str, tmp_path: Path
) -> None:
    code, output = result_of(run(PLANTED, "--emulator", *options))
    assert code == 2
    assert words in output
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        (r"C:\Users\Ann Lee\AppData\x.txt is gone", r"<home>\AppData\x.txt is gone"),
        (r"'C:\\Users\\Ann Lee\\AppData\\x.txt'", r"'<home>\\AppData\\x.txt'"),
        (r"c:\users\ann lee\x", r"<home>\x"),
        (r"D:\Program Files\Docker Desktop\a.exe: no", r"<folder>\a.exe: no"),
        (r"'D:\\layers of ann\\base'", r"'<folder>\base'"),
        (r"E:/a/b/c.vhdx", r"<folder>\c.vhdx"),
        (r"\\fileserver\share to \\?\Volume{5b}\ ", "\\\\<server>\\share to \\\\?\\Volume{5b}\\ "),
        (r"\\fileserver: gone", r"\\<server>: gone"),
        (r"\\10.0.0.7\a b\c\x.txt: no", r"\\<server>\<folder>\x.txt: no"),
        (r"'\\\\fileserver\\share\\x'", r"'\\\\<server>\\<folder>\\x'"),
        (r"""'{"Path":"\\\\\\\\fileserver\\\\share"}'""", r"""'{"Path":"\\\\\\\\<server>\\\\share"}'"""),
        (r"\\?\UNC\fileserver\share\x", r"\\?\UNC\<server>\<folder>\x"),
        (r"'\\\\?\\unc\\fileserver\\share'", r"'\\\\?\\unc\\<server>\\share'"),
        (r"\??\UNC\fileserver\share", r"\??\UNC\<server>\share"),
        (r"\Device\Mup\;LanmanRedirector\;Z:0\fileserver\x", r"\Device\Mup\;LanmanRedirector\;Z:0\<server>\x"),
        (r"'one line\n\\\\fileserver\\share'", r"'one line\n\\\\<server>\\share'"),
        ("//fileserver/share/x", "//<server>/<folder>/x"),
        ("file://fileserver/share/x", "file://<server>/<folder>/x"),
        ("file:///srv/data/ann/x", "file://<folder>/x"),
        (r"'\\\\?\\Volume{5b}\\'", r"'\\\\?\\Volume{5b}\\'"),
        (r"\\?\Volume{5b}\of ann\x", r"\\?\Volume{5b}\<folder>\x"),
        (r"\Device\HarddiskVolume3\of ann\x", r"\Device\HarddiskVolume3\<folder>\x"),
        (r"\\.\pipe\docker_engine", r"\\.\pipe\docker_engine"),
        (r"'layers\\base'", r"'layers\\base'"),
        (r"'one line\nD:\\of ann\\x'", r"'one line\n<folder>\x'"),
        (r"'one line\n/srv/of/ann'", r"'one line\n<folder>/<user>'"),
        (r"'one line\nAnn'", r"'one line\n<user>'"),
        ("PATH:/srv/data/x", "PATH:<folder>/x"),
        (r"D:\a\x to E:\b\y to \\fileserver\y", r"<folder>\x to <folder>\y to \\<server>\y"),
        ("Ann told ANN, not Annabel", "<user> told <user>, not Annabel"),
        ("host BOX7.", "host <host>."),
        ("/srv/data/ann/file", "<folder>/file"),
        ("VirtualMachine/ComputeTopology/Memory/SizeInMB", "VirtualMachine/ComputeTopology/Memory/SizeInMB"),
        ("https://example.invalid/a/b/c", "https://example.invalid/a/b/c"),
        ("cmd /c exit 4", "cmd /c exit 4"),
        ("0x80370102 (HCS_E_HYPERV_NOT_INSTALLED)", "0x80370102 (HCS_E_HYPERV_NOT_INSTALLED)"),
    ],
)
def test_names_and_folders_are_left_out(text: str, reduced: str) -> None:
    reducer = Reducer({r"C:\Users\Ann Lee": "<home>"}, {"Ann": "<user>", "box7": "<host>"})
    assert reducer.reduced({text: [text, 1, None, True]}) == {reduced: [reduced, 1, None, True]}


@pytest.mark.parametrize(
    "text",
    [
        "Jürgen told JÜRGEN",
        "Ju\u0308rgen",
        json.dumps({"Owner": "Jürgen"}),
        json.dumps({"Owner": "JÜRGEN"}),
        json.dumps(json.dumps({"Owner": "Jürgen"})),
        ascii("Jürgen"),
        repr("Jürgen".encode()),
        repr("Jürgen".encode("latin-1")),
        "file:J%C3%BCrgen",
        "J\udcc3\udcbcrgen",
        "J\udcfcrgen",
        ascii("J\udcc3\udcbcrgen"),
        json.dumps("one line\nJürgen"),
        "Jürgen_backup of my_jürgen",
        r"C:\\Users\\J\xfcrgen\\x",
        r"/srv/home of J\u00fcrgen/x",
    ],
    ids=ascii,
)
def test_a_name_is_left_out_however_it_is_spelled(text: str) -> None:
    reducer = Reducer({r"C:\Users\Jürgen": "<home>", "/srv/home of Jürgen": "<home>"}, {"Jürgen": "<user>"})
    reduced = reducer.text(text)
    assert "<user>" in reduced or "<home>" in reduced
    assert "rgen" not in reduced.lower()


def test_a_letter_of_two_units_is_left_out() -> None:
    reducer = Reducer({}, {"\U00020bb7": "<user>"})
    assert reducer.text(r"'\U00020bb7' \ud842\udfb7 \xf0\xa0\xae\xb7") == "'<user>' <user> <user>"


def test_a_name_is_no_part_of_a_code_and_of_what_stands_for_another() -> None:
    reducer = Reducer({}, {"folder": "<user>", "access": "<host>", "e": "<domain>"})
    kept = "E_ACCESS_DENIED, HCS_E_ACCESS_DENIED, ERROR_ACCESS_DENIED in <folder>/x of <user>, Annabel"
    assert reducer.text(kept) == kept
    assert reducer.text("my_folder, access_rights") == "my_<user>, <host>_rights"


def test_two_keys_that_become_one_stay_two() -> None:
    reducer = Reducer({}, {})
    assert reducer.reduced({"/srv/a/x": 1, "/srv/b/x": 2, "/srv/c/x": 3}) == {
        "<folder>/x": 1,
        "<folder>/x (2)": 2,
        "<folder>/x (3)": 3,
    }


@posix_signals
def test_a_name_is_left_out_where_this_process_decodes_it_otherwise(
    run: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    home = tmp_path / "home of Jürgen"
    variables = {"HOME": str(home), "LC_ALL": "C", "PYTHONUTF8": "0", "PLANTED": "Jürgen"}
    variables |= dict.fromkeys(("LOGNAME", "USER", "USERNAME"), "Jürgen")
    code, output = result_of(run(NAMED, "--emulator", "--output", "seen.json", **variables))
    assert code == 0, output
    (record,) = told_in(tmp_path / "seen.json")["other"].values()
    assert [fact["seen"] for fact in record["facts"]] == ["<user>", "<home>/x"]


NAMED = """
import os
from hcsrt._check_host.probe import probe

@probe()
def sees(at):
    at.seen("a name", os.environ["PLANTED"])
    at.seen("a folder", os.environ["HOME"] + "/x")
"""


@pytest.mark.parametrize(
    "name",
    ["other", "host", "points", "doctor", "outcome", "facts", "seen", "error", "probes", "sees", "planted", "hcs"],
)
def test_the_file_keeps_its_shape_whoever_the_user_is(name: str, tmp_path: Path) -> None:
    def told(reducer: Reducer) -> dict[str, Any]:
        report = Report(tmp_path / "seen.json", {"backend": "emulator"}, reducer)
        report.host = {"system": "Windows", "backend": "emulator"}
        report.doctor = [{"name": "hcs", "status": "error", "found": f"of {name}", "remedy": None}]
        report.why_not = f"of {name}"
        facts = [{"fact": "host of an error seen", "seen": {name: name}}]
        report.records = {
            "planted.sees": {"outcome": "seen", "seconds": 1.0, "facts": facts},
            points()[0].probes[0]: {"outcome": "wrong", "error": name, "left behind": [{"what": name, "how": name}]},
        }
        report.left_behind = [{"what": name, "how": name}]
        return report.as_json(points())

    def with_the_name(value: Any) -> Any:
        return json.loads(json.dumps(value).replace("<user>", name))

    whole, reduced = told(Whole()), told(Reducer({}, {name: "<user>"}))
    times = {"began": "", "seconds": 0}
    assert with_the_name(reduced) | times == whole | times
    assert list(reduced) == list(whole)
    assert reduced["doctor"] == [{"name": "hcs", "status": "error", "found": "of <user>", "remedy": None}]
    assert reduced["nothing tried because"] == "of <user>"
    assert reduced["host"] == whole["host"]
    assert reduced["left behind and removed"] == [{"what": "<user>", "how": "<user>"}]
    record = reduced["other"]["planted.sees"]
    assert record["outcome"] == "seen"
    assert record["facts"] == [{"fact": "host of an error seen", "seen": {"<user>": "<user>"}}]
    wrong = reduced["points"][0]["probes"][points()[0].probes[0]]
    assert wrong == {"outcome": "wrong", "error": "<user>", "left behind": [{"what": "<user>", "how": "<user>"}]}


@pytest.mark.slow
@pytest.mark.skipif(WINDOWS, reason="the same probes run there as tests, which is enough")
def test_all_probes_run_on_the_emulator(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hcsrt.check_host", "--emulator", "--output", str(tmp_path / "seen.json")],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    told = told_in(tmp_path / "seen.json")
    assert done.returncode == 0, done.stdout + done.stderr
    records = {name: record for point in told["points"] for name, record in point["probes"].items()}
    assert set(records) == {probe.name for probe in probes()}
    assert told["other"] == {}
    outcomes = [record["outcome"] for record in records.values()]
    assert set(outcomes) == {"seen", "skipped"}
    assert outcomes.count("seen") > 50


@pytest.mark.parametrize("why_not", ["needs an elevated prompt: run it as administrator", None])
def test_on_a_windows_that_cannot_be_used_the_file_has_what_the_doctor_finds(
    why_not: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = [{"name": "account", "status": "error", "found": "It is not elevated.", "remedy": "Elevate it."}]

    def examine(*_: Any) -> dict[str, Any]:
        if why_not is None:
            raise checking.NoAnswer("no answer within 300 s")
        return {"host": {"system": "Windows"}, "findings": findings, "why_not": why_not}

    monkeypatch.setattr(checking, "examine", examine)
    monkeypatch.setattr(command.platform, "system", lambda: "Windows")
    monkeypatch.setattr(checking.tempfile, "gettempdir", lambda: str(tmp_path))
    path = tmp_path / "seen.json"
    assert command.main(["--output", str(path)]) == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert (why_not or "no answer within 300 s") in printed
    # What it does not do it does not announce.
    assert "It creates" not in printed
    told = told_in(path)
    assert (told["complete"], told["tells of a real HCS"]) == (True, False)
    assert told["doctor"] == (findings if why_not else [])
    assert (why_not or "no answer within 300 s") in told["nothing tried because"]
    assert not any(point["probes"] for point in told["points"])
