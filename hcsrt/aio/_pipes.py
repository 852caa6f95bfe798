"""The pipes of a process as transports of an event loop."""

from __future__ import annotations

import asyncio
import sys
from time import monotonic

from .. import _engine
from .._facade import times
from .._facade.owner import debug, exit_status
from .._facade.process import CLOSE_STDIN, check_stdin_error
from .._streams import claim_for_loop, transfer_now
from ..errors import HandleClosedError, HcsError
from ._calls import CALLS
from ._loops import check_own_loop, runs_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .._handles import OwnedProcess, OwnedStdio

_CHUNK = 64 * 1024
_HIGH_WATER = 64 * 1024

REOPEN = "open the process for this one with open_process() of its system"
"""The way to the pipes of a process from another event loop."""


class PipeEnd:
    """Our end of a pipe, as the object that a transport closes when it is done with it.

    process: the one whose stdin this is, as long as HCS is to be told of its end. closed: done once the handle is
    closed. error: what HCS answered when it was told, or that it did not in time, unless the process had ended by then.
    """

    def __init__(self, handle: OwnedStdio, process: OwnedProcess | None = None) -> None:
        self.handle: OwnedStdio = handle
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: HcsError | None = None
        self.process: OwnedProcess | None = process
        self._number = claim_for_loop(handle)
        self._closing = False
        self._is_closed = False
        self._telling: asyncio.Future[str | None] | None = None
        self._checking: asyncio.Task[None] | None = None

    def fileno(self) -> int:
        # -1 as with sockets: a Proactor may be about to read from the closed pipe, whose number another file may have.
        return -1 if self._is_closed or self.handle.closed else self._number

    def check_loop(self, thing: object) -> None:
        """Raise RuntimeError if what reads or writes here is used on another event loop than its own."""
        check_own_loop(thing, self.closed.get_loop(), REOPEN)

    def close(self) -> None:
        """Tell HCS of the end of stdin, and then close the handle, all without blocking and without a task."""
        if self._closing:
            return
        self._closing = True
        if self.closed.get_loop().is_closed():
            # Nobody has closed the transport in time: its loop can do nothing more.
            self.handle.close()
            return
        try:
            if self.process is not None and exit_status(self.process) is None:
                told = CALLS.call(self.process, "HcsModifyProcess", CLOSE_STDIN, times.CLOSE_TIMEOUT)
                self._telling = told
                told.add_done_callback(self._told)
                return
        except HandleClosedError:
            pass  # closing the pipe is all that is left to do
        except BaseException:
            self._close_handle()
            raise
        self._close_handle()

    def abort(self) -> None:
        """Close the handle now, whatever HCS has been told."""
        for waiting in (self._telling, self._checking):
            if waiting is not None:
                waiting.cancel()
        self._close_handle()

    def _told(self, told: asyncio.Future[str | None]) -> None:
        error = None if told.cancelled() else told.exception()
        if isinstance(error, (HcsError, HandleClosedError)) and self.process is not None:
            # Asked before the pipe is closed, because the close may end the process.
            self._checking = told.get_loop().create_task(self._check(self.process, error))
            # Not at the end of the task: one that is cancelled before it begins has none.
            self._checking.add_done_callback(lambda _: self._close_handle())
        else:
            self._close_handle()

    async def _check(self, process: OwnedProcess, error: HcsError | HandleClosedError) -> None:
        try:
            await check_stdin_error(CALLS, process, error)
        except HcsError as refusal:
            self.error = refusal
            debug(__name__, "a process may not see the end of its stdin: %s", refusal)

    def _close_handle(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if not runs_here(self.closed.get_loop()):
            # This is the end of a coroutine that was collected, together with all that could wait for the close.
            self.handle.close()
            return
        closing = _engine.close(self.handle)
        # To wait for this end is to wait for the engine; if nobody does, hcsrt.pending() counts it.
        closing.add_done_callback(self._handle_closed)
        self.closed.add_done_callback(lambda _: closing.cancel())

    def _handle_closed(self, closing: asyncio.Future[None]) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class Pipe:
    """The pipe that a transport tells of."""

    def __init__(self, end: PipeEnd) -> None:
        self._end = end

    def fileno(self) -> int:
        """Return the descriptor or HANDLE.

        Raises ValueError once the pipe is closed: the number may be that of another file then.
        """
        number = self._end.fileno()
        if number < 0:
            raise ValueError("the pipe is closed: it has no number any more")
        return number


class ReadTransport(asyncio.ReadTransport):
    """A transport that reads a descriptor when it is ready."""

    def __init__(self, end: PipeEnd, protocol: asyncio.Protocol) -> None:
        super().__init__({"pipe": Pipe(end)})
        self._loop = asyncio.get_running_loop()
        self._end = end
        self._protocol = protocol
        self._is_reading = False
        self._is_closing = False
        protocol.connection_made(self)
        self.resume_reading()

    def is_reading(self) -> bool:
        return self._is_reading

    def pause_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._end.fileno())

    def resume_reading(self) -> None:
        if not self._is_reading and not self._is_closing:
            self._loop.add_reader(self._end.fileno(), self._read)
            self._is_reading = True

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._lose(None)

    def _read(self) -> None:
        buffer = bytearray(_CHUNK)
        try:
            size = transfer_now(self._end.handle, buffer, False)
        except (OSError, HandleClosedError) as error:
            self._lose(error)
            return
        if size:
            self._protocol.data_received(bytes(memoryview(buffer)[:size]))
        elif size == 0:
            self._protocol.eof_received()
            self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._is_reading = False
            number = self._end.fileno()
            # Whatever the flag was: add_reader() may have been interrupted before it was set.
            if number >= 0:
                self._loop.remove_reader(number)
            try:
                self._end.close()
            finally:
                # Somebody may wait for it, whatever becomes of the close.
                self._loop.call_soon(self._protocol.connection_lost, error)


