"""The reading of JSON from HCS. This module knows no error of ours."""

from __future__ import annotations

from ._late import typing

TYPE_CHECKING = False  # the name that type checkers know; importing typing would cost more than this module
if TYPE_CHECKING:
    from json import JSONDecoder

_decoder: JSONDecoder | None = None


def loads(text: str | None) -> typing.Any:
    """Return the value of JSON text that HCS gave.

    Args:
        text: JSON text, where strings may have line breaks and other control characters in them.

    Returns:
        The value; None for no text, or for blanks alone.

    Raises:
        ValueError: The text is not JSON.
    """
    global _decoder
    if not text or text.isspace():
        return None
    if _decoder is None:
        from json import JSONDecoder

        # Not strict: messages of Windows may have unescaped line breaks in them. Kept: making a decoder takes as long
        # as reading a document of 1 KB.
        _decoder = JSONDecoder(strict=False)
    return _decoder.decode(text)
