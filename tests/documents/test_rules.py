"""What rules say of documents that break them, and that they say nothing of others."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcsrt.documents import check, rulebook
from hcsrt.documents.resources import RESOURCES, resource
from hcsrt.documents.rules import Rule, registered
from hcsrt.emulator import resources as emulated

from .rules import common, compute_system, container, guest, network, process, requests, storage, vm
from .rules.base import Case

MODULES = (compute_system, container, storage, vm, process, requests, guest, network, common)


def _named(module: object) -> str:
    return str(module.__name__).rsplit(".", 1)[-1]  # type: ignore[attr-defined]


CASES: list[tuple[str, Case]] = [(_named(module), case) for module in MODULES for case in module.CASES]
IDS = [f"{module}.{case}" for module, case in CASES]


def rules_of(module: str, name: str) -> list[tuple[str, Rule]]:
    """Return the rules of a name, each with its struct. Several of one struct are those of several sources."""
    return [
        (struct, rule)
        for struct, rules in registered().items()
        for rule in rules
        if rule.look_at.__name__ == name and rule.look_at.__module__.endswith(f".rules.{module}")
    ]


@pytest.mark.parametrize(("module", "case"), CASES, ids=IDS)
def test_a_rule_says_what_is_wrong_and_nothing_else(module: str, case: Case) -> None:
    found = check(case.broken, case.type, host=case.host)
    assert found == list(case.finds), "\n".join(map(repr, found))
    facts = {rule.fact for _, rule in rules_of(module, case.rule)}
    assert all(problem.fact in facts for problem in found if problem.kind in ("rule", "ignored"))


@pytest.mark.parametrize(("module", "case"), CASES, ids=IDS)
def test_a_rule_says_nothing_of_what_keeps_to_it(module: str, case: Case) -> None:
    assert check(case.sound, case.type, host=case.host) == []


def test_each_rule_has_a_case_and_a_fact() -> None:
    tried: set[int] = set()
    for module, case in CASES:
        rules = rules_of(module, case.rule)
        # A rule that several structs have needs one case; one that was made for each of them needs one each.
        same = [rule for struct, rule in rules if struct == case.type] or [rules[0][1]]
        tried.update(id(rule.look_at) for rule in same)
    for struct, rules in registered().items():
        for rule in rules:
            assert id(rule.look_at) in tried, f"{rule.look_at.__qualname__} of {struct} has no case"
            assert len(rule.fact) > 10, rule.look_at.__qualname__
            assert rule.look_at.__doc__, rule.look_at.__qualname__
    assert len(tried) > 150


def test_the_rulebook_has_each_module() -> None:
    assert sorted(_named(module) for module in rulebook.MODULES) == sorted(_named(module) for module in MODULES)


def test_no_rule_tells_a_secret() -> None:
    for _, case in CASES:
        for problem in check(case.broken, case.type, host=case.host):
            assert "secret" not in json.dumps(problem)


# --- odd documents ----------------------------------------------------------------------------------------------------

odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "/", "\\", "{}", "a/b", "0", "-1", "\0", "10.0.0.0/8", "Remove", "Update", "ScsiDrive"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values, max_size=3),
    max_leaves=5,
)


def places(value: object) -> Iterator[tuple[Any, Any]]:
    """Yield each object and array in a value, with each of its members and indexes."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys.extend(cast("dict[str, object]", value))
    elif isinstance(value, list):
        keys.extend(range(len(cast("list[object]", value))))
    for key in keys:
        yield value, key
        yield from places(cast("Any", value)[key])


@given(st.data())
def test_no_rule_raises_whatever_stands_in_a_document(data: st.DataObject) -> None:
    _, case = data.draw(st.sampled_from(CASES))
    document: Any = copy.deepcopy(data.draw(st.sampled_from([case.broken, case.sound])))
    for _ in range(data.draw(st.integers(1, 3))):
        all_places = list(places(document))
        if not all_places:
            break
        parent, key = data.draw(st.sampled_from(all_places))
        what = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        if what == "remove":
            del parent[key]
        elif what == "rename" and isinstance(parent, dict):
            name = data.draw(st.text(max_size=5) | st.sampled_from(["0", "00", "²", "4294967295"]))
            cast("dict[str, Any]", parent)[name] = cast("dict[str, Any]", parent).pop(key)
        else:
            parent[key] = data.draw(odd)
    for host in ("windows", "emulator"):
        for problem in check(document, case.type, host=host):
            assert problem.path.startswith("$")
            assert problem.text


@given(st.sampled_from(sorted(registered())), odd)
def test_no_rule_raises_whatever_the_document_is(struct: str, value: object) -> None:
    if isinstance(value, dict):
        for problem in check(cast("dict[str, Any]", value), struct):
            assert problem.text


# --- resources --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", RESOURCES, ids=[known.path for known in RESOURCES])
def test_a_resource_is_found_by_its_path(known: Any) -> None:
    path = known.path.replace("*", "a b{-}").replace("#", "10")
    assert resource(path) is known
    assert resource(f"{path}/") is None
    assert resource(f"/{path}") is None


def test_the_emulator_changes_known_resources_only() -> None:
    changed = emulated._CHANGES  # pyright: ignore[reportPrivateUsage]
    assert changed.keys() <= {known.path for known in RESOURCES}
