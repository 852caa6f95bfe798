"""The table of documents against the JSON Schema that Microsoft publishes: what differs, and why it may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from document_types import ARRAY, MAP

FOLDER = "microsoft"

# What the schema of Windows 11 21H2 has otherwise than the reference, and why the table has it so. What only clients of
# Microsoft have is newer than that schema, and needs no line here: the table tells no schema version of it.
_NEWER = "The reference has it from schema 2.5 on, and the file does not, although it is that of schema 2.6"
_NAMED = "The reference gives the default a name, and the file an empty text"
REASONS = {
    "CacheMode": _NAMED,
    "EnlightenmentModifications": _NEWER,
    "LayerData.FilterType": "Microsoft's client sends it from schema 2.9 on",
    "NonArchitecturalCoreSharing": _NEWER,
    "OsType": _NAMED,
    "ProcessParameters.ConsoleSize": "The reference says how many items it has",
    "ProcessorCapabilitiesInfo": _NEWER,
    "ProcessorFeature": _NEWER,
    "ProcessorFeatureSet": _NEWER,
    "ProcessorFeatureSetMode": _NEWER,
    "VirtualMachine_Processor.DisableSpeculationControls": _NEWER,
    "VirtualMachine_Processor.EnablePageShattering": _NEWER,
    "VirtualMachine_Processor.EnablePerfmonArchPmu": _NEWER,
    "VirtualMachine_Processor.ProcessorFeatureSet": _NEWER,
    "VmProcessorRequirements": _NEWER,
    "WorkerExitDetail": _NEWER,
    "XsaveProcessorFeature": _NEWER,
}

# How the file writes the scalars of the reference.
_GUID = "^[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$"
_SCALARS: dict[str, dict[str, Any]] = {
    "Any": {"type": "object"},
    "ByteArray": {"type": "string", "format": "byte"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Guid": {"type": "string", "pattern": _GUID},
    "MacAddress": {"type": "string", "format": "mac-address"},
    "NullableByteArray": {"type": "string", "format": "binary"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "string_binary": {"type": "string", "format": "binary"},
}


def differences(table: dict[str, dict[str, Any]], shared: Path) -> Iterator[str]:
    """Yield each difference without a reason, and each reason without a difference."""
    used: set[str] = set()
    for path in sorted((shared / FOLDER).glob("*.json")):
        definitions = json.loads(path.read_text(encoding="utf-8"))["definitions"]
        for name, text in compared(table, definitions):
            if name in REASONS:
                used.add(name)
            else:
                yield f"{path.name}: {name}: {text}"
    yield from (f"REASONS: nothing differs at {name}" for name in REASONS if name not in used)


def compared(table: dict[str, dict[str, Any]], theirs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what differs, and how."""
    for name, definition in theirs.items():
        if "enum" in definition:
            values = table["enums"].get(name, {"values": {}})["values"]
            there = definition["enum"]
            lacking = [value for value in there if value not in values]
            more = [value for value, since in values.items() if since and value not in there]
            if lacking or more:
                yield name, f"only there {lacking}, only here {more}"
        elif name not in table["structs"]:
            yield name, "only there"
    for name, entry in table["enums"].items():
        if name not in theirs and entry["family"] != "network" and any(entry["values"].values()):
            yield name, "only here"
    for name, entry in table["structs"].items():
        if entry["family"] != "network":
            there = theirs.get(name, {}).get("properties", {})
            yield from of_struct(name, entry["members"], there, is_there=name in theirs)


def of_struct(
    name: str, members: dict[str, Any], there: dict[str, Any], *, is_there: bool
) -> Iterator[tuple[str, str]]:
    if not is_there:
        if any(since for _, since in members.values()):
            yield name, "only here"
        return
    for member in there:
        if member not in members:
            yield f"{name}.{member}", "only there"
    for member, (spelling, since) in members.items():
        if member in there:
            found = {key: value for key, value in there[member].items() if key != "description"}
            if bare(found) != written(spelling):
                yield f"{name}.{member}", f"{json.dumps(found)} there, {spelling} here"
        elif since:
            yield f"{name}.{member}", "only here"


def written(spelling: str) -> dict[str, Any]:
    """Return a type of the table as the file writes it."""
    if spelling in _SCALARS:
        return _SCALARS[spelling]
    if re.fullmatch(r"u?int\d+", spelling):
        return {"type": "integer", "format": spelling}
    if array := ARRAY.fullmatch(spelling):
        length = {"minItems": int(array["length"])} if array["length"] else {}
        return {"type": "array", "items": written(array["item"]), **length}
    if mapping := MAP.fullmatch(spelling):
        return {"type": "object", "additionalProperties": written(mapping["value"])}
    return {"$ref": f"#/definitions/{spelling}"}


def bare(found: Any) -> Any:
    """Return a type of the file without what it says twice: an enum is named, and called a string."""
    if not isinstance(found, dict):
        return found
    if "$ref" in found:
        return {"$ref": found["$ref"]}
    return {key: bare(value) for key, value in found.items()}
