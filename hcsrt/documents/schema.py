"""Microsoft's schema of the JSON documents of HCS."""

# `tools/facts.py take` makes the file with it.

from __future__ import annotations

import json
import os
from functools import cache


@cache
def tables() -> tuple[dict[str, list[str]], dict[str, dict[str, tuple[str, str]]]]:
    """Return the enums and the structs of the schema, by name.

    Returns:
        The values of each enum; and of each struct its members, with their types and the schema versions that first
        have them. Types are spelt as in the reference: "uint32", "<Layer> array", "Map<string, Scsi>", an enum or a
        struct.
    """
    with open(os.path.join(os.path.dirname(__file__), "schema.json"), encoding="utf-8") as file:
        facts = json.load(file)
    structs = {
        name: {member: (kind, since) for member, (kind, since) in members.items()}
        for name, members in facts["structs"].items()
    }
    return facts["enums"], structs
