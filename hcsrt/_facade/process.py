"""The half of a process that both faces share."""

from __future__ import annotations

from _collections_abc import Callable, Coroutine
from time import monotonic

from .. import _hresults as hresults
from .. import documents
from .._arguments import integer, seconds
from .._handles import OwnedProcess, OwnedSystem
from .._late import Late, typing
from .._streams import ProcessStart
from ..documents import dumps
from ..errors import (
    AlreadyStoppedError,
    HandleClosedError,
    HcsError,
    OperationTimeoutError,
    SystemNotFoundError,
    error_from,
)
from . import AnyStr, Generic, times
from .commands import Command, StreamFormat, lacking_pipes
from .owner import ExitOwner, debug, exit_status
from .requests import advised, exit_code
from .times import CLEANUP_TIMEOUT, QUERY_TIMEOUT, Deadline, query_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence
    from typing import Any, NoReturn, Protocol

    from . import expired as expired
    from .calls import Calls
    from .expired import CompletedProcess, TimeoutExpired
    from .output import LiveOutput

    class Pipe(Protocol):
        """What moves the bytes of one stream for communicate()."""

        @property
        def moved(self) -> float:
            """When it moved bytes last, by time.monotonic()."""
            ...


if not TYPE_CHECKING:

    def _expired():
        from . import expired

        return expired

    # What annotations name.
    expired = Late(_expired)

CLOSE_STDIN = '{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}'
_PROPERTIES = "HcsGetProcessProperties"
# Bytes that both pipes of an exited process may hold, and what was taken out of them already: more than they do.
_PIPES_SIZE = 4 << 20
_SIGNALS = ("CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown")


