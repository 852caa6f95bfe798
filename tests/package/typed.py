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


def modules() -> None:
    print(hcsrt.aio.systems, hcsrt.doctor.examine, hcsrt.emulator.install, hcsrt.service.properties)
    hcsrt.misspelt()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
