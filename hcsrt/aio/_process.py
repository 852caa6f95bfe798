"""The half of a process that only hcsrt.aio has: how it is made, its streams, its close."""

# What a class here keeps private, the functions beside it use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from _collections_abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from weakref import ref

from .. import _engine
from .._facade import AnyStr, Generic, commands, times
from .._facade.commands import PIPE, Command, StreamFormat, check_given, encoded
from .._facade.owner import debug, has_exited
from .._facade.process import ProcessCore, nested_turn, raise_late_start, running
from .._facade.requests import advised
from .._facade.times import Deadline
from .._handles import OwnedProcess, OwnedSystem
from .._late import typing
from .._streams import ProcessStart
from ..errors import HandleClosedError, OperationTimeoutError, ServiceDisconnectedError
from ._calls import (
    CALLS,
    PARTING_TIMEOUT,
    AwaitedOwner,
    abandon,
    cannot_wait,
    close_handle,
    close_handles,
    discard,
    is_told_to_stop,
    made,
    started,
    terminate,
    terminate_and_discard,
    wait_before_parting,
    wait_closed,
)
from ._loops import check_own_loop, runs_here, wait_time, whole_time
from ._pipes import REOPEN
from .streams import PipeReader, PipeWriter, StreamReader, StreamWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

    from .._facade.expired import CompletedProcess
    from .._facade.output import Kept
    from .._handles import OwnedStdio


async def _wait_within(awaitable: Awaitable[object], deadline: Deadline) -> bool:
    """Wait until something is done; cancel it and return False if the deadline comes first."""
    limit = asyncio.timeout(whole_time(deadline.remaining()))
    try:
        async with limit:
            await awaitable
    except TimeoutError:
        # It may have raised one of its own.
        if not limit.expired():
            raise
        return False
    return True


live_output = partial(commands.live_output, wait=_wait_within)


