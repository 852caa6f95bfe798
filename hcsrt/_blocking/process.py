"""The half of a process that only the blocking face has: how it is made, its streams, its close."""

# What a class here keeps private, the functions beside it use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import io
import sys
from _collections_abc import Callable, Coroutine, Mapping, Sequence
from _queue import Empty, SimpleQueue
from _thread import allocate_lock, get_ident, start_new_thread
from time import monotonic

from .. import _calls
from .._calls import Limit
from .._facade import AnyStr, Generic, commands, times
from .._facade.commands import CHARACTER_SIZE, PIPE, Command, StreamFormat, check_given, encoded
from .._facade.owner import debug, exit_status
from .._facade.process import CLOSE_STDIN, ProcessCore, check_stdin_error, nested_turn, raise_late_start, running
from .._facade.requests import advised
from .._facade.times import CLEANUP_TIMEOUT, SHORT_CLEANUP, Deadline, cleanup_time
from .._handles import OwnedProcess, OwnedSystem, close_all
from .._late import types, typing
from .._streams import ProcessStart, StdioReader, StdioWriter
from ..errors import HandleClosedError, HcsError, OperationTimeoutError, ServiceDisconnectedError
from . import CALLS, SLICE, BlockingOwner, aside, close_aside, finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import partial
    from typing import IO, Any

    from .._facade.expired import CompletedProcess
    from .._facade.output import LiveOutput
    from .._handles import OwnedStdio
else:
    # The module around it is slow to import.
    from _functools import partial

_CHUNK = 64 * 1024
# A reader whose handle is closed ends in a moment.
_INTERRUPTED = 1.0
# The owner of a stream that the close of its process has, before a thread of communicate() had it.
_CLOSED = object()

live_output = partial(commands.live_output, wait=None)