class ProcessCore(ExitOwner[OwnedProcess], Generic[AnyStr]):
    """The half of a process that both faces share."""

    pid: int
    args: Command
    # The name of the logger of a face.
    _logger: str
    _made_of = (ProcessStart,)
    _made_by = "popen() of a compute system starts a process, and open_process() opens one that runs"
    _instead = "send its pid and the id of its compute system, open() that there, and open_process() of it"

    def __init__(
        self,
        start: ProcessStart,
        args: Command,
        streams: StreamFormat,
        reopen_system: Callable[[Deadline], Coroutine[typing.Any, typing.Any, OwnedSystem]],
        is_windows: Callable[[], bool],
    ) -> None:
        super().__init__(start.process)
        self.pid = start.pid
        self.args = args
        self._returncode: int | None = None
        self._streams = streams
        self._live_output = streams.live if start.stdout or start.stderr else None
        self._reopen_system = reopen_system
        self._is_windows = is_windows

    @property
    def _name(self) -> str:
        return f"process {self.pid}"

    @property
    def returncode(self) -> int | None:
        return self._returncode

    @property
    def output_cut(self) -> bool:
        """Whether there was more output than max_output lets communicate() keep."""
        return self._live_output is not None and self._live_output.cut

    def _state(self) -> str:
        if self.returncode is not None:
            return f"returncode={self.returncode}"
        return "closed" if self.closed else "running"

    async def _set_up(self, deadline: Deadline) -> None:
        await self._calls.watch(self._handle, deadline.remaining())
        # A short process may have exited before its callback was registered: no event tells of that.
        await self._query_exit(deadline)
        self._is_given = True

    async def _wait(self, timeout: float | None) -> int:
        limit = seconds(timeout)
        deadline = Deadline(limit)
        live = self._live_output
        ended = live is None or await self._pass_on(live, deadline)
        code = await self._returncode_by(deadline) if ended else None
        if code is None:
            raise self._timeout_expired(limit)
        return code

    async def _kill(self, timeout: float | None) -> None:
        deadline = Deadline(seconds(timeout))
        if self._is_over():
            return
        try:
            try:
                await self._calls.call(self._handle, "HcsTerminateProcess", None, deadline.within(times.KILL_PATIENCE))
            except OperationTimeoutError:
                if deadline.passed():
                    raise
                debug("hcsrt.process", "%r: the kill hangs, trying it on handles of its own", self)
                process = await self._open_again(deadline)
                try:
                    # With the first handle busy, the event alone tells whether another process has the pid now.
                    if not self._has_exited():
                        await self._calls.call(process, "HcsTerminateProcess", None, deadline.remaining())
                finally:
                    await self._calls.close(process, deadline)
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        else:
            self._expect_exit()

    async def _open_again(self, deadline: Deadline) -> OwnedProcess:
        """Open the process that has our pid now."""
        system = await self._reopen_system(deadline)
        try:
            process = await self._calls.open_process(system, self.pid, deadline.remaining(), urgent=True)
        except BaseException:
            await self._calls.close(system, deadline)
            raise
        try:
            await self._calls.close(system, deadline)
        except BaseException:
            await self._calls.close(process, deadline)
            raise
        return process

    async def _signal(self, signal: str | int, timeout: float | None) -> None:
        deadline = Deadline(seconds(timeout))
        if isinstance(signal, str):
            if signal not in _SIGNALS:
                raise ValueError(f"signal must be one of {', '.join(_SIGNALS)}, or a number; not {signal!r}")
        else:
            signal = integer(signal, "signal", "a str or an int")
            if self._is_windows():
                raise ValueError(f"signal must be one of {', '.join(_SIGNALS)} for a Windows guest, not {signal}")
        if self._is_over():
            return
        try:
            options = dumps({"Signal": signal})
            await self._calls.call(self._handle, "HcsSignalProcess", options, deadline.remaining())
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        else:
            self._expect_exit()

    def _properties(self, timeout: float | None) -> Awaitable[documents.ProcessStatus]:
        return self._calls.ask(self._handle, _PROPERTIES, None, seconds(timeout), dict)

    async def _modify(self, request: documents.Given[Any], timeout: float | None) -> None:
        text = dumps(request, argument="request")
        with advised("ProcessModifyRequest", text):
            await self._calls.call(self._handle, "HcsModifyProcess", text, seconds(timeout))

    async def _duplicate(self) -> OwnedProcess:
        self._check_open()
        deadline = Deadline(CLEANUP_TIMEOUT)
        handle = await self._open_again(deadline)
        try:
            # A process that runs now has had its pid all the time.
            if self._is_over() or await self._ask_exit(QUERY_TIMEOUT) is not None:
                reason = f"Process {self.pid} has exited, and another one may have its pid now"
                raise error_from(hresults.ERROR_NOT_FOUND, "HcsOpenProcess", {"ErrorMessage": reason})
        except BaseException:
            await self._calls.close(handle, deadline)
            raise
        return handle

    async def _ask_exit(self, timeout: float) -> documents.ProcessStatus | None:
        return await ask_exit(self._calls, self._handle, timeout)

    def _is_latched(self) -> bool:
        """Return whether there is nothing to wait for: the exit is known, or the service has gone away."""
        return self._returncode is not None or exit_status(self._handle) is not None

    def _is_over(self) -> bool:
        return self._returncode is not None or self._has_exited()

    async def _returncode_by(self, deadline: Deadline) -> int | None:
        """Wait for the exit code; return None when the time is up."""
        try:
            if self._returncode is None and await self._wait_exit(deadline):
                await self._learn_returncode(deadline)
        except HandleClosedError:
            # Another thread or task may have seen the exit first, and closed this object.
            if self._returncode is None:
                raise
        return self._returncode

    def _keep_latched(self) -> str | None:
        """Keep the exit code if the latch holds it; return what has set the latch."""
        status = exit_status(self._handle)
        if status is None:
            return None
        how, document = status
        if self._returncode is None:
            self._keep_code(document)
        return how

    def _keep_code(self, document: str | None) -> None:
        code = exit_code(document)
        # Without a code nothing is stored: another thread may be storing one.
        if code is not None:
            self._returncode = code

    async def _learn_returncode(self, deadline: Deadline) -> None:
        """Find the exit code once the latch is set. An answer that the deadline cuts off still comes later."""
        how = self._keep_latched()
        if self._returncode is not None:
            return
        # The event came without a code, or the service went away. What HCS knows now is the last chance.
        try:
            text = await self._calls.call(self._handle, _PROPERTIES, None, query_timeout(deadline))
            self._keep_code(text)
        except HcsError as error:
            if isinstance(error, OperationTimeoutError) and deadline.passed():
                return
            debug("hcsrt.process", "asking for the exit code of %r failed: %s", self, error)
        if self._returncode is None:
            if how == "disconnected":
                raise error_from(hresults.HCS_E_SERVICE_DISCONNECT, "HcsSetProcessCallback")
            reason = f"Process {self.pid} has exited, and HCS does not tell its exit code"
            raise error_from(hresults.HCS_E_PROCESS_INFO_NOT_AVAILABLE, _PROPERTIES, {"ErrorMessage": reason})

    async def _communicate(self, input: AnyStr | None, timeout: float | None) -> tuple[AnyStr | None, AnyStr | None]:
        limit = seconds(timeout)
        output = await self._communicate_by(input, Deadline(limit))
        if output is None:
            raise self._timeout_expired(limit)
        return output

    async def _communicate_by(
        self, input: AnyStr | None, deadline: Deadline
    ) -> tuple[AnyStr | None, AnyStr | None] | None:
        """Communicate; return None when the time is up."""
        if not self._start_communication(input) and input:
            raise ValueError("an earlier communicate() has sent its input already")
        live = self._live_output
        if live is not None:
            ended = await self._pass_on(live, deadline)
        else:
            exited = self.returncode is not None or await self._wait_exit(deadline)
            ended = exited and await self._drain(deadline)
        if not ended:
            return None
        output = self._output()
        return output if await self._returncode_by(deadline) is not None else None

    async def _pass_on(self, live: LiveOutput, deadline: Deadline) -> bool:
        """Read the output to its end and pass it on, until the exit; return False if the deadline comes first.

        One caller does it at a time: pieces of the output have an order.
        """
        turn: list[bool] = []
        try:
            if not await self._take_turn(turn, deadline):
                return False
            self._start_reading()
            return await self._pass_on_alone(live, deadline)
        finally:
            self._end_turn(turn)

    async def _pass_on_alone(self, live: LiveOutput, deadline: Deadline) -> bool:
        drain: Drain | None = None
        while True:
            # Before the next piece: one that a pipe has brought at its end is there by then.
            moving = self._moving()
            left = 0.0
            if moving and drain is None and self._is_latched():
                drain = Drain()
            if moving and drain is None:
                piece = await self._wait_for(self._next_piece_or_exit, deadline)
            else:
                if moving and drain is not None:
                    left = drain.left(pipe.moved for pipe in moving)
                piece = await self._next_piece(deadline.within(left))
            if piece is not None:
                began = monotonic()
                self._take_piece()
                if not await live.pass_on(*piece, deadline):
                    return False
                if drain is not None:
                    drain.hold(monotonic() - began, len(piece[1]))
            elif not moving:
                break
            elif drain is not None and left <= 0:
                debug(self._logger, "%r has exited and something else holds its pipes open", self)
                self._interrupt(moving)
                while (piece := await self._next_piece(0)) is not None:
                    self._take_piece()
                    if not await live.pass_on(*piece, deadline):
                        return False
                break
            if deadline.passed():
                return False
        if not await live.end(deadline):
            return False
        return self.returncode is not None or await self._wait_exit(deadline)

    async def _next_piece_or_exit(self, timeout: float) -> tuple[str, bytes] | None:
        """Wait for the next piece of output; an empty one also tells of the exit."""
        piece = await self._next_piece(timeout)
        return ("", b"") if piece is None and self._is_latched() else piece

    async def _drain(self, deadline: Deadline) -> bool:
        """Let the pipes end after the exit of the process; return False if the deadline comes first."""
        drain = Drain()
        while moving := self._moving():
            left = drain.left(pipe.moved for pipe in moving)
            if left <= 0:
                debug(self._logger, "%r has exited and something else holds its pipes open", self)
                self._interrupt(moving)
                return True
            if deadline.passed():
                return False
            await self._wait_moving(moving, deadline.within(left))
        return True

    async def _communicate_to_end(
        self, input: AnyStr | None, timeout: float | None, deadline: Deadline, check: bool
    ) -> CompletedProcess[AnyStr]:
        """Communicate as run() does, which has just started the process; kill it if its time is up.

        timeout is what the deadline was made of, for the error.
        """
        import subprocess

        from .expired import CompletedProcess

        try:
            stdout, stderr = await self._communicate(input, deadline.remaining())
        except subprocess.TimeoutExpired:
            await self._kill_quietly(CLEANUP_TIMEOUT)
            try:
                await self._communicate(None, CLEANUP_TIMEOUT)
            except Exception as error:
                # Whatever it is, a text that ends inside a character, say: what counts is that the time is up.
                debug(self._logger, "%r was killed, but: %s", self, error)
            raise self._timeout_expired(timeout) from None
        code = await self._wait(None)
        if check and code:
            raise subprocess.CalledProcessError(code, self.args, stdout, stderr)
        return CompletedProcess(self.args, code, stdout, stderr, self.output_cut)

    async def _kill_quietly(self, timeout: float) -> None:
        """Kill the process because of another error; an error of the kill does not hide that one."""
        try:
            await self._kill(timeout)
        except Exception as error:
            debug(self._logger, "killing %r failed: %s", self, error)

    if TYPE_CHECKING:

        def _start_communication(self, input: AnyStr | None) -> bool:
            """Start moving the bytes of each open stream; return False if an earlier communicate() has done it."""
            ...

        async def _take_turn(self, turn: list[bool], deadline: Deadline) -> bool:
            """Wait until nobody else passes output on, and note that in the list; return False when the time is up.

            Raises RuntimeError if it is on_output itself that waits.
            """
            ...

        def _end_turn(self, turn: list[bool]) -> None:
            """Let others pass output on, if the list says that this caller did."""

        def _start_reading(self) -> None:
            """Start to read the output that is to be passed on, unless that has begun."""

        async def _next_piece(self, timeout: float) -> tuple[str, bytes] | None:
            """Wait for the next piece of that output, or for a shorter time; None if there is none.

            A pipe that has come to its end tells it by an empty piece.
            """
            ...

        def _take_piece(self) -> None:
            """Go on to the piece behind the one that _next_piece() has returned."""

        def _moving(self) -> Sequence[Pipe]:
            """Return the pipes that communicate() uses and that are not at their ends."""
            ...

        async def _wait_moving(self, moving: Sequence[Any], timeout: float) -> None:
            """Wait until one of the pipes has come to its end, or for a shorter time."""

        def _interrupt(self, moving: Sequence[Any]) -> None:
            """End the pipes, with what they have moved."""

        def _output(self) -> tuple[AnyStr | None, AnyStr | None]:
            """Return what communicate() has read; raise what has kept it from moving something."""
            ...

        def _partial(self) -> tuple[bytes | None, bytes | None]:
            """Return what communicate() has read so far from stdout and stderr."""
            ...

    def _timeout_expired(self, timeout: float | None) -> TimeoutExpired:
        from .expired import TimeoutExpired

        return TimeoutExpired(self.args, timeout or 0.0, *self._partial())


