"""What is wrong with a document that HCS refuses, by the check of hcsrt.documents: HCS itself says little."""

from __future__ import annotations

from ..documents.checking import check
from ..errors import InvalidDocumentError

_MOST_PROBLEMS = 3
# Nobody waits for an error longer than a moment, nor reads what has the size of a document.
_LONGEST_CHECKED = 1_000_000
_LONGEST_SHOWN = 400


def advise(error: InvalidDocumentError, kind: str, text: str) -> None:
    """Add what a check finds in a document, of a type, to the hint of the error."""
    if len(text) > _LONGEST_CHECKED:
        _add(error, "The document is large, and was not checked: hcsrt.documents.check() may tell what is wrong.")
        return
    try:
        found = check(text, kind)
    except Exception:
        return  # nothing that goes wrong here may hide the error itself
    if not found:
        return
    # Errors first: a warning is hardly what HCS has refused.
    found.sort(key=lambda problem: problem.severity)
    advice = "; ".join(_shortened(str(problem)) for problem in found[:_MOST_PROBLEMS])
    more = f"; and {len(found) - _MOST_PROBLEMS} more" if len(found) > _MOST_PROBLEMS else ""
    _add(error, f"hcsrt.documents.check() says: {advice}{more}.")


def _add(error: InvalidDocumentError, advice: str) -> None:
    error.hint = f"{error.hint} {advice}" if error.hint else advice


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST_SHOWN:
        return text
    half = _LONGEST_SHOWN // 2
    return f"{text[:half]} ... {text[-half:]}"