class BlockingProcess(BlockingOwner[OwnedProcess], ProcessCore[AnyStr], Generic[AnyStr]):
    """A process in a compute system, as ComputeSystem.popen() starts it and ComputeSystem.open_process() opens it.

    It has the names of subprocess.Popen with their meaning, but for this. A stream that is no PIPE is not connected:
    there is nothing that a process in another system could inherit. The object owns a handle, which the end of the
    `with` block or close() releases; neither kills the process. kill() and terminate() are the same, as on Windows. An
    exit code that HCS does not tell is an error, never a number.

    Children of the process may hold its pipes open after it has exited. Who reads stdout or stderr as a file then waits
    for them too, as with subprocess; communicate() and run() do not, nor do the streams of hcsrt.aio. The close() of a
    stream, or of the process, ends the reads of other threads in it: they raise ValueError, as for a closed file.

    With max_output or on_output the object reads the output itself, and there is no stdout and no stderr for others.
    wait() and communicate() read it to its end then, one of them at a time; while nobody is in either, the process is
    held back once its pipes are full. close() and the end of the block read nothing.

    Attributes:
        pid: The process id in the guest.
        args: The command as it was given, empty if the process was opened.
        stdin: A file where a pipe was asked for, else None.
        stdout: The same; None also with max_output or on_output.
        stderr: The same.
        returncode: The exit code, 0 to 0xFFFFFFFF, once poll(), wait() or communicate() has seen it.
    """

    stdin: typing.IO[AnyStr] | None
    stdout: typing.IO[AnyStr] | None
    stderr: typing.IO[AnyStr] | None
    _logger = "hcsrt.process"
    # Those of communicate(), once it has been called. Each runs, or the next communicate() starts it.
    _pumps: dict[typing.IO[AnyStr], _Pump] | None = None

    def __init__(
        self,
        start: ProcessStart,
        args: Command,
        streams: StreamFormat,
        reopen_system: Callable[[Deadline], Coroutine[typing.Any, typing.Any, OwnedSystem]],
        is_windows: Callable[[], bool],
    ) -> None:
        super().__init__(start, args, streams, reopen_system, is_windows)
        handle = start.process
        self._stdio = [stdio for stdio in (start.stdin, start.stdout, start.stderr) if stdio is not None]
        # A lambda without `self`: the stream would keep this object alive.
        self.stdin = start.stdin and open_writer(streams, start.stdin, lambda: close_guest_stdin(handle))
        self.stdout = self.stderr = None
        self._pieces: SimpleQueue[tuple[_LivePump, bytes]] = SimpleQueue()
        # The next of them, from the queue until it is passed on.
        self._next: list[tuple[_LivePump, bytes]] = []
        self._live_pumps: list[_LivePump] = []
        self._turn = allocate_lock()
        self._passing: int | None = None
        for name, stdio in (("stdout", start.stdout), ("stderr", start.stderr)):
            if stdio is None:
                continue
            if self._live_output is None:
                setattr(self, name, open_reader(streams, stdio))
            else:
                self._live_pumps.append(_LivePump(name, stdio, self._live_output, self._pieces))

    def __repr__(self) -> str:
        return f"<hcsrt.Process {self.pid} {self._state()}>"

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        """Close the streams, wait for the exit as Popen does (not after a KeyboardInterrupt), and close the handle."""
        try:
            self._close_streams(at_once=exception_type is KeyboardInterrupt)
            if exception_type is not KeyboardInterrupt and not self._is_over():
                finish(self._wait_exit(Deadline(None)))
        except (HandleClosedError, ServiceDisconnectedError):
            pass  # there is nothing more to wait for
        finally:
            self._close_all(at_once=exception_type is KeyboardInterrupt)

    async def _close(self) -> None:
        self._close_all(at_once=False)

    def _discard(self) -> None:
        for pump in self._live_pumps:
            pump.interrupt()
        super()._discard()

    def _close_all(self, *, at_once: bool, timeout: float | None = None) -> None:
        """Close the streams and the handle, for which HCS has this time; it goes on closing afterwards."""
        try:
            self._close_streams(at_once=at_once)
        finally:
            self._close_handles(SHORT_CLEANUP if at_once else timeout)

    def _close_streams(self, *, at_once: bool) -> None:
        for live in self._live_pumps:
            live.interrupt()
        pumps = self._pumps or {}
        for stream in (self.stdout, self.stderr, self.stdin):
            if stream is None:
                continue
            pump = pumps.get(stream)
            if pump is not None and not pump.give_up():
                continue  # it closes its stream itself
            handle = _handle(stream)
            if stream is self.stdin and not at_once and not handle.closed:
                try:
                    # Flushing may hang: on a process that does not read, or a thread that still writes.
                    aside("the close of stdin", times.CLOSE_TIMEOUT, stream.close, is_told=True)
                except (OSError, ValueError) as error:
                    debug(self._logger, "%r did not take what was left for its stdin: %s", self, error)
                finally:
                    # Ends the close of the stream if it hangs.
                    handle.close()
            else:
                # First, or the stream's close would wait for a thread that reads, or a process that does not.
                handle.close()
                try:
                    stream.close()
                except (OSError, ValueError):
                    continue

    def _close_handles(self, timeout: float | None) -> None:
        close_all(self._stdio)
        try:
            self._keep_latched()
        except HandleClosedError:
            return
        close_aside(self._handle, timeout)

    def _start_communication(self, input: AnyStr | None) -> bool:
        pumps = self._pumps
        begins = pumps is None
        if pumps is None:
            made = self._make_pumps(input)
            # setdefault() lets one thread win where several begin at once; no lock can stay locked by a Ctrl-C.
            pumps = self.__dict__.setdefault("_pumps", made)
            begins = pumps is made
        # Each time: an earlier communicate() may have been interrupted before it had started all of them.
        for pump in pumps.values():
            pump.start()
        return begins

    def _make_pumps(self, input: AnyStr | None) -> dict[IO[AnyStr], _Pump]:
        data = encoded(input, self._streams, self.stdin is not None and not self.stdin.closed)
        pumps: dict[IO[AnyStr], _Pump] = {}
        if self.stdin is not None and not self.stdin.closed:
            text = input if isinstance(input, str) else ""
            pumps[self.stdin] = _TextWriter(self.stdin, data, text) if text else _Writer(self.stdin, data)
        for stream in (self.stdout, self.stderr):
            if stream is not None and not stream.closed:
                pumps[stream] = _TextReader(stream) if self._streams.text else _Reader(stream)
        return pumps

    async def _take_turn(self, turn: list[bool], deadline: Deadline) -> bool:
        if self._passing == get_ident():
            raise nested_turn(self)
        while True:
            # In one go: a KeyboardInterrupt right after it finds the list filled.
            turn[:] = map(self._turn.acquire, [True], [deadline.within(SLICE)])
            if turn[0]:
                self._passing = get_ident()
                return True
            if deadline.passed():
                return False

    def _end_turn(self, turn: list[bool]) -> None:
        if turn and turn[0]:
            self._passing = None
            self._turn.release()

    def _start_reading(self) -> None:
        for pump in self._live_pumps:
            pump.start()

    async def _next_piece(self, timeout: float) -> tuple[str, bytes] | None:
        if not self._next:
            try:
                # In one go: a KeyboardInterrupt right after it finds the piece in the list.
                self._next.extend(map(self._pieces.get, [True], [min(timeout, SLICE)]))
            except Empty:
                return None
        pump, data = self._next[0]
        return pump.name, data

    def _take_piece(self) -> None:
        if self._next:
            pump, _ = self._next[0]
            pump.go_on()
            self._next.clear()

    def _moving(self) -> list[_Pump]:
        return [pump for pump in (*(self._pumps or {}).values(), *self._live_pumps) if not pump.is_over]

    async def _wait_moving(self, moving: Sequence[_Pump], timeout: float) -> None:
        moving[0].join(min(timeout, SLICE))

    def _interrupt(self, moving: Sequence[_Pump]) -> None:
        for pump in moving:
            pump.interrupt()
        for pump in moving:
            pump.join(_INTERRUPTED)

    def _output(self) -> tuple[AnyStr | None, AnyStr | None]:
        for pump in (*(self._pumps or {}).values(), *self._live_pumps):
            if pump.error is not None:
                raise pump.error
        if self._live_output is not None:
            return self._live_output.output()
        return self._read(self.stdout), self._read(self.stderr)

    def _partial(self) -> tuple[bytes | None, bytes | None]:
        if self._live_output is not None:
            return self._live_output.partial()
        return self._moved(self.stdout), self._moved(self.stderr)

    def _moved(self, stream: IO[AnyStr] | None) -> bytes | None:
        """Return what communicate() has read from a stream, as bytes."""
        if stream is None:
            return None
        pump = (self._pumps or {}).get(stream)
        return b"" if pump is None else pump.ahead + b"".join(pump.chunks.copy())

    def _read(self, stream: IO[AnyStr] | None) -> Any:
        """Return what communicate() has read from a stream, as text if that is what it has."""
        if stream is None or not self._streams.text:
            return self._moved(stream)
        pump = (self._pumps or {}).get(stream)
        return "" if pump is None else pump.text


