"""The failures that the emulator answers with: HRESULTs, and the ResultError documents that explain them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from .._hresults import (
    E_ACCESSDENIED,
    E_HANDLE,
    E_INVALIDARG,
    E_NOTIMPL,
    ERROR_NOT_FOUND,
    HCS_E_INVALID_JSON,
    HCS_E_INVALID_STATE,
    HCS_E_PROCESS_ALREADY_STOPPED,
    HCS_E_SYSTEM_ALREADY_EXISTS,
    HCS_E_SYSTEM_ALREADY_STOPPED,
    HCS_E_SYSTEM_NOT_FOUND,
    HCS_E_TERMINATED,
)

# The emulator's own name as a source of error events; it belongs to no Windows provider.
_PROVIDER = "6d1f5e0a-93c4-4e57-8a5b-2f0c1d7b9e34"

# Codes that speak for themselves: HCS may leave out the document, and so does the emulator now and then.
_TERSE = frozenset(
    {
        HCS_E_INVALID_STATE,
        HCS_E_TERMINATED,
        HCS_E_SYSTEM_NOT_FOUND,
        HCS_E_SYSTEM_ALREADY_EXISTS,
        HCS_E_SYSTEM_ALREADY_STOPPED,
        HCS_E_PROCESS_ALREADY_STOPPED,
        E_ACCESSDENIED,
        E_HANDLE,
        ERROR_NOT_FOUND,
    }
)


def signed(hresult: int) -> int:
    """Return an HRESULT as the signed 32-bit number that documents carry."""
    return hresult - (1 << 32) if hresult & 0x80000000 else hresult


class Problem(NamedTuple):
    """One place of a document ("$.Container.Storage.Path") and what is wrong there."""

    place: str
    message: str


class Failure(Exception):
    """An HRESULT other than success, with what the caller is told about it."""

    def __init__(self, hresult: int, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.hresult: int = hresult
        self.message: str = message
        self.problems: tuple[Problem, ...] = tuple(problems)

    @property
    def terse(self) -> bool:
        """Whether the document says nothing that the code alone does not."""
        return self.hresult in _TERSE

    def result_error(self) -> dict[str, object]:
        """Return the ResultError that describes this failure."""
        document: dict[str, object] = {"Error": signed(self.hresult), "ErrorMessage": self.message}
        if self.problems:
            document["ErrorEvents"] = [
                {
                    "Message": f"{problem.place}: {problem.message}",
                    "Provider": _PROVIDER,
                    "EventId": 3100,
                    "Data": [{"Type": "String", "Value": problem.place}],
                }
                for problem in self.problems
            ]
        return document

    def document(self) -> str:
        """Return the ResultError as JSON text."""
        return json.dumps(self.result_error())


def invalid_json(*problems: Problem) -> Failure:
    """Return the failure of a document that breaks the schema or one of its constraints."""
    return Failure(HCS_E_INVALID_JSON, "The JSON document is invalid.", problems)


def impossible_request(*problems: Problem) -> Failure:
    """Return the failure of a well-formed document that asks for something impossible."""
    return Failure(E_INVALIDARG, "The parameter is incorrect.", problems)


def invalid_argument(place: str, message: str) -> Failure:
    """Return the failure of a well-formed document with one place that asks for something impossible."""
    return impossible_request(Problem(place, message))


def not_emulated(message: str) -> Failure:
    """Return the failure of a request that HCS may grant and the emulator cannot."""
    return Failure(E_NOTIMPL, f"Not emulated: {message}")
