"""Faults of HCS as data: what they select, what they do, on the face that blocks and on that of asyncio."""

import asyncio
import enum
import gc
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hcsrt
from hcsrt import _interpose, aio, emulator, operations
from hcsrt._event_types import EVENT_TYPES
from hcsrt._hresults import E_FAIL, HCS_E_INVALID_STATE, HCS_E_OPERATION_TIMEOUT
from hcsrt._interpose import counting, functions, traits
from hcsrt.faults import Fault, Faults, Firing, Site

from ..helpers.loops import asynchronous
from ..helpers.native import fake_hcs
from ..helpers.platforms import TICK, compiler, emulator_by_name, fork
from ..helpers.programs import guest

PROPERTIES = "HcsGetComputeSystemProperties"
MACHINE: dict[str, Any] = {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "tests", "VirtualMachine": {}}


@pytest.fixture
def faults() -> Any:
    with Faults(seed=1) as faults:
        yield faults


def failure(call: Callable[[], object]) -> tuple[int, dict[str, Any] | None]:
    with pytest.raises(hcsrt.HcsError) as caught:
        call()
    return caught.value.hresult & 0xFFFFFFFF, caught.value.document


# --- data -------------------------------------------------------------------------------------------------------------

CALLS = [name for name in functions() if name.startswith("Hcs")]
TRACKED = [name for name in CALLS if (found := traits(name)) and found.is_tracked]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
NUMBER = st.integers(1, 0xFFFFFFFF)
SPAN = st.floats(0, 1e6)


def actions_of(site: str, kind: str) -> st.SearchStrategy[dict[str, Any]]:
    found = traits(site.partition(":")[2] or site)
    error = st.sampled_from(["E_FAIL", "HCS_E_OPERATION_TIMEOUT", 0x80371234])
    document = st.one_of(st.just(True), TEXT, st.dictionaries(TEXT, st.integers() | TEXT, max_size=2))
    fails = st.fixed_dictionaries(
        {"action": st.just("fail"), "error": error},
        optional={"document": document} if found and found.has_document else {},
    )
    delays = st.fixed_dictionaries(
        {"action": st.just("delay"), "seconds": SPAN}, optional={"jitter": SPAN.filter(bool)}
    )
    plain = {
        "call": ["hang"] + (["crash"] if found and found.has_subject and found.can_fail else []),
        "completion": ["hang", "drop", "duplicate", "reorder"],
        "event": ["hang", "drop", "duplicate", "reorder"],
        "stream": [],
        "process": ["crash"],
    }[kind]
    taken: list[st.SearchStrategy[dict[str, Any]]] = [st.just({"action": name}) for name in plain]
    if kind in ("call", "completion") and found and found.can_fail:
        taken.append(fails)
    if kind in ("call", "completion", "event"):
        taken.append(delays)
    if kind == "call":
        taken.append(st.fixed_dictionaries({"action": st.just("disconnect")}, optional={"back_after": SPAN}))
    given = {"document": TEXT | st.dictionaries(TEXT, TEXT)}
    if kind == "call" and found and found.can_answer:
        taken.append(st.fixed_dictionaries({"action": st.just("answer")}, optional=given if found.has_document else {}))
    if kind in ("completion", "event"):
        taken.append(st.fixed_dictionaries({"action": st.just("rewrite")}, optional=given))
    if kind == "stream":
        taken.append(st.fixed_dictionaries({"action": st.just("cut"), "after": st.integers(0, 2**63 - 1)}))
    return st.one_of(taken)


@st.composite
def data_of_faults(draw: st.DrawFn) -> dict[str, Any]:
    """Data of any fault, as to_dict() gives them."""
    kind = draw(st.sampled_from(["call", "completion", "event", "stream", "process"]))
    site = {
        "call": st.sampled_from(CALLS),
        "completion": st.sampled_from(TRACKED).map("completion:{}".format),
        "event": st.sampled_from([*EVENT_TYPES, "*"]).map("event:{}".format),
        "stream": st.sampled_from(["stream:stdin", "stream:stdout", "stream:stderr"]),
        "process": st.just("process"),
    }[kind]
    name = draw(site)
    found = traits(name.partition(":")[2] or name)
    numbers: list[str] = ["count"]
    if found and kind in ("call", "completion"):
        numbers += found.numbers
    text = st.tuples(
        st.sampled_from(["function", "system", "owner", "document"]),
        st.sampled_from(["==", "!=", "like", "contains"]),
        TEXT,
    )
    number = st.tuples(
        st.sampled_from(numbers), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(-(2**63), 2**63 - 1)
    )
    selectors = st.fixed_dictionaries(
        {},
        optional={
            "system": TEXT,
            "owner": TEXT,
            "nth": NUMBER,
            "every": NUMBER,
            "probability": st.floats(0, 1),
            "times": NUMBER,
            "when": st.lists((text | number).map(list), min_size=1, max_size=3),
        },
    )
    return {"site": name, **draw(selectors), **draw(actions_of(name, kind))}


@given(data_of_faults())
def test_a_fault_is_its_data(data: dict[str, Any]) -> None:
    fault = Fault.from_dict(data)
    assert fault.to_dict() == data
    assert Fault.from_dict(json.loads(json.dumps(data))) == fault
    assert (fault.site, fault.action, fault.active, fault.fired) == (data["site"], data["action"], False, [])
    faults = Faults()
    assert faults.add(data) == fault
    assert faults.to_list() == [data]


@emulator_by_name
@given(st.lists(data_of_faults(), max_size=5))
def test_any_faults_can_be_put_into_force(everything: list[dict[str, Any]]) -> None:
    faults = Faults()
    for data in everything:
        faults.add(data)
    with faults:
        assert all(fault.active for fault in faults)
    assert not any(fault.active for fault in faults)


