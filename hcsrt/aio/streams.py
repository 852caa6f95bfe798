"""A process's standard input, output and error, with the conventions of asyncio's streams."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from _collections_abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic

from .._facade import AnyStr, Generic, times
from .._facade.commands import StreamFormat
from .._facade.owner import Single, debug
from .._handles import OwnedProcess, OwnedStdio
from .._late import typing
from ..errors import HcsError
from ._pipes import PipeEnd, connect_reader, connect_writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._facade.text import Decoder

__all__ = ["StreamReader", "StreamWriter"]

_CHUNK = 64 * 1024
# ERROR_PIPE_NOT_CONNECTED, which is no BrokenPipeError for Python.
_PIPE_NOT_CONNECTED = 233
# How often a stream is looked at in DRAIN_QUIET.
_TURNS = 4


class _Source(asyncio.StreamReader):
    """The place where the bytes of a pipe arrive. Once communicate() takes them, nothing holds the process back."""

    if TYPE_CHECKING:
        # Attributes of asyncio's class that its stubs do not have.
        _buffer: bytearray
        _limit: int
        _paused: bool
        _transport: asyncio.ReadTransport | None

        def _maybe_resume_transport(self) -> None: ...

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.taken: list[bytes] | None = None
        self._has_taken = False
        self.moved = monotonic()
        self.news: asyncio.Future[None] | None = None

    def feed_data(self, data: typing.Any) -> None:
        self.moved = monotonic()
        if self.news is not None and not self.news.done():
            self.news.set_result(None)
        if self.taken is None:
            super().feed_data(data)
        else:
            self.taken.append(bytes(data))

    async def readuntil(self, separator: typing.Any = b"\n") -> bytes:
        try:
            return await super().readuntil(separator)
        except asyncio.LimitOverrunError as error:
            raise _too_long(self._limit, error.consumed) from None

    async def read(self, n: int = -1) -> bytes:
        if n >= 0:
            return await super().read(n)
        # asyncio's read(-1) drops what it has read when it is cancelled.
        pieces: list[bytes] = []
        try:
            while piece := await super().read(_CHUNK):
                pieces.append(piece)
        except BaseException:
            self._buffer[:0] = b"".join(pieces)
            raise
        return b"".join(pieces)

    def take(self) -> None:
        """Collect all that was not read yet, and all that comes from now on."""
        if self.taken is None:
            self.taken = [bytes(self._buffer)]
        if not self._has_taken:
            self._buffer.clear()
            self._paused = False
            if self._transport is not None:
                self._transport.resume_reading()
            # At last: the next communicate() does again what an interruption has left undone.
            self._has_taken = True

    def next_piece(self) -> bytes:
        """Return all that was not read yet."""
        piece = bytes(self._buffer)
        self._buffer.clear()
        self._maybe_resume_transport()
        return piece


def _too_long(limit: int, consumed: int) -> asyncio.LimitOverrunError:
    return asyncio.LimitOverrunError(
        f"no separator within the {limit} that bufsize lets a reader take ahead: give popen() a larger one", consumed
    )


class _Protocol(asyncio.StreamReaderProtocol):
    """A protocol that keeps the error of a lost pipe for later, and does not mind if nobody asks for it."""

    if TYPE_CHECKING:
        _closed: asyncio.Future[None]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # asyncio retrieves the error only when the protocol is collected, which may be after the future.
        if not self._closed.cancelled():
            self._closed.exception()


class _SourceProtocol(_Protocol):
    """The protocol that feeds a source, and tells when the pipe is gone."""

    def __init__(self, source: asyncio.StreamReader) -> None:
        super().__init__(source)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if sys.platform == "win32":
            # The Proactor's read transport lacks this, and so fails where it should report a failed read.
            vars(transport).setdefault("_empty_waiter", None)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        # On Windows a pipe that the other side has closed, or a server has disconnected, ends so.
        has_ended = isinstance(exc, BrokenPipeError) or getattr(exc, "winerror", None) == _PIPE_NOT_CONNECTED
        super().connection_lost(None if has_ended else exc)
        if not self.lost.done():
            self.lost.set_result(None)


class _Writer(asyncio.StreamWriter):
    """A writer that does nothing when it is collected: its owner has closed it by then, or the interpreter ends."""

    def __del__(self) -> None:
        pass


def _drop(end: PipeEnd, transport: asyncio.ReadTransport | asyncio.WriteTransport) -> None:
    """Close a stream that nobody has any more; its loop does so, unless that is closed."""
    if not transport.is_closing():
        with suppress(RuntimeError):
            end.closed.get_loop().call_soon_threadsafe(transport.close)


class StreamReader(Single, Generic[AnyStr]):
    """A process's standard output or error, with the methods of asyncio.StreamReader that read.

    In text mode they give and count characters, and each line ends in "\\n". One task may read at a time: RuntimeError
    for others. A method that is cancelled loses nothing. When about twice bufsize has come that nobody has read, the
    process is held back.
    """

    _made_of = (OwnedStdio,)
    _made_by = "popen() of a compute system makes the streams of a process that are PIPE"
    _instead = "open_process() the process there, which gives new streams"

    def __init__(self, handle: OwnedStdio, streams: StreamFormat) -> None:
        self._limit = streams.limit
        self._end = PipeEnd(handle)
        self._source = _Source(streams.limit)
        self._protocol = _SourceProtocol(self._source)
        self._transport: asyncio.ReadTransport | None = None
        self._decoder: Decoder | None = None
        if streams.text:
            from .._facade.text import Decoder

            self._decoder = Decoder(streams.codec())
        # Text that was decoded; what is before the mark was read.
        self._text = ""
        self._mark = 0
        self._has_ended = False
        self._is_taken = False

    async def read(self, n: int = -1) -> AnyStr:
        """Read until the end of the stream, or up to n bytes or characters; empty at the end."""
        return await self._alone(self._source.read if self._decoder is None else self._read, n)

    async def readexactly(self, n: int) -> AnyStr:
        """Read n bytes or characters.

        Raises:
            asyncio.IncompleteReadError: The stream has ended before.
        """
        return await self._alone(self._source.readexactly if self._decoder is None else self._readexactly, n)

    async def readuntil(self, separator: AnyStr | None = None) -> AnyStr:
        """Read up to and with the separator, which is a line end unless it is given.

        Raises:
            asyncio.IncompleteReadError: The stream has ended before.
            asyncio.LimitOverrunError: The separator is further away than bufsize bytes or characters (64 KiB unless
                bufsize is given). Nothing is read.
            TypeError: There are several separators in text mode.
        """
        given = () if separator is None else (separator,)
        return await self._alone(self._source.readuntil if self._decoder is None else self._readuntil, *given)

    async def readline(self) -> AnyStr:
        """Read a line with its end; at the end of the stream what is left, at last empty.

        Raises:
            ValueError: The line is longer than bufsize bytes or characters (64 KiB unless bufsize is given). What has
                come of it is lost.
        """
        return await self._alone(self._source.readline if self._decoder is None else self._readline)

    def exception(self) -> Exception | None:
        """Return the error that the stream has ended by, if any."""
        return self._source.exception()

    def at_eof(self) -> bool:
        """Return whether the stream has ended and everything was read."""
        return self._has_ended and not self._ahead() if self._decoder else self._source.at_eof()

    def __aiter__(self) -> typing.Self:
        return self

    async def __anext__(self) -> AnyStr:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    def __repr__(self) -> str:
        return f"<hcsrt.aio.StreamReader {self._end.handle!r}>"

    async def _alone(self, read: Callable[..., Awaitable[typing.Any]], *arguments: typing.Any) -> typing.Any:
        """Read while no other task does, which would get the same text."""
        self._end.check_loop(self)
        if self._is_taken:
            method = read.__name__.lstrip("_")
            raise RuntimeError(f"{method}() while another task reads from {self!r}: only one may read at a time")
        self._is_taken = True
        try:
            return await read(*arguments)
        finally:
            self._is_taken = False

    # In text mode:

    async def _read(self, n: int) -> str:
        if n < 0:
            await self._decode_until(None)
        elif n and self._mark == len(self._text):
            await self._decode_until(1)
        return self._cut(self._ahead() if n < 0 else n)

    async def _readexactly(self, n: int) -> str:
        if n < 0:
            raise ValueError("readexactly size can not be less than zero")
        await self._decode_until(n)
        text = self._cut(n)
        if len(text) < n:
            raise asyncio.IncompleteReadError(text, n)
        return text

    async def _readuntil(self, separator: typing.Any = "\n") -> str:
        if not isinstance(separator, str):
            raise TypeError(f"separator must be a str, not {type(separator).__name__}: the streams are in text mode")
        if not separator:
            raise ValueError("separator must be at least one character")
        searched = 0
        while (found := self._text.find(separator, self._mark + searched)) < 0:
            searched = max(0, self._ahead() - len(separator) + 1)
            if searched > self._limit:
                raise _too_long(self._limit, searched)
            if self._has_ended:
                raise asyncio.IncompleteReadError(self._cut(self._ahead()), None)
            await self._decode_until(self._ahead() + 1)
        size = found - self._mark
        if size > self._limit:
            raise _too_long(self._limit, size)
        return self._cut(size + len(separator))

    async def _readline(self) -> str:
        try:
            return await self._readuntil()
        except asyncio.IncompleteReadError as error:
            partial: typing.Any = error.partial
            return partial
        except asyncio.LimitOverrunError as error:
            is_found = self._text.startswith("\n", self._mark + error.consumed)
            self._cut(error.consumed + 1 if is_found else self._ahead())
            raise ValueError(error.args[0]) from None

    def _ahead(self) -> int:
        return len(self._text) - self._mark

    async def _decode_until(self, size: int | None) -> None:
        """Decode until `size` characters are ahead or the stream has ended; None: until the end. Keep what has come."""
        assert self._decoder
        ahead = self._ahead()
        if self._has_ended or (size is not None and ahead >= size):
            return
        pieces = [self._text[self._mark :]]
        try:
            while not self._has_ended and (size is None or ahead < size):
                data = await self._source.read(self._limit)
                pieces.append(self._decoder.decode(data))
                ahead += len(pieces[-1])
                self._has_ended = not data
        finally:
            self._text = "".join(pieces)
            self._mark = 0

    def _cut(self, size: int) -> typing.Any:
        begin = self._mark
        self._mark = min(begin + size, len(self._text))
        text = self._text[begin : self._mark]
        if self._decoder is not None:
            self._decoder.read(len(text))
        if self._mark == len(self._text):
            self._text, self._mark = "", 0
        return text


class PipeReader(StreamReader[AnyStr]):
    """The face of a reader for its process."""

    async def connect(self) -> None:
        """Let the loop read."""
        self._transport = await connect_reader(self._end, self._protocol)

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if self._transport is not None and not _is_finalizing():
            _drop(self._end, self._transport)

    @property
    def moved(self) -> float:
        """The time at which the last bytes came, by time.monotonic()."""
        return self._source.moved

    @property
    def lost(self) -> asyncio.Future[None]:
        """A future that is done when no more bytes can come."""
        return self._protocol.lost

    def take(self) -> None:
        """Read all of the stream from now on, as communicate() does."""
        self._source.take()

    def next_piece(self) -> bytes:
        """Return what has come and was not read yet."""
        return self._source.next_piece()

    def news(self) -> asyncio.Future[None]:
        """Return a future that is done when the next bytes come."""
        source = self._source
        if source.news is None or source.news.done():
            source.news = self._end.closed.get_loop().create_future()
        return source.news

    def taken(self) -> bytes:
        """Return what was read since take(), as bytes."""
        unread = b"" if self._decoder is None else self._decoder.unread()
        return unread + b"".join(self._source.taken or [])

    def output(self) -> AnyStr:
        """Return what was read since take(), once the stream has ended. Raises UnicodeDecodeError, OSError."""
        error = self._source.exception()
        if error is not None:
            raise error
        if self._decoder is None:
            data: typing.Any = self.taken()
            return data
        text: typing.Any = self._text[self._mark :] + self._decoder.decode_rest(b"".join(self._source.taken or []))
        return text

    def drain(self) -> None:
        """Let the stream end soon after the exit of the process, unless communicate() sees to it."""
        if not self.lost.done():
            self._listen(0, 0, self.moved)

    def _listen(self, quiet: int, total: int, moved: float) -> None:
        """End the stream after enough silent turns, or turns in all. Not by time: a busy loop makes fewer of them."""
        if self.lost.done() or self._source.taken is not None:
            return
        if quiet >= _TURNS or total >= _TURNS * times.DRAIN_LIMIT / times.DRAIN_QUIET:
            debug(__name__, "a process has exited and something else holds the pipe of %r open", self)
            self.close()
            return

        def turn() -> None:
            if self._transport is None or not self._transport.is_reading():
                # Reading is paused: the pipe may still hold what the process itself has written.
                self._listen(0, total, self.moved)
            else:
                self._listen(quiet + 1 if self.moved == moved else 0, total + 1, self.moved)

        self._end.closed.get_loop().call_later(times.DRAIN_QUIET / _TURNS, turn)

    @property
    def handle(self) -> OwnedStdio:
        """The handle, to be closed without the loop, once that is closed."""
        return self._end.handle

    def close(self) -> asyncio.Future[None]:
        """Close our end; who waits for bytes gets what has come. The future is done when it is closed."""
        if self._transport is None:
            self._end.close()
        else:
            self._transport.close()
        return self._end.closed


class StreamWriter(Single, Generic[AnyStr]):
    """A process's standard input, with the methods of asyncio.StreamWriter but start_tls().

    In text mode write() takes text, and "\\n" becomes the line end of this system.
    """

    _made_of = (OwnedStdio,)
    _made_by = "popen() of a compute system makes the streams of a process that are PIPE"
    _instead = "open_process() the process there, which gives new streams"

    def __init__(self, handle: OwnedStdio, streams: StreamFormat, process: OwnedProcess) -> None:
        self._end = PipeEnd(handle, process)
        reader = asyncio.StreamReader()
        protocol = _Protocol(reader)
        self._transport = connect_writer(self._end, protocol)
        self._writer = _Writer(self._transport, protocol, reader, asyncio.get_running_loop())
        self._encoder: codecs.IncrementalEncoder | None = None
        self._has_written = False
        if streams.text:
            encoding, errors = streams.codec()
            self._encoder = codecs.getincrementalencoder(encoding)(errors)

    @property
    def transport(self) -> asyncio.WriteTransport:
        """The transport that writes; its buffer has limits that can be set."""
        return self._transport

    def get_extra_info(self, name: str, default: typing.Any = None) -> typing.Any:
        """Return what the transport tells of itself: "pipe" is an object with the fileno() of the open pipe."""
        return self._transport.get_extra_info(name, default)

    def write(self, data: AnyStr) -> None:
        """Take data to be written; drain() waits until the process has read enough of it."""
        self._end.check_loop(self)
        self._writer.write(_checked_bytes(data) if self._encoder is None else self._encode(_checked_text(data)))

    def writelines(self, data: Iterable[AnyStr]) -> None:
        """Take data to be written, one piece after another."""
        self._end.check_loop(self)
        if self._encoder is None:
            self._writer.write(b"".join(map(_checked_bytes, data)))
        else:
            self._writer.write(self._encode("".join(map(_checked_text, data))))

    async def drain(self) -> None:
        """Wait until there is room for more.

        Raises:
            BrokenPipeError: Nobody reads any more.
            ConnectionResetError: The same.
        """
        self._end.check_loop(self)
        await self._writer.drain()

    def close(self) -> None:
        """Write what was taken, tell HCS of the end of stdin, and close the pipe; wait_closed() waits for it.

        HCS: HcsModifyProcess
        """
        self._end.check_loop(self)
        if self._encoder is not None and self._has_written and not self._transport.is_closing():
            self._writer.write(self._encoder.encode("", final=True))
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether close() was called, or nobody reads any more."""
        return self._transport.is_closing()

    async def wait_closed(self) -> None:
        """Wait until the pipe is closed.

        Raises:
            BrokenPipeError: Nobody has read all of what was written.
            HcsError: HCS did not take that stdin ends.
        """
        self._end.check_loop(self)
        await asyncio.wait((self._end.closed,))
        await self._writer.wait_closed()
        if self._end.error is not None:
            raise self._end.error

    def can_write_eof(self) -> bool:
        """Return True: HCS can be told of the end of stdin."""
        return True

    def write_eof(self) -> None:
        """Do the same as close()."""
        self.close()

    def __repr__(self) -> str:
        return f"<hcsrt.aio.StreamWriter {self._end.handle!r}>"

    def _encode(self, text: str) -> bytes:
        encoder = self._encoder
        assert encoder is not None
        before = encoder.getstate()
        try:
            data = encoder.encode(text.replace("\n", os.linesep))
        except BaseException:
            encoder.setstate(before)
            raise
        self._has_written = True
        return data


