"""JSON in and out."""

from __future__ import annotations

import enum
import json
import types
import uuid
from collections import ChainMap, OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcsrt import documents
from hcsrt.errors import InvalidDocumentError

DATA = Path(__file__).parents[1] / "data"
SAMPLES = ["vm-uefi-scsi.json", "vm-empty.json", "container-process-isolated.json"]
INVALID = sorted((DATA / "invalid").glob("*.json"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(st.text(), json_values, max_size=4)


@given(json_objects)
def test_what_goes_out_comes_back(document: dict[str, Any]) -> None:
    text = documents.dumps(document)
    assert documents.loads(text) == document
    assert text.isascii()
    assert "\0" not in text


@given(json_objects, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_text_that_is_right_comes_back_unchanged(document: dict[str, Any], indent: Any, ascii_only: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert documents.dumps(text) is text


@given(st.text())
def test_any_other_text_is_refused_with_one_kind_of_error(text: str) -> None:
    try:
        accepted = isinstance(json.loads(text), dict)
    except ValueError:
        accepted = False
    if accepted:
        assert documents.dumps(text) == text
    else:
        with pytest.raises(InvalidDocumentError):
            documents.dumps(text)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_documents(name: str) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    assert json.loads(documents.dumps(documents.loads(text))) == json.loads(text)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_what_is_wrong_for_hcs_may_still_be_json(path: Path) -> None:
    # Only HCS judges a document against its schema: new members must get through an older hcsrt.
    sample = json.loads(path.read_text(encoding="utf-8"))
    assert sample.keys() == {"place", "document"}
    assert json.loads(documents.dumps(sample["document"])) == sample["document"]


def test_mappings_and_tuples_of_all_kinds_are_taken() -> None:
    class Owner(enum.StrEnum):
        TESTS = "hcsrt-tests"

    class Size(enum.IntEnum):
        SMALL = 512

    document = types.MappingProxyType(
        {
            "Owner": Owner.TESTS,
            "Container": ChainMap({"Memory": OrderedDict(SizeInMB=Size.SMALL)}, {"Processor": {"Count": 2}}),
            "ConsoleSize": (24, 80),
        }
    )
    assert json.loads(documents.dumps(document)) == {
        "Owner": "hcsrt-tests",
        "Container": {"Memory": {"SizeInMB": 512}, "Processor": {"Count": 2}},
        "ConsoleSize": [24, 80],
    }


def test_dumping_changes_nothing_in_the_document() -> None:
    document: dict[str, Any] = {"Container": {"Layers": ({"Id": 1},)}}
    documents.dumps(document)
    assert document == {"Container": {"Layers": ({"Id": 1},)}}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"Container": {"Memory": {1, 2}}}, "document['Container']['Memory']"),
        ({"Layers": [{"Id": uuid.UUID(int=0)}]}, "document['Layers'][0]['Id']"),
        ({"Layers": [{"Path": Path("layer")}]}, "document['Layers'][0]['Path']"),
        ({"Layers": (0, object())}, "document['Layers'][1]"),
        ({"Ports": {"a b": {80: "http"}}}, "document['Ports']['a b'] has the key 80"),
        ({None: 1}, "document has the key None"),
        ([], "document has to be a mapping or JSON text, not list"),
        (None, "document has to be a mapping or JSON text, not NoneType"),
    ],
)
def test_what_json_has_no_form_for_is_refused_by_place(document: Any, place: str) -> None:
    with pytest.raises(TypeError) as caught:
        documents.dumps(document)
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("document", [b'{"Owner": "me"}', {"Owner": b"me"}, {"Owner": [bytearray(b"me")]}])
def test_bytes_are_refused_with_a_remedy(document: Any) -> None:
    with pytest.raises(TypeError, match=r"document.* decode"):
        documents.dumps(document)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_are_refused_by_place(value: float) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        documents.dumps({"Processor": [{"Weight": value}]}, argument="settings")
    assert "settings['Processor'][0]['Weight']" in str(caught.value)
    with pytest.raises(InvalidDocumentError) as caught:
        documents.dumps(json.dumps({"Processor": [{"Weight": value}]}), argument="settings")
    assert "settings['Processor'][0]['Weight']" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ("{'Owner': 1}", "line 1, column 2"),
        ('{\n  "Owner" "me"\n}', "line 2, column 11"),
        ('{"Owner": "me"} {}', "line 1, column 17"),
        ('{"Owner": "a\nb"}', "line 1, column 13"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        ("NaN", "NaN|nan"),
    ],
)
def test_text_that_is_no_document_is_refused_by_line_and_column(text: str, place: str) -> None:
    with pytest.raises(InvalidDocumentError, match=place) as caught:
        documents.dumps(text, argument="--document vm.json")
    assert str(caught.value).startswith("--document vm.json: HCS_E_INVALID_JSON")


def test_a_document_without_end_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["Container"] = [endless]
    with pytest.raises(InvalidDocumentError, match="contains itself"):
        documents.dumps(endless)
    with pytest.raises(InvalidDocumentError, match="nested too deep"):
        documents.dumps('{"a":' * 200_000)


@pytest.mark.parametrize("text", [None, "", " \r\n"])
def test_no_text_is_none(text: str | None) -> None:
    assert documents.loads(text) is None


def test_line_breaks_inside_answers_are_forgiven() -> None:
    assert documents.loads('{"Message": "first\r\nsecond"}') == {"Message": "first\r\nsecond"}


@pytest.mark.parametrize("text", ["{", "{} {}", "Access denied"])
def test_an_answer_that_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        documents.loads(text)