class WriteTransport(asyncio.WriteTransport):
    """A transport that writes what it is given, in that order; a subclass says how."""

    def __init__(self, end: PipeEnd, protocol: asyncio.Protocol) -> None:
        super().__init__({"pipe": Pipe(end)})
        self._loop = asyncio.get_running_loop()
        self._end = end
        self._protocol = protocol
        self._buffer = bytearray()
        self._high = _HIGH_WATER
        self._low = _HIGH_WATER // 4
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False
        self._is_started = False
        self.moved = monotonic()
        protocol.connection_made(self)

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = _HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        self._control_flow()

    def write(self, data: Any) -> None:
        if self._is_closing:
            return  # as transports do: who wrote learns of it by drain() or wait_closed()
        self._buffer += data
        # Not by whether the buffer was empty: an earlier start may have failed, with bytes left in it.
        if self._buffer and not self._is_writing():
            self._start()
        self._control_flow()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """Close the pipe when everything is written."""
        self._is_closing = True
        if not self._buffer:
            self._lose(None)
        elif not self._is_writing():
            self._start()

    def abort(self) -> None:
        """Close the pipe at once, without telling HCS."""
        self._end.process = None
        self._lose(None)
        self._end.abort()

    def _start(self) -> None:
        """Begin to write what is in the buffer."""
        self._write()
        if self._buffer and not self._is_lost:
            self._loop.add_writer(self._end.fileno(), self._write)
            self._is_started = True

    def _stop(self) -> None:
        """Stop writing."""
        self._is_started = False
        self._loop.remove_writer(self._end.fileno())

    def _is_writing(self) -> bool:
        """Return whether the loop goes on with the buffer."""
        return self._is_started

    def _write(self) -> None:
        try:
            with memoryview(self._buffer) as view, view[:_CHUNK] as chunk:
                size = transfer_now(self._end.handle, chunk, True)
        except (OSError, HandleClosedError) as error:
            self._lose(error)
            return
        if size is not None:
            self._written(size)

    def _written(self, size: int) -> None:
        self.moved = monotonic()
        del self._buffer[:size]
        if not self._buffer:
            self._stop()
            if self._is_closing:
                self._lose(None)
                return
        self._control_flow()

    def _control_flow(self) -> None:
        if not self._is_paused and len(self._buffer) > self._high:
            self._is_paused = True
            self._protocol.pause_writing()
        elif self._is_paused and len(self._buffer) <= self._low:
            self._is_paused = False
            self._protocol.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        self._is_closing = True
        if not self._is_lost:
            self._is_lost = True
            self._stop()
            self._buffer.clear()
            try:
                self._end.close()
            finally:
                self._loop.call_soon(self._protocol.connection_lost, error)


class OverlappedWriteTransport(WriteTransport):
    """A transport that writes through the loop's completion port.

    connect_write_pipe() of the Proactor also reads from the pipe, to learn of its end, and takes that a pipe for
    writing only cannot be read for this end.
    """

    _sending: asyncio.Future[int] | None = None

    def _start(self) -> None:
        loop: Any = self._loop
        try:
            sending: asyncio.Future[int] = loop._proactor.send(self._end, bytes(memoryview(self._buffer)[:_CHUNK]))
        except OSError as error:
            self._lose(error)
            return
        self._sending = sending
        sending.add_done_callback(self._sent)

    def _stop(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.cancel()

    def _is_writing(self) -> bool:
        return self._sending is not None

    def _sent(self, sending: asyncio.Future[int]) -> None:
        if sending is not self._sending:
            return
        self._sending = None
        try:
            size = sending.result()
        except OSError as error:
            self._lose(error)
            return
        self._written(size)
        if self._buffer:
            self._start()


def check_loop() -> None:
    """Raise NotImplementedError, as asyncio does for a subprocess, if the running loop has no pipes."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32" and not hasattr(loop, "_proactor"):
        raise NotImplementedError(
            f"{type(loop).__name__} cannot read or write pipes on Windows: run the program on "
            "asyncio.ProactorEventLoop, the loop of asyncio.run() unless a policy says otherwise, or leave PIPE away"
        )


async def connect_reader(end: PipeEnd, protocol: asyncio.Protocol) -> asyncio.ReadTransport:
    """Let the running loop read from the pipe."""
    if sys.platform == "win32":
        try:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, end)
        except RuntimeError as error:
            # On a closed loop asyncio cannot close what it has made, and raises that in place of GeneratorExit.
            if isinstance(error.__context__, GeneratorExit):
                raise error.__context__ from None
            raise
        return transport
    return ReadTransport(end, protocol)


def connect_writer(end: PipeEnd, protocol: asyncio.Protocol) -> WriteTransport:
    """Let the running loop write to the pipe."""
    return OverlappedWriteTransport(end, protocol) if sys.platform == "win32" else WriteTransport(end, protocol)
