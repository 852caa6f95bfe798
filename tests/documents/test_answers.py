"""What answers of HCS are turned into."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hcsrt import documents
from hcsrt._facade import requests
from hcsrt.documents import answers

STATISTICS: dict[str, Any] = {
    "Timestamp": "2026-04-21T12:34:56Z",
    "Uptime100ns": 2_960_000_000,
    "Processor": {"TotalRuntime100ns": 1_234_567, "RuntimeUser100ns": 900_000, "RuntimeKernel100ns": 334_567},
    "Memory": {
        "MemoryUsageCommitBytes": 268_435_456,
        "MemoryUsageCommitPeakBytes": 314_572_800,
        "MemoryUsagePrivateWorkingSetBytes": 201_326_592,
    },
    "Storage": {
        "ReadCountNormalized": 42,
        "ReadSizeBytes": 1_048_576,
        "WriteCountNormalized": 13,
        "WriteSizeBytes": 262_144,
    },
}


def test_usage_is_in_seconds_and_bytes() -> None:
    assert answers.usage(STATISTICS) == answers.Usage(
        uptime=296.0,
        processor_time=0.1234567,
        user_time=0.09,
        kernel_time=0.0334567,
        memory=268_435_456,
        peak_memory=314_572_800,
        private_memory=201_326_592,
        read_bytes=1_048_576,
        written_bytes=262_144,
    )


@pytest.mark.parametrize(
    "statistics",
    [
        {},
        {"Processor": None, "Memory": [], "Storage": "none"},
        {"Uptime100ns": "2960000000", "Processor": {"TotalRuntime100ns": None}, "Memory": {"Unknown": 1}},
        {"Uptime100ns": True},
    ],
)
def test_what_hcs_does_not_tell_is_none(statistics: dict[str, Any]) -> None:
    assert answers.usage(statistics) == answers.Usage()


def test_zero_is_told() -> None:
    assert answers.usage({"Memory": {"MemoryUsageCommitBytes": 0}, "Uptime100ns": 0}) == (
        answers.Usage(memory=0, uptime=0.0)
    )


def test_usage_does_not_change() -> None:
    with pytest.raises(AttributeError):
        answers.usage({}).memory = 1  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def test_usage_of_properties_says_where_the_statistics_are() -> None:
    with pytest.raises(ValueError, match="give the value of its 'Statistics'"):
        answers.usage({"Id": "web-1", "Statistics": STATISTICS})


@pytest.mark.parametrize("value", [None, json.dumps(STATISTICS), [STATISTICS]])
def test_usage_needs_a_mapping(value: Any) -> None:
    with pytest.raises(TypeError, match=r"statistics must be a mapping, as ComputeSystem.statistics\(\) returns it"):
        answers.usage(value)


def test_ticks_are_seconds_and_pages_are_bytes() -> None:
    assert answers.seconds(0) == 0.0
    assert answers.seconds(10_000_000) == 1.0
    assert answers.seconds(2**64 - 1) == pytest.approx(1.8446744e12)
    assert answers.seconds(-5_000_000) == -0.5
    assert answers.bytes_of_pages(262_144) == 2**30
    assert answers.bytes_of_pages(2**64 - 1) == (2**64 - 1) * 4096


@pytest.mark.parametrize(("function", "argument"), [(answers.seconds, "ticks"), (answers.bytes_of_pages, "pages")])
@pytest.mark.parametrize("value", [None, "12", 1.5, STATISTICS], ids=repr)
def test_what_is_no_int_is_refused_by_name(function: Callable[[Any], Any], argument: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"^{argument} must be an int.*, not {type(value).__name__}"):
        function(value)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-04-21T12:34:56Z", datetime(2026, 4, 21, 12, 34, 56, tzinfo=UTC)),
        ("2026-04-21T12:34:56.1234567Z", datetime(2026, 4, 21, 12, 34, 56, 123456, tzinfo=UTC)),
        ("2026-04-21T12:34:56.5Z", datetime(2026, 4, 21, 12, 34, 56, 500000, tzinfo=UTC)),
        ("2026-04-21t12:34:56.000001z", datetime(2026, 4, 21, 12, 34, 56, 1, tzinfo=UTC)),
        ("2026-04-21T12:34:56.9999999", datetime(2026, 4, 21, 12, 34, 56, 999999, tzinfo=UTC)),
        ("2026-04-21T12:34:56.1+02:00", datetime(2026, 4, 21, 10, 34, 56, 100000, tzinfo=UTC)),
        ("1601-01-01T00:00:00Z", datetime(1601, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_have_their_zone(text: str, time: datetime) -> None:
    assert answers.parse_time(text) == time
    assert answers.parse_time(text).tzinfo is not None


def test_a_time_keeps_its_own_zone() -> None:
    assert answers.parse_time("2026-04-21T12:34:56-07:30").utcoffset() == timedelta(hours=-7, minutes=-30)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-04-21", "2026-04-21 12:34:56Z", "2026-13-21T12:34:56Z", "2026-04-21T12:34:56Z\n", "1"]
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"^text must be a time as HCS writes it, such as '2026-"):
        answers.parse_time(text)


def test_a_time_has_to_be_text() -> None:
    with pytest.raises(TypeError, match=r"^text must be a str, not float"):
        answers.parse_time(1.5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_answers_are_names_of_documents() -> None:
    for name in answers.__all__:
        assert getattr(documents, name) is getattr(answers, name)


def test_members_that_nobody_knows_survive() -> None:
    text = '{"Uptime100ns": 5, "NobodyKnows": {"Deep": [1, null]}}'
    assert requests.answer(text, "HcsGetComputeSystemProperties", dict) == json.loads(text)


def test_numbers_that_hcs_does_not_have_are_no_errors_of_python() -> None:
    assert documents.usage({"Uptime100ns": 10**400, "Memory": {"MemoryUsageCommitBytes": 2**64 - 1}}) == (
        answers.Usage(memory=2**64 - 1)
    )
    assert documents.seconds(2**64 - 1) == pytest.approx(1844674407370.9551)
    with pytest.raises(ValueError, match="ticks must be an int of at most 64 bits"):
        documents.seconds(10**400)
