"""What is no number of seconds, in every public function of both faces that has a timeout; and numbers out of range."""

import asyncio
import contextlib
import inspect
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import hcsrt
from hcsrt import aio, doctor, emulator, operations

from ..helpers.programs import SLEEP, TRUE, guest

MODULES: dict[str, Any] = {
    "hcsrt": hcsrt,
    "hcsrt.aio": aio,
    "hcsrt.service": hcsrt.service,
    "hcsrt.aio.service": aio.service,
    "hcsrt.operations": operations,
    "hcsrt.doctor": doctor,
}
FOR_EVER = [None, math.inf, 1e300, 10**30, 10**400]
WRONG: list[tuple[Any, type[Exception]]] = [
    (-1, ValueError),
    (-(10**400), ValueError),
    (-math.inf, ValueError),
    (math.nan, ValueError),
    (Decimal("nan"), ValueError),
    (Decimal("sNaN"), ValueError),
    ("1", TypeError),
    ([], TypeError),
]


def limited(namespace: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """The names of the public functions with a limit, each with the parameter that is one."""
    for name in dir(namespace):
        member = getattr(namespace, name)
        if name.startswith("_") or not callable(member):
            continue
        if inspect.isclass(member):
            if not isinstance(namespace, type) and not issubclass(member, BaseException):
                yield from limited(member, f"{prefix}{name}.")
            continue
        with contextlib.suppress(ValueError):  # has no signature
            for parameter in {"timeout", "grace"} & set(inspect.signature(member).parameters):
                yield f"{prefix}{name}", parameter


LIMITED = sorted(pair for name, module in MODULES.items() for pair in limited(module, f"{name}."))


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class World:
    """Something to call each of these functions on and with: what has exited, so that none waits."""

    def __init__(self, system: Any, process: Any, events: Any, folder: Any) -> None:
        self.objects = {"ComputeSystem": system, "Process": process, "Events": events}
        self.operation = operation = operations.create_operation()
        with hcsrt.ComputeSystem.create("asked", emulator.container_document()) as asked:
            operations.kick_off(operation, "HcsGetComputeSystemProperties", asked.handle)
            operations.wait_operation(operation, 10)
        self.arguments: dict[str, Any] = {
            "id": "other",
            "document": emulator.container_document(),
            "args": TRUE,
            "pid": 1,
            "owner": "nobody",
            "systems": [],
            "operation": operation,
            "operations": [operation],
            "signal": "CtrlC",
            "height": 3,
            "width": 3,
            "request": {},
            "resource_path": "Container/Memory/SizeInMB",
            "request_type": "Update",
            "migration_socket": 1,
            "property_type": "Basic",
            "settings": {},
            "crash_report": {},
            "path": folder / "file",
            "vm_id": "other",
        }

    def call(self, name: str, **limit: Any) -> Any:
        where, _, function = name.rpartition(".")
        owner = self.objects.get(where.rpartition(".")[2]) or MODULES[where]
        method = getattr(owner, function)
        parameters = inspect.signature(method).parameters.values()
        required = [each.name for each in parameters if each.default is each.empty and each.kind not in VARIADIC]
        if any(each.name == "isolation" for each in parameters):
            # The emulator has none to give.
            limit = {"document": self.arguments["document"], "isolation": "none", **limit}
        return method(*(self.arguments[each] for each in required if each not in limit), **limit)

    async def close(self) -> None:
        for each in (self.objects["Process"], self.objects["ComputeSystem"], self.operation):
            await outcome(each.close())


async def outcome(value: Any) -> Any:
    return await asyncio.wait_for(value, 20) if inspect.isawaitable(value) else value


async def made_of(face: Any, folder: Any) -> World:
    system = await outcome(face.ComputeSystem.create("numbers", emulator.container_document()))
    await outcome(system.start())
    events = system.events()
    process = await outcome(system.popen(SLEEP))
    await outcome(process.kill())
    await outcome(process.wait())
    await outcome(system.terminate())
    await outcome(system.wait())
    return World(system, process, events, folder)


@pytest.mark.parametrize(("name", "parameter"), LIMITED)
def test_seconds_are_checked_and_may_be_for_ever(name: str, parameter: str, tmp_path: Any, plain_order: None) -> None:
    async def main() -> None:
        world = await made_of(aio if ".aio." in name else hcsrt, tmp_path)
        for limit, error in WRONG:
            with pytest.raises(error, match=rf"{parameter} .*(None|seconds)"):
                await outcome(world.call(name, **{parameter: limit}))
        for limit in FOR_EVER:
            # What has exited refuses most of them.
            with contextlib.suppress(hcsrt.HcsError, OSError):
                made = await outcome(world.call(name, **{parameter: limit}))
                if isinstance(made, (hcsrt.ComputeSystem, aio.ComputeSystem)):
                    await outcome(made.close())
        await world.close()

    asyncio.run(main())


@pytest.mark.parametrize("limit", FOR_EVER, ids=["None", "inf", "1e300", "10**30", "10**400"])
@pytest.mark.parametrize("face", [hcsrt, aio], ids=["hcsrt", "hcsrt.aio"])
def test_what_ends_in_the_end_is_waited_for(face: Any, limit: Any, tmp_path: Any) -> None:
    async def main() -> None:
        system = await outcome(face.ComputeSystem.create("numbers", emulator.container_document(), timeout=limit))
        await outcome(system.start(timeout=limit))
        events = system.events(timeout=limit)
        sleeper = guest("sleep(0.2)")
        assert (await outcome(system.run(sleeper, capture_output=True, timeout=limit))).returncode == 0
        process = await outcome(system.popen(sleeper))
        assert await outcome(process.wait(timeout=limit)) == 0
        assert await outcome(system.stop(grace=limit, timeout=limit)) == "shutdown"
        await outcome(system.wait(timeout=limit))
        assert (await outcome(events.get(timeout=limit))).type == "SystemExited"
        await outcome(process.close())
        await outcome(system.close())

    asyncio.run(main())


@pytest.mark.parametrize("seed", [1.5, "1", math.nan])
def test_a_seed_is_an_int(seed: Any, system: hcsrt.ComputeSystem) -> None:
    for call in (emulator.install, emulator.reset):
        with pytest.raises(TypeError, match="seed must be an int or None"):
            call(seed)
    assert system.properties()["State"] == "Running"


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("notifications", lambda operation, number: operations.create_operation(number)),
        ("value", operations.set_operation_context),
        ("resource_type", lambda operation, number: operations.add_resource(operation, number, "uri", 1)),
    ],
)
@pytest.mark.parametrize(
    ("number", "error"),
    [(-1, ValueError), (2**64, ValueError), (10**400, ValueError), (1.5, TypeError), ("1", TypeError)],
)
def test_a_number_that_hcs_cannot_take_is_named(argument: str, call: Any, number: Any, error: type[Exception]) -> None:
    with operations.create_operation() as operation, pytest.raises(error, match=f"{argument} must be"):
        call(operation, number)
