"""A process's standard input, output and error, with the conventions of asyncio's streams."""

from __future__ import annotations

import asyncio
import codecs
import io
import os
from time import monotonic

from .._facade import AnyStr, Generic
from ._pipes import PipeEnd, connect_reader, connect_writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from .._handles import OwnedProcess, OwnedStdio
    from ..errors import HcsError
    from ..process import StreamFormat

__all__ = ["StreamReader", "StreamWriter"]


class _Source(asyncio.StreamReader):
    """Where the bytes of a pipe come to. Once communicate() takes them, nothing holds the process back."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.taken: list[bytes] | None = None
        self.moved = monotonic()

    def feed_data(self, data: Any) -> None:
        self.moved = monotonic()
        if self.taken is None:
            super().feed_data(data)
        else:
            self.taken.append(bytes(data))

    def take(self) -> list[bytes]:
        """Collect what comes from now on, and what has come and was not read."""
        if self.taken is None:
            ahead = b""
            if not self.at_eof():
                # A read that has something to give does not wait.
                reading = self.read(1 << 62)
                try:
                    reading.send(None)
                except StopIteration as end:
                    ahead = end.value
                finally:
                    reading.close()
            self.taken = [ahead]
        return self.taken


class _SourceProtocol(asyncio.StreamReaderProtocol):
    """Feeds a source, and tells when the pipe is gone."""

    def __init__(self, source: asyncio.StreamReader) -> None:
        super().__init__(source)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        # On Windows a pipe that the other side has closed ends so.
        super().connection_lost(None if isinstance(exc, BrokenPipeError) else exc)
        if not self.lost.done():
            self.lost.set_result(None)


class StreamReader(Generic[AnyStr]):
    """A process's standard output or error, with the methods of asyncio.StreamReader.

    In text mode the methods give and count characters, and each line ends in "\\n". One task may read at a time.
    """

    def __init__(self, handle: OwnedStdio, streams: StreamFormat) -> None:
        self._limit = streams.limit
        self._end = PipeEnd(handle)
        self._source = _Source(streams.limit)
        self._protocol = _SourceProtocol(self._source)
        self._transport: asyncio.BaseTransport | None = None
        self._decoder: io.IncrementalNewlineDecoder | None = None
        self._codec = streams.codec()
        if streams.text:
            encoding, errors = self._codec
            decoder = codecs.getincrementaldecoder(encoding)(errors)
            self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._ahead = ""
        self._has_ended = False

    async def read(self, n: int = -1) -> AnyStr:
        """Read until the end of the stream, or up to n bytes or characters; empty at the end."""
        if self._decoder is None:
            return await self._source.read(n)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
        while not self._has_ended and (n < 0 or not self._ahead) and n != 0:
            await self._decode()
        return self._cut(len(self._ahead) if n < 0 else n)

    async def readexactly(self, n: int) -> AnyStr:
        """Read n bytes or characters. Raises asyncio.IncompleteReadError at the end of the stream."""
        if self._decoder is None:
            return await self._source.readexactly(n)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
        if n < 0:
            raise ValueError("readexactly size can not be less than zero")
        while len(self._ahead) < n and not self._has_ended:
            await self._decode()
        if len(self._ahead) < n:
            partial: Any = self._cut(n)
            raise asyncio.IncompleteReadError(partial, n)
        return self._cut(n)

    async def readuntil(self, separator: AnyStr | None = None) -> AnyStr:
        """Read up to and with the separator, which is a line end unless it is given.

        Raises asyncio.IncompleteReadError at the end of the stream; in bytes mode asyncio.LimitOverrunError if the
        separator is further away than bufsize.
        """
        if self._decoder is None:
            wanted: Any = b"\n" if separator is None else separator
            return await self._source.readuntil(wanted)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
        mark: Any = "\n" if separator is None else separator
        if not mark:
            raise ValueError("Separator should be at least one-byte string")
        start = 0
        while (found := self._ahead.find(mark, start)) < 0 and not self._has_ended:
            start = max(0, len(self._ahead) - len(mark) + 1)
            await self._decode()
        if found < 0:
            partial: Any = self._cut(len(self._ahead))
            raise asyncio.IncompleteReadError(partial, None)
        return self._cut(found + len(mark))

    async def readline(self) -> AnyStr:
        """Read a line with its end; at the end of the stream what is left, at last empty.

        Raises ValueError in bytes mode if the line is longer than bufsize.
        """
        if self._decoder is None:
            return await self._source.readline()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
        try:
            return await self.readuntil()
        except asyncio.IncompleteReadError as error:
            partial: Any = error.partial
            return partial

    def at_eof(self) -> bool:
        """Whether the stream has ended and everything was read."""
        return not self._ahead and (self._has_ended if self._decoder else self._source.at_eof())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnyStr:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    def __repr__(self) -> str:
        return f"<hcsrt.aio.StreamReader {self._end.handle!r}>"

    async def _decode(self) -> None:
        assert self._decoder
        data = await self._source.read(self._limit)
        self._has_ended = not data
        self._ahead += self._decoder.decode(data, final=self._has_ended)

    def _cut(self, size: int) -> Any:
        text, self._ahead = self._ahead[:size], self._ahead[size:]
        return text


class PipeReader(StreamReader[AnyStr]):
    """What a process does with its reader."""

    async def connect(self) -> None:
        """Let the loop read."""
        self._transport = await connect_reader(self._end, self._protocol)

    @property
    def moved(self) -> float:
        """When the last bytes came, by time.monotonic()."""
        return self._source.moved

    @property
    def lost(self) -> asyncio.Future[None]:
        """Done when no more bytes can come."""
        return self._protocol.lost

    def take(self) -> None:
        """Read all of the stream from now on, as communicate() does."""
        self._source.take()

    def taken(self) -> bytes:
        """What was read so, as bytes."""
        chunks = self._source.taken or []
        if self._decoder is None:
            return b"".join(chunks)
        return self._ahead.encode(*self._codec) + self._decoder.getstate()[0] + b"".join(chunks)

    def output(self) -> AnyStr:
        """What was read so, once the stream has ended. Raises UnicodeDecodeError, OSError."""
        error = self._source.exception()
        if error is not None:
            raise error
        text: Any = self.taken()
        if self._decoder is not None:
            text = self._ahead + self._decoder.decode(b"".join(self._source.taken or []), final=True)
        return text

    def close(self) -> asyncio.Future[None]:
        """Close our end; who waits for bytes gets what has come. The future is done when it is closed."""
        if self._transport is None:
            self._end.close()
        else:
            self._transport.close()
        return self._end.closed


class StreamWriter(Generic[AnyStr]):
    """A process's standard input, with the methods of asyncio.StreamWriter.

    In text mode write() takes text, and "\\n" becomes the line end of this system.
    """

    def __init__(self, handle: OwnedStdio, streams: StreamFormat, process: OwnedProcess) -> None:
        self._end = PipeEnd(handle, process)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        self._transport = connect_writer(self._end, protocol)
        self._writer = asyncio.StreamWriter(self._transport, protocol, reader, asyncio.get_running_loop())
        self._codec = streams.codec() if streams.text else None

    @property
    def transport(self) -> asyncio.WriteTransport:
        """What writes: its buffer has limits that can be set."""
        return self._transport

    def write(self, data: AnyStr) -> None:
        """Take data to be written; drain() waits until the process has read enough of it."""
        self._writer.write(self._bytes(data))

    def writelines(self, data: Iterable[AnyStr]) -> None:
        """Take data to be written, one piece after another."""
        self._writer.write(b"".join(map(self._bytes, data)))

    async def drain(self) -> None:
        """Wait until there is room for more. Raises BrokenPipeError, ConnectionResetError if nobody reads any more."""
        await self._writer.drain()

    def close(self) -> None:
        """Write what was taken, tell HCS of the end of stdin, and close the pipe; wait_closed() waits for it.

        HcsModifyProcess.
        """
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether close() was called, or nobody reads any more."""
        return self._transport.is_closing()

    async def wait_closed(self) -> None:
        """Wait until the pipe is closed. Raises BrokenPipeError if nobody has read all of it; HcsError."""
        try:
            await self._writer.wait_closed()
        finally:
            await asyncio.wait((self._end.closed,))
        if self._end.error is not None:
            raise self._end.error

    def can_write_eof(self) -> bool:
        """True: the end of stdin can be told."""
        return True

    def write_eof(self) -> None:
        """The same as close()."""
        self.close()

    def __repr__(self) -> str:
        return f"<hcsrt.aio.StreamWriter {self._end.handle!r}>"

    def _bytes(self, data: Any) -> bytes:
        if self._codec is None:
            return data
        if not isinstance(data, str):
            raise TypeError(f"data must be a str, not {type(data).__name__}: the streams are in text mode")
        return data.replace("\n", os.linesep).encode(*self._codec)


class PipeWriter(StreamWriter[AnyStr]):
    """What a process does with its writer."""

    def abort(self) -> asyncio.Future[None]:
        """Close the pipe without writing what is left. The future is done when it is closed."""
        self._transport.abort()
        return self._end.closed

    def send(self, data: bytes) -> None:
        """Write bytes and close, as communicate() does."""
        if data:
            self._writer.write(data)
        self.close()

    @property
    def lost(self) -> asyncio.Future[None]:
        """Done when nothing more is written, and the pipe is closed."""
        return self._end.closed

    @property
    def error(self) -> HcsError | None:
        """What HCS answered when it was told of the end, if that was no success."""
        return self._end.error

    @property
    def moved(self) -> float:
        """When bytes were written last, by time.monotonic()."""
        return self._transport.moved
