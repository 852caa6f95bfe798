"""The one table of the JSON documents of HCS and HCN, which editors, checks and the emulator share."""

# `tools/documents.py take` makes the file with it.

from __future__ import annotations

import json
import os
from functools import cache
from typing import NamedTuple


class Enum(NamedTuple):
    """The texts that a member may be."""

    family: str
    values: dict[str, str | None]
    """The schema version that first has each; None where no source tells it."""


class Struct(NamedTuple):
    """The members of an object."""

    family: str
    members: dict[str, tuple[str, str | None]]
    """The type of each member and the schema version that first has it; None where no source tells it.

    Types are spelt as in Microsoft's reference: "uint32", "<Layer> array", "<uint8, 16> array", "Map<string, Scsi>",
    an enum, a struct, "Any"; " | " joins alternatives.
    """


class Table(NamedTuple):
    """All types of documents, by name."""

    enums: dict[str, Enum]
    structs: dict[str, Struct]


@cache
def table() -> Table:
    """Return the table. It is read once."""
    with open(os.path.join(os.path.dirname(__file__), "data", "table.json"), encoding="utf-8") as file:
        facts = json.load(file)
    return Table(
        {name: Enum(entry["family"], entry["values"]) for name, entry in facts["enums"].items()},
        {
            name: Struct(entry["family"], {member: (row[0], row[1]) for member, row in entry["members"].items()})
            for name, entry in facts["structs"].items()
        },
    )
