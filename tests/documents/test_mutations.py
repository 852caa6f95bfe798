"""Two hundred mistakes, each made in one place of a document that is right, are found in that place."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hcsrt.documents import check
from hcsrt.documents.problems import written
from hcsrt.documents.table import table
from hcsrt.documents.types import INTEGERS, SCALAR, UNION, Slot, types

SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8")) for path in (Path(__file__).parent / "samples").glob("*.json")
}
WRONG = {
    "string": [5, True, None, [], {}],
    "bool": [0, "true", None, []],
    "object": ["{}", 5, None, [{}]],
    "array": ["[]", 5, None, {}],
    "union": [None, True, [], {}],
}


class Spot(NamedTuple):
    """A value of a document, how to get there, and its type."""

    sample: str
    keys: tuple[str | int, ...]
    slot: Slot


def spots() -> Iterator[Spot]:
    """Yield each value of the samples whose type the table has."""
    for sample, document in SAMPLES.items():
        stack: list[tuple[tuple[str | int, ...], Any, Slot]] = [
            ((), document, types(None).slot(sample.partition(".")[0]))
        ]
        while stack:
            keys, value, slot = stack.pop()
            yield Spot(sample, keys, slot)
            if isinstance(value, dict):
                names = slot.type.names
                for name, item in value.items():
                    inner = (slot.type.members.get(name) or slot.type.make(name)) if names else slot.type.item
                    if inner is not None:
                        stack.append(((*keys, name), item, inner))
            elif isinstance(value, list) and slot.type.item is not None:
                stack += [((*keys, index), item, slot.type.item) for index, item in enumerate(value)]


SPOTS = [spot for spot in spots() if spot.slot.type.spelling != "Any"]


def kinds_of(slot: Slot) -> list[str]:
    """Return what may be done to a value."""
    spelling = slot.type.spelling
    if spelling in table().structs:
        return ["object", "unknown", "misspelt"]
    if slot.type.shape == UNION:
        return ["union"]
    if slot.type.shape != SCALAR:
        return ["array"] if spelling.endswith("array") else ["object"]
    if spelling in table().enums:
        return ["enum"]
    if spelling in INTEGERS:
        return ["integer", "range"]
    return [{"bool": "bool", "string": "string"}.get(spelling, "form")]


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, Any, str, str]:
    """Draw the type, a document with one mistake, its place and its kind."""
    sample, keys, slot = draw(st.sampled_from(SPOTS))
    document = copy.deepcopy(SAMPLES[sample])
    above: Any = document
    for key in keys[:-1]:
        above = above[key]
    value = above[keys[-1]] if keys else document
    done = draw(st.sampled_from(kinds_of(slot)))
    new: Any
    if done == "unknown":
        name = draw(st.text(min_size=1, max_size=8).filter(lambda name: name not in slot.type.names))
        value[name] = draw(st.sampled_from([None, 5, "x", {}, []]))
        return sample, document, written((*keys, name)), "unknown"
    if done == "misspelt":
        assume(value)
        old = draw(st.sampled_from(sorted(value)))
        name = draw(st.sampled_from([old.lower(), old + "s", old[1:], old[:-1] + "x"]))
        assume(name not in slot.type.names)
        value[name] = value.pop(old)
        return sample, document, written((*keys, name)), "unknown"
    if done in WRONG:
        new, kind = draw(st.sampled_from(WRONG[done])), "type"
    elif done == "range":
        low, high = INTEGERS[slot.type.spelling]
        new, kind = draw(st.integers(max_value=low - 1) | st.integers(min_value=high + 1)), "range"
    elif done == "integer":
        new, kind = draw(st.sampled_from(["5", 5.5, 5.0, True, None, [5], {}])), "type"
    elif done == "enum":
        new, kind = draw(st.text(max_size=12)), "value"
        assume(new not in table().enums[slot.type.spelling].values)
    else:
        new, kind = draw(st.sampled_from(["?", "7bcf0ce8", "2026"])), "form"
    assume(bool(keys))
    above[keys[-1]] = new
    return sample, document, written(keys), kind


@settings(max_examples=200, derandomize=True, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_a_mistake_is_found_in_its_place(mutation: tuple[str, Any, str, str]) -> None:
    sample, document, place, kind = mutation
    before = copy.deepcopy(document)
    errors = {(problem.path, problem.kind) for problem in check(document, sample.partition(".")[0])}
    assert (place, kind) in errors
    assert document == before
    # As JSON text it is no other document.
    assert errors == {(problem.path, problem.kind) for problem in check(json.dumps(document), sample.partition(".")[0])}


def test_all_kinds_of_mistakes_are_among_them() -> None:
    assert {kind for spot in SPOTS for kind in kinds_of(spot.slot)} == {
        "object", "unknown", "misspelt", "array", "union", "enum", "integer", "range", "bool", "string", "form",
    }  # fmt: skip


# --- rules stand anything ---------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=10,
)


@st.composite
def ruined(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a document with anything in some of its places, and with others of its members missing."""
    sample = draw(st.sampled_from(sorted(SAMPLES)))
    document = copy.deepcopy(SAMPLES[sample])
    places = [keys for name, keys, _ in SPOTS if name == sample and keys]
    for keys in draw(st.lists(st.sampled_from(places), max_size=4)) if places else ():
        above: Any = document
        for key in keys[:-1]:
            above = above[key] if _has(above, key) else None
        if not _has(above, keys[-1]):
            continue
        if draw(st.booleans()) and isinstance(above, dict):
            del above[keys[-1]]
        else:
            above[keys[-1]] = draw(JSON)
    return sample, document


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)


@settings(max_examples=400, derandomize=True, suppress_health_check=list(HealthCheck))
@given(ruined(), st.sampled_from(["windows", "emulator"]), st.sampled_from([None, "2.0", "2.1", "2.4"]))
def test_no_document_makes_a_rule_raise(given: tuple[str, Any], host: str, schema: str | None) -> None:
    sample, document = given
    for problem in check(document, sample.partition(".")[0], host=host, schema=schema):
        assert problem.path.startswith("$")
        assert problem.text
        assert (problem.kind == "rule" or problem.kind == "ignored") == bool(problem.fact)


@settings(max_examples=400, derandomize=True, suppress_health_check=list(HealthCheck))
@given(JSON, st.sampled_from(sorted(table().structs)))
def test_any_json_is_accepted_or_refused(value: Any, type: str) -> None:
    for problem in check(json.dumps(value), type):
        assert problem.path.startswith("$")
        assert problem.text