def _checked_bytes(data: typing.Any) -> typing.Any:
    try:
        memoryview(data)
    except TypeError:
        raise TypeError(f"data must be bytes, not {type(data).__name__}: the streams are not in text mode") from None
    return data


def _checked_text(data: typing.Any) -> str:
    if not isinstance(data, str):
        raise TypeError(f"data must be a str, not {type(data).__name__}: the streams are in text mode")
    return data


class PipeWriter(StreamWriter[AnyStr]):
    """The face of a writer for its process."""

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # Without the attribute, __init__ has failed.
        if hasattr(self, "_transport") and not _is_finalizing():
            _drop(self._end, self._transport)

    def abort(self) -> asyncio.Future[None]:
        """Close the pipe without writing what is left. The future is done when it is closed."""
        self._transport.abort()
        return self._end.closed

    @property
    def handle(self) -> OwnedStdio:
        """The handle, to be closed without the loop, once that is closed."""
        return self._end.handle

    def encode_last(self, text: str) -> bytes:
        """Return the bytes of text that goes on where write() has come to, and that no more will follow."""
        before = self._encoder
        assert before is not None
        # Another one: if communicate() is interrupted before it sends them, nothing has happened.
        encoder = type(before)(before.errors)
        encoder.setstate(before.getstate())
        return encoder.encode(text, final=True)

    def send(self, data: bytes) -> None:
        """Write bytes and close, as communicate() does."""
        if data:
            self._writer.write(data)
            self._transport.close()
        else:
            self.close()

    @property
    def lost(self) -> asyncio.Future[None]:
        """A future that is done when nothing more is written, and the pipe is closed."""
        return self._end.closed

    @property
    def error(self) -> HcsError | None:
        """The error with which HCS answered when it was told of the end, or None."""
        return self._end.error

    @property
    def moved(self) -> float:
        """The time at which bytes were last written, by time.monotonic()."""
        return self._transport.moved
