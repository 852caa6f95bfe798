"""The exceptions and the table of HRESULTs."""

from __future__ import annotations

import copy
import errno
import json
import pickle
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcsrt import _hresults, errors

DATA = Path(__file__).parents[1] / "data"
HRESULTS: dict[str, int] = json.loads((DATA / "hresults.json").read_text(encoding="utf-8"))

# The codes of the service and of Windows that the facts do not list and hcsrt meets all the same.
MORE = {
    "S_OK": 0,
    "E_NOINTERFACE": 0x80004002,
    "E_POINTER": 0x80004003,
    "E_ABORT": 0x80004004,
    "E_FAIL": 0x80004005,
    "E_UNEXPECTED": 0x8000FFFF,
    "E_ACCESSDENIED": 0x80070005,
    "E_HANDLE": 0x80070006,
    "E_OUTOFMEMORY": 0x8007000E,
    "ERROR_FILE_NOT_FOUND": 0x80070002,
    "ERROR_PATH_NOT_FOUND": 0x80070003,
    "ERROR_TOO_MANY_OPEN_FILES": 0x80070004,
    "ERROR_SHARING_VIOLATION": 0x80070020,
    "ERROR_INVALID_PARAMETER": 0x80070057,
    "ERROR_BROKEN_PIPE": 0x8007006D,
    "ERROR_BAD_EXE_FORMAT": 0x800700C1,
    "ERROR_FILENAME_EXCED_RANGE": 0x800700CE,
    "WAIT_TIMEOUT": 0x80070102,
    "HCS_E_SYSTEM_NOT_CONFIGURED_FOR_OPERATION": 0x80370120,
    "HCS_E_OPERATION_ALREADY_CANCELLED": 0x80370121,
    "ERROR_DIRECTORY": 0x8007010B,
    "ERROR_NO_SYSTEM_RESOURCES": 0x800705AA,
    "ERROR_SERVICE_DISABLED": 0x80070422,
    "ERROR_SERVICE_DOES_NOT_EXIST": 0x80070424,
    "RPC_S_SERVER_UNAVAILABLE": 0x800706BA,
    "RPC_S_CALL_FAILED": 0x800706BE,
    "RPC_S_CALL_FAILED_DNE": 0x800706BF,
}
KNOWN = HRESULTS | MORE

