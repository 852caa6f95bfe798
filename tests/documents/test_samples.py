"""Documents that HCS and HCN take, and answers of theirs: Microsoft's own clients and others send and get the like."""

import json
from pathlib import Path

import pytest

from hcsrt.documents import Problem, check

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))
SUITE = Path(__file__).parents[1] / "data"

# What Microsoft's own clients send, and HCN accepts without doing it on Windows 11.
WITHOUT_EFFECT = {"ModifyEndpointSettingRequest.acl"}


def checked(path: Path, **options: str) -> list[Problem]:
    """Check a sample, whose name begins with its type."""
    return check(path.read_text("utf-8"), path.name.partition(".")[0], **options)


@pytest.mark.parametrize("host", ["windows", "emulator"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_has_no_problem(path: Path, host: str) -> None:
    found = checked(path, host=host)
    if path.stem in WITHOUT_EFFECT:
        assert [problem.severity for problem in found] == ["warning"]
    else:
        assert found == []


@pytest.mark.parametrize("path", sorted(SUITE.glob("[cv]*.json")), ids=lambda path: path.stem)
def test_a_document_of_the_suite_has_no_error(path: Path) -> None:
    assert [problem for problem in check(path.read_text("utf-8")) if problem.severity == "error"] == []


@pytest.mark.parametrize("path", sorted((SUITE / "invalid").glob("*.json")), ids=lambda path: path.stem)
def test_what_is_wrong_on_purpose_is_found_at_its_place(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    assert case["place"] in [problem.path for problem in check(case["document"]) if problem.severity == "error"]


def test_there_is_a_sample_of_what_users_write() -> None:
    types = {path.name.partition(".")[0] for path in SAMPLES}
    assert types >= {
        "ComputeSystem", "ProcessParameters", "ModifySettingRequest", "HostComputeNetwork", "HostComputeEndpoint",
    }  # fmt: skip
