"""What a type checker has to see of hcsrt, for pyright: it runs nowhere."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import hcsrt
from hcsrt import aio


def handles(
    system: hcsrt.ComputeSystem, process: hcsrt.Process[str], there: aio.ComputeSystem, other: aio.Process[str]
) -> None:
    assert_type(system.handle, hcsrt.OwnedSystem)
    assert_type(process.handle, hcsrt.OwnedProcess)
    assert_type(there.handle, hcsrt.OwnedSystem)
    assert_type(other.handle, hcsrt.OwnedProcess)


async def streams(process: aio.Process[str], binary: aio.Process[bytes]) -> None:
    if process.stdout and binary.stdout:
        assert_type(await process.stdout.readline(), str)
        assert_type(await binary.stdout.readuntil(b";"), bytes)


async def runs(system: hcsrt.ComputeSystem, there: aio.ComputeSystem) -> None:
    def show(name: str, data: bytes) -> None:
        print(name, data)

    async def show_there(name: str, data: bytes) -> None:
        print(name, data)

    assert_type(hcsrt.run(["true"], on_output=show, isolation="none"), hcsrt.RunResult)
    assert_type(await aio.run(["true"], on_output=show_there, max_output=1), aio.RunResult)
    assert_type(hcsrt.run("true").processor_time, float | None)
    hcsrt.run("true", isolation="some")  # pyright: ignore[reportArgumentType]
    assert_type(system.popen("true", text=True, on_output=show), hcsrt.Process[str])
    assert_type(await there.popen("true", max_output=1), aio.Process[bytes])
    assert_type(system.run("true", max_output=1).stdout, bytes)
    assert_type((await there.run("true", max_output=1)).output_cut, bool)


def modules() -> None:
    print(hcsrt.aio.systems, hcsrt.doctor.examine, hcsrt.emulator.install, hcsrt.service.properties)
    hcsrt.misspelt()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