CLASSES: list[tuple[int, type[errors.HcsError], type[BaseException], int | None]] = [
    (0x8037010E, errors.SystemNotFoundError, LookupError, None),
    (0x8037010F, errors.SystemAlreadyExistsError, FileExistsError, errno.EEXIST),
    (0x8037011B, errors.AccessDeniedError, PermissionError, errno.EACCES),
    (0x80070005, errors.AccessDeniedError, PermissionError, errno.EACCES),
    (0x80370118, errors.OperationTimeoutError, TimeoutError, errno.ETIMEDOUT),
    (0x80070102, errors.OperationTimeoutError, TimeoutError, errno.ETIMEDOUT),
    (0x8037011E, errors.ServiceDisconnectedError, ConnectionError, errno.ECONNRESET),
    (0x800706BA, errors.ServiceDisconnectedError, ConnectionError, errno.ECONNRESET),
    (0x800706BE, errors.ServiceDisconnectedError, ConnectionError, errno.ECONNRESET),
    (0x800706BF, errors.ServiceDisconnectedError, ConnectionError, errno.ECONNRESET),
    (0x80070422, errors.ServiceDisconnectedError, ConnectionError, errno.ECONNRESET),
    (0x80070424, errors.ServiceDisconnectedError, ConnectionError, errno.ECONNRESET),
    (0x8037010D, errors.InvalidDocumentError, ValueError, None),
    (0x803B001B, errors.InvalidDocumentError, ValueError, None),
    (0x80370105, errors.InvalidStateError, OSError, None),
    (0x80370110, errors.AlreadyStoppedError, OSError, None),
    (0x8037011F, errors.AlreadyStoppedError, OSError, None),
    (0x80070050, errors.PathExistsError, FileExistsError, errno.EEXIST),
    (0x80070002, errors.PathNotFoundError, FileNotFoundError, errno.ENOENT),
    (0x80070003, errors.PathNotFoundError, FileNotFoundError, errno.ENOENT),
    (0x8007010B, errors.PathNotFoundError, FileNotFoundError, errno.ENOENT),
    (0x80004001, errors.NotSupportedError, NotImplementedError, None),
    (0x80070032, errors.NotSupportedError, NotImplementedError, None),
    (0x8007007F, errors.NotSupportedError, NotImplementedError, None),
    (0x80370107, errors.HcsError, OSError, None),
    (0x80370109, errors.HcsError, OSError, None),  # the guest's silence is an outcome: nothing runs on
    (0x80004005, errors.HcsError, OSError, None),
    (0x80AB0001, errors.HcsError, OSError, None),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
event_data = st.lists(
    json_values | st.fixed_dictionaries({}, optional={"Type": st.just("String") | json_values, "Value": json_values})
)
result_errors = st.fixed_dictionaries(
    {},
    optional={
        "Error": st.integers() | json_values,
        "ErrorMessage": json_values,
        "ErrorEvents": json_values
        | st.lists(
            json_values | st.fixed_dictionaries({}, optional={"Message": json_values, "Data": event_data | json_values})
        ),
    },
)


def signed(code: int) -> int:
    return code - (1 << 32) if code >> 31 else code


def is_one_line(text: str) -> bool:
    return text.isprintable() and text == text.strip()


def same(one: errors.HcsError, other: errors.HcsError) -> bool:
    return type(one) is type(other) and str(one) == str(other) and vars(one) == vars(other) and one.errno == other.errno


# The table


@pytest.mark.parametrize(("name", "value"), KNOWN.items())
def test_every_code_is_explained_under_its_name(name: str, value: int) -> None:
    explanation = errors.explain(name)
    assert explanation.hresult == signed(value)
    assert explanation.symbol
    assert errors.explain(explanation.symbol).hresult == signed(value)
    assert len(explanation.meaning) > 10
    assert is_one_line(explanation.meaning)
    assert not explanation.meaning.endswith(".")
    assert explanation.hint is None or (is_one_line(explanation.hint) and len(explanation.hint) > 10)


def test_every_symbol_has_a_meaning() -> None:
    symbols = {name: value for name, value in vars(_hresults).items() if name.isupper()}
    assert symbols.items() >= KNOWN.items()
    assert [name for name in symbols if errors.explain(name).symbol is None] == []


def test_no_module_writes_an_hresult_as_a_number() -> None:
    number = re.compile(r"\b0x(?:8000[4F]|8007|8037|803B|C037)(?!0000\b)[0-9A-F]+\b")
    assert number.search("0x8037010E")
    package = Path(errors.__file__).parent
    assert len([*package.rglob("*.py")]) > 50
    found = {file.name: number.findall(file.read_text(encoding="utf-8")) for file in package.rglob("*.py")}
    assert {name for name, numbers in found.items() if numbers} == {"_hresults.py"}


def test_a_symbol_stands_for_its_own_code_except_for_second_names() -> None:
    second_names = {
        "ERROR_ACCESS_DENIED": "E_ACCESSDENIED",
        "ERROR_INVALID_HANDLE": "E_HANDLE",
        "ERROR_INVALID_PARAMETER": "E_INVALIDARG",
    }
    assert {name: errors.explain(value).symbol for name, value in KNOWN.items() if value} == {
        name: second_names.get(name, name) for name in KNOWN if name != "S_OK"
    }


@pytest.mark.parametrize("value", [value for name, value in HRESULTS.items() if name.startswith("ERROR_VMCOMPUTE_")])
def test_both_families_mean_the_same(value: int) -> None:
    low, high = errors.explain(value ^ 0x40000000), errors.explain(value)
    assert (low.meaning, low.hint, low.exception) == (high.meaning, high.hint, high.exception)
    assert type(errors.error_from(value, "HcsX", None)) is type(errors.error_from(value ^ 0x40000000, "HcsX", None))


def test_a_code_that_only_the_other_family_names_has_that_name() -> None:
    assert errors.explain(0xC037011B).symbol == "HCS_E_ACCESS_DENIED"
    assert errors.explain(0x80370103).symbol == "ERROR_VMCOMPUTE_OPERATION_PENDING"
    assert errors.explain(0xC0370105).symbol == "ERROR_VMCOMPUTE_INVALID_STATE"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("HCS_E_HYPERV_NOT_INSTALLED", ["Virtual Machine Platform", "Hyper-V", "firmware", "nested", "bcdedit"]),
        ("HCS_E_ACCESS_DENIED", ["administrator", "Hyper-V Administrators"]),
        ("E_ACCESSDENIED", ["administrator", "Hyper-V Administrators", "exited already"]),
        ("ERROR_SERVICE_DISABLED", ["vmcompute", "sc config"]),
        ("ERROR_SERVICE_DOES_NOT_EXIST", ["Windows feature"]),
        ("RPC_S_SERVER_UNAVAILABLE", ["vmcompute"]),
        ("HCS_E_INVALID_JSON", ["place"]),
        ("E_NOTIMPL", ["emulator"]),
    ],
)
def test_a_hint_names_the_remedies(name: str, words: list[str]) -> None:
    hint = errors.explain(name).hint
    assert hint is not None
    assert [word for word in words if word not in hint] == []


