"""One command for asyncio, from its document to its result."""

# A system of our own: what it keeps private is used here.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
from _collections_abc import Callable, Mapping

from .. import documents
from .._arguments import seconds
from .._facade.commands import PIPE, Command, StreamFormat
from .._facade.once import RunRequest, RunResult, check_command, completed, repeatable
from .._facade.process import raise_late_start
from .._facade.times import Deadline
from .._late import typing
from ..errors import OperationTimeoutError
from ._process import live_output
from ._system import Ending
from .system import ComputeSystem

__all__ = ["RunResult", "run"]


async def run(
    args: Command,
    *,
    document: documents.Given[documents.ComputeSystem] | None = None,
    image: object = None,
    timeout: float | None = None,
    max_output: int | None = None,
    on_output: Callable[[str, bytes], object] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    input: bytes | None = None,
    isolation: typing.Literal["required", "none"] = "required",
) -> RunResult:
    """Run one command in a compute system of its own, and remove that again, whatever happens.

    An exit code other than 0 is no error. When the time is up, and if the task is cancelled or an error comes from
    anywhere, the system is terminated with all that runs in it, and closed.

    Args:
        args: As for ComputeSystem.popen().
        document: A ComputeSystem document, as a mapping or as JSON text. HCS terminates the system with its last handle
            unless the document itself says otherwise in ShouldTerminateOnLastHandleClosed. The emulator has a document
            of its own.
        image: None, as long as hcsrt cannot prepare images.
        timeout: Seconds for everything, None for ever.
        max_output: The bytes that are kept of each of stdout and stderr. The rest is read and thrown away. None keeps
            everything.
        on_output: What to call with "stdout" or "stderr" and each piece of output as it comes, all of it whatever
            max_output is. It may be a coroutine function, which is awaited. It is called in this task, and what it
            raises ends the run and is raised.
        env: Variables to set.
        cwd: A folder in the guest.
        input: What to write to stdin.
        isolation: What has to lie between the command and this machine. "required" takes what the document describes,
            and refuses the emulator, which isolates nothing; "none" accepts the emulator too, without a warning.

    Returns:
        The exit code, the output, and what the command has used.

    Raises:
        NoIsolationError: Isolation is required, and HCS is the emulator. Nothing was created.
        subprocess.TimeoutExpired: The time is up. This is a TimeoutError too, and has the output so far, as bytes.
        ValueError: There is no document, or an argument is wrong. Nothing was created.
        HcsError: As for ComputeSystem.create(), start(), popen() and stop().

    HCS: HcsCreateComputeSystem, HcsStartComputeSystem, HcsCreateProcess, HcsGetComputeSystemProperties,
    HcsTerminateComputeSystem
    """
    limit = seconds(timeout)
    deadline = Deadline(limit)
    streams = StreamFormat(None, None, None, -1)
    live_output(max_output, on_output, streams, PIPE)
    request = RunRequest(document, image, isolation)
    args = repeatable(args)
    await check_command(args, input, env, cwd, streams)
    ComputeSystem._check_pipes(PIPE)
    with request:
        try:
            system = await ComputeSystem.create(request.id, request.document, timeout=deadline.remaining())
        except OperationTimeoutError as error:
            raise_late_start(error, args, limit, b"")
        async with Ending(system, limit) as own:
            try:
                await system.start(timeout=deadline.remaining())
                own.process = process = await system.popen(
                    args,
                    stdin=None if input is None else PIPE,
                    stdout=PIPE,
                    stderr=PIPE,
                    cwd=cwd,
                    env=env,
                    max_output=max_output,
                    on_output=on_output,
                    timeout=deadline.remaining(),
                )
            except OperationTimeoutError as error:
                raise_late_start(error, args, limit, b"")
            return await completed(system, process, input, limit, deadline)
