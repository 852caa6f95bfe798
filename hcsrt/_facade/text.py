"""Text that was decoded before anybody reads it, and the bytes behind it.

Bytes that are told of, by a TimeoutExpired say, are those that came. Text is never encoded to get them back: the codec
may give others, and an error handler may know how to decode only.
"""

from __future__ import annotations

from codecs import getincrementaldecoder, getincrementalencoder
from collections import deque
from functools import partial
from io import IncrementalNewlineDecoder

from .commands import CHARACTER_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder


class Decoder:
    """A decoder whose text may be read later than it is made. Each line of the text ends in "\\n"."""

    def __init__(self, codec: tuple[str, str]) -> None:
        encoding, errors = codec
        self._encoding = encoding
        self._make = partial(getincrementaldecoder(encoding), errors)
        self._decoder = IncrementalNewlineDecoder(self._make(), translate=True)
        # The state before, the bytes, and how many characters were made of them.
        self._pieces: deque[tuple[tuple[bytes, int], bytes, int]] = deque()
        # How many of these characters were read. Pieces before that are forgotten, but for the last one.
        self._read = 0
        self._has_ended = False

    def decode(self, data: bytes) -> str:
        """Decode the bytes that have come next; none at the end."""
        state = self._decoder.getstate()
        text = self._decoder.decode(data, final=not data)
        self._pieces.append((state, data, len(text)))
        self._has_ended = not data
        return text

    def decode_rest(self, data: bytes) -> str:
        """Return the text up to the end, which is after these bytes; they still count as not decoded."""
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(data, final=True)
        finally:
            self._decoder.setstate(state)

    def read(self, characters: int) -> None:
        """Take note that the next characters were read."""
        self._read += characters
        while len(self._pieces) > 1 and self._read >= self._pieces[0][2]:
            self._read -= self._pieces.popleft()[2]

    def unread(self) -> bytes:
        """Return the bytes that were decoded and whose text was not read, with those of an unfinished character."""
        if not self._pieces or (self._has_ended and self._read == sum(made for *_, made in self._pieces)):
            return b""
        pending, flags = self._pieces[0][0]
        decoder = self._make()
        # IncrementalNewlineDecoder keeps a carriage return back as the lowest bit: a line feed may follow.
        decoder.setstate((b"", flags >> 1))
        kept = self._carriage_return() if flags & 1 else b""
        return _undecoded(decoder, b"".join((kept, pending, *(data for _, data, _ in self._pieces))), self._read)

    def _carriage_return(self) -> bytes:
        encoder = getincrementalencoder(self._encoding)()
        encoder.encode(" ")  # with what comes at the beginning only
        return encoder.encode("\r")


def unread_behind(text: str, data: bytes, before: bytes, head: bytes, codec: tuple[str, str]) -> bytes:
    """Return the bytes behind text that io.TextIOWrapper, which does not tell its state, has decoded and not given.

    Args:
        text: The text that it has not given.
        data: The last bytes that it has got: text that was not given is always of these.
        before: The bytes right before, of which some may belong to the first character of data.
        head: The first bytes of all, which may have a byte order mark.
        codec: The encoding and the error handler.
    """
    encoding, errors = codec
    make = partial(getincrementaldecoder(encoding), errors)
    flags = 0
    if before:
        decoder = make()
        decoder.decode(head)
        flags = decoder.getstate()[1]
    for pending in range(min(len(before), CHARACTER_SIZE - 1) + 1):
        whole = before[len(before) - pending :] + data
        decoders = [make(), make()]
        if before:
            for decoder in decoders:
                decoder.setstate((b"", flags))
        try:
            decoded = IncrementalNewlineDecoder(decoders[0], translate=True).decode(whole)
        except ValueError:
            continue  # it begins inside a character
        if decoded.endswith(text):
            return _undecoded(decoders[1], whole, len(decoded) - len(text))
    # A codec with more state than that. Rather too much than too little.
    return data


def _undecoded(decoder: IncrementalDecoder, data: bytes, characters: int) -> bytes:
    """Return the bytes that are left after that many characters, of which a "\\r\\n" is one."""
    end = 0
    after_return = False
    for position in range(len(data)):
        text = decoder.decode(data[position : position + 1])
        for character in text:
            if character == "\n" and after_return:
                after_return = False
                continue  # the character before it
            if not characters:
                return data[end:]
            characters -= 1
            after_return = character == "\r"
        if text:
            end = position + 1
    return data[end:]
