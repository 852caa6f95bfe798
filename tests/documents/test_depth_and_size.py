"""A check takes as many steps as a document has values, and goes as deep as it is nested."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hcsrt.documents import check

DEPTH = 100_000
LAYER = {"Id": "7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "Path": "C:\\layers\\base"}


def nested(depth: int, make: Callable[[Any], Any]) -> Any:
    value: Any = 5
    for _ in range(depth):
        value = make(value)
    return value


@pytest.mark.parametrize("make", [lambda value: [value], lambda value: {"a": value}], ids=["arrays", "objects"])
def test_depth_has_no_limit(make: Callable[[Any], Any]) -> None:
    deep = nested(DEPTH, make)
    assert check(deep, "Any") == []
    assert ("$.Owner", "type") in [(problem.path, problem.kind) for problem in check({"Owner": deep})]


@pytest.mark.slow
def test_structs_may_be_deep_too() -> None:
    directory = nested(DEPTH, lambda value: {"objdir": [value]})
    [problem] = check(directory, "ObjectDirectory")
    assert problem.path == "$" + ".objdir[0]" * DEPTH


def test_models_and_tuples_may_be_deep_too() -> None:
    deep = nested(10_000, lambda value: (value,))
    assert check([deep], "Any") == []
    assert check({"Name": deep}, "ObjectDirectory")[0].path == "$.Name"


@pytest.mark.parametrize("text", ["[" * DEPTH, '{"a":' * DEPTH, "[" * DEPTH + "]" * DEPTH])
def test_json_that_python_cannot_read_is_a_problem(text: str) -> None:
    [problem] = check(text)
    assert (problem.path, problem.kind) == ("$", "json")
    assert "nested deeper" in problem.text


def steps(document: Any, type: str = "ComputeSystem") -> int:
    """Count the calls of Python's functions, and the lines that these run."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    check(document, type)  # whatever is made of the table once
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(document, type)
    finally:
        sys.settrace(before)
    return count


def layers(count: int) -> dict[str, Any]:
    return {"Layers": [{**LAYER, "Id": f"{index:08x}-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "Path": f"C:\\{index}"}
                       for index in range(count)]}  # fmt: skip


@pytest.mark.parametrize(
    ("make", "type"),
    [
        (layers, "Storage"),
        (lambda count: {"Layers": [{"Id": 5, "Path": 5}] * count}, "Storage"),
        (lambda count: {f"member {index}": index for index in range(count)}, "ComputeSystem"),
        (lambda count: {str(index): {"Type": "Tape"} for index in range(count)}, "Map<uint32, Attachment>"),
        (lambda count: {"CommandLine": "x", "Environment": {f"v{index}": "x" for index in range(count)}},
         "ProcessParameters"),
        (lambda count: nested(count, lambda value: [value]), "Any"),
        (lambda count: nested(count, lambda value: ({"a": value},)), "Any"),
        (lambda count: {"objdir": [{"name": 5}] * count}, "ObjectDirectory"),
    ],
    ids=["right", "wrong", "unknown members", "wrong values", "strings", "nested", "foreign", "in order"],
)  # fmt: skip
def test_the_steps_grow_as_the_document_does(make: Callable[[int], Any], type: str) -> None:
    short, long = steps(make(400), type), steps(make(1600), type)
    assert long < 4.5 * short


def test_a_long_text_is_read_once() -> None:
    """Patterns go forward only: such a text would take hours otherwise."""
    for text in (" " * 1_000_000 + "?", "A" * 1_000_000 + "=?", "=" * 1_000_000):
        assert [problem.kind for problem in check([text], "<ByteArray> array")] == ["form"]
    for kind in ("Guid", "MacAddress", "DateTime"):
        text = "2026-04-21T12:34:56." + "1" * 1_000_000 + "?"
        [problem] = check([text], f"<{kind}> array")
        assert problem.kind == "form"
        assert len(problem.text) < 300


def test_a_megabyte_of_mistakes_has_that_many_problems() -> None:
    text = json.dumps({f"Membr{index}": {"a": index} for index in range(40_000)})
    found = check(text)
    assert len([problem for problem in found if problem.kind == "unknown"]) == 40_000