def test_a_process_that_may_not_be_created_is_no_matter_of_the_callers_account() -> None:
    error = errors.error_from(0x80070005, "HcsCreateProcess")
    assert error.hint is not None
    assert "may not be executable" in error.hint
    assert "directory" in error.hint
    assert "administrator" not in error.hint
    assert same(pickle.loads(pickle.dumps(error)), error)


# explain


@pytest.mark.parametrize(
    "spelling",
    [
        0x80370102,
        -2143878910,
        "0x80370102",
        "0X80370102",
        "80370102",
        " 2151088386\n",
        "-2143878910",
        "HCS_E_HYPERV_NOT_INSTALLED",
        "hcs_e_hyperv_not_installed",
    ],
)
def test_explain_takes_every_spelling(spelling: int | str) -> None:
    explanation = errors.explain(spelling)
    assert (explanation.symbol, explanation.hresult) == ("HCS_E_HYPERV_NOT_INSTALLED", -2143878910)
    assert explanation.exception == "HcsError"


@pytest.mark.parametrize("spelling", [5, "5", "0x5", "ERROR_ACCESS_DENIED", "e_accessdenied", "80070005"])
def test_explain_takes_a_win32_error(spelling: int | str) -> None:
    explanation = errors.explain(spelling)
    assert explanation.hresult == signed(0x80070005)
    assert explanation.exception == "AccessDeniedError"


@pytest.mark.parametrize("spelling", ["0x1_0", "1_0", "-1_0", "\u0663", "0x8037010\u0662", "", "0x", "5.0", "0b1_0"])
def test_what_is_no_number_is_a_name(spelling: str) -> None:
    with pytest.raises(ValueError, match="no HRESULT is called"):
        errors.explain(spelling)


@given(st.integers(0x80000000, 0xFFFFFFFF))
def test_explain_reads_all_spellings_of_a_number_alike(code: int) -> None:
    spellings = (code, signed(code), hex(code), f"{code:08x}", str(signed(code)))
    assert len({repr(errors.explain(spelling)) for spelling in spellings}) == 1
    assert errors.explain(code).hresult == signed(code)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0x800704C7, "1223"),  # any Win32 error
        (0xD0000005, "0xC0000005"),  # an NTSTATUS as HRESULT
        (0xC03A001A, "virtual hard disks"),
        (0x80370001, "virtualization"),
        (0x80AB0007, "facility 171"),
        (0x00AB0007, "success"),
    ],
)
def test_explain_takes_an_unknown_code_apart(code: int, said: str) -> None:
    explanation = errors.explain(code)
    assert explanation.symbol is None
    assert said in explanation.meaning


@pytest.mark.parametrize("name", ["HCS_E_INVALID_STAT", "invalid_state"])
def test_explain_offers_names_close_to_an_unknown_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.*HCS_E_INVALID_STATE"):
        errors.explain(name)


@pytest.mark.parametrize("nonsense", [" ", "pumpernickel", "0x", "12345678901234567890", 1 << 32, -(1 << 31) - 1])
def test_explain_refuses_what_is_no_code(nonsense: int | str) -> None:
    with pytest.raises(ValueError, match=re.escape(str(nonsense))):
        errors.explain(nonsense)


# The exceptions


