"""Sweeps: each call of HCS fails in turn, and what a wrong program then does is told."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import hcsrt
from hcsrt import ComputeSystem, aio
from hcsrt._check_host.raw_hcs import Table
from hcsrt._facade import times
from hcsrt.emulator import Host, container_document
from hcsrt.emulator.sweep import Run, Sweep

from ..helpers.platforms import emulator_by_name
from ..helpers.programs import TRUE

pytestmark = [emulator_by_name, pytest.mark.filterwarnings("ignore::hcsrt.NoIsolationWarning")]

SETTLE = 0.5
"""Seconds that sweeps of wrong programs wait for what these leave behind."""


class Mine(Exception):
    """An error of a program's own."""


def wrong(sweep: Sweep) -> list[Run]:
    """Return the runs of a sweep that are not clean."""
    return [run for run in sweep if run.problems()]


def manage() -> None:
    with ComputeSystem.create("swept", container_document()) as system:
        system.start()


# --- what a sweep is --------------------------------------------------------------------------------------------------


def test_each_call_fails_once_and_for_good_in_a_world_of_its_own() -> None:
    hosts: list[Host | None] = []

    def program() -> None:
        hosts.append(Host.installed())
        manage()

    sweep = Host.sweep(program)
    runs = list(sweep)
    assert len(set(map(id, hosts))) == len(hosts) == len(runs) == sweep.runs
    assert runs[0].fault is None
    sites = {(run.function, run.number) for run in runs[1:]}
    assert sweep.sites == sweep.met == len(sites)
    assert {("HcsCreateComputeSystem", 1), ("HcsStartComputeSystem", 1), ("HcsCreateOperation", 2)} <= sites
    for site in sites:
        here = [run for run in runs if (run.function, run.number) == site]
        assert {run.lasting for run in here} == {True, False}
        assert all(run.fired for run in here if run.fault and run.fault.site == run.function)
    for run in runs:
        run.expect_clean()
    assert repr(sweep).startswith(f"<Sweep of {program.__qualname__}: {sweep.sites} sites, of which {sweep.met} have")


def test_a_sweep_is_lazy() -> None:
    calls: list[None] = []
    runs = iter(Host.sweep(lambda: calls.append(None)))
    assert calls == []
    assert next(runs).fault is None
    assert len(calls) == 1
    assert list(runs) == []


def test_a_sweep_begins_again_each_time_it_is_iterated() -> None:
    sweep = Host.sweep(lambda: hcsrt.ComputeSystem.open("nobody") if False else None)
    assert [len(list(sweep)), sweep.runs, len(list(sweep)), sweep.runs] == [1, 1, 1, 1]


def test_what_the_program_returns_and_raises_is_there() -> None:
    def program() -> str:
        manage()
        return "done"

    for run in Host.sweep(program):
        assert (run.result == "done") == (run.error is None)
        if run.error is not None:
            assert isinstance(run.error, hcsrt.HcsError)


def test_a_program_that_tries_again_sees_what_fails_once_and_what_fails_for_good() -> None:
    def program() -> int:
        for attempt in range(3):
            with suppress(hcsrt.HcsError):
                manage()
                return attempt
        raise Mine

    runs = [
        run
        for run in Host.sweep(program)
        if run.function in ("HcsCreateComputeSystem", "HcsStartComputeSystem")
        and run.fault
        and run.fault.action == "fail"
    ]
    assert len(runs) == 2 * 2 * 3
    for run in runs:
        assert (run.result, type(run.error)) == ((None, Mine) if run.lasting else (1, type(None))), run


def test_a_coroutine_function_has_an_event_loop_each_time() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def program() -> None:
        loops.append(asyncio.get_running_loop())
        async with await aio.ComputeSystem.create("swept", container_document()) as system:
            await system.start()

    sweep = Host.sweep(program)
    for run in sweep:
        run.expect_clean()
    assert len(set(map(id, loops))) == sweep.runs > sweep.sites > 5
    assert sweep.met == sweep.sites


