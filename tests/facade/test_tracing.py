"""The logger hcsrt.calls: one line for each call of HCS, in both faces, with nothing secret in it."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, aio
from hcsrt._facade import tracing
from hcsrt._interpose import silent

from ..helpers.children import run_python
from ..helpers.loops import asynchronous
from ..helpers.programs import INSTALL, SLEEP, TRUE, guest

Document = dict[str, Any]
LINE = re.compile(r"(\w+)\((.*?)\): (.+), \d+\.\d{3} ms")


class Lines(logging.Handler):
    """The lines that hcsrt.calls has told, as (function, object, outcome)."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert record.levelno == logging.DEBUG
        self.texts.append(record.getMessage())

    def calls(self) -> list[tuple[str, ...]]:
        found = [LINE.fullmatch(text) for text in self.texts]
        assert all(found), self.texts
        return [match.groups() for match in found if match]

    def of(self, function: str) -> list[tuple[str, ...]]:
        return [call[1:] for call in self.calls() if call[0] == function]


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    logger = logging.getLogger("hcsrt.calls")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(lines)
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(before)


# How often HCS is asked for an exit varies.
QUESTIONS = ("HcsGetProcessProperties", "HcsGetComputeSystemProperties")


def check_life(lines: Lines, pid: int) -> None:
    """Check what was told of the lives below."""
    system, process = "system 'traced'", f"process {pid}"
    opened = f"{process} of {system}"
    assert [call for call in lines.calls() if call[0] not in QUESTIONS] == [
        ("HcsCreateComputeSystem", system, "ok"),
        ("HcsSetComputeSystemCallback", system, "ok"),
        ("HcsStartComputeSystem", system, "ok"),
        ("HcsStartComputeSystem", system, "HCS_E_INVALID_STATE (0x80370105)"),
        ("HcsCreateProcess", system, process),
        ("HcsSetProcessCallback", process, "ok"),
        ("HcsOpenProcess", opened, "ok"),
        ("HcsGetProcessInfo", opened, process),
        ("HcsSetProcessCallback", opened, "ok"),
        ("HcsCloseProcess", opened, "ok"),
        ("HcsTerminateProcess", process, "ok"),
        ("HcsCloseProcess", process, "ok"),
        ("HcsOpenComputeSystem", "system 'missing'", "HCS_E_SYSTEM_NOT_FOUND (0x8037010E)"),
        ("HcsEnumerateComputeSystems", "", "ok"),
        ("HcsGetServiceProperties", "", "ok"),
        ("HcsTerminateComputeSystem", system, "ok"),
        ("HcsCloseComputeSystem", system, "ok"),
        ("HcsPauseComputeSystem", system, "HandleClosedError"),
    ]


def test_every_call_of_the_blocking_face_is_told(lines: Lines, document: Document, plain_order: None) -> None:
    with hcsrt.ComputeSystem.create("traced", document) as system:
        system.start()
        with pytest.raises(hcsrt.InvalidStateError):
            system.start()
        with system.popen(SLEEP, stdout=PIPE) as process:
            system.open_process(process.pid, stdout=PIPE).close()
            process.kill()
        with pytest.raises(hcsrt.SystemNotFoundError):
            hcsrt.ComputeSystem.open("missing")
        hcsrt.systems()
        hcsrt.service.properties()
        system.terminate()
    with pytest.raises(hcsrt.HandleClosedError):
        system.pause()
    check_life(lines, process.pid)


@asynchronous
async def test_every_call_of_the_awaited_face_is_told(lines: Lines, document: Document, plain_order: None) -> None:
    async with await aio.ComputeSystem.create("traced", document) as system:
        await system.start()
        with pytest.raises(hcsrt.InvalidStateError):
            await system.start()
        async with await system.popen(SLEEP, stdout=PIPE) as process:
            again = await system.open_process(process.pid, stdout=PIPE)
            await again.close()
            await process.kill()
        with pytest.raises(hcsrt.SystemNotFoundError):
            await aio.ComputeSystem.open("missing")
        await aio.systems()
        await aio.service.properties()
        await system.terminate()
    with pytest.raises(hcsrt.HandleClosedError):
        await system.pause()
    check_life(lines, process.pid)


TIMED_OUT = [("system 'tests'", "HCS_E_OPERATION_TIMEOUT (0x80370118), goes on in the background")]


def test_calls_that_nobody_waits_for_any_more_are_told(
    lines: Lines, system: hcsrt.ComputeSystem, interrupted: Callable[[float], Iterator[AbstractContextManager[None]]]
) -> None:
    with silent("HcsPauseComputeSystem"), silent("HcsResumeComputeSystem"):
        with pytest.raises(hcsrt.OperationTimeoutError):
            system.pause(timeout=0.05)
        assert lines.of("HcsPauseComputeSystem") == TIMED_OUT
        for block in interrupted(0.1):
            with block:
                system.resume()
        assert lines.of("HcsResumeComputeSystem")[0] == (
            "system 'tests'",
            "KeyboardInterrupt, goes on in the background",
        )


