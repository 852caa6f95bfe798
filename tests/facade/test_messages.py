"""What is said to who takes the wrong way, and the errors that fit what happened."""

import copy
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, aio, documents, errors

from ..helpers.loops import asynchronous
from ..helpers.programs import TRUE

Document = dict[str, Any]


@pytest.mark.parametrize("face", [hcsrt, aio])
@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("ComputeSystem", ["create()", "open()"]),
        ("Process", ["popen()", "open_process()"]),
        ("Events", ["events()"]),
        ("StreamReader", ["popen()", "PIPE"]),
        ("StreamWriter", ["popen()", "PIPE"]),
    ],
)
def test_what_is_not_made_directly_says_how_it_is_made(face: Any, name: str, ways: list[str]) -> None:
    kind = getattr(face, name, None)
    if kind is None:
        pytest.skip("the streams of the blocking face are those of io")
    for arguments, options in [((), {}), (("a", {}), {}), ((), {"id": "a", "document": {}}), ((12,), {})]:
        with pytest.raises(TypeError, match=f"^{name} is not made directly: ") as caught:
            kind(*arguments, **options)
        assert [way for way in ways if way not in str(caught.value)] == []


DOCUMENTS: dict[str, Callable[[Any], object]] = {
    "document": lambda given: hcsrt.ComputeSystem.create("a", given),
    "query": lambda given: hcsrt.service.properties(query=given),
    "crash_report": lambda given: hcsrt.service.submit_wer_report(given),
    "request": lambda given: documents.dumps(given, argument="request"),
}


@pytest.mark.parametrize("argument", DOCUMENTS)
@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (Path("container.json"), "read_text()"),
        (io.StringIO("{}"), "read()"),
        (b"{}", "decode"),
        (12, "a mapping or JSON text, not int"),
    ],
)
def test_what_is_no_document_is_told_what_one_is(argument: str, given: object, advice: str) -> None:
    with pytest.raises(TypeError, match=f"^{argument} has to be a mapping or JSON text, not ") as caught:
        DOCUMENTS[argument](given)
    assert advice in str(caught.value)


@pytest.mark.parametrize("name", ["container.json", r"C:\vm\machine.json"])
def test_text_that_is_no_json_may_be_the_name_of_a_file(name: str) -> None:
    with pytest.raises(errors.InvalidDocumentError, match="give the text of a file, not its name"):
        hcsrt.ComputeSystem.create("a", name)
    with pytest.raises(errors.InvalidDocumentError) as caught:
        hcsrt.ComputeSystem.create("a", '{"Owner": }')
    assert "not its name" not in str(caught.value)


def check_refusal(owner: Any, instead: str) -> None:
    for travel in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=f"^{type(owner).__name__} cannot be .*pickled, .*: ") as caught:
            travel(owner)
        assert instead in str(caught.value)


def test_what_cannot_be_pickled_says_what_to_send_instead(system: hcsrt.ComputeSystem) -> None:
    with system.popen(TRUE, stdout=PIPE) as process:
        check_refusal(system, "send its id, and open() it there")
        check_refusal(system.handle, "send the id of its compute system, and open() that there")
        check_refusal(system.handle.as_raw(), "send the id of the compute system, and open() that there")
        check_refusal(process, "send its pid")
        check_refusal(process.handle, "send its pid")
        check_refusal(process.stdout.raw, "open_process()")
        check_refusal(process.stdout.raw.handle, "open_process()")
        with system.events() as events:
            check_refusal(events, "events()")


@asynchronous
async def test_what_cannot_be_pickled_says_so_in_the_awaited_face(document: Document) -> None:
    async with await aio.ComputeSystem.create("tests", document) as system:
        await system.start()
        async with await system.popen(TRUE, stdin=PIPE, stdout=PIPE) as process:
            check_refusal(system, "send its id, and open() it there")
            check_refusal(process, "send its pid")
            check_refusal(process.stdin, "open_process()")
            check_refusal(process.stdout, "open_process()")
            check_refusal(system.events(), "events()")
        await system.stop(grace=0)


WINDOWS = ["event log", "Windows", "sc config", "sc start", "dministrator", "Hyper-V", "vmcompute", "hypervisor"]


def of_windows(hint: str | None) -> list[str]:
    return [word for word in WINDOWS if word in (hint or "")]


@pytest.mark.parametrize("operation", ["HcsStartComputeSystem", "HcsCreateProcess"])
def test_no_hint_on_the_emulator_is_about_windows(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from hcsrt import _codes

    monkeypatch.setattr(errors, "_emulated", True)
    about = {code: of_windows(errors.error_from(code, operation).hint) for code in _codes.MEANINGS}
    # That of a missing DLL tells the way to the emulator.
    left = {_codes.SYMBOLS[code] for code, words in about.items() if words}
    assert left == {"ERROR_MOD_NOT_FOUND"}
    # `hcsrt errors` tells of Windows wherever it runs.
    assert "event log" in (errors.explain("E_UNEXPECTED").hint or "")
    monkeypatch.setattr(errors, "_emulated", False)
    assert "event log" in (errors.error_from(0x8000FFFF, operation).hint or "")


def test_an_error_of_the_emulator_has_no_hint_about_windows(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(hcsrt.NotSupportedError) as caught:
        system.initialize_live_migration()
    assert "help(hcsrt.emulator) tells what is emulated" in str(caught.value)
    assert of_windows(caught.value.hint) == []


def test_a_process_that_is_not_there_is_a_lookup_error(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(ProcessLookupError) as caught:
        system.open_process(0xFFFFFFFE)
    assert type(caught.value) is hcsrt.ProcessNotFoundError
    assert isinstance(caught.value, hcsrt.HcsError)
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is hcsrt.ProcessNotFoundError
    # Of other functions, "not found" is said of something else.
    assert type(errors.error_from(error.hresult, "HcsModifyComputeSystem")) is hcsrt.HcsError


@asynchronous
async def test_a_process_that_is_not_there_is_a_lookup_error_in_the_awaited_face(document: Document) -> None:
    async with await aio.ComputeSystem.create("tests", document) as system:
        await system.start()
        with pytest.raises(ProcessLookupError):
            await system.open_process(0xFFFFFFFE)
        await system.stop(grace=0)


def test_either_error_of_a_stopped_system_is_one_of_its_state(system: hcsrt.ComputeSystem) -> None:
    system.stop(grace=0)
    with pytest.raises(hcsrt.StateError):
        system.shutdown()
    for symbol in ("HCS_E_INVALID_STATE", "HCS_E_SYSTEM_ALREADY_STOPPED", "HCS_E_PROCESS_ALREADY_STOPPED"):
        assert isinstance(errors.error_from(errors.explain(symbol).hresult, "HcsStartComputeSystem"), hcsrt.StateError)
    assert {kind.__name__ for kind in hcsrt.StateError.__subclasses__()} == {
        "InvalidStateError",
        "AlreadyStoppedError",
    }