def test_the_seed_and_what_is_assumed_are_those_of_each_world() -> None:
    seen: set[tuple[int | None, str | None]] = set()

    def program() -> None:
        host = Host.installed()
        assert host
        seen.add((host.seed, host.assumptions["exit_event"]))
        manage()

    for run in Host.sweep(program, seed=7, exit_event="before_the_result"):
        run.expect_clean()
    assert seen == {(7, "before_the_result")}


def test_a_function_fails_with_the_errors_that_are_given() -> None:
    sweep = Host.sweep(manage, failures={"HcsStartComputeSystem": ["E_ABORT", 0x80070005]})
    errors = {
        run.fault.to_dict()["error"]
        for run in sweep
        if run.fault and run.function == "HcsStartComputeSystem" and run.fault and run.fault.action == "fail"
    }
    assert errors == {"E_ABORT", "E_ACCESSDENIED"}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"function": 5}, TypeError, "function must be callable without arguments, not int"),
        ({"seed": "x"}, TypeError, "seed must be an int or None, not str"),
        ({"limit": -1}, ValueError, "limit must be zero or more seconds"),
        ({"settle": -1}, ValueError, "settle must be zero or more seconds"),
        ({"failures": {"HcsStart": ["E_FAIL"]}}, ValueError, "site is 'HcsStart'"),
        ({"failures": {"HcsStartComputeSystem": "E_FAIL"}}, TypeError, "must be a list of HRESULTs, not str"),
        ({"failures": {"HcsStartComputeSystem": 5}}, TypeError, "must be a list of HRESULTs, not int"),
        ({"failures": {"HcsStartComputeSystem": None}}, TypeError, "must be a list of HRESULTs, not NoneType"),
        ({"failures": {"HcsStartComputeSystem": b"E"}}, TypeError, "must be a list of HRESULTs, not bytes"),
        ({"failures": ["E_FAIL"]}, TypeError, "failures must be a mapping of functions to HRESULTs, not list"),
        ({"failures": 0}, TypeError, "failures must be a mapping"),
        ({"failures": {"HcsStartComputeSystem": ["S_OK"]}}, ValueError, "error is 'S_OK'"),
        ({"nonsense": "x"}, TypeError, "there is no assumption 'nonsense'"),
        ({"exit_event": "never"}, ValueError, "exit_event is 'never'"),
    ],
)
def test_what_a_sweep_cannot_use_is_told_before_it_begins(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Host.sweep(**({"function": manage} | arguments))


def test_a_sweep_needs_the_process_for_itself() -> None:
    with Host(), pytest.raises(RuntimeError, match="another Host is installed"):
        list(Host.sweep(manage))


def test_cleared_variables_of_a_failed_program_hold_nothing() -> None:
    """What the traceback of an error refers to is no leak of the program's."""

    def program() -> None:
        operation = hcsrt.operations.Operation()
        try:
            manage()
        except hcsrt.HcsError as error:
            raise Mine from error
        operation.close()

    for run in Host.sweep(program):
        assert run.left_behind == {}


# --- what a wrong program does ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_leaks_is_told_with_the_call_at_which_it_does() -> None:
    kept: list[ComputeSystem] = []

    def program() -> None:
        system = ComputeSystem.create("leaked", container_document())
        try:
            system.start()
            system.close()
        except hcsrt.HcsError:
            kept.append(system)
            raise

    runs = []
    for run in Host.sweep(program, settle=SETTLE, exit_event="after_the_result"):
        runs += [run] if run.problems() else []
        for system in kept:
            system.close()
        kept.clear()
    assert {run.function for run in runs} >= {"HcsStartComputeSystem", "HcsCreateOperation"}
    assert ("HcsCreateComputeSystem", 1) not in {(run.function, run.number) for run in runs}
    run = next(run for run in runs if run.function == "HcsStartComputeSystem")
    assert run.left_behind == {"systems": 1}
    with pytest.raises(AssertionError) as caught:
        run.expect_clean()
    assert caught.value.__cause__ is run.error
    assert str(caught.value) == (
        "in the run with fail(HCS_E_TERMINATED_DURING_START) at HcsStartComputeSystem, call 1:\n"
        "* the program has left behind: 1 systems\n"
        "* these compute systems still run: leaked\n"
        "repeat it with: Host(seed=None, exit_event='after_the_result'), "
        f"and faults.add({run.fault and run.fault.to_dict()})"
    )


def test_what_is_not_closed_is_told_although_the_garbage_collector_closes_it() -> None:
    def program() -> None:
        system = ComputeSystem.create("unclosed", container_document())
        system.start()
        system.close()

    runs = wrong(Host.sweep(program))
    assert {run.function for run in runs} >= {"HcsStartComputeSystem"}
    assert all(run.left_behind == {} for run in runs)
    assert all(len(run.unclosed) == 1 for run in runs)
    assert "unclosed <hcsrt.ComputeSystem 'unclosed'>" in runs[0].unclosed[0]
    assert "the program did not close what it had: unclosed <hcsrt.ComputeSystem" in runs[0].problems()[0]


@pytest.mark.slow
def test_a_system_that_still_runs_is_told() -> None:
    def program() -> None:
        document = container_document(terminate_on_last_handle_closed=False)
        with ComputeSystem.create("orphan", document) as system:
            system.start()
            system.terminate()

    runs = wrong(Host.sweep(program, settle=SETTLE))
    assert {run.function for run in runs} >= {"HcsStartComputeSystem", "HcsTerminateComputeSystem"}
    assert all(run.systems == ["orphan"] for run in runs)
    # Nothing could have ended it there.
    assert not [run for run in runs if run.lasting and run.function == "HcsTerminateComputeSystem"]


def test_a_program_that_calls_nothing_is_told() -> None:
    (run,) = Host.sweep(lambda: manage)
    with pytest.raises(AssertionError, match="has called no function of HCS that can fail"):
        run.expect_clean()


def test_an_error_without_a_text_is_told() -> None:
    class Dumb(Exception):
        def __str__(self) -> str:
            raise LookupError

    def program() -> None:
        manage()
        raise Dumb

    run = next(iter(Host.sweep(program)))
    (problem,) = run.problems()
    assert problem.startswith("the program ended with Dumb, which raises an error when it is asked")


def test_an_error_that_is_none_of_hcs_is_told_unless_it_is_expected() -> None:
    def program() -> None:
        try:
            manage()
        except hcsrt.HcsError as error:
            raise Mine("could not manage") from error

    runs = wrong(Host.sweep(program))
    assert runs
    assert "the program ended with Mine: could not manage" in runs[0].problems()
    assert runs[0].problems(Mine) == []
    runs[0].expect_clean(Mine)


def test_groups_of_expected_errors_are_expected() -> None:
    async def program() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(manage))

    assert wrong(Host.sweep(program)) == []

    async def other() -> None:
        try:
            await program()
        except BaseExceptionGroup as group:
            raise BaseExceptionGroup("both", [*group.exceptions, Mine()]) from None

    assert [run for run in wrong(Host.sweep(other)) if not re.search("ExceptionGroup: both", run.problems()[0])] == []


