"""Output that a process object reads itself: passed on while it comes, and kept up to a limit."""

from __future__ import annotations

from .._arguments import integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io
    from collections.abc import Callable
    from typing import Any


class LiveOutput:
    """What popen(max_output=, on_output=) wants of stdout and stderr, and what has come of it.

    decoder: makes a decoder for a stream of text; None for bytes.
    has_pipes: whether there is output to read.
    awaits: whether on_output may be a coroutine function.
    """

    def __init__(
        self,
        max_output: int | None,
        on_output: Callable[[str, Any], object] | None,
        decoder: Callable[[], io.IncrementalNewlineDecoder] | None,
        *,
        has_pipes: bool,
        awaits: bool,
    ) -> None:
        self._limit = most_output(max_output)
        check_on_output(on_output, awaits=awaits)
        if not has_pipes:
            raise ValueError("max_output and on_output need output to read: give stdout=PIPE or stderr=PIPE")
        self._on_output = on_output
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

    async def pass_on(self, name: str, data: bytes, *, final: bool = False) -> None:
        """Give data to on_output, as text if the streams have text."""
        if self._on_output is None or not (data or final):
            return
        piece: Any = data
        if self._decoder is not None:
            if name not in self._decoders:
                self._decoders[name] = self._decoder()
            piece = self._decoders[name].decode(data, final=final)
        if piece:
            result: Any = self._on_output(name, piece)
            if hasattr(result, "__await__"):
                await result

    async def end(self) -> None:
        """Give on_output what is left of text when its streams have ended."""
        for name in list(self._decoders):
            try:
                await self.pass_on(name, b"", final=True)
            finally:
                del self._decoders[name]

    def output(self) -> tuple[Any, Any]:
        """Return what was kept of both streams, None where there is no pipe. Raises UnicodeDecodeError."""
        stdout, stderr = (kept and self._decoded(kept) for kept in self._both())
        return stdout, stderr

    def partial(self) -> tuple[bytes | None, bytes | None]:
        """Return what was kept so far, as bytes."""
        stdout, stderr = (kept and bytes(kept.data) for kept in self._both())
        return stdout, stderr

    def _both(self) -> tuple[Kept | None, Kept | None]:
        return self._kept.get("stdout"), self._kept.get("stderr")

    def _decoded(self, kept: Kept) -> Any:
        data = bytes(kept.data)
        # A character that the limit has cut in two is left out.
        return data if self._decoder is None else self._decoder().decode(data, final=not kept.cut)


class Kept:
    """The bytes of one stream, up to a limit."""

    def __init__(self, limit: int | None) -> None:
        self.data: bytearray = bytearray()
        self.cut: bool = False
        self._limit = limit

    def add(self, data: bytes) -> None:
        if self._limit is not None and len(data) > self._limit - len(self.data):
            self.cut = True
            data = data[: self._limit - len(self.data)]
        self.data += data


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
        raise TypeError("on_output must be a plain function: a coroutine function is for hcsrt.aio, which awaits it")