def test_equal_faults_have_equal_data() -> None:
    faults = Faults()
    fails = faults.on("HcsOpenProcess").fail("E_FAIL")
    assert fails == Faults().on("HcsOpenProcess").fail(E_FAIL) == Faults().on("HcsOpenProcess").fail(E_FAIL - (1 << 32))
    assert fails != Faults().on("HcsOpenProcess", nth=1).fail("E_FAIL")
    assert fails != "a fault"
    with pytest.raises(TypeError):
        hash(fails)
    assert repr(fails) == "<Fault on('HcsOpenProcess').fail(error='E_FAIL')>"
    with pytest.warns(RuntimeWarning, match="has no action"):
        assert repr(faults.on("process", system="a*")) == "<Site 'process', system='a*'>"
    assert repr(faults) == "<Faults: 1>"


def test_a_site_without_an_action_is_told() -> None:
    faults = Faults()
    with pytest.warns(RuntimeWarning, match=r"<Site 'HcsOpenProcess', nth=3> has no action, such as fail\(\)") as told:
        faults.on("HcsOpenProcess", nth=3)
    assert [warning.filename for warning in told] == [__file__]
    assert faults.to_list() == []


@pytest.mark.parametrize("kind", [Fault, Site])
def test_what_is_made_by_others(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match="is made by"):
        kind()


@pytest.mark.parametrize(
    ("site", "selectors", "error", "said"),
    [
        ("HcsFly", {}, ValueError, "site is 'HcsFly'; give the name of an HCS function"),
        ("free_string", {}, ValueError, "site is 'free_string'"),
        ("", {}, ValueError, "site must not be empty"),
        (5, {}, TypeError, "site must be a str, not int"),
        ("completion:HcsOpenProcess", {}, ValueError, "has no completion: give 'HcsOpenProcess', its calls"),
        ("completion:Fly", {}, ValueError, "site is 'completion:Fly'"),
        ("event:Fly", {}, ValueError, "give 'event:\\*', or one of SystemExited"),
        ("stream:stdlog", {}, ValueError, "give 'stream:stdin', 'stream:stdout' or 'stream:stderr'"),
        ("world:end", {}, ValueError, "begin it with 'completion:', 'event:' or 'stream:'"),
        ("process", {"system": ""}, ValueError, "system must not be empty"),
        ("process", {"owner": 5}, TypeError, "owner must be a str"),
        ("process", {"nth": 0}, ValueError, "nth is 0; give a number from 1"),
        ("process", {"every": "2"}, TypeError, "every must be an int, not str"),
        ("process", {"times": 1 << 32}, ValueError, "times is 4294967296"),
        ("process", {"probability": 1.5}, ValueError, "probability is 1.5; give a number from 0 to 1"),
        ("process", {"probability": float("nan")}, ValueError, "probability is nan"),
        ("process", {"probability": 10**400}, ValueError, "probability is inf"),
        ("process", {"probability": True}, TypeError, "probability must be a number, not bool"),
        ("process", {"when": "count"}, TypeError, "when must be a list of"),
        ("process", {"when": 5}, TypeError, "when must be a list of"),
        ("process", {"when": ["count"]}, TypeError, "when\\[0\\] must be a list"),
        ("process", {"when": [["count", "=="]]}, ValueError, "when\\[0\\] has 2 items"),
        ("process", {"when": [["pid", "==", 1]]}, ValueError, "when\\[0\\] is about 'pid'; give one of function"),
        ("HcsOpenProcess", {"when": [["pid", "like", 1]]}, ValueError, "compares pid by 'like'; give one of =="),
        ("process", {"when": [["system", "<", "a"]]}, ValueError, "compares system by '<'; give one of =="),
        ("process", {"when": [["system", "==", 1]]}, TypeError, "the value of when\\[0\\] must be a str"),
        ("process", {"when": [["count", "==", "1"]]}, TypeError, "the value of when\\[0\\] must be an int"),
        ("process", {"when": [["count", "==", True]]}, TypeError, "the value of when\\[0\\] must be an int"),
        ("process", {"when": [["count", "==", 1 << 63]]}, ValueError, "give one of 64 bits"),
    ],
)
def test_a_site_that_cannot_be(site: Any, selectors: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Faults().on(site, **selectors)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ({"site": "HcsStartComputSystem"}, "HcsStartComputeSystem"),
        ({"site": "hcsstartcomputesystem"}, "HcsStartComputeSystem"),
        ({"site": "completion:HcsStartSystem"}, "completion:HcsStartComputeSystem"),
        ({"site": "complete:HcsStartComputeSystem"}, "completion:HcsStartComputeSystem"),
        ({"site": "SystemExited"}, "event:SystemExited"),
        ({"site": "event:SystemExit"}, "event:SystemExited"),
        ({"site": "stdout"}, "stream:stdout"),
        ({"site": "stream:stdio"}, "stream:stdin"),
        ({"site": "procexss"}, "process"),
        ({"action": "failx"}, "fail"),
        ({"error": "HCS_E_OPERATION_TIMOUT"}, "HCS_E_OPERATION_TIMEOUT"),
        ({"error": "e_unexpected"}, "E_UNEXPECTED"),
        ({"systemm": "web-*"}, "system"),
        ({"when": [["timeoutt", "<", 5]]}, None),
        ({"site": "HcsWaitForProcessExit", "when": [["timeoutt", "<", 5]]}, "timeout"),
        ({"when": [["documentt", "==", "a"]]}, "document"),
        ({"site": "HcsFly"}, None),
        ({"error": "NOTHING_LIKE_IT"}, None),
    ],
)
def test_a_name_that_is_like_one_that_there_is(wrong: dict[str, Any], meant: str | None) -> None:
    data = {"site": "HcsStartComputeSystem", "action": "fail", "error": "E_FAIL"} | wrong
    told = re.escape(f"; did you mean {meant!r}?") + "$" if meant else "^(?!.*did you mean)"
    with pytest.raises(ValueError, match=told):
        Fault.from_dict(data)


