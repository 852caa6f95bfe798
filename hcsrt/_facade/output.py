"""Output that a process object reads itself: passed on while it comes, and kept up to a limit."""

from __future__ import annotations

from _collections_abc import Coroutine

from .._arguments import integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeAlias

    from .times import Deadline

    WaitWithin: TypeAlias = Callable[[Awaitable[object], Deadline], Coroutine[Any, Any, bool]]

_SMALL = 4096


class LiveOutput:
    """What popen(max_output=, on_output=) wants of stdout and stderr, and what has come of it.

    decoder: makes a decoder for a stream of text; None for bytes.
    has_pipes: whether there is output to read.
    wait: waits for what a coroutine function has returned, and tells whether the deadline came first; None where
        on_output may not be one.
    """

    def __init__(
        self,
        max_output: int | None,
        on_output: Callable[[str, Any], object] | None,
        decoder: Callable[[], io.IncrementalNewlineDecoder] | None,
        *,
        has_pipes: bool,
        wait: WaitWithin | None,
    ) -> None:
        self._limit = most_output(max_output)
        check_on_output(on_output, awaits=wait is not None)
        if not has_pipes:
            raise ValueError("max_output and on_output need output to read: give stdout=PIPE or stderr=PIPE")
        self._on_output = on_output
        self._wait = wait
        self._decoder = decoder
        self._kept: dict[str, Kept] = {}
        self._decoders: dict[str, io.IncrementalNewlineDecoder] = {}

    @property
    def is_passed_on(self) -> bool:
        return self._on_output is not None

    @property
    def cut(self) -> bool:
        return any(kept.cut for kept in self._kept.values())

    def open(self, name: str) -> Kept:
        """Return where the bytes of a stream that is there have to go."""
        kept = self._kept[name] = Kept(self._limit)
        return kept

    async def pass_on(self, name: str, data: bytes, deadline: Deadline, *, final: bool = False) -> bool:
        """Give data to on_output, as text if the streams have text; return False if that took too long."""
        if self._on_output is None or not (data or final):
            return True
        piece: Any = data
        if self._decoder is not None:
            if name not in self._decoders:
                self._decoders[name] = self._decoder()
            piece = self._decoders[name].decode(data, final=final)
        if piece:
            result: Any = self._on_output(name, piece)
            if hasattr(result, "__await__"):
                if self._wait is None:
                    if isinstance(result, Coroutine):
                        result.close()  # or Python warns that nobody has awaited it
                    raise _is_awaitable()
                return await self._wait(result, deadline)
        return True

    async def end(self, deadline: Deadline) -> bool:
        """Give on_output what is left of text when its streams have ended; return False if that took too long."""
        for name in list(self._decoders):
            try:
                if not await self.pass_on(name, b"", deadline, final=True):
                    return False
            finally:
                del self._decoders[name]
        return True

    def output(self) -> tuple[Any, Any]:
        """Return what was kept of both streams, None where there is no pipe. Raises UnicodeDecodeError."""
        stdout, stderr = (kept and self._decoded(kept) for kept in self._both())
        return stdout, stderr

    def partial(self) -> tuple[bytes | None, bytes | None]:
        """Return what was kept so far, as bytes."""
        stdout, stderr = (kept and kept.data for kept in self._both())
        return stdout, stderr

    def _both(self) -> tuple[Kept | None, Kept | None]:
        return self._kept.get("stdout"), self._kept.get("stderr")

    def _decoded(self, kept: Kept) -> Any:
        # A character that the limit has cut in two is left out.
        return kept.data if self._decoder is None else self._decoder().decode(kept.data, final=not kept.cut)


class Kept:
    """The bytes of one stream, up to a limit. One thread adds to them, and any may read them meanwhile."""

    def __init__(self, limit: int | None) -> None:
        self.cut: bool = False
        self._left = limit
        # Not a bytearray: in free-threaded CPython 3.13 none may be read while it grows.
        self._pieces: list[bytes] = []

    @property
    def data(self) -> bytes:
        return b"".join(self._pieces.copy())

    def add(self, data: bytes) -> None:
        if self._left is not None:
            if len(data) > self._left:
                self.cut = True
                data = data[: self._left]
            self._left -= len(data)
        # An object for each small piece would take far more memory than the limit allows.
        if self._pieces and len(self._pieces[-1]) < _SMALL:
            self._pieces[-1] += data
        elif data:
            self._pieces.append(data)


def most_output(max_output: int | None) -> int | None:
    """Return the limit of what is kept, checked."""
    if max_output is None:
        return None
    limit = integer(max_output, "max_output", "a number of bytes or None")
    if limit < 0:
        raise ValueError(f"max_output must be zero or more bytes, or None to keep everything, not {limit}")
    return limit


_COROUTINE = 0x80  # inspect.CO_COROUTINE, whose module is slow to import


def check_on_output(on_output: object, *, awaits: bool) -> None:
    """Refuse what cannot be called with output."""
    if on_output is None:
        return
    if not callable(on_output):
        raise TypeError(f"on_output must be a function of a name and data, or None, not {type(on_output).__name__}")
    code: Any = getattr(getattr(on_output, "__func__", on_output), "__code__", None)
    if not awaits and code is not None and code.co_flags & _COROUTINE:
        raise _is_awaitable()


def _is_awaitable() -> TypeError:
    return TypeError("on_output must be a plain function: a coroutine function is for hcsrt.aio, which awaits it")
