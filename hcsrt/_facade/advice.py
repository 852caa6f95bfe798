"""What is wrong with a document that HCS refuses, by the check of hcsrt.documents: HCS itself says little."""

from __future__ import annotations

from ..documents.checking import check
from ..errors import InvalidDocumentError

_MOST_PROBLEMS = 3


def advise(error: InvalidDocumentError, kind: str, text: str) -> None:
    """Add what a check finds in a document, of a type, to the hint of the error."""
    try:
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
