"""Takes the tables of hcsrt from the facts folder, and holds the committed ones against it.

    python tools/facts.py write [--shared DIR]    makes the files that are generated
    python tools/facts.py check [--shared DIR]    exit code 1 and the differences, where a table departs from the facts

DIR is the folder with constants.json, functions.json and schema.json (default: ../shared/hcs beside the repository).
"""

from __future__ import annotations

import argparse
import json
import re
import runpy
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
SCHEMA = "hcsrt/emulator/schema.json"
HRESULTS = "tests/data/hresults.json"
CODES = "hcsrt/_codes.py"
HCSAPI = "hcsrt/include/hcsapi.h"

# Types of the schema reference that are values of JSON themselves, not structs or enums.
SCALARS = frozenset({
    "Any", "ByteArray", "DateTime", "Guid", "MacAddress", "NullableByteArray", "bool", "string", "string_binary",
    "int32", "int64", "uint8", "uint16", "uint32", "uint64",
})  # fmt: skip

# How hcsapi.h writes the types of functions.json.
C_TYPES = {
    "DWORD": "uint32_t",
    "HANDLE": "hcsrt_handle",
    "HCS_EVENT_CALLBACK": "hcsrt_event_callback",
    "HCS_EVENT_OPTIONS": "uint32_t",
    "HCS_OPERATION": "hcsrt_operation",
    "HCS_OPERATION_COMPLETION": "hcsrt_operation_completion",
    "HCS_OPERATION_TYPE": "int32_t",
    "HCS_PROCESS": "hcsrt_process",
    "HCS_PROCESS*": "hcsrt_process *",
    "HCS_PROCESS_INFORMATION*": "hcsrt_process_information *",
    "HCS_RESOURCE_TYPE": "uint32_t",
    "HCS_SYSTEM": "hcsrt_system",
    "HCS_SYSTEM*": "hcsrt_system *",
    "HRESULT": "hcsrt_result",
    "PCWSTR": "const hcsrt_char *",
    "PCWSTR*": "hcsrt_char **",
    "PWSTR*": "hcsrt_char **",
    "UINT64": "uint64_t",
    "const HCS_CREATE_OPTIONS*": "const hcsrt_create_options *",
    "const SECURITY_DESCRIPTOR*": "const void *",
    "const void*": "const void *",
    "void": "void",
    "void*": "void *",
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def hresults(constants: Any) -> dict[str, int]:
    """The name and the unsigned value of every HRESULT of constants.json."""
    found: dict[str, int] = {}
    for family in constants["hresults"].values():
        for entry in family:
            # Some rows of the family "related" bury a Win32 name in a sentence and give the Win32 number.
            name = re.search(r"\b(?:E|EPT|ERROR|GCN|HCN|HCS|RPC)_\w+", entry["name"])
            if name is None:
                raise SystemExit(f"constants.json: no symbol in {entry['name']!r}")
            value = entry["value"]
            found[name[0]] = value if value > 0xFFFF else 0x80070000 | value
    return found


def schema(facts: Any) -> dict[str, Any]:
    """Enums as lists of values, structs as {field: [type, since]}; a struct without members is there too, empty."""
    enums = {name: [entry["value"] for entry in entries] for name, entries in facts["enums"].items()}
    structs: dict[str, dict[str, list[str]]] = {
        name: {entry["field"]: [entry["type"], entry["since"]] for entry in entries}
        for name, entries in facts["structs"].items()
    }
    types = " ".join(kind for fields in structs.values() for kind, _ in fields.values())
    named = {name for name in re.findall(r"[A-Za-z_]\w*", types) if name not in ("Map", "array")}
    structs |= {name: {} for name in named - SCALARS - enums.keys() - structs.keys()}
    return {"enums": dict(sorted(enums.items())), "structs": dict(sorted(structs.items()))}


def schema_text(tables: dict[str, Any]) -> str:
    """One line an enum or struct, so that a change of the facts shows as a small difference."""
    blocks = (
        f" {json.dumps(kind)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(table)}" for name, table in members.items())
        + "\n }"
        for kind, members in tables.items()
    )
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def generated(shared: Path) -> dict[str, str]:
    """The text of each generated file by its path in the repository."""
    codes = hresults(read(shared / "constants.json"))
    return {
        SCHEMA: schema_text(schema(read(shared / "schema.json"))),
        HRESULTS: json.dumps(codes, indent=1) + "\n",
    }