class AwaitedProcess(AwaitedOwner[OwnedProcess], ProcessCore[AnyStr], Generic[AnyStr]):
    """A process whose methods are awaited."""

    stdin: StreamWriter[AnyStr] | None
    stdout: StreamReader[AnyStr] | None
    stderr: StreamReader[AnyStr] | None
    _logger = "hcsrt.aio.process"

    def __init__(
        self,
        start: ProcessStart,
        args: Command,
        streams: StreamFormat,
        reopen_system: Callable[[Deadline], Coroutine[typing.Any, typing.Any, OwnedSystem]],
        is_windows: Callable[[], bool],
    ) -> None:
        super().__init__(start, args, streams, reopen_system, is_windows)
        self._loop = asyncio.get_running_loop()
        self._writer: PipeWriter[AnyStr] | None = start.stdin and PipeWriter(start.stdin, streams, start.process)
        self._readers: list[PipeReader[AnyStr] | None] = [
            stdio and PipeReader(stdio, streams) for stdio in (start.stdout, start.stderr)
        ]
        self.stdin = self._writer
        # What the process object reads itself, with its name and where it goes.
        self._live: list[tuple[str, PipeReader[AnyStr], Kept]] = []
        self._turn: asyncio.Future[None] | None = None
        self._passing: asyncio.Task[Any] | None = None
        self.stdout, self.stderr = (None, None) if self._live_output else self._readers
        for name, reader in zip(("stdout", "stderr"), self._readers, strict=True):
            if reader is not None and self._live_output is not None:
                self._live.append((name, reader, self._live_output.open(name)))
        # Whether communicate() has sent its input; None before it begins to.
        self._has_sent: bool | None = None
        self._exit: asyncio.Future[None] | None = None

    async def _set_up(self, deadline: Deadline) -> None:
        for reader in self._readers:
            if reader is not None:
                await reader.connect()
        await super()._set_up(deadline)
        readers = [reader for reader in self._readers if reader is not None]
        if readers:
            self._exit = _engine.wait_exit(self._handle)
            # Without this object, and with weak references to the readers: the wait would keep them alive.
            self._exit.add_done_callback(partial(_drain_after_exit, self._handle, [*map(ref, readers)]))

    @property
    def returncode(self) -> int | None:
        if self._returncode is None:
            with suppress(HandleClosedError):
                self._keep_latched()
        return self._returncode

    def __repr__(self) -> str:
        return f"<hcsrt.aio.Process {self.pid} {self._state()}>"

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the streams, wait for the exit (not after a cancellation or Ctrl-C), and close the handle."""
        is_over = cannot_wait() or self._loop.is_closed()
        if not is_over:
            self._check_loop()
        try:
            if not is_over and not is_told_to_stop(exception_type):
                # If one of these comes, there is nothing more to wait for.
                with suppress(HandleClosedError, ServiceDisconnectedError):
                    await self._close_streams()
                    if not self._is_over():
                        await self._wait_exit(Deadline(None))
                await self._close()
        finally:
            abandon(self._start_closing())

    async def _close(self) -> None:
        if self._loop.is_closed():
            with suppress(HandleClosedError):
                self._keep_latched()
            await close_handles(*[pipe.handle for pipe in self._pipes()], self._handle)
            return
        if cannot_wait():
            abandon(self._start_closing())
            return
        self._check_loop()
        try:
            await self._close_streams()
        except BaseException:
            abandon(self._start_closing())
            raise
        await wait_closed(self._start_closing())

    def _pipes(self) -> list[PipeReader[AnyStr] | PipeWriter[AnyStr]]:
        return [pipe for pipe in (*self._readers, self._writer) if pipe is not None]

    def _check_loop(self) -> None:
        if self._pipes():
            check_own_loop(self, self._loop, REOPEN)

    def _start_communication(self, input: AnyStr | None) -> bool:
        self._check_loop()
        writer = self._writer
        begins = self._has_sent is None
        data = b""
        if begins:
            is_open = writer is not None and not writer.is_closing()
            data = encoded(input, self._streams, is_open, None if writer is None else writer.encode_last)
            self._has_sent = False
        elif not self._has_sent:
            raise ValueError("an earlier communicate() was interrupted: it is not known whether its input was sent")
        for reader in self._readers:
            if reader is not None and not self._live:
                reader.take()
        if begins:
            if writer is not None and not writer.is_closing():
                writer.send(data)
            self._has_sent = True
        return begins

    async def _take_turn(self, turn: list[bool], deadline: Deadline) -> bool:
        self._check_loop()
        task = asyncio.current_task()
        if self._passing is task:
            raise nested_turn(self)
        while self._turn is not None and not self._turn.done():
            await asyncio.wait((self._turn,), timeout=wait_time(deadline.remaining()))
            if deadline.passed():
                return False
        self._turn = self._loop.create_future()
        self._passing = task
        turn.append(True)
        return True

    def _end_turn(self, turn: list[bool]) -> None:
        if turn:
            self._passing = None
            if self._turn is not None and not self._loop.is_closed():
                self._turn.set_result(None)

    def _start_reading(self) -> None:
        """Do nothing: the loop reads."""

    async def _next_piece(self, timeout: float) -> tuple[str, bytes] | None:
        piece = self._piece_now()
        if piece is None and timeout > 0:
            waits = [pipe.lost for pipe in self._moving()]
            waits += [reader.news() for _, reader, _ in self._live if not reader.lost.done()]
            if self._exit is not None and not self._exit.done():
                waits.append(self._exit)
            if waits:
                await asyncio.wait(waits, timeout=wait_time(timeout), return_when=asyncio.FIRST_COMPLETED)
            piece = self._piece_now()
        return piece

    def _take_piece(self) -> None:
        """Do nothing: no await comes between the piece and on_output."""

    def _piece_now(self) -> tuple[str, bytes] | None:
        for name, reader, kept in self._live:
            if data := reader.next_piece():
                kept.add(data)
                return name, data
        return None

    def _moving(self) -> list[PipeReader[AnyStr] | PipeWriter[AnyStr]]:
        return [pipe for pipe in self._pipes() if not pipe.lost.done()]

    async def _wait_moving(self, moving: Sequence[PipeReader[AnyStr] | PipeWriter[AnyStr]], timeout: float) -> None:
        lost = [pipe.lost for pipe in moving]
        await asyncio.wait(lost, timeout=wait_time(timeout), return_when=asyncio.FIRST_COMPLETED)

    def _interrupt(self, moving: Sequence[PipeReader[AnyStr] | PipeWriter[AnyStr]]) -> None:
        self._start_closing_streams()

    def _output(self) -> tuple[AnyStr | None, AnyStr | None]:
        if self._writer is not None:
            error = self._writer.error
            # If HCS only was late to close stdin, that is no error: the process has ended by now.
            if error is not None and not isinstance(error, OperationTimeoutError):
                raise error
        if self._live_output is not None:
            for _, reader, _ in self._live:
                if (error := reader.exception()) is not None:
                    raise error
            return self._live_output.output()
        stdout, stderr = (reader and reader.output() for reader in self._readers)
        return stdout, stderr

    def _partial(self) -> tuple[bytes | None, bytes | None]:
        if self._live_output is not None:
            return self._live_output.partial()
        stdout, stderr = (reader and reader.taken() for reader in self._readers)
        return stdout, stderr

    async def _close_streams(self) -> None:
        """Close the streams, stdin once all is written, for as long as that may take."""
        for reader in self._readers:
            if reader is not None:
                reader.close()
        if self._writer is not None:
            self._writer.close()
            await asyncio.wait((self._writer.lost,), timeout=times.CLOSE_TIMEOUT)

    def _kill_without_wait(self) -> asyncio.Future[str | None] | None:
        """Kill the process because of another error, which an error of the kill does not hide."""
        try:
            return None if self._is_over() else terminate(self._handle, "HcsTerminateProcess")
        except Exception as error:
            debug(self._logger, "killing %r failed: %s", self, error)
            return None

    def _start_closing_streams(self) -> list[asyncio.Future[None]]:
        """Close the streams at once; the futures tell when that is done."""
        if self._loop.is_closed():
            discard(*[pipe.handle for pipe in self._pipes()])
            return []
        if not runs_here(self._loop):
            # It may go on later; if it does not, the pipes are closed with it.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._start_closing_streams)
            return []
        ends = [reader.close() for reader in self._readers if reader is not None]
        return ends if self._writer is None else [*ends, self._writer.abort()]

    def _start_closing(self) -> list[asyncio.Future[None]]:
        """Close everything at once; the futures tell when that is done."""
        ends = self._start_closing_streams()
        with suppress(HandleClosedError):
            self._keep_latched()
        if self._exit is not None and runs_here(self._loop):
            self._exit.cancel()
        if cannot_wait():
            discard(self._handle)
            return ends
        return [*ends, close_handle(self._handle)]


def _drain_after_exit(handle: OwnedProcess, readers: list[ref[PipeReader[Any]]], exited: asyncio.Future[None]) -> None:
    """Let the readers end although something else holds their pipes open."""
    with suppress(asyncio.CancelledError, HandleClosedError):
        exited.result()
        if has_exited(handle):
            for reader in [reference() for reference in readers]:
                if reader is not None:
                    reader.drain()


async def start_process(
    kind: type[AwaitedProcess[Any]],
    system: OwnedSystem,
    parameters: str,
    args: Command,
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Any:
    """Create a process of this kind and everything around it, or leave nothing behind."""
    creating = started("HcsCreateProcess", _engine.create_process, system, parameters, deadline.remaining())
    with advised("ProcessParameters", parameters):
        start = await made(creating, _terminate)
    process: AwaitedProcess[Any] | None = None
    try:
        start = await running(CALLS, start, parameters, deadline)
        process = kind(start, args, streams, reopen_system, is_windows)
        await process._set_up(deadline)
        return process
    except BaseException as error:
        await wait_before_parting(_terminate(start, process), error)
        raise


def _terminate(start: ProcessStart, process: AwaitedProcess[Any] | None = None) -> asyncio.Future[str | None] | None:
    """End a process that nobody will own."""
    if process is not None:
        abandon(process._start_closing_streams())
    return terminate_and_discard(start.process, "HcsTerminateProcess", start.stdin, start.stdout, start.stderr)


async def attach_process(
    kind: type[AwaitedProcess[Any]],
    system: OwnedSystem,
    pid: int,
    wanted: Mapping[str, int | None],
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Any:
    """Open a process as one of this kind, with the streams that are PIPE."""
    handle = await CALLS.open_process(system, pid, deadline.remaining())
    process: AwaitedProcess[Any] | None = None
    stdio: list[OwnedStdio | None] = []
    try:
        ends: list[OwnedStdio | None] = []
        if PIPE in wanted.values():
            start = await CALLS.process_info(handle, deadline.remaining())
            stdio = [start.stdin, start.stdout, start.stderr]
            check_given(start, pid, wanted)
            for end, value in zip(stdio, wanted.values(), strict=True):
                ends.append(end if value == PIPE else None)
                # A handle that nobody uses could keep the process from seeing the end of its input.
                discard(None if value == PIPE else end)
        process = kind(ProcessStart(handle, pid, *ends), [], streams, reopen_system, is_windows)
        await process._set_up(deadline)
        return process
    except BaseException:
        if process is not None:
            abandon(process._start_closing_streams())
        discard(*stdio, handle)
        raise


async def run_to_end(
    start: Callable[[], Coroutine[Any, Any, AwaitedProcess[Any]]],
    args: Command,
    input: Any,
    timeout: float | None,
    deadline: Deadline,
    check: bool,
) -> CompletedProcess[Any]:
    """Do what run() does: start a process, communicate, close it; kill it if this fails or is cancelled.

    timeout is what the deadline was made of, for the error.
    """
    try:
        process = await start()
    except OperationTimeoutError as error:
        raise_late_start(error, args, timeout)
    # Not the caller's yet: if the loop is closed now, the process may be collected before this coroutine is.
    process._is_given = False
    patience = PARTING_TIMEOUT
    try:
        return await process._communicate_to_end(input, timeout, deadline, check)
    except BaseException as error:
        if is_told_to_stop(type(error)):
            patience = 0.0
        await wait_before_parting(process._kill_without_wait(), error)
        raise
    finally:
        await wait_closed(process._start_closing(), patience)
