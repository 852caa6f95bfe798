"""The types of documents agree with the table that they are made of, and cost nobody who does not use them."""

import copy
import json
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

from hcsrt import documents
from hcsrt.documents import answers, builders
from hcsrt.documents._names import FAMILY_OF
from hcsrt.documents.table import table

from ..helpers.tools import TOOLS, load

ROOT = Path(__file__).resolve().parents[2]
STRUCTS = sorted(table().structs)
ENUMS = sorted(table().enums)


def type_of(name: str) -> Any:
    return getattr(documents, name)


def test_the_files_are_as_written() -> None:
    command = [sys.executable, str(ROOT / "tools" / "documents.py"), "check", "--shared", str(ROOT / "no-facts")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_type_has_a_name() -> None:
    assert {name: its.family for name, its in (table().enums | table().structs).items()} == FAMILY_OF
    assert FAMILY_OF.keys() <= set(dir(documents))
    with pytest.raises(AttributeError, match="ComputeSytem"):
        type_of("ComputeSytem")


def test_each_builder_and_answer_has_a_name() -> None:
    for module in (answers, builders):
        for name in module.__all__:
            assert getattr(documents, name) is getattr(module, name)
            assert name in dir(documents)


@pytest.mark.parametrize("name", STRUCTS)
def test_the_keys_are_those_of_the_table(name: str) -> None:
    kind = type_of(name)
    assert typing.is_typeddict(kind)
    assert kind.__total__ is False
    # Every annotation can be read.
    assert list(typing.get_type_hints(kind)) == list(table().structs[name].members)
    assert kind.__doc__
    assert kind.__module__ == f"hcsrt.documents.{table().structs[name].family}"


@pytest.mark.parametrize("name", ENUMS)
def test_the_values_are_those_of_the_table(name: str) -> None:
    assert list(typing.get_args(type_of(name))) == list(table().enums[name].values)


def test_a_member_is_required_where_the_platform_refuses_its_absence() -> None:
    limits = json.loads((ROOT / "hcsrt/documents/data/limits.json").read_text("utf-8"))
    required = {
        (name, member) for name, its in limits.items() for member, limit in its.items() if limit.get("required")
    }
    assert required == {(name, member) for name in STRUCTS for member in type_of(name).__required_keys__}
    assert ("Layer", "Path") in required


def test_the_json_schema_has_each_type() -> None:
    schema = json.loads((ROOT / "hcsrt/documents/data/schema.json").read_text("utf-8"))
    definitions = schema["$defs"]
    assert definitions.keys() == FAMILY_OF.keys()
    for name, struct in table().structs.items():
        assert list(definitions[name]["properties"]) == list(struct.members)
        assert definitions[name]["additionalProperties"] is False
    for name, enum in table().enums.items():
        assert definitions[name]["enum"] == list(enum.values)


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool that compares the table with the JSON Schema of Microsoft."""
    # Not by syspath_prepend, which fails in early versions of CPython 3.11 on Windows.
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    return load("document_compare")


TABLE = {
    "enums": {"Mode": {"family": "vm", "values": {"On": "2.0", "Off": "2.1", "Newer": None}}},
    "structs": {
        "Disk": {
            "family": "vm",
            "members": {
                "Mode": ["Mode", "2.0"],
                "Sizes": ["<uint64> array", "2.1"],
                "Keys": ["Map<uint32, Disk>", "2.1"],
                "Newer": ["bool", None],
            },
        },
        "Endpoint": {"family": "network", "members": {"ID": ["Guid", "2.0"]}},
        "Newer": {"family": "vm", "members": {"A": ["string", None]}},
    },
}
THEIRS = {
    "Mode": {"type": "string", "enum": ["On", "Off"]},
    "Disk": {
        "type": "object",
        "properties": {
            "Mode": {"type": "string", "$ref": "#/definitions/Mode"},
            "Sizes": {"type": "array", "items": {"type": "integer", "format": "uint64"}, "description": "Sizes."},
            "Keys": {"type": "object", "additionalProperties": {"$ref": "#/definitions/Disk"}},
        },
    },
}


def test_what_only_clients_send_needs_no_reason(compare: Any) -> None:
    assert list(compare.compared(TABLE, THEIRS)) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda theirs: theirs["Mode"]["enum"].append("Auto"), "Mode"),
        (lambda theirs: theirs["Mode"]["enum"].remove("Off"), "Mode"),
        (lambda theirs: theirs.pop("Mode"), "Mode"),
        (lambda theirs: theirs.pop("Disk"), "Disk"),
        (lambda theirs: theirs.update(Tape={"type": "object", "properties": {}}), "Tape"),
        (lambda theirs: theirs["Disk"]["properties"].pop("Keys"), "Disk.Keys"),
        (lambda theirs: theirs["Disk"]["properties"].update(More={"type": "boolean"}), "Disk.More"),
        (lambda theirs: theirs["Disk"]["properties"]["Sizes"]["items"].update(format="int64"), "Disk.Sizes"),
        (lambda theirs: theirs["Disk"]["properties"]["Mode"].update({"$ref": "#/definitions/Disk"}), "Disk.Mode"),
    ],
)
def test_each_difference_is_found(compare: Any, change: Any, named: str) -> None:
    theirs = copy.deepcopy(THEIRS)
    change(theirs)
    assert [name for name, _ in compare.compared(TABLE, theirs)] == [named]


@pytest.mark.parametrize("module", ["hcsrt", "hcsrt.aio", "hcsrt.documents"])
def test_nobody_pays_for_what_only_editors_use(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name for name in done.stdout.split() if name.startswith("hcsrt.documents.")}
    assert loaded == set()