@pytest.mark.parametrize(
    ("site", "action", "arguments", "error", "said"),
    [
        ("HcsCloseProcess", "fail", ["E_FAIL"], ValueError, "cannot fail\\(\\); it takes delay\\(\\), hang\\(\\)"),
        ("HcsGetServiceProperties", "crash", [], ValueError, "cannot crash\\(\\)"),
        ("HcsCloseComputeSystem", "crash", [], ValueError, "cannot crash\\(\\); it takes delay"),
        ("HcsGetServiceProperties", "drop", [], ValueError, "cannot drop\\(\\)"),
        ("event:*", "fail", ["E_FAIL"], ValueError, "'event:\\*' cannot fail\\(\\); it takes delay\\(\\)"),
        ("process", "cut", [1], ValueError, "'process' cannot cut\\(\\); it takes crash\\(\\)"),
        ("stream:stdout", "crash", [], ValueError, "it takes cut\\(\\)"),
        ("HcsOpenProcess", "fail", ["S_OK"], ValueError, "which is no failure"),
        ("HcsOpenProcess", "fail", ["E_NEVER"], ValueError, "no symbol that hcsrt knows: give the number"),
        ("HcsOpenProcess", "fail", [5], ValueError, "error is 5, which is no failure"),
        (f"completion:{PROPERTIES}", "fail", [0x80370117], ValueError, "never completes: use hang\\(\\)"),
        ("HcsOpenProcess", "fail", [1 << 32], ValueError, "no HRESULT: give one of 32 bits"),
        ("HcsOpenProcess", "fail", [None], TypeError, "error must be the symbol or the number of an HRESULT"),
        ("HcsOpenProcess", "fail", [True], TypeError, "not bool"),
        ("HcsOpenProcess", "fail", ["E_FAIL", True], ValueError, "has no document that could tell of a failure"),
        (PROPERTIES, "fail", ["E_FAIL", 5], TypeError, "document must be True, a mapping, a str or None"),
        (PROPERTIES, "fail", ["E_FAIL", {"a": object()}], ValueError, "document is no JSON"),
        (PROPERTIES, "fail", ["E_FAIL", "\0"], ValueError, "document must not contain a NUL"),
        ("event:*", "delay", [-1], ValueError, "seconds is -1.0; give from zero to a million seconds, or use hang"),
        ("event:*", "delay", [10**400], ValueError, "seconds is inf; .* or use hang"),
        ("event:*", "delay", [float("inf")], ValueError, "or use hang\\(\\)"),
        ("event:*", "delay", ["1"], TypeError, "seconds must be a number"),
        ("event:*", "delay", [1, 1e7], ValueError, "jitter is 10000000.0; give from zero to a million"),
        ("stream:stdout", "cut", [-1], ValueError, "after is -1; give a number of bytes, from 0"),
        (
            "HcsOpenProcess",
            "disconnect",
            [-1],
            ValueError,
            "back_after is -1.0; give from zero to a million seconds, or None",
        ),
        ("HcsOpenProcess", "disconnect", [1e7], ValueError, "back_after is 10000000.0"),
    ],
)
def test_an_action_that_cannot_be(
    site: str, action: str, arguments: list[Any], error: type[Exception], said: str
) -> None:
    faults = Faults()
    with pytest.raises(error, match=said):
        getattr(faults.on(site), action)(*arguments)
    assert len(faults) == 0


class Name(str, enum.Enum):  # noqa: UP042 -- whose str() is not its value
    SITE = "HcsOpenProcess"
    SYSTEM = "web-*"
    FIELD = "owner"
    OPERATOR = "=="
    ACTION = "fail"
    ERROR = "E_FAIL"


