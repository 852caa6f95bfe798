"""Rare cases that tests have to meet: hcsrt.emulator.sometimes."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hcsrt.emulator import sometimes
from hcsrt.emulator.sometimes import Sometimes

from ..helpers.platforms import fork


@pytest.fixture
def cases() -> Iterator[Sometimes]:
    """Yield the cases of this process, with none in it."""
    before = sometimes.report()
    sometimes.clear()
    yield sometimes
    sometimes.clear()
    sometimes.merge(before)


def test_a_case_is_met_as_often_as_its_condition_is_true(cases: Sometimes) -> None:
    for number in range(10):
        cases("a multiple of three", number % 3 == 0)
    cases("met")
    cases("never met", [])
    assert cases.report() == {"a multiple of three": 4, "met": 1, "never met": 0}
    assert cases.never() == ["never met"]
    assert repr(cases) == "<sometimes: 2 cases met, 1 never>"


def test_a_report_is_plain_data_that_another_process_can_merge(cases: Sometimes) -> None:
    cases("here", False)
    cases("both")
    other = Sometimes()
    other("there", False)
    other("here")
    other("both")
    cases.merge(json.loads(json.dumps(other.report())))
    assert cases.report() == {"here": 1, "both": 2, "there": 0}
    assert cases.never() == ["there"]


def test_cases_of_several_threads_are_all_counted(cases: Sometimes) -> None:
    def meet() -> None:
        for number in range(1000):
            cases(f"case {number % 7}", number % 2)

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(meet) for _ in range(4)]:
            each.result()
    assert sum(cases.report().values()) == 4 * 500


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((None,), TypeError, "name must be a str, not NoneType"),
        (("",), ValueError, "name must not be empty"),
    ],
)
def test_a_case_needs_a_name(arguments: tuple[object], error: type[Exception], words: str, cases: Sometimes) -> None:
    with pytest.raises(error, match=words):
        cases(*arguments)  # type: ignore[arg-type]
    assert cases.report() == {}


@pytest.mark.parametrize(
    ("report", "error", "words"),
    [
        ({"a": 1, "b": "many"}, TypeError, "the count of 'b' must be an int, not str"),
        ({"a": 1, "b": -1}, ValueError, "the count of 'b' is -1"),
        ({"a": 1, 2: 1}, TypeError, "a name in report must be a str, not int"),
        ({"a": 1, "": 1}, ValueError, "a name in report must not be empty"),
        ([("a", 1)], TypeError, "report must be a mapping, as report.. has returned it, not list"),
    ],
)
def test_a_report_that_is_none_adds_nothing(report: Any, error: type[Exception], words: str, cases: Sometimes) -> None:
    with pytest.raises(error, match=words):
        cases.merge(report)
    assert cases.report() == {}


@fork
def test_a_forked_child_goes_on_from_what_its_parent_had(cases: Sometimes) -> None:
    cases("before")
    with cases._lock():  # as another thread of the parent may have it at the fork
        pid = os.fork()
        if not pid:
            cases("before")
            cases("in the child")
            os._exit(0 if cases.report() == {"before": 2, "in the child": 1} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert cases.report() == {"before": 1}
