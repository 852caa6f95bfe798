"""One command from its document to its result: hcsrt.run()."""

import asyncio
import copy
import json
import pickle
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import emulator
from hcsrt._facade import once
from hcsrt._hresults import E_ACCESSDENIED
from hcsrt._interpose import counting, failing, silent, waiting
from hcsrt.emulator import processes
from hcsrt.faults import Faults

from ..helpers.children import run_python
from ..helpers.limits import limits
from ..helpers.platforms import emulator_by_name, peak_memory
from ..helpers.programs import CAT, SLEEP, TRUE, guest
from ..helpers.spies import documents_of

Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]
Settle = Callable[..., bool]

run: Callable[..., hcsrt.RunResult] = hcsrt.run
DOCUMENT = emulator.container_document(owner="once")


HANG = 200.0
"""Seconds of a call that hangs, unless the test is over before."""


def once_run(args: Any, **options: Any) -> hcsrt.RunResult:
    return run(args, **{"document": DOCUMENT, "isolation": "none", **options})


@pytest.fixture(autouse=True)
def nothing_runs(settle: Settle) -> Iterator[None]:
    yield
    assert settle(lambda: hcsrt.systems() == [])
    assert not processes.accepted


# --- results ----------------------------------------------------------------------------------------------------------


def test_a_command_runs_to_its_result() -> None:
    args = guest("write(b'out'); write(b'err', 2); exit(3)")
    result = once_run(args, timeout=30)
    assert result.args == args
    assert (result.returncode, result.stdout, result.stderr) == (3, b"out", b"err")
    assert result.output_cut is False


def test_a_command_may_come_from_an_iterator() -> None:
    result = once_run(word for word in CAT)
    assert (result.returncode, result.args) == (0, CAT)


@peak_memory
def test_what_it_has_used_is_told() -> None:
    result = once_run(guest("end = time.process_time() + .3\nwhile time.process_time() < end: pass"), timeout=30)
    assert result.processor_time is not None
    assert result.peak_memory is not None
    assert 0.2 < result.processor_time < 10
    assert 1 << 16 < result.peak_memory < 1 << 32


def test_what_hcs_does_not_tell_is_none() -> None:
    with failing("HcsGetComputeSystemProperties", E_ACCESSDENIED):
        result = once_run(guest("write(b'out')"), timeout=30)
    assert (result.stdout, result.peak_memory, result.processor_time) == (b"out", None, None)


@pytest.mark.parametrize(
    ("answer", "figures"),
    [
        ({}, (None, None)),
        ({"Statistics": None}, (None, None)),
        ({"Statistics": {"Memory": [], "Processor": {"TotalRuntime100ns": 5_000_000}}}, (None, 0.5)),
        (
            {"Statistics": {"Memory": {"MemoryUsageCommitPeakBytes": 7}, "Processor": {"TotalRuntime100ns": "1"}}},
            (7, None),
        ),
        (
            {"Statistics": {"Memory": {"MemoryUsageCommitPeakBytes": 0}, "Processor": {"TotalRuntime100ns": 0}}},
            (None, 0),
        ),
    ],
)
def test_figures_are_read_from_whatever_answer(
    answer: dict[str, Any], figures: tuple[int | None, float | None], faults: Faults
) -> None:
    statistics = [["document", "contains", "Statistics"]]
    faults.on("completion:HcsGetComputeSystemProperties", when=statistics).rewrite(answer)
    result = once_run(TRUE, timeout=30)
    assert (result.peak_memory, result.processor_time) == figures


def test_a_result_does_not_change_and_compares_by_value() -> None:
    values = (["a"], 1, b"secret", b"\xff", True, 5, 0.25)
    result = hcsrt.RunResult(*values)
    assert result == hcsrt.RunResult(*values)
    assert hash(result) == hash(hcsrt.RunResult(*values))
    assert result != hcsrt.RunResult(["a"], 2, b"secret", b"\xff", True, 5, 0.25)
    assert result != values
    assert pickle.loads(pickle.dumps(result)) == copy.copy(result) == copy.deepcopy(result) == result
    for name in (*once._FIELDS, "other"):
        with pytest.raises(AttributeError, match=name):
            setattr(result, name, None)
    with pytest.raises(AttributeError, match="args"):
        del result.args
    assert repr(result) == (
        "RunResult(args=['a'], returncode=1, stdout=<6 bytes>, stderr=<1 bytes>, output_cut=True, peak_memory=5, "
        "processor_time=0.25)"
    )


# --- options ----------------------------------------------------------------------------------------------------------


def test_input_environment_and_folder_get_there(tmp_path: Any) -> None:
    code = "write(os.environ['NAME'].encode() + b' ' + os.getcwd().encode() + b' '); cat()"
    result = once_run(guest(code), env={"NAME": "me"}, cwd=tmp_path, input=b"data" * 50_000, timeout=30)
    assert result.stdout == f"me {tmp_path.resolve()} ".encode() + b"data" * 50_000