@pytest.mark.parametrize(("code", "kind", "builtin", "number"), CLASSES)
def test_the_class_fits_the_code(
    code: int, kind: type[errors.HcsError], builtin: type[BaseException], number: int | None
) -> None:
    with pytest.raises(builtin) as caught:
        raise errors.error_from(code, "HcsStartComputeSystem", None)
    error = caught.value
    assert type(error) is kind
    assert error.errno == number
    assert errors.explain(code).exception == kind.__name__


@pytest.mark.parametrize(("name", "value"), KNOWN.items())
def test_every_code_becomes_an_error_that_can_travel(name: str, value: int) -> None:
    document = {"Error": signed(value), "ErrorMessage": "Something else.", "ErrorEvents": [{"Message": "Told by HCS"}]}
    error = errors.error_from(signed(value), "HcsStartComputeSystem", json.dumps(document))
    assert error.hresult == signed(value)
    assert error.operation == "HcsStartComputeSystem"
    assert error.document == document
    text = str(error)
    assert text.startswith(f"HcsStartComputeSystem: {error.symbol} (0x{value:08X}): {error.strerror}. Told by HCS.")
    assert is_one_line(text)
    assert (" Hint: " in text) is (error.hint is not None)
    error.add_note(f"while starting {name}")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert same(pickle.loads(pickle.dumps(error, protocol)), error)
    assert same(copy.copy(error), error)
    assert same(copy.deepcopy(error), error)


def test_an_error_keeps_the_hint_of_the_host_that_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_emulated", False)
    error = errors.error_from(0x8000FFFF, "HcsStartComputeSystem")
    assert "event log" in (error.hint or "")
    sent = pickle.dumps(error)
    monkeypatch.setattr(errors, "_emulated", True)
    assert errors.error_from(0x8000FFFF, "HcsStartComputeSystem").hint != error.hint
    assert same(pickle.loads(sent), error)


def test_signed_and_unsigned_are_the_same_error() -> None:
    assert same(errors.HcsError(0x80370105, "HcsX"), errors.HcsError(-2143878907, "HcsX"))
    with pytest.raises(ValueError, match="32 bits"):
        errors.HcsError(1 << 32, "HcsX")


def test_the_message_in_full() -> None:
    error = errors.error_from(0x80370105, "HcsSaveComputeSystem", None)
    assert str(error) == (
        "HcsSaveComputeSystem: HCS_E_INVALID_STATE (0x80370105): The compute system is in a state that does not allow "
        "this request. Hint: Query its State: a created system can be started, a running one run commands or be "
        "paused, a paused one be resumed or saved."
    )
    assert str(errors.error_from(0x80AB0007, "HcsX", {"ErrorMessage": "Out of bananas!"})) == (
        "HcsX: 0x80AB0007: An error that hcsrt does not know: number 0x0007 of facility 171. Out of bananas!"
    )


@pytest.mark.parametrize(
    "event",
    [
        {"Message": "Invalid value at '$.Container.Storage.Layers[0].Path'"},
        {"Message": "Invalid value", "Data": [{"Type": "String", "Value": "$.Container.Storage.Layers[0].Path"}]},
        {"Data": [{"Type": "AnsiString", "Value": "$.Container.Storage.Layers[0].Path"}]},
        {"Message": 7, "Data": [None, 3, {"Value": "$.Container.Storage.Layers[0].Path"}, {"Type": []}]},
    ],
)
def test_the_error_of_an_invalid_document_names_the_place(event: dict[str, Any]) -> None:
    document = {"Error": -2143878899, "ErrorMessage": "The document is invalid.", "ErrorEvents": [event]}
    error = errors.error_from(0x8037010D, "HcsCreateComputeSystem", json.dumps(document))
    assert str(error).count("$.Container.Storage.Layers[0].Path") == 1
    assert "The document is invalid" not in str(error)


def test_data_beside_a_message_stands_in_brackets() -> None:
    data = [{"Type": "String", "Value": "$.Owner"}, {"Type": "UInt32", "Value": "77"}, {"Type": "String", "Value": " "}]
    error = errors.error_from(0x8037010D, "HcsX", {"ErrorEvents": [{"Message": "No text.", "Data": data}, {}]})
    assert "acceptable. No text. ($.Owner). Hint:" in str(error)


