"""What `check` finds in a document, and how the place of it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

KINDS = ("unknown", "type", "value", "range", "form", "missing", "newer", "rule", "ignored", "json")
"""What may be wrong, in a word: `Problem.kind`."""

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Problem(NamedTuple):
    """Something in a document that HCS refuses, or that does not have the effect it seems to have."""

    path: str
    """The place, as in "$.VirtualMachine.Devices.Scsi['primary'].Attachments['0'].Path"; "$" is the document.

    Of a key with an equals sign in it there is no more than what precedes that: ['NAME=...'].
    """

    kind: str
    """What is wrong, in a word.

    * "unknown": the type has no such member.
    * "type": a number where a text belongs, and the like.
    * "value": the value is none of the enum's.
    * "range": a number that is too large or too small, or an array with too many or too few items.
    * "form": a text that does not look like a GUID, a path, a time, ..., though it has to be one.
    * "missing": a member that must not be left out.
    * "newer": a member or value that came with a later schema version than the one asked for.
    * "rule": something that no schema says, but that HCS refuses or does otherwise; see `fact`.
    * "ignored": HCS accepts it, and it has no effect. Always a warning.
    * "json": the text is not JSON.
    """

    text: str
    """What is wrong, and what to do about it.

    There is no value in it that may be a secret, such as that of an environment variable.
    """

    severity: str = "error"
    """"error" for what HCS refuses as far as is known; "warning" for the rest."""

    fact: str = ""
    """Where a rule is known from; empty for what the schema says."""

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def member(place: str, key: str | int) -> str:
    """Return the place of an object's member, or of an array's item.

    Args:
        place: The place of the object or array.
        key: The name of the member, or the index of the item.
    """
    if isinstance(key, int):
        return f"{place}[{key}]"
    if _PLAIN_NAME.fullmatch(key):
        return f"{place}.{key}"
    escaped = without_value(key).replace("\\", "\\\\").replace("'", "\\'")
    return f"{place}['{escaped}']"


def without_value(key: str) -> str:
    """Return a key without what follows an equals sign in it.

    That is a value, and may be a secret: of a variable that was written as "NAME=value", or of a connection string.
    """
    name, _, value = key.partition("=")
    return f"{name}=..." if value else key


def written(keys: Iterable[str | int]) -> str:
    """Return the place that members and indexes lead to, from the document on."""
    place = ["$"]
    place += [member("", key) for key in keys]
    return "".join(place)