def close_guest_stdin(handle: OwnedProcess) -> None:
    """Tell HCS of the end of stdin: the close of our end may not reach a guest inside a virtual machine."""
    if sys.is_finalizing():
        return
    try:
        if exit_status(handle) is None:
            finish(CALLS.call(handle, "HcsModifyProcess", CLOSE_STDIN, times.CLOSE_TIMEOUT))
    except (HandleClosedError, HcsError) as error:
        finish(check_stdin_error(CALLS, handle, error))


def _codec(stream: Any) -> tuple[str, str]:
    """Return the encoding and the error handler of a text stream."""
    return stream.encoding, stream.errors


def _handle(stream: Any) -> OwnedStdio:
    """Return the handle under a stream; its close interrupts a read or write of another thread."""
    return _raw(stream).handle


def _raw(stream: Any) -> Any:
    binary = getattr(stream, "buffer", stream)
    return getattr(binary, "raw", binary)


class _Pump:
    """What moves the bytes of one stream for communicate(), on a thread, and then closes the stream."""

    # Who has the stream: a thread that moves its bytes, or _CLOSED for the close of the process. The first one stays.
    _owner: object = None
    _error: Exception | None = None

    def __init__(self, stream: Any) -> None:
        self.ahead = b""
        self.chunks: list[bytes] = []
        self.text = ""
        self.moved = monotonic()
        self._stream = stream
        self._has_ended = False
        self._end = allocate_lock()
        self._end.acquire()

    def start(self) -> None:
        """Start a thread, unless one has the stream; of two that are started one finds nothing to do."""
        if self._owner is None:
            start_new_thread(self._run, ())

    def give_up(self) -> bool:
        """Return whether no thread has the stream, which none gets from now on."""
        return self._take(_CLOSED)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is moved."""
        return self._has_ended or self._owner is _CLOSED

    @property
    def error(self) -> Exception | None:
        """What has kept it from moving everything."""
        if self._owner is _CLOSED:
            return HandleClosedError("the process was closed before communicate() had begun to move its bytes")
        return self._error

    def join(self, timeout: float) -> None:
        """Wait until nothing more is moved, or the time is up."""
        # A Ctrl-C in here may keep the lock locked: others then wait for the whole time, but not once it is over.
        if not self.is_over and self._end.acquire(timeout=timeout):
            self._end.release()

    def interrupt(self) -> None:
        _handle(self._stream).close()

    def move(self) -> None:
        """Move all there is to move."""

    def _take(self, owner: object) -> bool:
        return self.__dict__.setdefault("_owner", owner) is owner

    def _run(self) -> None:
        if not self._take(object()):
            return
        try:
            self._attempt(self.move)
            # Its error does not hide that of the move.
            self._attempt(self._stream.close)
        finally:
            self._has_ended = True
            self._end.release()

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except BrokenPipeError:
            pass  # nobody reads the input any more, which subprocess ignores too
        except OperationTimeoutError:
            pass  # HCS goes on to close stdin, and communicate() waits for the end of the process
        except Exception as error:
            # Using a stream whose handle somebody has closed is a ValueError, as with any file.
            was_closed = isinstance(error, ValueError) and not isinstance(error, UnicodeError) and self._is_closed()
            if self._error is None and not was_closed:
                self._error = error

    def _is_closed(self) -> bool:
        return self._stream.closed or _handle(self._stream).closed


class _Reader(_Pump):
    def move(self) -> None:
        self.take(getattr(self._stream, "read1", self._stream.read))

    def take(self, read: Callable[[int], bytes]) -> None:
        while chunk := read(_CHUNK):
            self.chunks.append(chunk)
            self.moved = monotonic()


class _TextReader(_Reader):
    """A pump that takes bytes as they come. The text stream decodes them, because it may have read ahead before."""

    def move(self) -> None:
        source: _TextSource = self._stream.buffer
        source.chunks = self.chunks
        ahead: list[str] = []
        try:
            while True:
                ahead.append(self._stream.read(1))
        except BlockingIOError:
            pass  # nothing more was read ahead
        text = "".join(ahead)
        self.ahead = source.unread(text, _codec(self._stream))
        try:
            self.take(source.take)
        finally:
            self.text = text + self._stream.read()


class _PipeFile(io.BufferedReader):
    """A file over our end of a pipe whose close() ends the reads of other threads, which hold its lock."""

    def close(self) -> None:
        self.raw.close()
        super().close()


class _TextSource(_PipeFile):
    """The source of a text stream. Once communicate() takes the bytes, the stream gets them when it has all of them."""

    chunks: list[bytes] | None = None
    # What the text stream has got: the first bytes, the last ones, and those right before.
    _head = _last = _before = b""

    def read1(self, size: int = -1, /) -> bytes:
        if self.chunks is not None:
            raise BlockingIOError
        data = super().read1(size)
        if data:
            self._before = (self._before + self._last[-CHARACTER_SIZE:])[-CHARACTER_SIZE:]
            self._last = data
            self._head = self._head or data[:CHARACTER_SIZE]
        return data

    def unread(self, text: str, codec: tuple[str, str]) -> bytes:
        """Return the bytes behind the text that the text stream has decoded and not given."""
        if not self._last:
            return b""
        from .._facade.text import unread_behind

        return unread_behind(text, self._last, self._before, self._head, codec)

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


class _TextWriter(_Writer):
    """A pump of text. Where text was written before, the stream encodes it: its codec may have a state by then."""

    def __init__(self, stream: Any, data: bytes, text: str) -> None:
        super().__init__(stream, data)
        self._text = text

    def move(self) -> None:
        self._stream.flush()
        if not _raw(self._stream).has_written:
            super().move()
            return
        for begin in range(0, len(self._text), _CHUNK):
            self._stream.write(self._text[begin : begin + _CHUNK])
            self.moved = monotonic()


class _WholeWriter(io.BufferedWriter):
    """What is under a text stream without a buffer, which takes it that all is written that it gives."""

    def write(self, data: Any, /) -> int:
        size = super().write(data)
        self.flush()
        return size


class _LivePump(_Pump):
    """A pump of output for popen(max_output=, on_output=), which reads as fast as its pieces are passed on."""

    def __init__(
        self, name: str, handle: OwnedStdio, live: LiveOutput, pieces: SimpleQueue[tuple[_LivePump, bytes]]
    ) -> None:
        super().__init__(StdioReader(handle))
        self.name = name
        self._kept = live.open(name)
        self._pieces = pieces
        # None if nobody wants the pieces: then the limit is all that memory needs.
        self._turns: SimpleQueue[None] | None = SimpleQueue() if live.is_passed_on else None

    def go_on(self) -> None:
        """Let the thread read the next piece."""
        if self._turns is not None:
            self._turns.put(None)

    def interrupt(self) -> None:
        super().interrupt()
        self.go_on()

    def move(self) -> None:
        while chunk := self._stream.read(_CHUNK):
            self.moved = monotonic()
            self._kept.add(chunk)
            if self._turns is not None:
                self._pieces.put((self, chunk))
                self._turns.get()

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            self._pieces.put((self, b""))


def open_reader(streams: StreamFormat, handle: OwnedStdio) -> Any:
    """Wrap our end of stdout or stderr."""
    raw = StdioReader(handle)
    if streams.text:
        return _text_over(streams, _TextSource(raw, streams.buffer_size or io.DEFAULT_BUFFER_SIZE))
    return _PipeFile(raw, streams.buffer_size) if streams.buffer_size else raw


def open_writer(streams: StreamFormat, handle: OwnedStdio, before_close: Callable[[], object]) -> Any:
    """Wrap our end of stdin."""
    raw = StdioWriter(handle, before_close)
    if not streams.text:
        return io.BufferedWriter(raw, streams.buffer_size) if streams.buffer_size else raw
    binary = io.BufferedWriter(raw, streams.buffer_size) if streams.buffer_size else _WholeWriter(raw)
    return _text_over(streams, binary, streams.line_buffering, write_through=True)


def _text_over(
    streams: StreamFormat, binary: Any, line_buffering: bool = False, write_through: bool = False
) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        binary, streams.encoding, streams.errors, line_buffering=line_buffering, write_through=write_through
    )


async def start_process(
    kind: type[BlockingProcess[Any]],
    system: OwnedSystem,
    parameters: str,
    args: Command,
    streams: StreamFormat,
    reopen_system: Callable[[Deadline], Coroutine[Any, Any, OwnedSystem]],
    is_windows: Callable[[], bool],
    deadline: Deadline,
) -> Any:
    """Create a process of this kind and everything around it, or leave nothing behind."""
    made: list[ProcessStart] = []
    objects: list[BlockingProcess[Any]] = []
    try:
        # A list has what was made even if a KeyboardInterrupt comes right after the call, before any assignment.
        limit = Limit(deadline.remaining())
        create = _calls.create_process
        with advised("ProcessParameters", parameters):
            aside("HcsCreateProcess", limit, create, system, parameters, limit, results=made, discard=_end)
        if made[0].error is not None:
            made.append(await running(CALLS, made[0], parameters, deadline))
        objects.extend(map(kind, made[-1:], [args], [streams], [reopen_system], [is_windows]))
        await objects[0]._set_up(deadline)
        return objects[0]
    except BaseException as error:
        for start in made:
            _end(start, cleanup_time(error))
        raise


async def attach_process(
    kind: type[BlockingProcess[Any]],
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
    starts: list[ProcessStart] = []
    objects: list[BlockingProcess[Any]] = []
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
        objects.extend(map(kind, starts, [[]], [streams], [reopen_system], [is_windows]))
        await objects[0]._set_up(deadline)
        return objects[0]
    except BaseException as error:
        for end in (*starts, handle):
            close_aside(end, cleanup_time(error))
        raise


async def run_to_end(
    start: Callable[[], BlockingProcess[Any]],
    args: Command,
    input: Any,
    timeout: float | None,
    deadline: Deadline,
    check: bool,
) -> CompletedProcess[Any]:
    """Do what run() does: start a process, communicate, close it; kill it if this fails.

    timeout is what the deadline was made of, for the error.
    """
    try:
        process = start()
    except OperationTimeoutError as error:
        raise_late_start(error, args, timeout)
    try:
        return await process._communicate_to_end(input, timeout, deadline, check)
    except BaseException as error:
        await process._kill_quietly(cleanup_time(error))
        if isinstance(error, KeyboardInterrupt):
            process._close_all(at_once=True)
        raise
    finally:
        process._close_all(at_once=False, timeout=None if timeout is None else CLEANUP_TIMEOUT)


def _end(start: ProcessStart, timeout: float = CLEANUP_TIMEOUT) -> None:
    """End a process that nobody will own."""
    try:
        finish(CALLS.call(start.process, "HcsTerminateProcess", None, timeout))
    except (HcsError, HandleClosedError) as error:
        debug("hcsrt.process", "ending process %d, which could not be set up, failed: %s", start.pid, error)
    finally:
        close_aside(start, timeout)
