"""What `tools/documents.py write` makes of the table of documents: types for editors, and a JSON Schema."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from graphlib import TopologicalSorter
from keyword import iskeyword
from pathlib import Path
from typing import Any

FOLDER = "hcsrt/documents"
DATA = f"{FOLDER}/data"
LINE = 120

FAMILIES = {
    "common": "Documents that several families have in common.",
    "container": "Documents of containers.",
    "events": "Documents of events, errors and exits.",
    "guest": "Requests that HCS passes on to the guest of a virtual machine.",
    "network": "Documents of the Host Compute Network service (HCN).",
    "process": "Documents of processes.",
    "properties": "Queries of the properties of compute systems, and the answers.",
    "service": "Queries and settings of the Host Compute Service itself, and the answers.",
    "storage": "Documents of the layers that containers are made of.",
    "vm": "Documents of compute systems and virtual machines.",
}

# Types of the reference that are values of JSON themselves: as Python's, as JSON Schema has them, and in words.
_GUID = r"^(\{[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}|[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})$"
_BASE64 = r"^[A-Za-z0-9+/\s]*={0,2}\s*$"
_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$"
_MAC = r"^[0-9A-Fa-f]{2}([-:]?[0-9A-Fa-f]{2}){5}$"
SCALARS: dict[str, tuple[str, dict[str, Any], str]] = {
    "Any": ("Any", {}, ""),
    "ByteArray": ("str", {"type": "string", "pattern": _BASE64}, "Base64"),
    "DateTime": ("str", {"type": "string", "pattern": _TIME}, "A time in ISO 8601"),
    "Guid": ("str", {"type": "string", "pattern": _GUID}, "A GUID"),
    "MacAddress": ("str", {"type": "string", "pattern": _MAC}, "A MAC address"),
    "NullableByteArray": ("str | None", {"type": ["string", "null"], "pattern": _BASE64}, "Base64"),
    "bool": ("bool", {"type": "boolean"}, ""),
    "number": ("float", {"type": "number"}, ""),
    "string": ("str", {"type": "string"}, ""),
    "string_binary": ("str", {"type": "string"}, ""),
} | {
    f"{sign}int{bits}": ("int", {"type": "integer", "minimum": low, "maximum": high}, "")
    for bits in (8, 16, 32, 64)
    for sign, low, high in (("", -(1 << bits - 1), (1 << bits - 1) - 1), ("u", 0, (1 << bits) - 1))
}

ARRAY = re.compile(r"<(?P<item>[^,]+)(?:, (?P<length>\d+))?> array")
MAP = re.compile(r"Map<(?P<key>\w+), (?P<value>.+)>")
NAME = re.compile(r"[A-Za-z_]\w*")
NAMES_OF_TYPING = ("Any", "Literal", "Required", "TypeAlias", "TypedDict")


class Facts:
    """The table with the words and limits that are written by hand."""

    def __init__(self, root: Path) -> None:
        def read(path: str) -> Any:
            return json.loads((root / DATA / path).read_text(encoding="utf-8"))

        table = read("table.json")
        self.enums: dict[str, Any] = table["enums"]
        self.structs: dict[str, Any] = table["structs"]
        self.family: dict[str, str] = {name: its["family"] for name, its in (self.enums | self.structs).items()}
        self.limits: dict[str, dict[str, dict[str, Any]]] = read("limits.json")
        self.words: dict[str, dict[str, str]] = {}
        for family in FAMILIES:
            if (root / DATA / "words" / f"{family}.json").exists():
                self.words |= read(f"words/{family}.json")

    def differences(self) -> Iterator[str]:
        """Yield what is said of something that the table does not have, and what nothing is said of."""
        for name in self.words:
            if name not in self.family:
                yield f"{DATA}/words: has {name}, and the table has not"
        for name, members in self.limits.items():
            for member in members:
                if member not in self.structs.get(name, {"members": ()})["members"]:
                    yield f"{DATA}/limits.json: has {name}.{member}, and the table has not"
        for name in self.family:
            members = (
                self.structs.get(name, {"members": ()})["members"] or self.enums.get(name, {"values": ()})["values"]
            )
            words = self.words.get(name, {})
            yield from (
                f"{DATA}/words: nothing about {name}.{member}" for member in words if member and member not in members
            )
            if not words.get(""):
                yield f"{DATA}/words: nothing about {name}"
            if name in self.structs:
                yield from (
                    f"{DATA}/words: nothing about {name}.{member}" for member in members if not words.get(member)
                )

    def limit(self, struct: str, member: str) -> dict[str, Any]:
        return self.limits.get(struct, {}).get(member, {})

    def named(self, spelling: str) -> Iterator[str]:
        """Yield the structs and enums that the spelling of a type names."""
        yield from (name for name in NAME.findall(spelling) if name in self.family)

    def summary(self, name: str, member: str = "") -> str:
        return self.words.get(name, {}).get(member, "")

    def remarks(self, struct: str, member: str) -> Iterator[str]:
        """Yield what is known of a member: its form, unit, range, default and the schema version that has it."""
        spelling, since = self.structs[struct]["members"][member]
        limit = self.limit(struct, member)
        if spelling in SCALARS and SCALARS[spelling][2]:
            yield f"{SCALARS[spelling][2]}."
        if array := ARRAY.fullmatch(spelling):
            yield from [f"{array['length']} items."] if array["length"] else []
        if "unit" in limit:
            yield f"In {limit['unit']}."
        if "range" in limit:
            low, high = limit["range"]
            yield f"From {low} to {high}."
        if "default" in limit:
            default = limit["default"]
            yield f"By default {default if isinstance(default, int) else f'`{default}`'}."
        if limit.get("required"):
            yield "Has to be there."
        kind = "HCN schema" if self.family[struct] == "network" else "Schema"
        yield f"{kind} {since}." if since else "In no published schema."


def modules(facts: Facts) -> dict[str, str]:
    """Return the text of each family's module, by its path."""
    return {f"{FOLDER}/{family}.py": module(facts, family) for family in FAMILIES}