def declarations(header: str) -> dict[str, tuple[list[str], str]]:
    """Each function of hcsapi.h: its C types, the result's first, and the Windows version that has it."""
    versions = dict(re.findall(r'#define (HCSRT_\w+) "([^"]*)"', header))
    # In the macro's body each function is F(result, name, (parameters), since).
    rows = re.findall(r"F\(([\w ]+?\*?), (Hcs\w+),\s*\(([^)]*)\),\s*(\w+)\)", header.replace("\\\n", "\n"))
    return {
        name: ([result, *(re.sub(r"\w+$", "", " ".join(item.split())).strip() for item in items.split(","))], since)
        for result, name, items, macro in rows
        for since in [versions.get(macro, macro)]
    }


def code_differences(shared: Path) -> Iterator[str]:
    table = runpy.run_path(str(REPOSITORY / CODES))
    names: dict[str, int] = {symbol: code for code, (symbol, _, _) in table["CODES"].items()}
    names |= {symbol: code for code, symbol in table["VMCOMPUTE"].items()} | table["ALIASES"]
    for name, value in hresults(read(shared / "constants.json")).items():
        if name not in names:
            yield f"{CODES}: {name} (0x{value:08X}) is missing"
        elif names[name] != value:
            yield f"{CODES}: {name} is 0x{names[name]:08X}, the facts say 0x{value:08X}"


def function_differences(shared: Path) -> Iterator[str]:
    declared = declarations((REPOSITORY / HCSAPI).read_text(encoding="utf-8"))
    facts = {
        entry["name"]: entry
        for entry in read(shared / "functions.json")
        if entry["dll"] == "computecore.dll" and entry["params"] is not None
    }
    for name in sorted(declared.keys() - facts.keys()):
        yield f"{HCSAPI}: {name} is no public function of computecore.dll"
    for name in sorted(facts.keys() - declared.keys()):
        yield f"{HCSAPI}: {name} is missing"
    for name in sorted(facts.keys() & declared.keys()):
        types, since = declared[name]
        wanted = [C_TYPES[kind] for kind in (facts[name]["returns"], *(item["type"] for item in facts[name]["params"]))]
        if types != wanted:
            yield f"{HCSAPI}: {name} has the types {types}, the facts say {wanted}"
        minimum = facts[name]["min_windows"]
        if minimum is not None and minimum != since:
            yield f"{HCSAPI}: {name} is said to be in {since}, the facts say {minimum}"


def generated_differences(shared: Path) -> Iterator[str]:
    for path, text in generated(shared).items():
        file = REPOSITORY / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            yield f"{path}: not what `tools/facts.py write` makes of the facts"


def write(shared: Path) -> int:
    for path, text in generated(shared).items():
        (REPOSITORY / path).write_text(text, encoding="utf-8", newline="\n")
        print(path)
    return 0


def check(shared: Path) -> int:
    differences: Iterable[str] = [
        *generated_differences(shared),
        *code_differences(shared),
        *function_differences(shared),
    ]
    for difference in differences:
        print(difference, file=sys.stderr)
    return 1 if differences else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the tables of hcsrt from the facts folder, or check them.")
    parser.add_argument("job", choices=["write", "check"])
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared" / "hcs", metavar="DIR")
    arguments = parser.parse_args()
    return {"write": write, "check": check}[arguments.job](arguments.shared)


if __name__ == "__main__":
    sys.exit(main())
