"""Processes inside a compute system, with the conventions of subprocess."""

from __future__ import annotations

import io
import sys
from _thread import allocate_lock
from contextlib import suppress
from threading import Thread
from time import monotonic

from . import _calls
from ._blocking import CALLS, Blocking, aside, close_aside, finish
from ._calls import Limit
from ._facade import AnyStr, Generic, times
from ._facade.commands import (
    DEVNULL,
    PIPE,
    STDOUT,
    StreamFormat,
    check_attach,
    check_given,
    encoded,
    resize_request,
)
from ._facade.owner import debug, exit_status
from ._facade.process import CLOSE_STDIN, Drain, ProcessCore, check_stdin_error, running
from ._facade.times import CLEANUP_TIMEOUT, SHORT_CLEANUP, Deadline, cleanup_time, seconds
from ._handles import OwnedProcess, close_all
from ._streams import ProcessStart, StdioReader, StdioWriter
from .errors import HandleClosedError, HcsError, ServiceDisconnectedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import IO, Any

    from ._facade.calls import Calls
    from ._facade.commands import Command
    from ._handles import OwnedStdio, OwnedSystem

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Process"]

_CHUNK = 64 * 1024
# Threads are joined in slices: on Windows a join does not let Ctrl-C through.
_SLICE = 0.1
# A reader whose handle is closed ends in a moment.
_RELEASE = 1.0


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
        self.stdin = start.stdin and open_writer(streams, start.stdin, lambda: close_guest_stdin(calls, handle))
        self.stdout = start.stdout and open_reader(streams, start.stdout)
        self.stderr = start.stderr and open_reader(streams, start.stderr)
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
        finish(self._modify(resize_request(height, width), timeout))

    def properties(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What HCS tells of the process: a ProcessStatus document.

        Its ExitCode means something only if Exited is true and LastWaitResult 0. timeout: seconds. Raises
        OperationTimeoutError, HcsError. HcsGetProcessProperties.
        """
        return finish(self._properties(timeout))

    def modify(self, request: Mapping[str, Any] | str, *, timeout: float | None = None) -> None:
        """Change the process by a ProcessModifyRequest: the size of its console, or the end of its standard streams.

        request: a document such as {"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}. timeout: seconds.
        Raises HcsError if the process has exited, OperationTimeoutError. HcsModifyProcess.
        """
        finish(self._modify(request, timeout))

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
                    aside("the close of stdin", times.CLOSE_TIMEOUT, stream.close)
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
            self._keep_latched()
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
        drain = Drain()
        while moving := [pump for pump in pumps if pump.is_alive()]:
            if drain.left(pump.moved for pump in moving) <= 0:
                debug(__name__, "%r has exited and something else holds its pipes open", self)
                for pump in moving:
                    pump.release()
                for pump in moving:
                    pump.join(_RELEASE)
                return True
            if deadline.passed():
                return False
            moving[0].join(deadline.within(_SLICE))
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


def close_guest_stdin(calls: Calls, handle: OwnedProcess) -> None:
    """Tell HCS of the end of stdin: closing our end of the pipe need not reach a guest behind a VM's border."""
    if sys.is_finalizing():
        return
    try:
        if exit_status(handle) is None:
            finish(CALLS.call(handle, "HcsModifyProcess", CLOSE_STDIN, times.CLOSE_TIMEOUT))
    except (HandleClosedError, HcsError) as error:
        finish(check_stdin_error(calls, handle, error))


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


def open_reader(streams: StreamFormat, handle: OwnedStdio) -> Any:
    """Wrap our end of stdout or stderr."""
    raw = StdioReader(handle)
    if streams.text:
        return _text_over(streams, _TextSource(raw, streams.buffer_size or io.DEFAULT_BUFFER_SIZE))
    return io.BufferedReader(raw, streams.buffer_size) if streams.buffer_size else raw


def open_writer(streams: StreamFormat, handle: OwnedStdio, before_close: Callable[[], object]) -> Any:
    """Wrap our end of stdin."""
    raw = StdioWriter(handle, before_close)
    binary = io.BufferedWriter(raw, streams.buffer_size) if streams.buffer_size else raw
    if not streams.text:
        return binary
    return _text_over(streams, binary, streams.line_buffering, write_through=True)


def _text_over(
    streams: StreamFormat, binary: Any, line_buffering: bool = False, write_through: bool = False
) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        binary, streams.encoding, streams.errors, line_buffering=line_buffering, write_through=write_through
    )


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
        aside(
            "HcsCreateProcess", limit, _calls.create_process, system, parameters, limit, results=made, discard=_abandon
        )
        if made[0].error is not None:
            made.append(finish(running(CALLS, made[0], deadline)))
        objects.extend(map(Process, made[-1:], [args], [streams], [reopen_system], [is_windows]))
        finish(objects[0]._set_up(deadline))  # pyright: ignore[reportPrivateUsage]
        return objects[0]
    except BaseException as error:
        for start in made:
            _abandon(start, cleanup_time(error))
        raise


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
            starts = [ProcessStart(handle, pid, *ends)]
        else:
            starts.append(ProcessStart(handle, pid))
        objects.extend(map(Process, starts, [[]], [streams], [reopen_system], [is_windows]))
        finish(objects[0]._set_up(deadline))  # pyright: ignore[reportPrivateUsage]
        return objects[0]
    except BaseException as error:
        for end in (*starts, handle):
            close_aside(end, cleanup_time(error))
        raise


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
        finish(CALLS.call(start.process, "HcsTerminateProcess", None, patience))
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "ending process %d, which could not be set up, failed: %s", start.pid, error)
    finally:
        close_aside(start, patience)
