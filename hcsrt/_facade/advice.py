"""What is wrong with a document that HCS refuses, by the check of hcsrt.documents: HCS itself says little."""

from __future__ import annotations

from .._library import backend
from ..errors import InvalidDocumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_MOST_PROBLEMS = 3


class advised:
    """Calls whose InvalidDocumentError gets what a check finds in the document as a hint.

    Args:
        kind: The type of the document.
        text: The document as JSON text; None if there is none.
    """

    __slots__ = ("_kind", "_text")

    def __init__(self, kind: str, text: str | None) -> None:
        self._kind = kind
        self._text = text

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The emulator tells the same findings itself.
        if isinstance(exception, InvalidDocumentError) and self._text and backend() != "emulator":
            _advise(exception, self._kind, self._text)


def _advise(error: InvalidDocumentError, kind: str, text: str) -> None:
    try:
        from ..documents.checking import check

        found = check(text, kind)
    except Exception:
        return  # nothing that goes wrong here may hide the error itself
    if not found:
        return
    # Errors first: a warning is hardly what HCS has refused.
    found.sort(key=lambda problem: problem.severity)
    advice = "; ".join(map(str, found[:_MOST_PROBLEMS]))
    more = f"; and {len(found) - _MOST_PROBLEMS} more" if len(found) > _MOST_PROBLEMS else ""
    hint = f"{error.hint} " if error.hint else ""
    error.hint = f"{hint}hcsrt.documents.check() says: {advice}{more}."