def test_a_program_that_is_a_generator_is_told_instead_of_nothing() -> None:
    def program() -> Iterator[None]:
        yield manage()

    async def asynchronous() -> AsyncIterator[None]:
        yield None

    for function in (program, asynchronous):
        (run,) = Host.sweep(function)
        with pytest.raises(AssertionError, match="TypeError: function has returned a generator, which nobody runs"):
            run.expect_clean()


def test_an_error_where_nothing_fails_is_the_programs_own() -> None:
    def program() -> None:
        ComputeSystem.open("nobody")

    first = next(iter(Host.sweep(program)))
    with pytest.raises(AssertionError, match=r"in the run in which nothing fails:\n\* the program ended with System"):
        first.expect_clean()


def test_what_nobody_handles_in_an_event_loop_is_told() -> None:
    async def program() -> None:
        async with await aio.ComputeSystem.create("swept", container_document()) as system:
            task = asyncio.create_task(system.start())
            await asyncio.wait([task])
            del task

    runs = wrong(Host.sweep(program))
    assert runs
    assert all("Task exception was never retrieved" in run.unhandled[0] for run in runs)


def test_a_misuse_is_told() -> None:
    def program() -> None:
        table = Table()
        with ComputeSystem.create("closed-twice", container_document()) as system:
            handle = table.open_system(system.id)
            table.HcsCloseComputeSystem(handle)
            table.HcsCloseComputeSystem(handle)

    run = next(iter(Host.sweep(program)))
    (problem,) = run.problems()
    assert re.match(r"a call that could crash or corrupt the real HCS: HcsCloseComputeSystem: handle ", problem)


