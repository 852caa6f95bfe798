"""Processes inside a compute system, with the conventions of subprocess."""

from __future__ import annotations

import io
import os
import sys
from _thread import allocate_lock
from codecs import lookup_error
from contextlib import suppress
from threading import Thread
from time import monotonic

from . import _calls
from ._blocking import Blocking, aside, close_aside, tracked
from ._calls import Limit
from ._facade import (
    CLEANUP_TIMEOUT,
    PROCESS_INFO_NOT_AVAILABLE,
    QUERY_TIMEOUT,
    SERVICE_DISCONNECT,
    SHORT_CLEANUP,
    AnyStr,
    Deadline,
    Generic,
    Owner,
    answer,
    check_name,
    check_text,
    cleanup_time,
    debug,
    exit_document,
    finish,
    integer,
    path_text,
    query_timeout,
    seconds,
)
from ._handles import OwnedProcess, close_all
from ._streams import StdioReader, StdioWriter
from .documents import dumps
from .errors import (
    AlreadyStoppedError,
    HandleClosedError,
    HcsError,
    OperationTimeoutError,
    ServiceDisconnectedError,
    SystemNotFoundError,
    error_from,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import IO, Any, TypeAlias

    from ._calls import ProcessStart
    from ._facade import Calls
    from ._facade.expired import TimeoutExpired
    from ._handles import OwnedStdio, OwnedSystem

    Command: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Process"]

# The values of subprocess, which is slow to import.
PIPE = -1
STDOUT = -2
DEVNULL = -3

KILL_PATIENCE = 2.0
"""Seconds after which a kill is tried again on handles of its own: HCS may be busy with another call on the first."""
CLOSE_TIMEOUT = 5.0
"""Seconds that writing what is left for stdin may take, and telling HCS of its end."""
DRAIN_QUIET = 1.0
"""Seconds without a byte after which the output of an exited process is taken to be complete."""
DRAIN_LIMIT = 10.0
"""Seconds after the exit when the output is taken to be complete in any case."""

_CHUNK = 64 * 1024
# Threads are joined in slices: on Windows a join does not let Ctrl-C through.
_SLICE = 0.1
# A reader whose handle is closed ends in a moment.
_RELEASE = 1.0

CLOSE_STDIN = '{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}'

_SIGNALS = ("CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown")
_NOT_FOUND = 0x80070490  # ERROR_NOT_FOUND


class ProcessCore(Owner[OwnedProcess]):
    """What a process does in either face."""

    pid: int
    args: Command

    def __init__(
        self,
        start: ProcessStart,
        args: Command,
        streams: StreamFormat,
        reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
        is_windows: Callable[[], bool],
    ) -> None:
        super().__init__(start.process)
        self.pid = start.pid
        self.args = args
        self._returncode: int | None = None
        self._streams = streams
        self._reopen_system = reopen_system
        self._is_windows = is_windows

    @property
    def returncode(self) -> int | None:
        return self._returncode

    def _state(self) -> str:
        if self.returncode is not None:
            return f"returncode={self.returncode}"
        return "closed" if self.closed else "running"

    async def _set_up(self, deadline: Deadline) -> None:
        await self._calls.watch_process(self._handle, deadline.remaining())
        # A short process may have exited before its callback was registered: no event tells of that.
        await self._query_exit(deadline)
        self._is_given = True

    async def _wait(self, timeout: float | None) -> int:
        limit = seconds(timeout)
        code = await self._returncode_by(Deadline(limit))
        if code is None:
            raise self._timeout_expired(limit)
        return code

    async def _kill(self, timeout: float | None) -> None:
        deadline = Deadline(seconds(timeout))
        if self._is_over():
            return
        try:
            try:
                await self._calls.terminate_process(self._handle, deadline.within(KILL_PATIENCE))
            except OperationTimeoutError:
                if deadline.passed():
                    raise
                debug(__name__, "%r: the kill hangs, trying it on handles of its own", self)
                process = await self._open_again(deadline)
                try:
                    # With the first handle busy, the event alone tells whether another process has the pid now.
                    if not self._has_exited():
                        await self._calls.terminate_process(process, deadline.remaining())
                finally:
                    await self._calls.close(process, deadline)
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        else:
            self._expect_exit()

    async def _open_again(self, deadline: Deadline) -> OwnedProcess:
        """Open whatever has our pid."""
        system = await self._reopen_system(deadline)
        try:
            process = await self._calls.open_process(system, self.pid, deadline.remaining())
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
            await self._calls.signal_process(self._handle, dumps({"Signal": signal}), deadline.remaining())
        except HcsError as error:
            if not await self._is_gone(error, deadline):
                raise
        else:
            self._expect_exit()

    async def _duplicate(self) -> OwnedProcess:
        self._check_open()
        deadline = Deadline(CLEANUP_TIMEOUT)
        handle = await self._open_again(deadline)
        try:
            # A process that runs now has had its pid all the time.
            if self._is_over() or await self._ask_exit(QUERY_TIMEOUT) is not None:
                reason = f"Process {self.pid} has exited, and another one may have its pid now"
                raise error_from(_NOT_FOUND, "HcsOpenProcess", {"ErrorMessage": reason})
        except BaseException:
            await self._calls.close(handle, deadline)
            raise
        return handle

    async def _ask_exit(self, timeout: float) -> dict[str, Any] | None:
        return await _ask_exit(self._calls, self._handle, timeout)

    def _is_over(self) -> bool:
        return self._returncode is not None or self._has_exited()

    async def _returncode_by(self, deadline: Deadline) -> int | None:
        """Wait for the exit code; None when the time is up."""
        try:
            if self._returncode is None and await self._wait_exit(deadline):
                await self._learn_returncode(deadline)
        except HandleClosedError:
            # Another thread or task may have seen the exit first, and closed this object.
            if self._returncode is None:
                raise
        return self._returncode

    def _take_latched(self) -> str | None:
        """Keep the exit code if the latch holds it; returns how the latch was set."""
        status = _calls.exit_status(self._handle)
        if status is None:
            return None
        how, document = status
        if self._returncode is None:
            self._keep_code(document)
        return how

    def _keep_code(self, document: str | None) -> None:
        code = _exit_code(document)
        # Without a code nothing is stored: another thread may be storing one.
        if code is not None:
            self._returncode = code

    async def _learn_returncode(self, deadline: Deadline) -> None:
        """Find the exit code, the latch being set; an answer that the deadline cuts off is still to come."""
        how = self._take_latched()
        if self._returncode is not None:
            return
        # The event came without a code, or the service went away. What HCS knows now is the last chance.
        try:
            self._keep_code(await self._calls.process_properties(self._handle, query_timeout(deadline)))
        except HcsError as error:
            if isinstance(error, OperationTimeoutError) and deadline.passed():
                return
            debug(__name__, "asking for the exit code of %r failed: %s", self, error)
        if self._returncode is None:
            if how == "disconnected":
                raise error_from(SERVICE_DISCONNECT, "HcsSetProcessCallback")
            reason = f"Process {self.pid} has exited, and HCS does not tell its exit code"
            raise error_from(PROCESS_INFO_NOT_AVAILABLE, "HcsGetProcessProperties", {"ErrorMessage": reason})

    if TYPE_CHECKING:

        def _partial(self) -> tuple[bytes | None, bytes | None]:
            """What communicate() has read so far from stdout and stderr."""
            ...

    def _timeout_expired(self, timeout: float | None) -> TimeoutExpired:
        from ._facade.expired import TimeoutExpired

        return TimeoutExpired(self.args, timeout or 0.0, *self._partial())


class Process(Blocking[OwnedProcess], ProcessCore, Generic[AnyStr]):
    """A process in a compute system, as ComputeSystem.popen() starts it and ComputeSystem.open_process() opens it.

    It has the names of subprocess.Popen with their meaning, but for this. A stream that is no PIPE is not connected:
    there is nothing that a process in another system could inherit. The object owns a handle, which the end of the
    `with` block or close() releases; neither kills the process. kill() and terminate() are the same, as on Windows.
    An exit code that HCS does not tell is an error, never a number.

    pid: the process id in the guest. args: the command as it was given, empty if the process was opened. stdin,
    stdout, stderr: the pipes asked for, else None. returncode: the exit code, 0 to 0xFFFFFFFF, once poll(), wait() or
    communicate() has seen it.

    Children of the process may hold its pipes open after it has exited. Who reads stdout or stderr as a file then waits
    for them too, as with subprocess; communicate() and run() do not, nor do the streams of hcsrt.aio.
    """

    pid: int
    args: Command
    stdin: IO[AnyStr] | None
    stdout: IO[AnyStr] | None
    stderr: IO[AnyStr] | None

    def __init__(
        self,
        start: ProcessStart,
        args: Command,
        streams: StreamFormat,
        reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
        is_windows: Callable[[], bool],
    ) -> None:
        super().__init__(start, args, streams, reopen_system, is_windows)
        handle = start.process
        self._stdio = [stdio for stdio in (start.stdin, start.stdout, start.stderr) if stdio is not None]
        calls = self._calls
        # Not a method of this object: the stream would keep it alive.
        self.stdin = start.stdin and streams.writer(start.stdin, lambda: close_guest_stdin(calls, handle))
        self.stdout = start.stdout and streams.reader(start.stdout)
        self.stderr = start.stderr and streams.reader(start.stderr)
        self._pumps: dict[IO[AnyStr], _Pump] | None = None
        self._pumps_lock = allocate_lock()

    def __repr__(self) -> str:
        return f"<hcsrt.Process {self.pid} {self._state()}>"

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the streams, wait for the exit as Popen does (not after a KeyboardInterrupt), and close the handle."""
        try:
            self._close_streams(at_once=exception_type is KeyboardInterrupt)
            if exception_type is not KeyboardInterrupt and not self._is_over():
                finish(self._wait_exit(Deadline(None)))
        except (HandleClosedError, ServiceDisconnectedError):
            pass  # there is nothing more to wait for
        finally:
            self._let_go(at_once=exception_type is KeyboardInterrupt)

    def close(self) -> None:
        """Close the streams and the handle; this does not kill the process.

        What is buffered for stdin is written first, for at most CLOSE_TIMEOUT (5 s). A second close does nothing.
        HcsCloseProcess.
        """
        self._let_go(at_once=False)

    def _let_go(self, *, at_once: bool) -> None:
        try:
            self._close_streams(at_once=at_once)
        finally:
            self._close_handles(SHORT_CLEANUP if at_once else None)

    def poll(self) -> int | None:
        """The exit code if the process has exited, else None.

        Now and then this asks HCS, which may have lost the exit event, and takes up to POLL_TIMEOUT (0.1 s). Raises
        HcsError if the process has exited and HCS does not tell how. HcsGetProcessProperties.
        """
        return finish(self._returncode_by(Deadline(0)))

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit and return the exit code.

        timeout: seconds, None for ever. A process that has filled a pipe waits for a reader, which this is not:
        communicate() is one. Raises subprocess.TimeoutExpired, which is a TimeoutError here; HcsError if the process
        has exited and HCS does not tell how; ServiceDisconnectedError. HcsGetProcessProperties.
        """
        return finish(self._wait(timeout))

    def communicate(
        self, input: AnyStr | None = None, timeout: float | None = None
    ) -> tuple[AnyStr | None, AnyStr | None]:
        """Write input to stdin and close it, read stdout and stderr to their end at the same time, wait for the exit.

        timeout: seconds, None for ever. Returns what was read from stdout and stderr, None where there is no pipe.
        Children of the process may hold its pipes open after it has exited. Reading then ends when nothing has come
        for DRAIN_QUIET (1 s), and DRAIN_LIMIT (10 s) after the exit at the latest.
        Raises subprocess.TimeoutExpired with the output so far, as bytes; another communicate() then goes on, and
        nothing is lost. Raises HcsError as wait() does.
        """
        limit = seconds(timeout)
        deadline = Deadline(limit)
        pumps = self._start_pumps(input)
        exited = self.returncode is not None or finish(self._wait_exit(deadline))
        if not exited or not self._drain(pumps, deadline):
            raise self._timeout_expired(limit)
        for pump in pumps:
            if pump.error is not None:
                raise pump.error
        if finish(self._returncode_by(deadline)) is None:
            raise self._timeout_expired(limit)
        return self._output(self.stdout), self._output(self.stderr)

    def kill(self, *, timeout: float | None = None) -> None:
        """End the process at once; that it has exited already is success. This does not wait for the exit.

        timeout: seconds. Raises OperationTimeoutError, AccessDeniedError. HcsTerminateProcess.
        """
        finish(self._kill(timeout))

    def terminate(self, *, timeout: float | None = None) -> None:
        """The same as kill(); send_signal() asks a process to end."""
        self.kill(timeout=timeout)

    def send_signal(self, signal: str | int, *, timeout: float | None = None) -> None:
        """Send a signal; that the process has exited already is success, as for Popen.send_signal().

        signal: for a Windows guest "CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff" or "CtrlShutdown"; for a Linux
        guest its number. timeout: seconds. Raises OperationTimeoutError, HcsError. HcsSignalProcess.
        """
        finish(self._signal(signal, timeout))

    def resize_console(self, height: int, width: int, *, timeout: float | None = None) -> None:
        """Change the size of the emulated console.

        height, width: rows and columns. timeout: seconds. Raises HcsError if the process has no console or has
        exited. HcsModifyProcess.
        """
        self.modify(resize_request(height, width), timeout=timeout)

    def properties(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What HCS tells of the process: a ProcessStatus document.

        Its ExitCode means something only if Exited is true and LastWaitResult 0. timeout: seconds. Raises
        OperationTimeoutError, HcsError. HcsGetProcessProperties.
        """
        text = self._track("HcsGetProcessProperties", _calls.process_properties, timeout, None)
        return answer(text, "HcsGetProcessProperties", dict)

    def modify(self, request: Mapping[str, Any] | str, *, timeout: float | None = None) -> None:
        """Change the process by a ProcessModifyRequest: the size of its console, or the end of its standard streams.

        request: a document such as {"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}. timeout: seconds.
        Raises HcsError if the process has exited, OperationTimeoutError. HcsModifyProcess.
        """
        self._track("HcsModifyProcess", _calls.modify_process, timeout, dumps(request, argument="request"))

    def duplicate_handle(self) -> OwnedProcess:
        """Open a second handle to this process, without event callback: one that into_raw() may give away.

        Raises HcsError once the process is gone, OperationTimeoutError after CLEANUP_TIMEOUT (10 s). HcsOpenProcess,
        HcsGetProcessProperties.
        """
        return finish(self._duplicate())

    def _close_streams(self, *, at_once: bool) -> None:
        pumps = self._pumps or {}
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is None or stream in pumps:
                continue  # a pump closes its stream itself
            handle = _handle(stream)
            if stream is self.stdin and not at_once and not handle.closed:
                try:
                    # It may wait for a process that does not read, or for a thread that writes to one.
                    aside("the close of stdin", CLOSE_TIMEOUT, stream.close)
                except (OSError, ValueError) as error:
                    debug(__name__, "%r did not take what was left for its stdin: %s", self, error)
                finally:
                    # Which ends that close.
                    handle.close()
            else:
                # Or closing would wait for a thread that reads, or for a process that does not.
                handle.close()
                with suppress(OSError, ValueError):
                    stream.close()

    def _close_handles(self, timeout: float | None) -> None:
        close_all(self._stdio)
        try:
            self._take_latched()
        except HandleClosedError:
            return
        close_aside(self._handle, timeout)

    def _start_pumps(self, input: AnyStr | None) -> list[_Pump]:
        """Start moving the bytes of each open stream, once; an earlier communicate() may have done it."""
        with self._pumps_lock:
            if self._pumps is None:
                data = encoded(input, self._streams, self.stdin is not None and not self.stdin.closed)
                pumps: dict[IO[AnyStr], _Pump] = {}
                if self.stdin is not None and not self.stdin.closed:
                    pumps[self.stdin] = _Writer(self.stdin, data)
                for stream in (self.stdout, self.stderr):
                    if stream is not None and not stream.closed:
                        pumps[stream] = _TextReader(stream) if self._streams.text else _Reader(stream)
                self._pumps = pumps
                for pump in pumps.values():
                    pump.start()
            elif input:
                raise ValueError("an earlier communicate() has sent its input already")
            return list(self._pumps.values())

    def _partial(self) -> tuple[bytes | None, bytes | None]:
        return self._moved(self.stdout), self._moved(self.stderr)

    def _drain(self, pumps: list[_Pump], deadline: Deadline) -> bool:
        """Let the pumps finish, the process having exited; False if the deadline comes first."""
        exited = monotonic()
        while running := [pump for pump in pumps if pump.is_alive()]:
            now = monotonic()
            last_move = max(exited, *(pump.moved for pump in running))
            if now >= min(last_move + DRAIN_QUIET, exited + DRAIN_LIMIT):
                debug(__name__, "%r has exited and something else holds its pipes open", self)
                for pump in running:
                    pump.release()
                for pump in running:
                    pump.join(_RELEASE)
                return True
            if deadline.passed():
                return False
            running[0].join(deadline.within(_SLICE))
        return True

    def _moved(self, stream: IO[AnyStr] | None) -> bytes | None:
        """What communicate() has read from a stream."""
        if stream is None:
            return None
        pump = (self._pumps or {}).get(stream)
        return b"" if pump is None else pump.ahead + b"".join(pump.chunks.copy())

    def _output(self, stream: IO[AnyStr] | None) -> Any:
        if stream is None or not self._streams.text:
            return self._moved(stream)
        pump = (self._pumps or {}).get(stream)
        return "" if pump is None else pump.text


async def _ask_exit(calls: Calls, handle: OwnedProcess, timeout: float) -> dict[str, Any] | None:
    """The ProcessStatus of a process that has exited, empty if HCS does not tell it; None if it has not exited."""
    try:
        status = answer(await calls.process_properties(handle, timeout), "HcsGetProcessProperties", dict)
    except HcsError as error:
        # There was a process, or there would be no handle: HCS does not find it any more.
        if error.hresult & 0xFFFFFFFF == _NOT_FOUND:
            return {}
        raise
    return status if status.get("Exited") is True else None


def _exit_code(document: str | None) -> int | None:
    """The exit code in a ProcessStatus; None where the document does not vouch for one."""
    status = exit_document(document)
    if status.get("Exited") is not True or status.get("LastWaitResult") != 0:
        return None
    code = status.get("ExitCode")
    return code & 0xFFFFFFFF if isinstance(code, int) else None


def close_guest_stdin(calls: Calls, handle: OwnedProcess) -> None:
    """Tell HCS of the end of stdin: closing our end of the pipe need not reach a guest behind a VM's border."""
    if sys.is_finalizing():
        return
    try:
        if _calls.exit_status(handle) is None:
            tracked("HcsModifyProcess", CLOSE_TIMEOUT, _calls.modify_process, handle, CLOSE_STDIN)
    except (HandleClosedError, HcsError) as error:
        finish(check_stdin_error(calls, handle, error))


async def check_stdin_error(calls: Calls, handle: OwnedProcess, error: HandleClosedError | HcsError) -> None:
    """Raise the error that HCS was told of the end of stdin with, unless there is no process any more to tell of it."""
    if isinstance(error, (HandleClosedError, AlreadyStoppedError, SystemNotFoundError)):
        return  # closing the pipe is all that is left to do
    try:
        exited = await _ask_exit(calls, handle, QUERY_TIMEOUT) is not None
    except (AlreadyStoppedError, SystemNotFoundError):
        exited = True
    except HcsError:
        exited = False
    if not exited:
        raise error from None


def encoded(input: Any, streams: StreamFormat, stdin_is_open: bool) -> bytes:
    """What communicate() has to write to stdin."""
    if input is None:
        return b""
    if streams.text:
        if not isinstance(input, str):
            raise TypeError(f"input must be a str, not {type(input).__name__}: the streams are in text mode")
    else:
        try:
            input = bytes(memoryview(input))
        except TypeError:
            raise TypeError(
                f"input must be bytes, not {type(input).__name__}: the streams are not in text mode"
            ) from None
    if not input:
        return b""
    if not stdin_is_open:
        raise ValueError("input needs stdin=PIPE, and not closed yet")
    # Text as writing to the stream would do it.
    return input.replace("\n", os.linesep).encode(*streams.codec()) if isinstance(input, str) else input


def _codec(stream: Any) -> tuple[str, str]:
    """Encoding and error handler of a text stream."""
    return stream.encoding, stream.errors


def _handle(stream: Any) -> OwnedStdio:
    """The handle under a stream; who reads or writes the stream in another thread is let go when it is closed."""
    binary = getattr(stream, "buffer", stream)
    return getattr(binary, "raw", binary).handle


class _Pump(Thread):
    """Moves the bytes of one stream for communicate(), in a thread of its own, and closes the stream."""

    def __init__(self, stream: Any) -> None:
        super().__init__(name="hcsrt communicate", daemon=True)
        self.ahead = b""
        self.chunks: list[bytes] = []
        self.text = ""
        self.moved = monotonic()
        self.error: Exception | None = None
        self._stream = stream

    def release(self) -> None:
        _handle(self._stream).close()

    def move(self) -> None:
        """Move all there is to move."""

    def run(self) -> None:
        try:
            try:
                self.move()
            finally:
                self._stream.close()
        except UnicodeError as error:
            self.error = error
        except (BrokenPipeError, ValueError):
            pass  # nobody reads the input any more, as subprocess ignores it too; or the stream was released
        except Exception as error:
            self.error = error


class _Reader(_Pump):
    def move(self) -> None:
        self.take(getattr(self._stream, "read1", self._stream.read))

    def take(self, read: Callable[[int], bytes]) -> None:
        while chunk := read(_CHUNK):
            self.chunks.append(chunk)
            self.moved = monotonic()


class _TextReader(_Reader):
    """Takes the bytes as they come, and has the text stream decode them: it may have read ahead before."""

    def move(self) -> None:
        source: _TextSource = self._stream.buffer
        source.chunks = self.chunks
        ahead: list[str] = []
        with suppress(BlockingIOError):
            while True:
                ahead.append(self._stream.read(1))
        text = "".join(ahead)
        self.ahead = text.encode(*_codec(self._stream))
        try:
            self.take(source.take)
        finally:
            self.text = text + self._stream.read()


class _TextSource(io.BufferedReader):
    """What a text stream reads from. Once communicate() takes the bytes, the stream gets them only when it has all."""

    chunks: list[bytes] | None = None

    def read1(self, size: int = -1, /) -> bytes:
        if self.chunks is not None:
            raise BlockingIOError
        return super().read1(size)

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) if self.chunks is None else b"".join(self.chunks)

    def take(self, size: int) -> bytes:
        return super().read1(size)


class _Writer(_Pump):
    def __init__(self, stream: Any, data: bytes) -> None:
        super().__init__(stream)
        self._data = memoryview(data)

    def move(self) -> None:
        binary = getattr(self._stream, "buffer", self._stream)
        data = self._data
        while data:
            data = data[binary.write(data[:_CHUNK]) :]
            self.moved = monotonic()


class StreamFormat:
    """How the streams of a process are wrapped, by the parameters that subprocess.Popen has for it."""

    def __init__(self, text: bool | None, encoding: str | None, errors: str | None, bufsize: int) -> None:
        # Before there is a process that could not be read.
        if encoding and encoding != "locale":  # which only io knows
            "".encode(encoding)
        if errors:
            lookup_error(errors)
        bufsize = self._bufsize = integer(bufsize, "bufsize")
        self.text: bool = bool(text or encoding or errors)
        self._encoding = encoding or ("utf-8" if sys.flags.utf8_mode else "locale")
        self._errors = errors
        self._line_buffering = self.text and bufsize == 1
        self._size = io.DEFAULT_BUFFER_SIZE if bufsize < 0 or self._line_buffering else bufsize

    @property
    def limit(self) -> int:
        """How many bytes a reader of hcsrt.aio holds for a line, as asyncio's limit."""
        return self._bufsize if self._bufsize > 1 else _CHUNK

    def codec(self) -> tuple[str, str]:
        """Encoding and error handler of text."""
        encoding = self._encoding
        if encoding == "locale":
            import locale

            encoding = locale.getencoding()
        return encoding, self._errors or "strict"

    def reader(self, handle: OwnedStdio) -> Any:
        raw = StdioReader(handle)
        if self.text:
            return self._text_over(_TextSource(raw, self._size or io.DEFAULT_BUFFER_SIZE))
        return io.BufferedReader(raw, self._size) if self._size else raw

    def writer(self, handle: OwnedStdio, before_close: Callable[[], object]) -> Any:
        raw = StdioWriter(handle, before_close)
        binary = io.BufferedWriter(raw, self._size) if self._size else raw
        if not self.text:
            return binary
        return self._text_over(binary, self._line_buffering, write_through=True)

    def _text_over(self, binary: Any, line_buffering: bool = False, write_through: bool = False) -> io.TextIOWrapper:
        return io.TextIOWrapper(
            binary, self._encoding, self._errors, line_buffering=line_buffering, write_through=write_through
        )


async def process_parameters(
    args: Command,
    *,
    is_linux: Callable[[], Coroutine[Any, Any, bool]],
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str] | None,
    user: str | None,
    console: bool | tuple[int, int],
) -> str:
    """The ProcessParameters of a command, as JSON; is_linux asks HCS what the guest is."""
    document: dict[str, Any] = {}
    if cwd is not None:
        document["WorkingDirectory"] = path_text(cwd, "cwd")
    if env is not None:
        document["Environment"] = _environment(env)
    if user is not None:
        check_name(user, "user")
        document["User"] = user
    if console is not False:
        document["EmulateConsole"] = True
        if stderr == PIPE:
            raise ValueError("a console has no stderr of its own, its output comes on stdout: leave stderr=PIPE away")
        if console is not True:
            document["ConsoleSize"] = list(_console_size(console))
    elif stderr == STDOUT:
        raise ValueError(
            "HCS cannot join stderr to stdout: redirect in the command itself (cmd /c or sh -c with 2>&1), or use "
            "console=True"
        )
    for name, key, value, also in (
        ("stdin", "CreateStdInPipe", stdin, ()),
        ("stdout", "CreateStdOutPipe", stdout, ()),
        ("stderr", "CreateStdErrPipe", stderr, (STDOUT,)),
    ):
        if value not in (None, PIPE, DEVNULL, *also):
            raise ValueError(f"{name} must be None, PIPE or DEVNULL, not {value!r}: HCS connects only pipes it makes")
        if value == PIPE:
            document[key] = True
    return dumps(document | await _command(args, is_linux))


async def _command(args: Command, is_linux: Callable[[], Coroutine[Any, Any, bool]]) -> dict[str, Any]:
    if isinstance(args, str):
        check_name(args, "args")
        return {"CommandLine": args}
    if isinstance(args, (bytes, bytearray)):
        raise TypeError("args must be text or a list of it, not bytes: decode it first")
    if isinstance(args, os.PathLike):
        words = [path_text(args, "args")]
    else:
        try:
            given = list(args)
        except TypeError:
            raise TypeError(f"args must be a str, a path or a list of them, not {type(args).__name__}") from None
        words = [path_text(word, f"args[{index}]") for index, word in enumerate(given)]
    if not words:
        raise ValueError("args must not be empty")
    if await is_linux():
        return {"CommandArgs": words}
    from subprocess import list2cmdline

    return {"CommandLine": list2cmdline(words)}


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """A copy of the variables. Errors name the variable and never tell its value, which may be a secret."""
    items = getattr(env, "items", None)
    if items is None:
        raise TypeError(f"env must be a mapping of names to values, not {type(env).__name__}")
    for name, value in items():
        check_name(name, "the name of an env variable")
        if "=" in name:
            raise ValueError(f"env has a name with '=' in it, that of {name.partition('=')[0]!r}")
        check_text(value, f"env[{name!r}]")
    return dict(env)


def resize_request(height: int, width: int) -> dict[str, Any]:
    """A ProcessModifyRequest for the size of the console."""
    rows, columns = _console_size((height, width))
    return {"Operation": "ConsoleSize", "ConsoleSize": {"Height": rows, "Width": columns}}


def _console_size(size: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(size, tuple) or len(size) != 2:  # pyright: ignore[reportUnnecessaryIsInstance,reportUnnecessaryComparison]
        raise TypeError(f"console must be True, False or a tuple (rows, columns), not {size!r}")
    rows, columns = integer(size[0], "the rows of a console"), integer(size[1], "the columns of a console")
    if not (0 < rows < 0x10000 and 0 < columns < 0x10000):
        raise ValueError(f"a console has 1 to 65535 rows and columns, not {rows!r} and {columns!r}")
    return rows, columns


def start_process(
    system: OwnedSystem,
    parameters: str,
    args: Command,
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Process[Any]:
    """Create a process and everything around it, or leave nothing behind. HcsCreateProcess."""
    made: list[ProcessStart] = []
    objects: list[Process[Any]] = []
    try:
        # A list has what was made even if a KeyboardInterrupt comes right after the call, before any assignment.
        limit = Limit(deadline.remaining())
        aside("HcsCreateProcess", limit, _calls.create_process, system, parameters, limit, results=made, drop=_abandon)
        objects.extend(map(Process, made, [args], [streams], [reopen_system], [is_windows]))
        finish(objects[0]._set_up(deadline))  # pyright: ignore[reportPrivateUsage]
        return objects[0]
    except BaseException as error:
        for start in made:
            _abandon(start, cleanup_time(error))
        raise


def check_attach(pid: int, wanted: Mapping[str, int | None]) -> int:
    """The pid, if a process can be opened so."""
    for name, value in wanted.items():
        if value not in (None, PIPE):
            raise ValueError(f"{name} must be None or PIPE, not {value!r}")
    pid = integer(pid, "pid")
    if not 0 <= pid <= 0xFFFFFFFF:
        raise ValueError(f"pid must be from 0 to {0xFFFFFFFF}, not {pid}")
    return pid


def check_given(start: ProcessStart, pid: int, wanted: Mapping[str, int | None]) -> None:
    """Raise if HCS has not given a stream that is wanted."""
    missing = [name for name, value in wanted.items() if value == PIPE and getattr(start, name) is None]
    if missing:
        names = " and ".join(missing)
        asked = " and ".join(f"{name}=PIPE" for name in missing)
        reason = (
            f"HCS has no handle for {names} of process {pid}: it was started without a pipe there, or whoever had the "
            f"pipe has closed it. Open the process without {asked}, and start it again for a new pipe"
        )
        raise error_from(PROCESS_INFO_NOT_AVAILABLE, "HcsGetProcessInfo", {"ErrorMessage": reason})


def attach_process(
    system: OwnedSystem,
    pid: int,
    wanted: Mapping[str, int | None],
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Process[Any]:
    """Open a process, with those of its streams that are wanted as PIPE. HcsOpenProcess, HcsGetProcessInfo."""
    timeout = deadline.remaining()
    handle = aside("HcsOpenProcess", timeout, _calls.open_process, system, check_attach(pid, wanted))
    starts: list[ProcessStart] = []
    objects: list[Process[Any]] = []
    try:
        if PIPE in wanted.values():
            limit = Limit(deadline.remaining())
            # As in start_process().
            aside("HcsGetProcessInfo", limit, _calls.process_info, handle, limit, results=starts)
            check_given(starts[0], pid, wanted)
            # A handle that nobody uses could keep the process from seeing the end of its input.
            unwanted = [getattr(starts[0], name) for name, value in wanted.items() if value != PIPE]
            close_all(stdio for stdio in unwanted if stdio is not None)
            ends = [getattr(starts[0], name) if value == PIPE else None for name, value in wanted.items()]
            starts = [_calls.ProcessStart(handle, pid, *ends)]
        else:
            starts.append(_calls.ProcessStart(handle, pid))
        objects.extend(map(Process, starts, [[]], [streams], [reopen_system], [is_windows]))
        finish(objects[0]._set_up(deadline))  # pyright: ignore[reportPrivateUsage]
        return objects[0]
    except BaseException as error:
        for end in (*starts, handle):
            close_aside(end, cleanup_time(error))
        raise


def run_pipes(
    input: object,
    capture_output: bool,
    stdin: int | None,
    stdout: int | None,
    stderr: int | None,
    console: bool | tuple[int, int],
) -> tuple[int | None, int | None, int | None]:
    """The streams of a process that run() starts."""
    if input is not None:
        if stdin is not None:
            raise ValueError("give input or stdin, not both")
        stdin = PIPE
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("give capture_output, or stdout and stderr, not both")
        stdout = PIPE
        stderr = None if console else PIPE
    return stdin, stdout, stderr


def run_to_end(
    process: Process[Any], input: Any, timeout: float | None, deadline: Deadline, check: bool
) -> CompletedProcess[Any]:
    """What subprocess.run() does between starting a process and closing it.

    timeout is what the deadline was made of, for the error.
    """
    from subprocess import CalledProcessError, CompletedProcess, TimeoutExpired

    try:
        stdout, stderr = process.communicate(input, deadline.remaining())
    except TimeoutExpired:
        kill_quietly(process, CLEANUP_TIMEOUT)
        try:
            process.communicate(timeout=CLEANUP_TIMEOUT)
        except (TimeoutExpired, HcsError) as error:
            debug(__name__, "%r was killed, but: %s", process, error)
        raise process._timeout_expired(timeout) from None  # pyright: ignore[reportPrivateUsage]
    code = process.wait()
    if check and code:
        raise CalledProcessError(code, process.args, stdout, stderr)
    return CompletedProcess(process.args, code, stdout, stderr)


def kill_quietly(process: Process[Any], timeout: float) -> None:
    """Kill a process because of another error, which is the one to tell."""
    try:
        process.kill(timeout=timeout)
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "killing %r failed: %s", process, error)


def _abandon(start: ProcessStart, patience: float = CLEANUP_TIMEOUT) -> None:
    """End a process that nobody will own."""
    try:
        tracked("HcsTerminateProcess", patience, _calls.terminate_process, start.process, None)
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "ending process %d, which could not be set up, failed: %s", start.pid, error)
    finally:
        close_aside(start, patience)
