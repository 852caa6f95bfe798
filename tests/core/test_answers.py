"""Answers of HCS, which hcsrt reads itself where they are plain, and as Python's json reads them in any case."""

import asyncio
import json
import random
from typing import Any

import pytest

import hcsrt
from hcsrt import _engine, aio
from hcsrt.faults import Faults

from ..helpers.loops import asynchronous

FUNCTION = "HcsGetComputeSystemProperties"

PLAIN: list[Any] = [
    {},
    {"a": 1},
    {"Id": "one", "State": "Running", "Stopped": False, "Nothing": None, "On": True},
    {"": "", "control": "line\nbreak\ttab\x7f"},
    {"Statistics": {"Uptime100ns": 123456789012345678, "Less": -1, "Zero": 0}, "List": [1, [], {}, [2, "three"]]},
    {"long": "x" * 1000, "longer name than is kept " * 4: 1},
    {f"name {number}": number for number in range(1000)},
]
OTHER: list[Any] = [
    {"float": 1.5, "small": 1e-9},
    {"large": 10**18, "larger": 10**400, "least": -(10**19)},
    {"quoted": '"', "backslash": "\\", "umlaut": "\u00e4", "beyond": "\U0001f4bb", "\u00e4": 1},
    {"half": "\ud800"},
    {"deep": json.loads("[" * 150 + "]" * 150)},
]
BROKEN = [
    "{",
    "}",
    "{}x",
    "{} {}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a" 1}',
    "{a:1}",
    '{"a":1 "b":2}',
    '{"a":01}',
    '{"a":-}',
    '{"a":+1}',
    '{"a":1.}',
    '{"a":tr}',
    '{"a":"x}',
    '{"a":[1,]}',
    '{"a":[1 2]}',
    '{"a":nul',
    '{"a\\":1}',
    '"text"',
    "12",
    "true",
    "[]",
    "[1]",
]


async def ask(system: hcsrt.ComputeSystem, kind: type[Any] = dict) -> Any:
    return await _engine.ask(system.handle, FUNCTION, None, None, kind)


@pytest.mark.parametrize("value", PLAIN + OTHER, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("style", [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}], ids=str)
def test_what_comes_is_what_json_reads(
    value: Any, style: dict[str, Any], faults: Faults, system: hcsrt.ComputeSystem
) -> None:
    faults.on(FUNCTION).answer(json.dumps(value, **style))
    told = asyncio.run(ask(system))
    assert told == value
    assert list(told) == list(value)
    assert json.dumps(told) == json.dumps(value)  # which tells True from 1
    assert system.properties() == value


@pytest.mark.parametrize("text", [" ", "\r\n\t", "null", " null "])
@pytest.mark.parametrize("kind", [dict, list])
def test_no_answer_is_an_empty_one(text: str, kind: type[Any], faults: Faults, system: hcsrt.ComputeSystem) -> None:
    faults.on(FUNCTION).answer(text)
    assert asyncio.run(ask(system, kind)) == kind()


def test_line_breaks_in_strings_are_taken(faults: Faults, system: hcsrt.ComputeSystem) -> None:
    faults.on(FUNCTION).answer('{"Message": "two\nlines", "Other": "tab\\u0009\n"}')
    assert asyncio.run(ask(system)) == {"Message": "two\nlines", "Other": "tab\t\n"}


def test_the_last_of_equal_names_counts(faults: Faults, system: hcsrt.ComputeSystem) -> None:
    faults.on(FUNCTION).answer('{"a": 1, "b": 2, "a": 3}')
    assert list(asyncio.run(ask(system)).items()) == [("a", 3), ("b", 2)]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:20])
def test_what_is_no_object_is_refused(text: str, faults: Faults, system: hcsrt.ComputeSystem) -> None:
    faults.on(FUNCTION).answer(text)
    for question in (lambda: asyncio.run(ask(system)), system.properties):
        with pytest.raises(hcsrt.HcsError, match="not a JSON object") as caught:
            question()
        assert (caught.value.operation, caught.value.symbol) == (FUNCTION, "ERROR_INVALID_DATA")


def test_an_array_is_asked_for_as_one(faults: Faults, system: hcsrt.ComputeSystem) -> None:
    with faults.on(FUNCTION).answer('[{"Id": "a"}, {"Id": "b"}]'):
        assert asyncio.run(ask(system, list)) == [{"Id": "a"}, {"Id": "b"}]
    with faults.on(FUNCTION).answer('{"Id": "a"}'), pytest.raises(hcsrt.HcsError, match="not a JSON array"):
        asyncio.run(ask(system, list))


@asynchronous
async def test_random_changes_of_a_document_are_read_as_json_reads_them(
    faults: Faults, system: hcsrt.ComputeSystem
) -> None:
    chosen = random.Random(16)
    whole = json.dumps({"Id": "one", "List": [1, -23, 4.5, None, {"a": "b\\"}], "ä": {"Stopped": True, "No": False}})
    for _ in range(200):
        text = list(whole if chosen.random() < 0.5 else whole.replace("\\", "").replace("ä", "a").replace(".", ""))
        for _ in range(chosen.randrange(4)):
            place = chosen.randrange(len(text))
            text[place : place + chosen.randrange(3)] = chosen.choice('{}[]",:\\ 0123456789-.eaä\n')
        document = "".join(text)
        try:
            expected = json.loads(document, strict=False)
        except ValueError:
            expected = None
        with faults.on(FUNCTION).answer(document):
            try:
                found = await ask(system)
            except hcsrt.HcsError:
                found = None
        assert found == (expected if isinstance(expected, dict) else None), document


@asynchronous
async def test_a_failure_is_told_and_not_read(faults: Faults, system: hcsrt.ComputeSystem) -> None:
    faults.on(FUNCTION).fail("HCS_E_INVALID_STATE", '{"ErrorMessage": "not now"}')
    with pytest.raises(hcsrt.InvalidStateError, match="not now"):
        await ask(system)


@asynchronous
async def test_the_kind_is_checked(system: hcsrt.ComputeSystem) -> None:
    wrong: Any
    for wrong in (str, None, "dict", 1):
        with pytest.raises(TypeError, match="kind must be dict or list"):
            _engine.ask(system.handle, FUNCTION, None, None, wrong)


@asynchronous
async def test_the_answer_of_a_cancelled_question_is_released(system: hcsrt.ComputeSystem) -> None:
    async with await aio.ComputeSystem.open(system.id) as opened:
        for _ in range(100):
            task = asyncio.create_task(opened.properties())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


@asynchronous
async def test_a_question_is_one_coroutine_before_the_future_of_the_engine(system: hcsrt.ComputeSystem) -> None:
    """Each more of them is resumed for each answer."""
    async with await aio.ComputeSystem.open(system.id) as opened:
        question = opened.properties()
        future = question.send(None)
        assert isinstance(question.cr_await, type(future.__await__()))
        question.close()
        future.cancel()