@asynchronous
async def test_awaited_calls_that_nobody_waits_for_any_more_are_told(lines: Lines, document: Document) -> None:
    async with await aio.ComputeSystem.create("tests", document) as system:
        await system.start()
        with silent("HcsPauseComputeSystem"), silent("HcsResumeComputeSystem"):
            with pytest.raises(hcsrt.OperationTimeoutError):
                await system.pause(timeout=0.05)
            assert lines.of("HcsPauseComputeSystem") == TIMED_OUT
            resuming = asyncio.ensure_future(system.resume())
            await asyncio.sleep(0.05)
            resuming.cancel()
            await asyncio.wait([resuming])
        assert lines.of("HcsResumeComputeSystem") == [
            ("system 'tests'", "cancelled, goes on in the background if HCS has got it")
        ]
        await system.terminate()


@asynchronous
async def test_what_is_discarded_is_told(lines: Lines, document: Document) -> None:
    """The end of a block by a cancellation waits for nothing, as told in docs/explanation/asyncio.md."""

    async def work() -> None:
        async with await aio.ComputeSystem.create("tests", document):
            await asyncio.sleep(60)

    task = asyncio.ensure_future(work())
    while not lines.of("HcsGetComputeSystemProperties"):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert lines.of("HcsCloseComputeSystem") == [
        ("system 'tests'", "cancelled, goes on in the background if HCS has got it")
    ]
    hcsrt.reap("tests")


def test_nothing_that_a_caller_gives_is_told_but_ids(lines: Lines, document: Document) -> None:
    secret = "hunter2"
    document["Owner"] = secret
    with hcsrt.ComputeSystem.create("tests", document) as system:
        system.start()
        with pytest.raises(hcsrt.PathNotFoundError):
            system.run([f"/{secret}"], user=secret)
        with pytest.raises(hcsrt.PathNotFoundError):
            system.run([f"/{secret}"], cwd=f"/{secret}", env={"NAME": secret})
        command = guest("out(os.environ['NAME'])", secret)
        assert secret.encode() in system.run(command, env={"NAME": secret}, capture_output=True).stdout
        with pytest.raises(hcsrt.HcsError):
            system.modify(f"Container/{secret}", "Add", {"Path": secret})
        with pytest.raises(hcsrt.HcsError):
            hcsrt.service.grant_vm_access(secret, f"/{secret}")
        hcsrt.systems(owner=secret)
        hcsrt.reap(secret)
    assert len(lines.calls()) > 10
    assert secret not in "".join(lines.texts)


@pytest.mark.parametrize("has_dict", [False, True])
def test_a_level_that_is_set_later_counts(document: Document, has_dict: bool) -> None:
    lines = Lines()
    logger = logging.getLogger("hcsrt.calls")
    logger.addHandler(lines)
    try:
        with hcsrt.ComputeSystem.create("tests", document) as system:
            system.start()
            with system.popen(SLEEP) as process:
                assert lines.texts == []
                if has_dict:
                    assert vars(system)
                    assert vars(process)
                logging.getLogger("hcsrt").setLevel(logging.DEBUG)
                process.properties()
                process.kill()
                system.properties()
            told = {(function, subject) for function, subject, _ in lines.calls()}
            assert told >= {
                ("HcsGetProcessProperties", f"process {process.pid}"),
                ("HcsTerminateProcess", f"process {process.pid}"),
                ("HcsGetComputeSystemProperties", "system 'tests'"),
                ("HcsCloseProcess", f"process {process.pid}"),
            }
            logging.getLogger("hcsrt").setLevel(logging.NOTSET)
            count = len(lines.texts)
            system.terminate()
            assert len(lines.texts) == count
    finally:
        logging.getLogger("hcsrt").setLevel(logging.NOTSET)
        logger.removeHandler(lines)


@asynchronous
async def test_a_filter_that_fails_changes_nothing(lines: Lines, document: Document) -> None:
    def fail(record: logging.LogRecord) -> bool:
        raise RuntimeError("a filter of the program's")

    for name in ("hcsrt.calls", "hcsrt.system"):
        logging.getLogger(name).addFilter(fail)
    try:
        logging.getLogger("hcsrt.system").setLevel(logging.DEBUG)
        async with await aio.ComputeSystem.create("tests", document) as system:
            await system.start()
            with hcsrt.ComputeSystem.open("tests") as opened:
                assert opened.stop(grace=0) == "terminate"
    finally:
        logging.getLogger("hcsrt.system").setLevel(logging.NOTSET)
        for name in ("hcsrt.calls", "hcsrt.system"):
            logging.getLogger(name).removeFilter(fail)
    assert lines.texts == []


def test_a_program_that_does_not_log_imports_nothing_for_it() -> None:
    program = f"""\
import sys, hcsrt
{INSTALL}
with hcsrt.ComputeSystem.create("tests", hcsrt.emulator.container_document()) as system:
    system.start()
    system.terminate()
assert "logging" not in sys.modules and "hcsrt._facade.tracing" not in sys.modules
"""
    done = run_python(program)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_object_that_is_gone_leaves_no_name_behind(
    lines: Lines, document: Document, settle: Callable[..., bool]
) -> None:
    names = tracing._names  # pyright: ignore[reportPrivateUsage]
    with hcsrt.ComputeSystem.create("tests", document) as system:
        system.start()
        before = len(names)
        for _ in range(3):
            system.run(TRUE)
        # A thread that ends what is left of a call may hold its object a little longer.
        assert settle(lambda: len(names) == before)
        system.terminate()
