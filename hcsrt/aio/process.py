"""Processes inside a compute system for asyncio, with the conventions of asyncio.subprocess."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from weakref import ref

from .. import _engine
from .._facade import AnyStr, Generic, times
from .._facade.commands import (
    DEVNULL,
    PIPE,
    STDOUT,
    StreamFormat,
    check_attach,
    check_given,
    encoded,
    resize_request,
)
from .._facade.owner import debug, has_exited
from .._facade.process import Drain, ProcessCore, running
from .._facade.times import CLEANUP_TIMEOUT, Deadline, seconds
from .._handles import OwnedProcess
from .._streams import ProcessStart
from ..errors import HandleClosedError, HcsError, ServiceDisconnectedError
from ._calls import (
    CALLS,
    PARTING_TIMEOUT,
    Awaiting,
    abandon,
    close_handles,
    discard,
    has_lost_loop,
    is_told_to_stop,
    made,
    terminate,
    terminate_and_discard,
    wait_before_parting,
    wait_closed,
)
from ._loops import check_own_loop
from ._pipes import REOPEN, check_loop
from .streams import PipeReader, PipeWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import Any

    from .._facade.commands import Command
    from .._handles import OwnedStdio, OwnedSystem
    from .streams import StreamReader, StreamWriter

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Process"]


class Process(Awaiting[OwnedProcess], ProcessCore, Generic[AnyStr]):
    """A process in a compute system, as ComputeSystem.popen() starts it and ComputeSystem.open_process() opens it.

    It is hcsrt.Process with methods that are awaited, and streams with the conventions of asyncio's. With pipes it
    belongs to the event loop on which it was made: its streams, communicate() and close() raise RuntimeError on another
    one. All else may be awaited on any. Cancelling a method that waits leaves the process as it is.

    pid: the process id in the guest. args: the command as it was given, empty if the process was opened. stdin: a
    StreamWriter, stdout, stderr: a StreamReader, where a pipe was asked for, else None. returncode: the exit code, 0 to
    0xFFFFFFFF, once HCS has told of the exit, whoever waits for it.

    Children of the process may hold its pipes open after it has exited. stdout and stderr then end when nothing has
    come for DRAIN_QUIET (1 s), and after DRAIN_LIMIT (10 s) in any case; the time in which the process is held back
    because nobody reads does not count, so what it has written itself is never lost. Those of asyncio.subprocess go on,
    and so does a stream that is used longer than this object, whose handle tells of the exit.
    """

    stdin: StreamWriter[AnyStr] | None
    stdout: StreamReader[AnyStr] | None
    stderr: StreamReader[AnyStr] | None

    def __init__(
        self,
        start: ProcessStart,
        args: Command,
        streams: StreamFormat,
        reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
        is_windows: Callable[[], bool],
    ) -> None:
        super().__init__(start, args, streams, reopen_system, is_windows)
        self._loop = asyncio.get_running_loop()
        self._writer: PipeWriter[AnyStr] | None = start.stdin and PipeWriter(start.stdin, streams, start.process)
        self._readers: list[PipeReader[AnyStr] | None] = [
            stdio and PipeReader(stdio, streams) for stdio in (start.stdout, start.stderr)
        ]
        self.stdin = self._writer
        self.stdout, self.stderr = self._readers
        self._communicates = False
        self._exit: asyncio.Future[None] | None = None

    async def _set_up(self, deadline: Deadline) -> None:
        for reader in self._readers:
            if reader is not None:
                await reader.connect()
        await super()._set_up(deadline)
        readers = [reader for reader in self._readers if reader is not None]
        if readers:
            self._exit = _engine.wait_exit(self._handle)
            # With nothing of this object, and the readers weakly: the wait would keep them alive.
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
        is_over = has_lost_loop() or self._loop.is_closed()
        if not is_over:
            self._check_loop()
        try:
            if not is_over and not is_told_to_stop(exception_type):
                # Or there is nothing more to wait for.
                with suppress(HandleClosedError, ServiceDisconnectedError):
                    await self._close_streams()
                    if not self._is_over():
                        await self._wait_exit(Deadline(None))
                await self.close()
        finally:
            abandon(self._start_closing())

    async def close(self) -> None:
        """Close the streams and the handle; this does not kill the process.

        What stdin has taken is written first, for at most CLOSE_TIMEOUT (5 s). A second close does nothing. If this is
        cancelled, the handles are closed without waiting for anything; hcsrt.pending() counts them until they are. A
        process with pipes is closed on its own event loop; once that is closed, on any. HcsCloseProcess.
        """
        if self._loop.is_closed():
            with suppress(HandleClosedError):
                self._keep_latched()
            await close_handles(*[pipe.handle for pipe in self._pipes()], self._handle)
            return
        self._check_loop()
        try:
            await self._close_streams()
        except BaseException:
            abandon(self._start_closing())
            raise
        await wait_closed(self._start_closing())

    async def poll(self) -> int | None:
        """The exit code if the process has exited, else None.

        Now and then this asks HCS, which may have lost the exit event, and takes up to POLL_TIMEOUT (0.1 s). Raises
        HcsError if the process has exited and HCS does not tell how. HcsGetProcessProperties.
        """
        return await self._returncode_by(Deadline(0))

    async def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit and return the exit code.

        timeout: seconds, None for ever. A process that has filled a pipe waits for a reader, which this is not:
        communicate() is one. Raises subprocess.TimeoutExpired, which is a TimeoutError here; HcsError if the process
        has exited and HCS does not tell how; ServiceDisconnectedError. HcsGetProcessProperties.
        """
        return await self._wait(timeout)

    async def communicate(
        self, input: AnyStr | None = None, timeout: float | None = None
    ) -> tuple[AnyStr | None, AnyStr | None]:
        """Write input to stdin and close it, read stdout and stderr to their end at the same time, wait for the exit.

        timeout: seconds, None for ever. Returns what was read from stdout and stderr, None where there is no pipe.
        Children of the process may hold its pipes open after it has exited. Reading then ends when nothing has come
        for DRAIN_QUIET (1 s), and DRAIN_LIMIT (10 s) after the exit at the latest.
        Raises subprocess.TimeoutExpired with the output so far, as bytes; another communicate() then goes on, and
        nothing is lost, nor if this is cancelled. Raises HcsError as wait() does.
        """
        limit = seconds(timeout)
        deadline = Deadline(limit)
        self._check_loop()
        self._start_communication(input)
        exited = self.returncode is not None or await self._wait_exit(deadline)
        if not exited or not await self._drain(deadline):
            raise self._timeout_expired(limit)
        if self._writer is not None and self._writer.error is not None:
            raise self._writer.error
        stdout, stderr = (reader and reader.output() for reader in self._readers)
        if await self._returncode_by(deadline) is None:
            raise self._timeout_expired(limit)
        return stdout, stderr

    async def kill(self, *, timeout: float | None = None) -> None:
        """End the process at once; that it has exited already is success. This does not wait for the exit.

        timeout: seconds. Raises OperationTimeoutError, AccessDeniedError. HcsTerminateProcess.
        """
        await self._kill(timeout)

    async def terminate(self, *, timeout: float | None = None) -> None:
        """The same as kill(); send_signal() asks a process to end."""
        await self._kill(timeout)

    async def send_signal(self, signal: str | int, *, timeout: float | None = None) -> None:
        """Send a signal; that the process has exited already is success, as for Popen.send_signal().

        signal: for a Windows guest "CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff" or "CtrlShutdown"; for a Linux
        guest its number. timeout: seconds. Raises OperationTimeoutError, HcsError. HcsSignalProcess.
        """
        await self._signal(signal, timeout)

    async def resize_console(self, height: int, width: int, *, timeout: float | None = None) -> None:
        """Change the size of the emulated console.

        height, width: rows and columns. timeout: seconds. Raises HcsError if the process has no console or has
        exited. HcsModifyProcess.
        """
        await self._modify(resize_request(height, width), timeout)

    async def properties(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What HCS tells of the process: a ProcessStatus document.

        Its ExitCode means something only if Exited is true and LastWaitResult 0. timeout: seconds. Raises
        OperationTimeoutError, HcsError. HcsGetProcessProperties.
        """
        return await self._properties(timeout)

    async def modify(self, request: Mapping[str, Any] | str, *, timeout: float | None = None) -> None:
        """Change the process by a ProcessModifyRequest: the size of its console, or the end of its standard streams.

        request: a document such as {"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}. timeout: seconds.
        Raises HcsError if the process has exited, OperationTimeoutError. HcsModifyProcess.
        """
        await self._modify(request, timeout)

    async def duplicate_handle(self) -> OwnedProcess:
        """Open a second handle to this process, without event callback: one that into_raw() may give away.

        Raises HcsError once the process is gone, OperationTimeoutError after CLEANUP_TIMEOUT (10 s). HcsOpenProcess,
        HcsGetProcessProperties.
        """
        return await self._duplicate()

    def _pipes(self) -> list[PipeReader[AnyStr] | PipeWriter[AnyStr]]:
        return [pipe for pipe in (*self._readers, self._writer) if pipe is not None]

    def _check_loop(self) -> None:
        if self._pipes():
            check_own_loop(self, self._loop, REOPEN)

    def _start_communication(self, input: AnyStr | None) -> None:
        """Let the loop move the bytes of each stream; an earlier communicate() may have done it."""
        if self._communicates:
            if input:
                raise ValueError("an earlier communicate() has sent its input already")
            return
        data = encoded(input, self._streams, self._writer is not None and not self._writer.is_closing())
        for reader in self._readers:
            if reader is not None:
                reader.take()
        if self._writer is not None and not self._writer.is_closing():
            self._writer.send(data)
        self._communicates = True

    async def _drain(self, deadline: Deadline) -> bool:
        """Let the streams come to their ends, the process having exited; False if the deadline comes first."""
        drain = Drain()
        while True:
            moving = [pipe for pipe in self._pipes() if not pipe.lost.done()]
            if not moving:
                return True
            left = drain.left(stream.moved for stream in moving)
            if left <= 0:
                debug(__name__, "%r has exited and something else holds its pipes open", self)
                self._start_closing_streams()
                return True
            if deadline.passed():
                return False
            await asyncio.wait(
                [stream.lost for stream in moving],
                timeout=deadline.within(left),
                return_when=asyncio.FIRST_COMPLETED,
            )

    def _partial(self) -> tuple[bytes | None, bytes | None]:
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

    def _start_closing_streams(self) -> list[asyncio.Future[None]]:
        """Close the streams at once; the futures tell when that is done."""
        if self._loop.is_closed():
            discard(*[pipe.handle for pipe in self._pipes()])
            return []
        ends = [reader.close() for reader in self._readers if reader is not None]
        return ends if self._writer is None else [*ends, self._writer.abort()]

    def _start_closing(self) -> list[asyncio.Future[None]]:
        """Close everything at once; the futures tell when that is done."""
        ends = self._start_closing_streams()
        with suppress(HandleClosedError):
            self._keep_latched()
        if has_lost_loop() or self._loop.is_closed():
            discard(self._handle)
            return ends
        if self._exit is not None:
            self._exit.cancel()
        return [*ends, _engine.close(self._handle)]


def _drain_after_exit(handle: OwnedProcess, readers: list[ref[PipeReader[Any]]], exited: asyncio.Future[None]) -> None:
    """Let the readers end though something else holds their pipes open."""
    with suppress(asyncio.CancelledError, HandleClosedError):
        exited.result()
        if has_exited(handle):
            for reader in [reference() for reference in readers]:
                if reader is not None:
                    reader.drain()


async def start_process(
    system: OwnedSystem,
    parameters: str,
    args: Command,
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Process[Any]:
    """Create a process and everything around it, or leave nothing behind. HcsCreateProcess."""
    creating = _engine.create_process(system, parameters, timeout=deadline.remaining())
    start = await made(creating, _terminate)
    process: Process[Any] | None = None
    try:
        start = await running(CALLS, start, deadline)
        process = Process(start, args, streams, reopen_system, is_windows)
        await process._set_up(deadline)  # pyright: ignore[reportPrivateUsage]
        return process
    except BaseException as error:
        await wait_before_parting(_terminate(start, process), error)
        raise


def _terminate(start: ProcessStart, process: Process[Any] | None = None) -> asyncio.Future[str | None] | None:
    """End a process that nobody will own."""
    if process is not None:
        abandon(process._start_closing_streams())  # pyright: ignore[reportPrivateUsage]
    return terminate_and_discard(start.process, "HcsTerminateProcess", start.stdin, start.stdout, start.stderr)


async def attach_process(
    system: OwnedSystem,
    pid: int,
    wanted: Mapping[str, int | None],
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Process[Any]:
    """Open a process, with those of its streams that are wanted as PIPE. HcsOpenProcess, HcsGetProcessInfo."""
    pid = check_attach(pid, wanted)
    if PIPE in wanted.values():
        check_loop()
    handle = await CALLS.open_process(system, pid, deadline.remaining())
    process: Process[Any] | None = None
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
        process = Process(ProcessStart(handle, pid, *ends), [], streams, reopen_system, is_windows)
        await process._set_up(deadline)  # pyright: ignore[reportPrivateUsage]
        return process
    except BaseException:
        if process is not None:
            abandon(process._start_closing_streams())  # pyright: ignore[reportPrivateUsage]
        discard(*stdio, handle)
        raise


async def run_to_end(
    process: Process[Any], input: Any, timeout: float | None, deadline: Deadline, check: bool
) -> CompletedProcess[Any]:
    """What run() does with a process, down to closing it; it is killed if this fails or is cancelled.

    timeout is what the deadline was made of, for the error.
    """
    from subprocess import CalledProcessError, CompletedProcess, TimeoutExpired

    # If the loop is closed now, the garbage collector may come to the process before it comes to this.
    process._is_given = False  # pyright: ignore[reportPrivateUsage]
    patience = PARTING_TIMEOUT
    try:
        try:
            stdout, stderr = await process.communicate(input, deadline.remaining())
        except TimeoutExpired:
            await _kill_quietly(process)
            try:
                await process.communicate(timeout=CLEANUP_TIMEOUT)
            except (TimeoutExpired, HcsError) as error:
                debug(__name__, "%r was killed, but: %s", process, error)
            raise process._timeout_expired(timeout) from None  # pyright: ignore[reportPrivateUsage]
        code = await process.wait()
    except BaseException as error:
        if is_told_to_stop(type(error)):
            patience = 0.0
        if not process.closed and not process._is_over():  # pyright: ignore[reportPrivateUsage]
            await wait_before_parting(terminate(process.handle, "HcsTerminateProcess"), error)
        raise
    finally:
        await wait_closed(process._start_closing(), patience)  # pyright: ignore[reportPrivateUsage]
    if check and code:
        raise CalledProcessError(code, process.args, stdout, stderr)
    return CompletedProcess(process.args, code, stdout, stderr)


async def _kill_quietly(process: Process[Any]) -> None:
    """Kill a process because of another error, which is the one to tell."""
    try:
        await process.kill(timeout=CLEANUP_TIMEOUT)
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "killing %r failed: %s", process, error)