def test_names_may_be_those_of_an_enum() -> None:
    when = [[Name.FIELD, Name.OPERATOR, Name.SYSTEM]]
    fault = Faults().on(Name.SITE, system=Name.SYSTEM, when=when).fail(Name.ERROR)
    data = fault.to_dict()
    assert data == {
        "site": "HcsOpenProcess",
        "system": "web-*",
        "when": [["owner", "==", "web-*"]],
        "action": "fail",
        "error": "E_FAIL",
    }
    assert repr(Fault.from_dict(data | {"site": Name.SITE, "action": Name.ACTION})) == repr(fault)
    answered = Faults().on("HcsGetServiceProperties").answer(Name.SYSTEM)
    failed = Faults().on("HcsGetServiceProperties").fail("E_FAIL", Name.SYSTEM)
    assert answered.to_dict()["document"] == failed.to_dict()["document"] == "web-*"


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        ([], TypeError, "data must be a mapping"),
        ({"action": "hang"}, ValueError, "data has no 'site'"),
        ({"site": "process"}, ValueError, "data has no 'action'"),
        ({"site": "process", "action": "fly"}, ValueError, "'fly'; give one of fail"),
        (
            {"site": "process", "action": "crash", "seconds": 1},
            ValueError,
            "data has 'seconds', which a fault with crash",
        ),
        ({"site": "HcsOpenProcess", "action": "fail"}, ValueError, "fail\\(\\) needs an error"),
        ({"site": "HcsOpenProcess", "action": "delay"}, ValueError, "delay\\(\\) needs a number of seconds"),
        ({"site": "stream:stdin", "action": "cut"}, ValueError, "cut\\(\\) needs a number of bytes"),
        ({"site": "HcsOpenProcess", "action": "missing", "nth": 1}, ValueError, "leave out nth"),
    ],
)
def test_data_that_are_no_fault(data: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Fault.from_dict(data)


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_faults_are_in_force_within_their_block(system: hcsrt.ComputeSystem) -> None:
    faults = Faults()
    fails = faults.on(PROPERTIES).fail("E_FAIL")
    assert not faults.active
    assert not fails.active
    system.properties()
    for _ in range(2):
        with faults:
            assert faults.active
            assert fails.active
            assert failure(system.properties)[0] == E_FAIL
            with pytest.raises(RuntimeError, match="in force already"):
                faults.__enter__()
        assert not fails.active
        assert [firing.number for firing in fails.fired] == [1]
        system.properties()
    with pytest.raises(RuntimeError, match="not in force"):
        faults.__exit__(None, None, None)


def test_a_fault_is_a_block_of_its_own(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on(PROPERTIES).fail("E_FAIL") as fails:
        assert failure(system.properties)[0] == E_FAIL
        assert list(faults) == [fails]
    assert len(faults) == 0
    system.properties()
    fails.remove()
    assert [firing.function for firing in faults.fired] == [PROPERTIES]


def test_faults_that_have_never_fired_are_told(system: hcsrt.ComputeSystem) -> None:
    faults = Faults()
    fails = faults.on(PROPERTIES, nth=1).fail("E_FAIL")
    late = faults.on(PROPERTIES, nth=4).fail("E_FAIL")
    faults.on("HcsGetProcessInfo").missing()
    removed = faults.on(PROPERTIES, system="another").fail("E_FAIL")
    with faults:
        assert faults.never_fired == [fails, late, removed]
        failure(system.properties)
        removed.remove()
        assert faults.never_fired == [removed, late]
        for _ in range(2):
            system.properties()
        fails.remove()
    assert faults.never_fired == [removed, late]
    with faults:
        system.properties()
    assert late in faults.never_fired


def test_a_fault_is_written_without_its_document() -> None:
    faults = Faults()
    when = [["document", "contains", "secret"], ["system", "==", "Ellipsis"]]
    told = str(faults.on("HcsModifyComputeSystem", nth=2, when=when).fail("E_FAIL", {"Error": "secret"}))
    assert told == (
        "on('HcsModifyComputeSystem', nth=2, when=[['document', 'contains', ...], ['system', '==', 'Ellipsis']])"
        ".fail(error='E_FAIL', document=...)"
    )
    assert str(faults.on("event:*").hang()) == "on('event:*').hang()"


def test_a_fault_belongs_to_one_place(faults: Faults) -> None:
    fails = faults.on(PROPERTIES).fail("E_FAIL")
    with pytest.raises(ValueError, match="belongs to a Faults already: add Fault"):
        faults.add(fails)
    assert Faults().add(Fault.from_dict(fails.to_dict())) == fails
    faults.clear()
    assert len(faults) == 0
    assert not fails.active


def test_blocks_of_several(system: hcsrt.ComputeSystem) -> None:
    with Faults() as outer, Faults() as inner:
        outer.on(PROPERTIES, nth=1).fail("E_FAIL")
        inner.on(PROPERTIES).fail("HCS_E_INVALID_STATE")
        # In the order of adding, and what has failed goes no further.
        assert failure(system.properties)[0] == E_FAIL
        assert failure(system.properties)[0] == HCS_E_INVALID_STATE
        assert [firing.number for firing in inner.fired] == [1]


def test_so_many_and_no_more(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    for _ in range(256):
        faults.on("HcsSaveComputeSystem").hang()
    with pytest.raises(ValueError, match="256 faults are in force in this process"):
        faults.on("HcsSaveComputeSystem").hang()
    assert len(faults) == 256
    system.properties()
    faults.clear()
    with faults.on(PROPERTIES).fail("E_FAIL"):
        assert failure(system.properties)[0] == E_FAIL


def test_what_is_forgotten_is_out_of_force(system: hcsrt.ComputeSystem) -> None:
    with counting():
        fault = Faults().on(PROPERTIES).fail("E_FAIL")
        fault._begin(0)  # pyright: ignore[reportPrivateUsage]
        assert failure(system.properties)[0] == E_FAIL
        del fault
        gc.collect()
        system.properties()


# --- selectors --------------------------------------------------------------------------------------------------------


def create(id: str, owner: str | None = None) -> hcsrt.ComputeSystem:
    document = emulator.container_document()
    if owner is not None:
        document["Owner"] = owner
    system = hcsrt.ComputeSystem.create(id, document)
    system.start()
    return system


def end(*systems: hcsrt.ComputeSystem) -> None:
    for system in systems:
        system.terminate()
        system.close()


def fails(*systems: hcsrt.ComputeSystem) -> list[bool]:
    found: list[bool] = []
    for system in systems:
        try:
            system.properties()
        except hcsrt.HcsError:
            found.append(True)
        else:
            found.append(False)
    return found


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ({}, [True, True, True, True]),
        ({"system": "web-*"}, [True, True, False, False]),
        ({"system": "WEB-?"}, [True, False, False, False]),
        ({"system": "web-1"}, [True, False, False, False]),
        ({"owner": "me*"}, [True, False, True, False]),
        ({"owner": "*\u00e9*"}, [False, True, False, False]),
        ({"system": "db", "owner": "*"}, [False, False, True, False]),
        ({"nth": 2}, [False, True, False, False]),
        ({"every": 2}, [False, True, False, True]),
        ({"times": 3}, [True, True, True, False]),
        ({"every": 2, "times": 1}, [False, True, False, False]),
        ({"probability": 0}, [False, False, False, False]),
        ({"probability": 1}, [True, True, True, True]),
        ({"when": [["system", "contains", "-"]]}, [True, True, False, False]),
        ({"when": [["system", "!=", "web-1"]]}, [False, True, True, True]),
        ({"when": [["system", "==", "Web-1"]]}, [False, False, False, False]),
        ({"when": [["owner", "like", "ME*"], ["system", "like", "d?"]]}, [False, False, True, False]),
        ({"when": [["count", ">", 1], ["count", "<=", 3]]}, [False, True, True, False]),
        ({"when": [["function", "like", "*getcompute*"]]}, [True, True, True, True]),
        ({"when": [["function", "==", "HcsSave"]]}, [False, False, False, False]),
        ({"when": [["document", "contains", "Nothing"]]}, [False, False, False, False]),
    ],
)
def test_selectors(faults: Faults, selectors: dict[str, Any], expected: list[bool]) -> None:
    systems = create("web-1", "me, too"), create("web-22", "\u00e9"), create("db", "me"), create("plain")
    try:
        with faults.on(PROPERTIES, **selectors).fail("E_FAIL") as fault:
            assert fails(*systems) == expected
            ids = [system.id for system, failed in zip(systems, expected, strict=True) if failed]
            assert [firing.system for firing in fault.fired] == ids
    finally:
        end(*systems)


def test_a_handle_from_before_has_no_id(system: hcsrt.ComputeSystem) -> None:
    # On a Host there are faults before any handle.
    is_known = emulator.Host.installed() is not None
    with Faults() as faults, hcsrt.ComputeSystem.open(system.id) as opened:
        with faults.on(PROPERTIES, system="*").fail("E_FAIL"):
            assert fails(system, opened) == [is_known, True]
        with faults.on(PROPERTIES).fail("E_FAIL") as fault:
            assert fails(system, opened) == [True, True]
            assert [firing.system for firing in fault.fired] == [system.id if is_known else None, system.id]


def test_an_opened_system_has_the_owner_that_it_was_created_with(faults: Faults) -> None:
    made = create("owned", "me")
    with hcsrt.ComputeSystem.open("owned") as opened, faults.on(PROPERTIES, owner="me").fail("E_FAIL"):
        assert fails(made, opened) == [True, True]
    end(made)


def test_what_a_call_is_given(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on("HcsGetServiceProperties", when=[["document", "contains", "Basic"]]).fail("E_FAIL"):
        assert failure(lambda: hcsrt.service.properties("Basic"))[0] == E_FAIL
        hcsrt.service.properties()
    with faults.on("HcsOpenProcess", when=[["pid", ">=", 1 << 30], ["access", ">", 0]]).fail("E_FAIL") as fault:
        assert failure(lambda: system.open_process(1 << 30))[0] == E_FAIL
        assert failure(lambda: system.open_process(1 << 29))[0] != E_FAIL
        assert len(fault.fired) == 1
    with faults.on("HcsCreateComputeSystem", system="a-*", owner="you").fail("E_FAIL"):
        assert failure(lambda: create("a-1", "you"))[0] == E_FAIL
        end(create("b-1", "you"), create("a-2", "they"))
    with faults.on("HcsOpenComputeSystem", system="a-*").fail("E_FAIL"):
        assert failure(lambda: hcsrt.ComputeSystem.open("A-1"))[0] == E_FAIL


def test_chance_is_a_matter_of_the_seed(system: hcsrt.ComputeSystem) -> None:
    def seen(seed: int, *, beside: bool = False) -> list[bool]:
        with Faults(seed) as faults:
            fault = faults.on(PROPERTIES, probability=0.5).fail("E_FAIL")
            if beside:
                faults.on(PROPERTIES, probability=0.5).delay(0)
            found = fails(*[system] * 60)
            assert len(fault.fired) == sum(found)
        return found

    assert seen(1) == seen(1) == seen(1, beside=True)
    assert seen(1) != seen(2)
    assert 10 < sum(seen(3)) < 50


# --- calls ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [None, True, {"Error": 5, "ErrorMessage": "For a test."}, '{"ErrorMessage": "x"}'])
def test_a_call_fails_with_its_document(system: hcsrt.ComputeSystem, faults: Faults, left: Any) -> None:
    with faults.on(PROPERTIES).fail("HCS_E_OPERATION_TIMEOUT", document=left), counting() as calls:
        code, found = failure(system.properties)
        assert calls["HcsWaitForOperationResult"] == 0
    assert code == HCS_E_OPERATION_TIMEOUT
    if left is True:
        assert found is not None
        assert found["Error"] == HCS_E_OPERATION_TIMEOUT - (1 << 32)
        assert found["ErrorMessage"] == hcsrt.errors.explain(HCS_E_OPERATION_TIMEOUT).meaning
    else:
        assert found == (json.loads(left) if isinstance(left, str) else left)
    assert system.properties().get("State") == "Running"


def test_a_call_that_gives_its_document_at_once(faults: Faults) -> None:
    with faults.on("HcsModifyServiceSettings").fail("E_FAIL", document={"ErrorMessage": "No."}):
        code, document = failure(lambda: hcsrt.service.modify("Basic", {}))
    assert (code, document) == (E_FAIL, {"ErrorMessage": "No."})


def test_a_failure_is_asked_for_again_and_again(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with operations.create_operation() as operation:
        with faults.on(PROPERTIES).fail("E_FAIL", document={"ErrorMessage": "No."}):
            failure(lambda: operations.kick_off(operation, PROPERTIES, system.handle))
        for _ in range(2):
            assert failure(lambda: operations.operation_result(operation)) == (E_FAIL, {"ErrorMessage": "No."})
            assert failure(lambda: operations.wait_operation(operation, 1)) == (E_FAIL, {"ErrorMessage": "No."})
        # Nothing of it is left for the next call.
        operations.kick_off(operation, PROPERTIES, system.handle)
        assert "Running" in str(operations.wait_operation(operation, 10))


def test_what_creates_something_gives_nothing(faults: Faults) -> None:
    with faults.on("HcsCreateOperation").fail("E_FAIL"), pytest.raises(hcsrt.HcsError):
        operations.create_operation()
    with faults.on("HcsCreateComputeSystem").fail("E_FAIL", document=True):
        code, document = failure(lambda: create("nothing"))
    assert code == E_FAIL
    assert document is not None
    assert not any(found["Id"] == "nothing" for found in hcsrt.systems())


def test_a_call_is_delayed(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on(PROPERTIES).delay(0.05, jitter=0.02) as delay:
        began = time.monotonic()
        system.properties()
        assert time.monotonic() - began >= 0.05 - TICK
    assert len(delay.fired) == 1


@pytest.mark.parametrize("how", ["release", "remove"])
def test_a_call_hangs(system: hcsrt.ComputeSystem, faults: Faults, settle: Callable[..., bool], how: str) -> None:
    hang = faults.on(PROPERTIES).hang()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(system.properties)
        try:
            assert settle(lambda: hang.waiting == 1)
            assert not asking.done()
        finally:
            getattr(hang, how)()
        assert asking.result(10).get("State") == "Running"
        if how == "release":
            asking = pool.submit(system.properties)
            assert settle(lambda: hang.waiting == 1)
            hang.remove()
            asking.result(10)
    assert hang.waiting == 0


def test_a_function_is_missing(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on("HcsGetServiceProperties").missing() as missing:
        assert missing.active
        with pytest.raises(hcsrt.NotSupportedError):
            hcsrt.service.properties()
        assert (missing.fired, missing.waiting) == ([], 0)
        missing.release()
    hcsrt.service.properties()
    with pytest.raises(ValueError, match="HcsGetOperationResult cannot be missing"):
        faults.on("HcsGetOperationResult").missing()
    assert len(faults) == 0
    with pytest.raises(ValueError, match="leave out system"):
        faults.on("HcsGetServiceProperties", system="a").missing()


def test_faults_reach_native_threads(document: dict[str, Any], faults: Faults) -> None:
    async def main() -> None:
        async with await aio.ComputeSystem.create("native", document) as system:
            with faults.on("HcsStartComputeSystem", system="native").fail("E_FAIL", document=True) as fault:
                with pytest.raises(hcsrt.HcsError) as caught:
                    await system.start()
                assert caught.value.document is not None
                assert fault.fired[0].number == 1
            await system.start()
            await system.terminate()

    asyncio.run(main())


# --- completions ------------------------------------------------------------------------------------------------------


def test_a_completion_is_late(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on(f"completion:{PROPERTIES}").delay(0.05), counting() as calls:
        began = time.monotonic()
        system.properties()
        assert time.monotonic() - began >= 0.05 - TICK
        assert calls[PROPERTIES] == 1


def test_a_completion_hangs(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on(f"completion:{PROPERTIES}", times=1).hang() as hang:
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(system.properties)
            while not hang.fired:
                time.sleep(0.005)
            system.properties()
            assert not asking.done()
            hang.release()
            asking.result(10)
        assert [firing.function for firing in hang.fired] == [f"completion:{PROPERTIES}"]


def test_a_completion_is_a_failure(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on(f"completion:{PROPERTIES}", nth=2).fail("E_FAIL", document={"ErrorMessage": "Late."}):
        system.properties()
        assert failure(system.properties) == (E_FAIL, {"ErrorMessage": "Late."})
        system.properties()


def test_a_process_runs_although_its_creation_has_failed(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    """As one version of Windows has it; the faces know that, and look."""
    fault = faults.on("completion:HcsCreateProcess").fail("E_FAIL")
    with system.popen(guest("sleep(60)")) as process:
        assert len(fault.fired) == 1
        assert process.poll() is None
        process.kill()
        process.wait(10)


def test_an_operation_gets_its_callback_while_its_completion_is_late(
    system: hcsrt.ComputeSystem, faults: Faults
) -> None:
    late = faults.on(f"completion:{PROPERTIES}").hang()
    with operations.create_operation() as operation, ThreadPoolExecutor(1) as pool:
        operations.kick_off(operation, PROPERTIES, system.handle)
        waiting = pool.submit(operations.wait_first, [operation], 20)
        time.sleep(0.05)
        late.release()
        assert waiting.result(30) is operation


@asynchronous
async def test_completions_of_futures(document: dict[str, Any]) -> None:
    site = f"completion:{PROPERTIES}"
    with Faults() as faults:
        async with await aio.ComputeSystem.create("future", document) as system:
            await system.start()
            with faults.on(site).delay(0.05):
                began = time.monotonic()
                await system.properties()
                assert time.monotonic() - began >= 0.05 - TICK
            with faults.on(site).hang() as hang:
                asking = asyncio.ensure_future(system.properties())
                while not hang.fired:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.05)
                assert not asking.done()
                hang.release()
                await asking
            for action in ("drop", "duplicate", "reorder"):
                with getattr(faults.on(site), action)() as fault:
                    for answer in await asyncio.gather(*[system.properties() for _ in range(4)]):
                        assert answer.get("State") == "Running"
                    assert len(fault.fired) == 4
            with faults.on(site, nth=1).fail("E_FAIL"), pytest.raises(hcsrt.HcsError, match="E_FAIL"):
                await system.properties()
            await system.terminate()


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_exit_is_late(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    made = create("late")
    with faults.on("event:SystemExited", system="late").delay(0.1) as delay, made.events() as events:
        began = time.monotonic()
        made.terminate()
        assert [event.type for event in events if event.type == "SystemExited"] == ["SystemExited"]
        assert time.monotonic() - began >= 0.1 - TICK
        assert [(firing.function, firing.system) for firing in delay.fired] == [("event:SystemExited", "late")]
    made.close()


def test_events_that_are_lost_and_repeated(plain_order: None, faults: Faults) -> None:
    for action, count in [("drop", 0), ("duplicate", 2)]:
        made = hcsrt.ComputeSystem.create(f"crash-{action}", MACHINE)
        made.start()
        with getattr(faults.on("event:*", when=[["function", "like", "*crash*"]]), action)() as fault:
            with made.events() as events:
                made.crash()
                types = [event.type for event in events]
                assert types.count("SystemCrashReport") == count
                assert types[-1] == "SystemExited"
            assert {firing.function for firing in fault.fired} >= {"event:SystemCrashReport"}
        made.close()


def test_an_event_hangs_until_its_handle_closes(faults: Faults) -> None:
    made = create("hangs")
    with faults.on("event:SystemExited").hang() as hang, made.events():
        made.terminate()
        while not hang.fired:
            time.sleep(0.005)
        made.close()
        hang.release()


def test_the_data_of_an_event(faults: Faults) -> None:
    made = create("data")
    found = faults.on("event:SystemExited", when=[["document", "contains", "Status"]]).delay(0.01)
    nothing = faults.on("event:SystemExited", when=[["document", "contains", "Nothing at all"]]).drop()
    made.terminate()
    made.wait(10)
    assert (len(found.fired), len(nothing.fired)) == (1, 0)
    made.close()


@asynchronous
async def test_events_of_loops(document: dict[str, Any]) -> None:
    with Faults() as faults:
        system = await aio.ComputeSystem.create("loops", document)
        await system.start()
        with faults.on("event:SystemExited", system="loops").delay(0.1) as delay:
            began = time.monotonic()
            await system.terminate()
            await system.wait()
            assert delay.fired
            assert time.monotonic() - began >= 0.1 - TICK
        await system.close()


# --- what the emulator alone can do -----------------------------------------------------------------------------------


@emulator_by_name
def test_a_guest_crashes(faults: Faults) -> None:
    made = create("guest")
    with faults.on(PROPERTIES, system="guest").crash() as crash, made.events() as events:
        made.properties()
        assert [event.type for event in events][-1] == "SystemExited"
        assert len(crash.fired) == 1
    made.close()


@emulator_by_name
def test_a_process_crashes(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on("process").crash() as crash, system.popen(guest("sleep(60)")) as process:
        assert process.wait(10) != 0
        assert len(crash.fired) == 1


@emulator_by_name
def test_an_output_is_cut(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    with faults.on("stream:stdout", nth=1).cut(after=3) as cut:
        done = system.run(guest("write(b'abcdef')"), stdout=hcsrt.PIPE)
        assert done.stdout in (b"abc", b"")  # on Windows at once
        assert [firing.function for firing in cut.fired] == ["stream:stdout"]
        assert system.run(guest("write(b'abcdef')"), stdout=hcsrt.PIPE).stdout == b"abcdef"


def service_is_back() -> bool:
    try:
        return hcsrt.systems() == []
    except hcsrt.ServiceDisconnectedError:
        return False


@emulator_by_name
def test_the_service_goes_and_comes_back(faults: Faults, settle: Callable[..., bool]) -> None:
    made = create("lost")
    with faults.on(PROPERTIES).disconnect(back_after=0.1) as gone:
        for _ in range(2):
            with suppress(hcsrt.ServiceDisconnectedError):
                made.properties()
        assert gone.fired

        assert settle(service_is_back)
    made.close()


@emulator_by_name
def test_the_service_comes_back_after_a_call_that_takes_longer(faults: Faults, settle: Callable[..., bool]) -> None:
    made = create("lost")
    faults.on(PROPERTIES).disconnect(back_after=0)
    faults.on(PROPERTIES).delay(0.1)
    with suppress(hcsrt.ServiceDisconnectedError):
        made.properties()
    assert settle(service_is_back)
    made.close()


@emulator_by_name
def test_an_operation_is_the_same_in_a_later_block() -> None:
    with Faults() as faults:
        faults.on("completion:HcsPauseComputeSystem").drop()
        operation = operations.create_operation()
        operations.set_operation_context(operation, 5)
    with faults:
        assert operations.operation_context(operation) == 5
    operation.close()


@emulator_by_name
def test_an_operation_with_a_context_alone_may_be_closed_while_its_call_runs(
    system: hcsrt.ComputeSystem, faults: Faults
) -> None:
    faults.on("completion:HcsPauseComputeSystem").drop()
    for _ in range(20):
        operation = operations.create_operation()
        operations.set_operation_context(operation, 5)
        operations.kick_off(operation, PROPERTIES, system.handle)
        assert operations.operation_context(operation) == 5
        operation.close()
    assert emulator.misuses() == []


# --- the record, threads and forks ------------------------------------------------------------------------------------


def test_the_record(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    every = faults.on(PROPERTIES).delay(0)
    third = faults.on(PROPERTIES, nth=3).fail("E_FAIL")
    assert fails(*[system] * 3) == [False, False, True]
    assert [firing.number for firing in every.fired] == [1, 2, 3]
    assert third.fired == [Firing(3, PROPERTIES, "tests", third.fired[0].seconds, "fail(error='E_FAIL')")]
    seconds = [firing.seconds for firing in every.fired]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0
    assert len(faults.fired) == 4
    assert faults.fired[-1] == third.fired[0]
    every.remove()
    assert faults.fired[-1] == third.fired[0]
    assert len(every.fired) == 3


def test_the_record_is_that_of_the_last_block() -> None:
    faults = Faults()
    for _ in range(2):
        with faults:
            with faults.on("HcsEnumerateComputeSystems", times=1).fail("E_FAIL") as fault:
                assert failure(hcsrt.systems)[0] == E_FAIL
            assert faults.fired == fault.fired
            assert len(fault.fired) == 1
        assert faults.fired == fault.fired


def test_the_record_of_a_block_has_each_firing_once(system: hcsrt.ComputeSystem) -> None:
    faults, others = Faults(), Faults()
    with faults, others:
        fault = faults.on(PROPERTIES).fail("E_FAIL")
        failure(system.properties)
        fault.remove()
        first = fault.fired
        assert faults.fired == first
        faults.add(fault)
        failure(system.properties)
        assert faults.fired == first + fault.fired
        fault.remove()
        both = faults.fired
        others.add(fault)
        failure(system.properties)
        assert (faults.fired, others.fired) == (both, fault.fired)
    assert len({id(firing) for firing in both}) == len(both) == 2
    with faults:
        assert faults.fired == []


def test_the_record_is_read_by_several_threads(faults: Faults) -> None:
    over = threading.Event()
    fault = faults.on("HcsCreateOperation").delay(0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            reading = [pool.submit(lambda: [len(fault.fired) for _ in iter(over.is_set, True)]) for _ in range(4)]
            for _ in range(500):
                operations.create_operation().close()
            over.set()
    finally:
        sys.setswitchinterval(before)
    for each in reading:
        assert each.result() == sorted(each.result())
    assert [firing.number for firing in fault.fired] == list(range(1, 501))
    fault.remove()
    assert [firing.number for firing in fault.fired] == list(range(1, 501))


def test_the_record_keeps_the_last_ones(faults: Faults) -> None:
    with faults.on("HcsCreateOperation").delay(0) as many:
        for _ in range(5000):
            operations.create_operation().close()
        numbers = [firing.number for firing in many.fired]
        assert numbers == list(range(905, 5001))


def test_faults_come_and_go_while_others_call(system: hcsrt.ComputeSystem) -> None:
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            fails(system)

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(call) for _ in range(2)]
        try:
            for number in range(100):
                with Faults(number) as faults:
                    faults.on(PROPERTIES, probability=0.5).fail("E_FAIL", document=True)
                    faults.on(f"completion:{PROPERTIES}", every=2).delay(0.001)
                    time.sleep(0.001)
                    assert len(faults.fired) >= 0
        finally:
            over.set()
        for each in running:
            each.result(10)


OTHER_HCS = """
import fake_hcs
from hcsrt import _library
_library.choose("fake_hcs", fake_hcs.table())
import hcsrt
import hcsrt.emulator  # what that can do on demand, this HCS cannot
from hcsrt.faults import Faults

with Faults() as faults:
    failed = faults.on("HcsEnumerateComputeSystems", nth=1).fail("HCS_E_OPERATION_TIMEOUT", document=True)
    rewritten = faults.on("completion:HcsEnumerateComputeSystems").rewrite([])
    try:
        hcsrt.systems()
    except hcsrt.OperationTimeoutError as error:
        assert error.document
    assert hcsrt.systems() == []
    assert [len(fault.fired) for fault in faults] == [1, 1]
    for data in (
        {"site": "HcsStartComputeSystem", "action": "crash"},
        {"site": "HcsCreateProcess", "action": "disconnect"},
        {"site": "process", "action": "crash"},
        {"site": "stream:stdout", "action": "cut", "after": 1},
    ):
        try:
            faults.add(data)
        except ValueError as error:
            assert "the HCS in use cannot do that on demand, as only the emulator can" in str(error)
        else:
            raise AssertionError(data)
    assert list(faults) == [failed, rewritten]
assert fake_hcs.live() == 0
"""


@compiler
def test_faults_of_another_hcs(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = fake_hcs(tmp_path_factory)
    done = subprocess.run([sys.executable, "-c", OTHER_HCS], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def in_a_child(run: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


@fork
def test_a_forked_child_has_no_faults(system: hcsrt.ComputeSystem, faults: Faults) -> None:
    fault = faults.on("HcsGetServiceProperties").hang()
    held = faults.on("event:SystemExited").hang()

    def child() -> None:
        hcsrt.service.properties()
        assert (fault.active, held.active, fault.waiting) == (False, False, 0)
        held.release()
        with Faults() as own:
            own.on("HcsGetServiceProperties").fail("E_FAIL")
            assert failure(hcsrt.service.properties)[0] == E_FAIL
            fault.remove()
            assert failure(hcsrt.service.properties)[0] == E_FAIL
        hcsrt.service.properties()

    in_a_child(child)
    assert fault.active


@fork
def test_a_forked_child_has_a_record_of_its_own(system: hcsrt.ComputeSystem) -> None:
    def fired(calls: int) -> list[int]:
        with Faults() as faults:
            faults.on("HcsGetServiceProperties").fail("E_FAIL")
            for _ in range(calls):
                failure(hcsrt.service.properties)
            return [firing.number for firing in faults.fired]

    def child() -> None:
        # More than its parent has read before.
        assert fired(7) == [1, 2, 3, 4, 5, 6, 7]

    assert fired(3) == [1, 2, 3]
    in_a_child(child)


@fork
def test_a_forked_child_has_all_functions(document: dict[str, Any], faults: Faults) -> None:
    missing = faults.on("HcsEnumerateComputeSystems").missing()
    with pytest.raises(hcsrt.NotSupportedError):
        hcsrt.systems()

    def child() -> None:
        assert (faults.active, missing.active) == (False, False)
        assert hcsrt.systems() == []
        with Faults() as own:
            own.on("HcsEnumerateComputeSystems").missing()
            with pytest.raises(hcsrt.NotSupportedError):
                hcsrt.systems()
            missing.remove()
            with pytest.raises(hcsrt.NotSupportedError):
                hcsrt.systems()
        assert hcsrt.systems() == []

    in_a_child(child)
    assert missing.active
    with pytest.raises(hcsrt.NotSupportedError):
        hcsrt.systems()


@fork
def test_a_forked_child_may_enter_the_block_of_its_parent_anew(faults: Faults) -> None:
    faults.on("HcsGetServiceProperties").fail("E_FAIL")
    assert failure(hcsrt.service.properties)[0] == E_FAIL

    def child() -> None:
        added = faults.on("HcsEnumerateComputeSystems").missing()
        hcsrt.service.properties()
        assert (hcsrt.systems(), added.active) == ([], False)
        with faults:
            assert failure(hcsrt.service.properties)[0] == E_FAIL
            assert len(faults.fired) == 1
            with pytest.raises(hcsrt.NotSupportedError):
                hcsrt.systems()
        hcsrt.service.properties()
        assert hcsrt.systems() == []

    in_a_child(child)
    assert failure(hcsrt.service.properties)[0] == E_FAIL


@fork
def test_the_blocks_of_a_forked_child_are_its_own() -> None:
    def child() -> None:
        with _interpose.counting() as counts:
            hcsrt.service.properties()
            assert counts["HcsGetServiceProperties"] == 1
        hcsrt.service.properties()
        assert counts["HcsGetServiceProperties"] == 1

    before = _interpose.missing("HcsEnumerateComputeSystems")
    with before:
        rule = _interpose.failing("HcsGetServiceProperties", E_FAIL)
        with rule, _interpose.counting():
            in_a_child(child)

            def leave() -> None:
                before.__exit__(None, None, None)
                rule.__exit__(None, None, None)
                hcsrt.service.properties()
                child()

            in_a_child(leave)
