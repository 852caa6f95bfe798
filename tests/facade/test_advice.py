"""What a check finds is told with the error of a document that HCS refuses."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import hcsrt
import hcsrt.aio
import hcsrt.service
from hcsrt import _interpose, emulator
from hcsrt._facade import requests
from hcsrt._hresults import HCS_E_INVALID_JSON

from ..helpers.platforms import emulator_by_name

WRONG = {"VirtualMachine": {"Chipst": {}, "StopOnReset": 1}, "Ownr": "x", "Own": 5}


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the error be one of a real HCS, which says little."""
    monkeypatch.setattr(requests, "backend", lambda: "windows")


def create(document: dict[str, Any]) -> None:
    hcsrt.ComputeSystem.create("box", document)


def create_awaited(document: dict[str, Any]) -> None:
    asyncio.run(hcsrt.aio.ComputeSystem.create("box", document))


@pytest.fixture(params=[create, create_awaited], ids=["blocking", "awaited"])
def create_in(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], None]:
    return request.param


def hint(call: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(hcsrt.InvalidDocumentError) as caught:
        call(*arguments)
    assert caught.value.hint is not None
    assert str(caught.value).endswith(f" Hint: {caught.value.hint}")
    assert pickle.loads(pickle.dumps(caught.value)).hint == caught.value.hint
    assert copy.copy(caught.value).hint == caught.value.hint
    return caught.value.hint


@pytest.mark.usefixtures("real")
def test_the_findings_are_a_hint(create_in: Callable[[dict[str, Any]], None]) -> None:
    told = hint(create_in, WRONG)
    assert told.startswith("Correct the document")
    assert "hcsrt.documents.check() says: $.VirtualMachine.Chipst: VirtualMachine has no member 'Chipst'" in told
    assert "$.VirtualMachine.StopOnReset: true or false is expected" in told
    assert "$.Ownr: " in told
    assert "$.Own: " not in told
    assert told.endswith("; and 3 more.")


@emulator_by_name
def test_the_emulator_tells_them_once(create_in: Callable[[dict[str, Any]], None]) -> None:
    assert "check()" not in hint(create_in, WRONG)


@pytest.mark.usefixtures("real")
def test_requests_have_such_hints_too() -> None:
    with hcsrt.ComputeSystem.create("box", {"VirtualMachine": {}}) as system:
        system.start()
        assert "$.Typ: ShutdownOptions has no member" in hint(system.shutdown, {"Typ": 1})
        assert "$.Level: " in hint(system.pause, {"Level": "x"})
        assert "$.Typ: " in hint(system.crash, {"Typ": "x"})
        assert "$.Settings: " in hint(system.modify, "VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", "much")
        with pytest.raises(hcsrt.InvalidDocumentError, match=r"check\(\) says: \$\.Query: "):
            system.properties(query={"Query": 1})
        system.terminate()
    assert "$.Query: " in hint(lambda: hcsrt.service.properties(query={"Query": 1}))
    assert "$.PropertyType: 'Colour' is not a value of " in hint(hcsrt.service.modify, "Colour", {})


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize(
    ("function", "method"),
    [
        ("HcsInitializeLiveMigrationOnSource", hcsrt.ComputeSystem.initialize_live_migration),
        ("HcsStartLiveMigrationTransfer", hcsrt.ComputeSystem.start_live_migration_transfer),
        ("HcsFinalizeLiveMigration", hcsrt.ComputeSystem.finalize_live_migration),
        ("HcsCancelLiveMigration", hcsrt.ComputeSystem.cancel_live_migration),
    ],
)
def test_options_of_a_live_migration_have_such_hints_too(function: str, method: Callable[..., object]) -> None:
    with hcsrt.ComputeSystem.create("box", {"VirtualMachine": {}}) as system:
        with _interpose.failing(function, HCS_E_INVALID_JSON):
            assert "$.Colour: " in hint(method, system, {"Colour": 1})
        system.terminate()


@pytest.mark.usefixtures("real")
def test_a_migration_that_starts_and_a_crash_report_have_such_hints_too() -> None:
    with hcsrt.ComputeSystem.create("box", {"VirtualMachine": {}}) as system:
        # The emulator takes no sockets.
        with (
            _interpose.failing("HcsAddResourceToOperation", 0),
            _interpose.failing("HcsStartLiveMigrationOnSource", HCS_E_INVALID_JSON),
        ):
            assert "$.Colour: " in hint(system.start_live_migration, 1, {"Colour": 1})
        system.terminate()
    with _interpose.failing("HcsSubmitWerReport", HCS_E_INVALID_JSON):
        assert "$.Colour: " in hint(hcsrt.service.submit_wer_report, {"Colour": 1})


@pytest.mark.usefixtures("real")
def test_no_value_of_a_variable_is_told() -> None:
    with hcsrt.ComputeSystem.create("box", emulator.container_document()) as system:
        system.start()
        with (
            pytest.raises(hcsrt.HcsError) as caught,
            requests.advised("ProcessParameters", '{"Environment": {"PASSWORD": 42424242}}'),
        ):
            raise hcsrt.InvalidDocumentError(-2143878899, "HcsCreateProcess")
        assert "$.Environment.PASSWORD" in str(caught.value)
        assert "4242" not in str(caught.value)
        system.terminate()


@pytest.mark.usefixtures("real")
def test_no_findings_leave_the_hint_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = hcsrt.InvalidDocumentError(-2143878899, "HcsCreateComputeSystem")
    before = refused.hint
    for kind, text in (("Version", '{"Major": 2}'), ("Version", None), ("Version", ""), ("NoType", "{}")):
        with pytest.raises(hcsrt.InvalidDocumentError), requests.advised(kind, text):
            raise refused
        assert refused.hint == before
    other = hcsrt.HcsError(-2147024809, "HcsCreateComputeSystem")
    with pytest.raises(hcsrt.HcsError), requests.advised("Version", '{"Majr": 2}'):
        raise other
    assert "Majr" not in str(other)


@pytest.mark.usefixtures("real")
def test_a_hint_is_short_and_costs_little() -> None:
    assert len(hint(create, {"k" * 100_000: 1})) < 2000
    told = hint(create, {"Owner": "x" * 1_000_000, "Ownr": 1})
    assert told.endswith("hcsrt.documents.check() may tell what is wrong.")
    assert len(told) < 500