def test_without_input_there_is_none_to_wait_for() -> None:
    assert once_run(CAT, timeout=30).stdout == b""
    assert once_run(CAT, input=b"", timeout=30).stdout == b""


def test_output_is_passed_on_and_kept_up_to_the_limit() -> None:
    pieces: list[tuple[str, bytes]] = []
    result = once_run(
        guest("write(b'0123456789'); write(b'err', 2)"),
        max_output=4,
        on_output=lambda name, data: pieces.append((name, data)),
        timeout=30,
    )
    assert (result.stdout, result.stderr, result.output_cut) == (b"0123", b"err", True)
    assert sorted(pieces) == [("stderr", b"err"), ("stdout", b"0123456789")]


def test_a_document_may_be_text_and_stays_as_it_is() -> None:
    document = {**DOCUMENT}
    del document["ShouldTerminateOnLastHandleClosed"]
    before = copy.deepcopy(document)
    assert once_run(TRUE, document=document, timeout=30).returncode == 0
    assert document == before
    assert once_run(TRUE, document=json.dumps(document), timeout=30).returncode == 0


@pytest.mark.parametrize("said", [True, False, None])
def test_a_system_ends_with_its_last_handle_unless_its_document_says_otherwise(
    said: bool | None,
) -> None:
    document = {**DOCUMENT, "ShouldTerminateOnLastHandleClosed": said}
    if said is None:
        del document["ShouldTerminateOnLastHandleClosed"]
    with documents_of("HcsCreateComputeSystem", 1) as created:
        assert once_run(TRUE, document=document, timeout=30).returncode == 0
    assert [item["ShouldTerminateOnLastHandleClosed"] for item in created] == [said is not False]


@emulator_by_name
def test_the_emulator_has_a_document_of_its_own() -> None:
    assert once_run(TRUE, document=None, timeout=30).returncode == 0


def test_hcs_itself_needs_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "backend", lambda: "windows")
    with counting() as calls, pytest.raises(ValueError, match=r"^document is needed: a document of HCS that describes"):
        run(TRUE)
    assert not calls.called()


# --- isolation --------------------------------------------------------------------------------------------------------


@emulator_by_name
@pytest.mark.parametrize("options", [{}, {"isolation": "required"}])
def test_the_emulator_isolates_nothing(options: dict[str, Any]) -> None:
    with counting() as calls, pytest.raises(hcsrt.NoIsolationError) as caught:
        run(TRUE, **options)
    assert str(caught.value) == (
        "the hcsrt emulator runs the program on this machine, with your rights and not isolated from anything: "
        "isolation='none' accepts that"
    )
    assert isinstance(caught.value, RuntimeError)
    assert not calls.called()


def test_hcs_itself_isolates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "backend", lambda: "windows")
    assert run(TRUE, document=DOCUMENT, timeout=30).returncode == 0


@emulator_by_name
def test_who_has_accepted_it_is_not_warned() -> None:
    # In a Python of its own, as nobody is warned twice.
    program = f"""
import hcsrt
hcsrt.emulator.install()
document = hcsrt.emulator.container_document()
assert hcsrt.run({TRUE!r}, document=document, isolation="none", timeout=30).returncode == 0
# Others are, as before.
with hcsrt.ComputeSystem.create("other", document) as system:
    system.start()
    try:
        system.run({TRUE!r})
    except hcsrt.HcsError as error:
        print("NoIsolationWarning" in str(error))
    system.stop(0)
"""
    done = run_python(program, "-W", "error")
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        (TRUE, {"isolation": "some"}, ValueError, "isolation must be one of 'required', 'none', not 'some'"),
        (TRUE, {"image": "ubuntu"}, NotImplementedError, "image is not supported yet"),
        (TRUE, {"timeout": -1}, ValueError, "timeout must be zero or more seconds"),
        (TRUE, {"max_output": -1}, ValueError, "max_output must be zero or more bytes"),
        (TRUE, {"max_output": "1"}, TypeError, "max_output must be a number of bytes or None, not str"),
        (TRUE, {"on_output": 1}, TypeError, "on_output must be a function of a name and data, or None, not int"),
        (TRUE, {"input": "text"}, TypeError, "input must be bytes, not str"),
        (TRUE, {"env": ["A=1"]}, TypeError, "env must be a mapping of names to values, not list"),
        (TRUE, {"env": {"A": 1}}, TypeError, "env['A'] must be a str, not int"),
        (TRUE, {"cwd": 1}, TypeError, "cwd must be a str or path, not int"),
        (TRUE, {"document": "{"}, hcsrt.InvalidDocumentError, "document: HCS_E_INVALID_JSON"),
        (TRUE, {"document": 1}, TypeError, "document has to be a mapping or JSON text, not int"),
        ([], {}, ValueError, "args must not be empty"),
        (b"true", {}, TypeError, "args must be text or a list of it, not bytes"),
        ([1], {}, TypeError, "args[0] must be a str or path, not int"),
    ],
)
def test_wrong_arguments_create_nothing(
    args: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with counting() as calls, pytest.raises(error) as caught:
        once_run(args, **options)
    assert str(caught.value).startswith(message)
    assert not calls.called()


def test_a_coroutine_function_is_for_the_other_face() -> None:
    async def show(name: str, data: bytes) -> None:
        """Never be called."""

    with pytest.raises(TypeError, match=r"on_output must be a plain function: .* hcsrt\.aio"):
        once_run(TRUE, on_output=show)


def test_what_only_returns_a_coroutine_is_for_the_other_face_too() -> None:
    with pytest.raises(TypeError, match=r"on_output must be a plain function: .* hcsrt\.aio"):
        once_run(guest("write(b'out')"), on_output=lambda name, data: asyncio.sleep(0), timeout=30)


# --- ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "rule"),
    [
        ("create", lambda: waiting("HcsCreateComputeSystem")),
        ("start", lambda: silent("HcsStartComputeSystem")),
        ("popen", lambda: waiting("HcsCreateProcess")),
        ("stop", lambda: silent("HcsTerminateComputeSystem", calls=1)),
    ],
)
def test_a_timeout_in_any_phase_cleans_up(phase: str, rule: Callable[[], Any], settle: Settle, tmp_path: Path) -> None:
    written = tmp_path / "written"
    args = guest("write(b'out'); tell(argv[0])", str(written))
    for timeout in limits(2, lambda: written.exists() if phase == "stop" else met.met):
        with rule() as met:
            before = time.monotonic()
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                once_run(args, timeout=timeout)
            # What hangs in HCS is left to the reaper.
            assert time.monotonic() - before < timeout + 8
    assert met.met
    error = caught.value
    assert isinstance(error, TimeoutError)
    assert (error.cmd, error.timeout) == (args, timeout)
    assert (error.stdout, error.stderr) == (b"out" if phase == "stop" else b"", b"")
    assert settle(lambda: not hcsrt.pending())