def nested_turn(process: object) -> RuntimeError:
    """Return the error of an on_output that waits for the process whose output it is."""
    return RuntimeError(
        f"on_output waits for {process!r}, which waits for on_output: call wait() and communicate() outside of it"
    )


def raise_late_start(
    error: OperationTimeoutError, args: Command, timeout: float | None, output: bytes | None = None
) -> NoReturn:
    """Raise what run() raises when the start of its process has taken all the time."""
    if timeout is None:
        raise error
    from .expired import TimeoutExpired

    raise TimeoutExpired(args, timeout, output, output) from error


async def ask_exit(calls: Calls, handle: OwnedProcess, timeout: float) -> documents.ProcessStatus | None:
    """Ask for the ProcessStatus after an exit: empty if HCS does not tell it, None before the exit."""
    try:
        status: documents.ProcessStatus = await calls.ask(handle, _PROPERTIES, None, timeout, dict)
    except HcsError as error:
        # There was a process, or there would be no handle: HCS does not find it any more.
        if error.hresult & 0xFFFFFFFF == hresults.ERROR_NOT_FOUND:
            return {}
        raise
    return status if status.get("Exited") is True else None


async def check_stdin_error(calls: Calls, handle: OwnedProcess, error: HandleClosedError | HcsError) -> None:
    """Raise the error of the call that told HCS of the end of stdin, unless the process has exited."""
    if isinstance(error, (HandleClosedError, AlreadyStoppedError, SystemNotFoundError)):
        return  # closing the pipe is all that is left to do
    try:
        exited = await ask_exit(calls, handle, QUERY_TIMEOUT) is not None
    except (AlreadyStoppedError, SystemNotFoundError, HandleClosedError):
        exited = True
    except HcsError:
        exited = False
    if not exited:
        raise error from None


