"""The JSON Schema that ships and the check agree on the structure of ten thousand documents, right or wrong."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hcsrt.documents import check, problems, table
from hcsrt.documents import types as types_module
from hcsrt.documents.types import ANY, ARRAY, INTEGERS, MAP, SCALAR, UNION, Slot, types

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema comes with the extra test, and not on Windows")

SCHEMA: dict[str, Any] = json.loads((Path(table.__file__).parent / "data" / "schema.json").read_text("utf-8"))
STRUCTS = sorted(table.table().structs)

GUID = "7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1"
TEXTS = {
    "Guid": [GUID, "{" + GUID.upper() + "}"],
    "MacAddress": ["00-15-5D-52-C0-00", "00155d52c000"],
    "ByteArray": ["", "AAEC", "AAECAw=="],
    "NullableByteArray": ["", "AAEC", None],
    "DateTime": ["2026-04-21T12:34:56Z", "2026-04-21T12:34:56.1234567+02:00"],
}
ANYTHING = [None, True, False, 0, -1, 1.5, 1 << 70, "", "x", GUID, [], [0], {}, {"x": 1}]


class Maker:
    """Makes documents, some with mistakes in them."""

    def __init__(self, seed: int, mistakes: float) -> None:
        self._random = random.Random(seed)
        self._mistakes = mistakes

    def value(self, slot: Slot, depth: int = 0) -> Any:
        """Make a value of a type, or something else now and then."""
        pick = self._random
        if pick.random() < self._mistakes:
            return pick.choice(ANYTHING)
        type = slot.type
        if type.shape == UNION:
            return self.value(pick.choice(type.alternatives), depth)
        if type.shape == ANY:
            return pick.choice(ANYTHING)
        if type.shape == SCALAR:
            return self.scalar(type.spelling)
        count = 0 if depth > 5 else pick.randrange(4)
        if type.shape == ARRAY:
            length = count if type.length is None or pick.random() < self._mistakes else type.length
            return [self.value(type.item, depth + 1) for _ in range(length)]
        if type.shape == MAP:
            return {self.key(type.spelling): self.value(type.item, depth + 1) for _ in range(count)}
        return self.struct(type, count, depth)

    def struct(self, type: Any, count: int, depth: int) -> dict[str, Any]:
        pick = self._random
        names = pick.sample(sorted(type.names), min(count * 3, len(type.names)))
        names += [name for name in type.required if name not in names and pick.random() >= self._mistakes]
        made = {name: self.value(type.members.get(name) or type.make(name), depth + 1) for name in names}
        if pick.random() < self._mistakes / 2:
            made[pick.choice(["Colour", "owner", "", "it's"])] = 1
        return made

    def scalar(self, spelling: str) -> Any:
        pick = self._random
        if spelling in INTEGERS:
            low, high = INTEGERS[spelling]
            # Limits of some members are narrower, and so these are mistakes now and then.
            return pick.choice([0, 1, 100, low, high] if pick.random() < self._mistakes else [1, 100])
        if spelling in table.table().enums:
            return pick.choice(list(table.table().enums[spelling].values))
        if spelling == "bool":
            return pick.random() < 0.5
        if spelling == "number":
            return pick.choice([0, 1.5, -3])
        return pick.choice(TEXTS.get(spelling, ["", "x", "C:\\data"]))

    def key(self, spelling: str) -> str:
        kind = spelling.removeprefix("Map<").partition(",")[0]
        if self._random.random() < self._mistakes:
            return self._random.choice(["", "x", "-1", "256", "65536", "4294967296", "18446744073709551616", GUID])
        if kind in INTEGERS:
            return self._random.choice(["0", "1", "007", str(INTEGERS[kind][1])])
        return self._random.choice(TEXTS.get(kind, ["x", "Primary disk"]))


def documents(count: int, mistakes: float) -> Iterator[tuple[str, Any]]:
    """Make documents of all types in turn."""
    maker = Maker(count, mistakes)
    for index in range(count):
        name = STRUCTS[index % len(STRUCTS)]
        yield name, maker.value(types(None).slot(name))


@pytest.fixture
def without_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the check look at structure only, as a JSON Schema does."""
    monkeypatch.setattr(types_module, "_made", {})
    monkeypatch.setattr(types_module, "rules", lambda struct: ())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$schema"]
    assert set(STRUCTS) <= set(SCHEMA["$defs"])


@pytest.mark.parametrize(
    ("count", "mistakes"),
    [(300, 0.0), (300, 0.05), pytest.param(5000, 0.0, marks=pytest.mark.slow),
     pytest.param(5000, 0.04, marks=pytest.mark.slow)],
)  # fmt: skip
@pytest.mark.usefixtures("without_rules")
def test_schema_and_check_agree(count: int, mistakes: float) -> None:
    base = jsonschema.Draft202012Validator(SCHEMA)
    verdicts = {True: 0, False: 0}
    for name, document in documents(count, mistakes):
        validator = base.evolve(schema={"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})
        verdict = validator.is_valid(document)
        found = [str(problem) for problem in check(json.dumps(document), name)]
        assert (found == []) == verdict, (name, document, found)
        verdicts[verdict] += 1
    if mistakes:
        assert verdicts[False] > count / 10
        assert verdicts[True] > count / 10
    else:
        assert verdicts[True] > count * 0.9


def test_the_schema_by_itself_is_that_of_a_compute_system() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert validator.is_valid({"VirtualMachine": {}})
    three = {"VirtualMachine": {"StopOnReset": 1, "Chipst": {}, "ComputeTopology": {"Memory": {"SizeInMB": -1}}}}
    wrong = [problems.written(error.absolute_path) for error in validator.iter_errors(three)]
    assert sorted(wrong) == sorted(
        ["$.VirtualMachine", "$.VirtualMachine.StopOnReset", "$.VirtualMachine.ComputeTopology.Memory.SizeInMB"]
    )
    found = [problem.path for problem in check(three) if problem.severity == "error"]
    assert found == [
        "$.VirtualMachine.StopOnReset",
        "$.VirtualMachine.Chipst",
        "$.VirtualMachine.ComputeTopology.Memory.SizeInMB",
    ]
