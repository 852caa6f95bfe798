"""communicate() of the blocking face, interrupted at each of its steps."""

import random
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import FrameType
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, ComputeSystem, HandleClosedError, Process, _blocking
from hcsrt._blocking import process as process_module

from ..helpers.platforms import catches_signals, posix_shell
from ..helpers.programs import CAT, guest
from ..helpers.steps import interrupted_at

START = process_module.BlockingProcess._start_communication
ECHO = guest("cat(); err('noise')")


def communicate_again(process: Process[Any], data: Any) -> tuple[Any, Any]:
    """Call communicate() as after an interruption that may have come before it has taken its input, or after."""
    try:
        return process.communicate(data, timeout=10)
    except ValueError as error:
        if "has sent its input already" not in str(error):
            raise
        return process.communicate(timeout=10)


@posix_shell
@pytest.mark.slow
@pytest.mark.parametrize("text", [False, True], ids=["bytes", "text"])
def test_communicate_that_was_interrupted_at_any_step_goes_on(system: ComputeSystem, text: bool) -> None:
    data: Any = "data\n" if text else b"data\n"
    noise: Any = "noise\n" if text else b"noise\n"
    step, was_interrupted = 0, True
    while was_interrupted:
        step += 1
        with system.popen(
            ["sh", "-c", "cat; echo noise >&2"], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=text
        ) as process:
            was_interrupted = False
            with interrupted_at(step, START, process_module) as came:
                try:
                    process.communicate(data)
                except KeyboardInterrupt:
                    was_interrupted = True
            assert was_interrupted == came()
            assert communicate_again(process, data) == (data, noise), step
    assert step > 50


@posix_shell
@pytest.mark.slow
def test_a_block_whose_communicate_was_interrupted_at_any_step_ends(system: ComputeSystem) -> None:
    step, was_interrupted = 0, True
    while was_interrupted:
        step += 1
        was_interrupted = False
        with (
            system.popen(["cat"], stdin=PIPE, stdout=PIPE) as process,
            interrupted_at(step, START, process_module),
        ):
            try:
                process.communicate(b"data")
            except KeyboardInterrupt:
                was_interrupted = True
        assert process.returncode is not None
    assert step > 50


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, RuntimeError("can't start new thread")], ids=["ctrl-c", "no thread"]
)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_communicate_goes_on_after_a_thread_that_did_not_start(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, nth: int, moment: str, error: Any
) -> None:
    start, starts = process_module.start_new_thread, 0

    def start_badly(function: Callable[[], None], arguments: tuple[()]) -> None:
        nonlocal starts
        starts += 1
        if starts == nth and moment == "after":
            start(function, arguments)
        if starts == nth:
            raise error
        start(function, arguments)

    with system.popen(ECHO, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        with monkeypatch.context() as patch:
            patch.setattr(process_module, "start_new_thread", start_badly)
            with pytest.raises((KeyboardInterrupt, RuntimeError)):
                process.communicate(b"data")
        assert process.communicate(timeout=10) == (b"data", b"noise\n")


@pytest.mark.parametrize("is_caught", [False, True], ids=["raised", "caught"])
def test_a_block_ends_although_communicate_could_start_no_thread(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, is_caught: bool
) -> None:
    def start_not(function: Any, arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    process = system.popen(CAT, stdin=PIPE, stdout=PIPE)
    with suppress(RuntimeError), process:
        monkeypatch.setattr(process_module, "start_new_thread", start_not)
        with suppress(RuntimeError) if is_caught else nullcontext():
            process.communicate(b"data")
        assert is_caught
        monkeypatch.undo()
    monkeypatch.undo()
    assert process.returncode is not None
    # Nothing was read, and that is said.
    with pytest.raises(HandleClosedError, match="before communicate"):
        process.communicate()


# CPython ignores an interruption that comes at the end of a coroutine, or before its beginning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:coroutine .*:RuntimeWarning")
@catches_signals
def test_communicate_that_a_timer_has_interrupted_goes_on(system: ComputeSystem) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    moments = random.Random(12)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(40):
            with system.popen(["cat"], stdin=PIPE, stdout=PIPE) as process:
                with suppress(KeyboardInterrupt):
                    try:
                        signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-6, 1e-3))
                        process.communicate(b"data")
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                assert communicate_again(process, b"data") == (b"data", None)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("verb", ["communicate", "call", "bulk"])
def test_no_interruption_while_a_thread_starts_becomes_another_error(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    interruptions = 0
    restore = threading.Condition._acquire_restore  # type: ignore[attr-defined]

    def restore_badly(condition: Any, state: Any) -> None:
        nonlocal interruptions
        if threading.current_thread() is threading.main_thread():
            interruptions += 1
            # As if Ctrl-C came here: the Condition then raises that it has not got its lock.
            raise KeyboardInterrupt
        restore(condition, state)

    with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        verbs: dict[str, Callable[[], object]] = {
            "communicate": process.communicate,
            "call": system.properties,
            "bulk": lambda: hcsrt.statistics_of([system]),
        }
        with monkeypatch.context() as patch:
            patch.setattr(_blocking._Helper, "get", _blocking._Helper)
            patch.setattr(threading.Condition, "_acquire_restore", restore_badly)
            with suppress(RuntimeError):
                verbs[verb]()
        process.communicate()
    assert not interruptions