def test_a_timeout_has_the_output_so_far(tmp_path: Path) -> None:
    written = tmp_path / "written"
    code = "write(b'out'); write(b'err', 2); spawn('sleep(60)'); tell(argv[0]); sleep(60)"
    for timeout in limits(0.5, written.exists):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            once_run(guest(code, str(written)), timeout=timeout)
    assert (caught.value.stdout, caught.value.stderr, caught.value.timeout) == (b"out", b"err", timeout)


def test_a_program_that_is_not_there_leaves_no_system() -> None:
    with pytest.raises(hcsrt.PathNotFoundError):
        once_run(["/no/such/program"], timeout=30)


def test_an_error_of_on_output_ends_the_run() -> None:
    def show(name: str, data: bytes) -> None:
        raise ZeroDivisionError(data)

    before = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        once_run(guest("write(b'out'); sleep(60)"), on_output=show)
    assert time.monotonic() - before < 20


def test_a_timeout_of_on_output_is_its_own() -> None:
    def show(name: str, data: bytes) -> None:
        raise subprocess.TimeoutExpired("another", 5)

    with pytest.raises(subprocess.TimeoutExpired) as caught:
        once_run(guest("write(b'out'); sleep(60)"), on_output=show, timeout=30)
    assert caught.value.cmd == "another"


def test_what_a_command_leaves_behind_ends_with_the_system() -> None:
    before = time.monotonic()
    result = once_run(guest("write(b'%d' % spawn('sleep(60)'))"), timeout=30)
    assert result.stdout.isdigit()
    assert time.monotonic() - before < 20


def test_ctrl_c_ends_a_run(interrupted: Interrupted, settle: Settle) -> None:
    for block in interrupted(0.5):
        with block:
            once_run(SLEEP)
        assert settle(lambda: not hcsrt.pending())


@pytest.mark.parametrize("function", ["HcsCloseProcess", "HcsCloseComputeSystem"])
def test_a_close_that_hangs_outlives_no_timeout(function: str, monkeypatch: pytest.MonkeyPatch, settle: Settle) -> None:
    for module in ("_facade.times", "_blocking.process", "_blocking.system"):
        monkeypatch.setattr(f"hcsrt.{module}.CLEANUP_TIMEOUT", 0.2)
    for module in ("aio._calls", "aio._system"):
        monkeypatch.setattr(f"hcsrt.{module}.PARTING_TIMEOUT", 0.2)
    done: list[hcsrt.RunResult] = []
    with waiting(function, HANG):
        before = time.monotonic()
        for timeout in limits(3, lambda: done):
            with suppress(subprocess.TimeoutExpired):
                done.append(once_run(TRUE, timeout=timeout))
        assert done[0].returncode == 0
        assert time.monotonic() - before < HANG
        with pytest.raises(subprocess.TimeoutExpired):
            once_run(SLEEP, timeout=0.3)
        assert time.monotonic() - before < HANG
    assert settle(lambda: hcsrt.pending() == 0)
