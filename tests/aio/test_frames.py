"""Between what is awaited and the future of the engine stands one coroutine at most."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import hcsrt
from hcsrt import aio

from ..helpers.loops import is_awaited
from ..helpers.programs import SLEEP

Verb = Callable[..., Any]

SYSTEM: dict[str, tuple[Any, ...]] = {
    "start": (),
    "shutdown": (),
    "terminate": (),
    "crash": (),
    "pause": (),
    "resume": (),
    "save": ("state.vmrs",),
    "modify": ("VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", 512),
    "initialize_live_migration": (),
    "start_live_migration": (1,),
    "start_live_migration_transfer": (),
    "finalize_live_migration": (),
    "cancel_live_migration": (),
    "properties": (),
    "statistics": (),
    "process_list": (),
    "memory": (),
}
PROCESS: dict[str, tuple[Any, ...]] = {
    "kill": (),
    "terminate": (),
    "send_signal": ("CtrlC",),
    "resize_console": (25, 80),
    "properties": (),
    "modify": ({},),
}
SERVICE: dict[str, tuple[Any, ...]] = {
    "properties": ("Basic",),
    "modify": ("CpuGroup", {}),
    "submit_wer_report": ({},),
    "create_guest_state_file": ("file",),
    "create_runtime_state_file": ("file",),
    "grant_vm_access": ("machine", "file"),
    "revoke_vm_access": ("machine", "file"),
    "grant_vm_group_access": ("file",),
    "revoke_vm_group_access": ("file",),
    "processor_compatibility": ("file",),
}
SEVERAL_CALLS = {
    aio.ComputeSystem: {"create", "open", "close", "stop", "wait", "popen", "run", "open_process", "duplicate_handle"},
    aio.Process: {"poll", "wait", "communicate", "close", "duplicate_handle"},
}


def coroutines_of(thing: Any) -> set[str]:
    return {name for name, member in inspect.getmembers(thing, is_awaited) if name[0] != "_"}


def test_each_plain_verb_is_looked_at() -> None:
    assert coroutines_of(aio.ComputeSystem) == SYSTEM.keys() | SEVERAL_CALLS[aio.ComputeSystem]
    assert coroutines_of(aio.Process) == PROCESS.keys() | SEVERAL_CALLS[aio.Process]
    assert coroutines_of(aio.service) == SERVICE.keys()


async def frames_to_the_future(verb: Verb, arguments: tuple[Any, ...], options: dict[str, Any]) -> int:
    """How many coroutines wait for each other between the one of the verb and the future that its task waits for."""
    coroutine = verb(*arguments, **options)
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    between = -1
    awaited: Any = coroutine
    while inspect.iscoroutine(awaited):
        between += 1
        awaited = awaited.cr_await
    waiter = task._fut_waiter
    assert type(waiter) is type(asyncio.get_running_loop().create_future())
    # The iterator of that future, and of no other thing.
    assert type(awaited) is type(iter(waiter))
    task.cancel()
    await asyncio.wait((task,))
    return between


@pytest.mark.parametrize("timeout", [{}, {"timeout": None}, {"timeout": 60}], ids=["no timeout", "None", "a timeout"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("system", name) for name in SYSTEM),
        *(("process", name) for name in PROCESS),
        *(("service", name) for name in SERVICE),
        ("aio", "systems"),
    ],
)
def test_no_plain_verb_has_more_than_one_coroutine_before_the_engine(
    kind: str, name: str, timeout: dict[str, Any], system: hcsrt.ComputeSystem
) -> None:
    async def look() -> int:
        async with await aio.ComputeSystem.open(system.id) as own:
            if kind == "system":
                return await frames_to_the_future(getattr(own, name), SYSTEM[name], timeout)
            if kind == "service":
                return await frames_to_the_future(getattr(aio.service, name), SERVICE[name], timeout)
            if kind == "aio":
                return await frames_to_the_future(aio.systems, (), timeout)
            process = await own.popen(SLEEP)
            try:
                return await frames_to_the_future(getattr(process, name), PROCESS[name], timeout)
            finally:
                await process.kill()
                await process.close()

    assert asyncio.run(look()) <= 1