def test_a_document_that_says_nothing_new_is_not_repeated() -> None:
    meaning = errors.explain(0x80370110).meaning
    events = [{"Message": f"{meaning}."}, {"Message": "Stopped at noon."}, {"Message": "Stopped at noon"}]
    error = errors.error_from(0x80370110, "HcsX", {"Error": signed(0xC0370110), "ErrorEvents": events})
    assert str(error) == f"HcsX: HCS_E_SYSTEM_ALREADY_STOPPED (0x80370110): {meaning}. Stopped at noon."


def test_a_code_of_the_document_is_told_where_it_differs() -> None:
    error = errors.error_from(0x80004005, "HcsX", {"Error": signed(0x8037010F)})
    assert "The document gives HCS_E_SYSTEM_ALREADY_EXISTS (0x8037010F)." in str(error)


@pytest.mark.parametrize("document", [None, "", " \r\n", "null"])
def test_no_document_is_none(document: str | None) -> None:
    assert errors.error_from(0x80370105, "HcsX", document).document is None


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '"hello"', "7", "C:\\layers is gone", '{"Error": 1} tail', "[" * 200_000]
)
def test_text_that_is_no_object_is_kept_as_the_message(text: str) -> None:
    error = errors.error_from(0x80004005, "HcsX", text)
    assert error.document == {"ErrorMessage": text}
    assert text in str(error)


def test_line_breaks_inside_json_strings_are_forgiven() -> None:
    error = errors.error_from(0x80004005, "HcsX", '{"ErrorMessage": "first\r\nsecond\t\x1b[31mred\x00"}')
    assert error.document == {"ErrorMessage": "first\r\nsecond\t\x1b[31mred\x00"}
    assert "first second [31mred." in str(error)


def test_a_mapping_becomes_a_dict_of_its_own() -> None:
    document = {"ErrorMessage": "before"}
    error = errors.HcsError(0x80004005, "HcsX", types.MappingProxyType(document))
    document["ErrorMessage"] = "after"
    assert error.document == {"ErrorMessage": "before"}


@given(result_errors | json_values | st.text())
def test_no_document_breaks_an_error(document: Any) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    error = errors.error_from(0x8037010D, "HcsCreateComputeSystem", text)
    assert is_one_line(str(error))
    assert same(pickle.loads(pickle.dumps(error)), error)


def test_a_missing_function_is_named_with_the_windows_that_has_it() -> None:
    error = errors.NotSupportedError.missing("HcsGrantVmGroupAccess", "Windows 10 2004 / Server 2022")
    assert isinstance(error, NotImplementedError)
    assert error.symbol == "ERROR_PROC_NOT_FOUND"
    assert error.operation == "HcsGrantVmGroupAccess"
    assert str(error).endswith("Hint: HcsGrantVmGroupAccess needs Windows 10 2004 / Server 2022.")
    assert same(pickle.loads(pickle.dumps(error)), error)
    assert same(copy.copy(error), error)


@pytest.mark.parametrize(
    "kind", [errors.HandleBusyError, errors.HandleClosedError, errors.NoIsolationError, errors.NoIsolationWarning]
)
def test_errors_of_our_own_can_travel_too(kind: type[Exception]) -> None:
    error = kind("why")
    error.add_note("while closing")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copied = pickle.loads(pickle.dumps(error, protocol))
        assert type(copied) is kind
        assert (copied.args, vars(copied)) == (error.args, vars(error))


def test_errors_of_our_own_are_no_hcs_errors() -> None:
    assert issubclass(errors.HandleClosedError, ValueError)
    assert issubclass(errors.HandleBusyError, BufferError)
    assert issubclass(errors.NoIsolationWarning, RuntimeWarning)
    assert not issubclass(errors.HandleClosedError, errors.HcsError)
    assert not issubclass(errors.HandleBusyError, errors.HcsError)


def test_importing_the_errors_imports_next_to_nothing() -> None:
    # `import hcsrt` pays for this module, so that it must not bring json, re, enum or typing along.
    script = (
        "import sys, types\n"
        "package = sys.modules['hcsrt'] = types.ModuleType('hcsrt')\n"
        "package.__path__ = [sys.argv[1]]\n"
        "before = set(sys.modules)\n"
        "import hcsrt.errors\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    folder = Path(errors.__file__).parent
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) <= {
        "__future__",
        "_collections_abc",  # where os is imported, it is too
        "errno",
        "hcsrt._hresults",
        "hcsrt._late",
        "hcsrt.errors",
    }