async def running(calls: Calls, start: ProcessStart, parameters: str, deadline: Deadline) -> ProcessStart:
    """Ask HCS whether a process runs, although its creation failed, because there is a handle all the same.

    Server 2022 is known for it, with process-isolated containers. Returns the start of the process. If it does not run,
    its handle is closed, and the error of its creation is raised; that is raised as well if it runs without a pipe that
    its parameters ask for. This and any other exception leave the handle open.
    """
    if start.error is None:
        return start
    try:
        found = await calls.process_info(start.process, deadline.remaining())
    except OperationTimeoutError:
        raise
    except HcsError as error:
        debug("hcsrt.process", "a process that could not be created does not run: %s", error)
        await calls.close(start.process, deadline)
        raise start.error from None
    finally:
        # HcsGetProcessInfo has given handles of its own.
        calls.discard(start.stdin, start.stdout, start.stderr)
    if without := lacking_pipes(found, parameters):
        debug("hcsrt.process", "process %d, which could not be created, runs without %s", found.pid, without)
        calls.discard(found.stdin, found.stdout, found.stderr)
        raise start.error
    return found


class Drain:
    """The time that the output of an exited process has to come to its end, though its pipes may be held open."""

    def __init__(self) -> None:
        self._exited = monotonic()
        self._held = 0

    def hold(self, seconds: float, size: int) -> None:
        """Add the time in which nothing was read, because somebody was busy with bytes from before.

        What the exited process has left in its pipes has to come; what others write there does not count for ever.
        """
        self._held += size
        if self._held <= _PIPES_SIZE:
            self._exited += seconds

    def left(self, moved: Iterable[float]) -> float:
        """Return the seconds until the output counts as complete; `moved` is the time at which the last bytes came."""
        quiet = max(self._exited, *moved) + times.DRAIN_QUIET
        return min(quiet, self._exited + times.DRAIN_LIMIT) - monotonic()