def module(facts: Facts, family: str) -> str:
    enums = sorted(name for name in facts.enums if facts.family[name] == family)
    structs = [name for name in facts.structs if facts.family[name] == family]
    blocks = [*(enum(facts, name) for name in enums), *(struct(facts, name) for name in in_order(facts, structs))]
    body = "\n\n".join(blocks)
    others = {
        facts.family[inner]
        for name in structs
        for spelling, _ in facts.structs[name]["members"].values()
        for inner in facts.named(spelling)
    } - {family}
    used = [name for name in NAMES_OF_TYPING if re.search(rf"\b{name}\b", re.sub(r'""".*?"""', "", body, flags=re.S))]
    lines = [
        "# `tools/documents.py write` makes this file.",
        f'"""{FAMILIES[family]}"""',
        "",
        f"from typing import {', '.join(used)}",
        "",
        *([f"from . import {', '.join(sorted(others))}", ""] if others else []),
        one_or_many("__all__ = [", [f'"{name}"' for name in sorted([*enums, *structs], key=sorted_as_ruff)], "]"),
        "",
    ]
    return "\n".join(lines) + "\n" + body + "\n"


def sorted_as_ruff(name: str) -> tuple[int, str]:
    """Return the key that RUF022 sorts by: SCREAMING_CASE first, then CamelCase."""
    return (0 if name.isupper() else 1, name)


def in_order(facts: Facts, structs: list[str]) -> list[str]:
    """Return the structs so that each comes after those that it has in it, but for circles."""
    inside = set(structs)
    graph = {
        name: sorted(
            {
                inner
                for spelling, _ in facts.structs[name]["members"].values()
                for inner in facts.named(spelling)
                if inner in inside and inner != name
            }
        )
        for name in sorted(structs)
    }
    return list(TopologicalSorter(graph).static_order())


def one_or_many(before: str, items: list[str], after: str) -> str:
    """Return a list of a program on one line, or with a line for each item where that would be too long."""
    line = f"{before}{', '.join(items)}{after}"
    if len(line) <= LINE:
        return line
    return "\n".join([before, *(f"    {item}," for item in items), after])