# --- what hangs -------------------------------------------------------------------------------------------------------


def test_a_wait_for_what_never_comes_is_told_as_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def program() -> None:
        try:
            manage()
        except hcsrt.HcsError:
            wait_for_somebody()

    def wait_for_somebody() -> None:
        done.wait(2.0)

    runs = iter(Host.sweep(program, limit=0.3))
    run = next(run for run in runs if run.hung)
    assert not run.is_stuck
    assert run.error is None
    (problem,) = run.problems()
    assert problem.startswith("the program did not end in time. Its threads were here:\nthread hcsrt-sweep:")
    assert "in wait_for_somebody" in problem


def test_a_wait_for_hcs_ends_with_its_service() -> None:
    def program() -> None:
        with ComputeSystem.create("waited-for", container_document()) as system:
            system.start()
            system.wait()

    run = next(iter(Host.sweep(program, limit=0.3)))
    assert run.hung
    assert not run.is_stuck
    assert isinstance(run.error, hcsrt.ServiceDisconnectedError)


def test_a_coroutine_that_hangs_is_cancelled_and_its_tasks_are_told() -> None:
    async def program() -> None:
        try:
            async with await aio.ComputeSystem.create("swept", container_document()) as system:
                await system.start()
        except hcsrt.HcsError:
            await innermost()

    async def innermost() -> None:
        await asyncio.Event().wait()

    run = next(run for run in Host.sweep(program, limit=0.3) if run.hung)
    assert not run.is_stuck
    assert isinstance(run.error, asyncio.CancelledError)
    (problem,) = run.problems()
    assert "in innermost" in problem
    assert "await asyncio.Event().wait()" in problem


def test_a_program_that_outlives_its_world_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcsrt.emulator.sweep._GRACE", 0.1)
    done = threading.Event()
    runs = iter(Host.sweep(done.wait, limit=0.1))
    try:
        run = next(runs)
        assert run.is_stuck
        assert "did not end in time, nor when its world was at an end" in run.problems()[0]
        with pytest.raises(RuntimeError, match="the sweep cannot go on"):
            next(runs)
    finally:
        done.set()


# --- both faces of hcsrt ----------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask soon for an exit whose event was lost."""
    monkeypatch.setattr(times, "FIRST_QUERY", 0.05)
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.05)


def create_run_stop() -> None:
    with ComputeSystem.create("swept", container_document()) as system:
        system.start()
        system.run(TRUE)
        system.stop(grace=5)


async def aio_create_run_stop() -> None:
    async with await aio.ComputeSystem.create("swept", container_document()) as system:
        await system.start()
        await system.run(TRUE)
        await system.stop(grace=5)


def run_once() -> None:
    hcsrt.run(TRUE, isolation="none")


async def aio_run_once() -> None:
    await aio.run(TRUE, isolation="none")


SITES = {create_run_stop: 20, aio_create_run_stop: 20, run_once: 27, aio_run_once: 27}
"""The number of sites that each program has at least."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("program", SITES)
def test_create_run_and_stop_are_clean_at_every_site(
    program: Callable[[], Any], seed: int | None, quick: None, record_property: Callable[[str, object], None]
) -> None:
    before = time.monotonic()
    sweep = Host.sweep(program, seed=seed)
    for run in sweep:
        run.expect_clean()
    record_property("sites", sweep.sites)
    print(f"{program.__name__}, seed {seed}: {sweep.report()}, {time.monotonic() - before:.1f} s")
    assert sweep.sites >= SITES[program]