def enum(facts: Facts, name: str) -> str:
    values = facts.enums[name]["values"]
    literal = one_or_many(f"{name}: TypeAlias = Literal[", [json.dumps(value) for value in values], "]")
    rows = [f"* `{value}`: {words}" for value in values if (words := facts.summary(name, value))]
    return f"{literal}\n" + docstring(facts.summary(name), rows, indent="")


def struct(facts: Facts, name: str) -> str:
    members = facts.structs[name]["members"]
    lines = [f"class {name}(TypedDict, total=False):"]
    lines.append(docstring(facts.summary(name) or f"The document `{name}`.", [], indent="    "))
    for member in members:
        if not member.isidentifier() or iskeyword(member):
            raise SystemExit(f"{name}.{member} is no name of Python: such a struct needs the functional syntax")
        kind = annotation(facts, name, members[member][0])
        if facts.limit(name, member).get("required"):
            kind = f"Required[{kind}]"
        lines += ["", f"    {member}: {kind}"]
        lines.append(docstring(facts.summary(name, member), [" ".join(facts.remarks(name, member))], indent="    "))
    return "\n" + "\n".join(lines)


def annotation(facts: Facts, owner: str, spelling: str) -> str:
    """Return a type of the table as one of Python, as a member of the struct `owner` has it."""
    if " | " in spelling:
        return " | ".join(annotation(facts, owner, part) for part in spelling.split(" | "))
    if spelling in SCALARS:
        return SCALARS[spelling][0]
    if array := ARRAY.fullmatch(spelling):
        return f"list[{annotation(facts, owner, array['item'])}]"
    if mapping := MAP.fullmatch(spelling):
        return f"dict[str, {annotation(facts, owner, mapping['value'])}]"
    if spelling == owner:
        return f'"{spelling}"'
    if facts.family[spelling] != facts.family[owner]:
        return f"{facts.family[spelling]}.{spelling}"
    return spelling


def docstring(summary: str, rows: list[str], *, indent: str) -> str:
    """Return a docstring: the summary, then the rows."""
    width = LINE - len(indent)
    if not summary:
        summary, *rows = rows or [""]
    if not summary:
        return ""
    text = summary.replace("\\", "\\\\").replace('"""', "'''")
    rows = [row.replace("\\", "\\\\").replace('"""', "'''") for row in rows]
    if not rows and len(text) + 6 <= width:
        return f'{indent}"""{text}"""'
    wrapped = textwrap.wrap(f'"""{text}', width, break_long_words=False, break_on_hyphens=False)
    if rows:
        wrapped.append("")
    for row in rows:
        hanging = "  " if row.startswith("* ") else ""
        wrapped += textwrap.wrap(row, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"{indent}{line}".rstrip() for line in [*wrapped, '"""'])


def reference(facts: Facts, family: str) -> Iterator[str]:
    """Yield the lines, in reStructuredText, of what the site says of a family."""
    yield ".. py:currentmodule:: hcsrt.documents"
    yield ""
    for name in sorted(name for name in facts.structs if facts.family[name] == family):
        yield from (f".. py:class:: {name}", f"   :canonical: hcsrt.documents.{family}.{name}", "")
        yield from (f"   {facts.summary(name)}", "")
        for member, (spelling, _) in facts.structs[name]["members"].items():
            # Without the module and the quotes that Python needs.
            kind = annotation(facts, name, spelling).replace('"', "")
            kind = re.sub(r"(?:\w+\.)*(\w+)", lambda found: linked(facts, found[1]), kind)
            yield from (f"   .. py:attribute:: {member}", f"      :type: {kind}", "      :no-contents-entry:", "")
            for text in filter(None, [facts.summary(name, member), " ".join(facts.remarks(name, member))]):
                yield from (f"      {text}", "")
    for name in sorted(name for name in facts.enums if facts.family[name] == family):
        yield from (f".. py:data:: {name}", "", f"   {facts.summary(name)}", "")
        for value in facts.enums[name]["values"]:
            words = facts.summary(name, value)
            yield f'   * ``"{value}"``: {words}' if words else f'   * ``"{value}"``'
        yield ""


def linked(facts: Facts, name: str) -> str:
    return f"~hcsrt.documents.{name}" if name in facts.family else name


def names(facts: Facts) -> str:
    """Return the module that tells which family has a type."""
    lines = [f'    "{name}": "{facts.family[name]}",' for name in sorted(facts.family)]
    return "\n".join(
        [
            "# `tools/documents.py write` makes this file.",
            '"""The family that each type of documents is of."""',
            "",
            "FAMILY_OF = {",
            *lines,
            "}",
            "",
        ]
    )


def json_schema(facts: Facts) -> str:
    """Return the JSON Schema of all documents; by itself it is that of a compute system."""
    definitions: dict[str, Any] = {}
    for name in sorted(facts.family):
        if name in facts.enums:
            body: dict[str, Any] = {"type": "string", "enum": list(facts.enums[name]["values"])}
            rows = [f"{value}: {words}" for value in body["enum"] if (words := facts.summary(name, value))]
            text = "\n".join(filter(None, [facts.summary(name), *rows]))
        else:
            members = facts.structs[name]["members"]
            body = {"type": "object", "properties": {m: member_schema(facts, name, m) for m in members}}
            required = [member for member in members if facts.limit(name, member).get("required")]
            if required:
                body["required"] = required
            body["additionalProperties"] = False
            text = facts.summary(name)
        definitions[name] = ({"description": text} if text else {}) | body
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Documents of the Windows Host Compute Service",
        "description": "Made by hcsrt. By itself a ComputeSystem; #/$defs has each type by its name.",
        "$ref": "#/$defs/ComputeSystem",
    }
    head = json.dumps(document, indent=1, ensure_ascii=False).removesuffix("\n}")
    rows = [f"  {json.dumps(name)}: {json.dumps(body, ensure_ascii=False)}" for name, body in definitions.items()]
    return f'{head},\n "$defs": {{\n' + ",\n".join(rows) + "\n }\n}\n"


def member_schema(facts: Facts, name: str, member: str) -> dict[str, Any]:
    limit = facts.limit(name, member)
    text = "\n".join(filter(None, [facts.summary(name, member), " ".join(facts.remarks(name, member))]))
    body = type_schema(facts.structs[name]["members"][member][0])
    if "range" in limit:
        low, high = limit["range"]
        body |= {"minimum": low, "maximum": high}
    if "default" in limit:
        body |= {"default": limit["default"]}
    return {"description": text} | body


def type_schema(spelling: str) -> dict[str, Any]:
    if " | " in spelling:
        return {"anyOf": [type_schema(part) for part in spelling.split(" | ")]}
    if spelling in SCALARS:
        return dict(SCALARS[spelling][1])
    if array := ARRAY.fullmatch(spelling):
        length = {"minItems": int(array["length"]), "maxItems": int(array["length"])} if array["length"] else {}
        return {"type": "array", "items": type_schema(array["item"]), **length}
    if mapping := MAP.fullmatch(spelling):
        return {"type": "object", **keys(mapping["key"]), "additionalProperties": type_schema(mapping["value"])}
    return {"$ref": f"#/$defs/{spelling}"}


def keys(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the keys of a map, which are strings in JSON."""
    if kind == "string":
        return {}
    body = SCALARS[kind][1]
    pattern = body["pattern"] if "pattern" in body else f"^0*({'|'.join(up_to(str(body['maximum'])))})$"
    return {"propertyNames": {"pattern": pattern}}


def up_to(highest: str) -> Iterator[str]:
    """Yield regular expressions for the integers from zero on, which match one each."""
    yield f"[0-9]{{1,{len(highest) - 1}}}"
    for place, digit in enumerate(highest):
        if digit != "0":
            yield f"{highest[:place]}[0-{int(digit) - 1}][0-9]{{{len(highest) - place - 1}}}"
    yield highest


def generated(root: Path) -> dict[str, str]:
    """Return the text of each file that is made of the table, by its path."""
    facts = Facts(root)
    return modules(facts) | {f"{FOLDER}/_names.py": names(facts), f"{DATA}/schema.json": json_schema(facts)}
