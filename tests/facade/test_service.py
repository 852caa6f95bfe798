"""The service itself, through the facade."""

from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import service

GROUP = "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11"
ERROR_FILE_EXISTS = 0x80070050


def test_it_is_there_for_who_asks() -> None:
    assert hcsrt.service is service


def test_properties_are_asked_for_by_type_or_by_query() -> None:
    versions = service.properties("Basic")["Properties"][0]["SupportedSchemaVersions"]
    assert {"Major": 2, "Minor": 6} in versions
    assert service.properties() == {"Properties": []}
    answers = service.properties(query={"PropertyQueries": {"Basic": {}, "CacheMonitoring": {}}})["PropertyResponses"]
    assert "Response" in answers["Basic"]
    assert "Error" in answers["CacheMonitoring"]
    with pytest.raises(ValueError, match="not both"):
        service.properties("Basic", query={})
    with pytest.raises(hcsrt.NotSupportedError):
        service.properties("CacheMonitoring")
    with pytest.raises(hcsrt.InvalidDocumentError, match="Colour"):
        service.properties("Colour")
    with pytest.raises(ValueError, match="a property type must not be empty"):
        service.properties("")


def test_settings_are_changed_by_property_type() -> None:
    details: dict[str, Any] = {"GroupId": GROUP, "LogicalProcessorCount": 1, "LogicalProcessors": [0]}
    service.modify("CpuGroup", {"Operation": "CreateGroup", "OperationDetails": details})
    [group] = service.properties("CpuGroup")["Properties"][0]["CpuGroups"]
    assert group["GroupId"] == GROUP
    service.modify("CpuGroup", {"Operation": "DeleteGroup", "OperationDetails": {"GroupId": GROUP}})
    with pytest.raises(hcsrt.HcsError) as caught:
        service.modify("CpuGroup", {"Operation": "DeleteGroup", "OperationDetails": {"GroupId": GROUP}})
    assert caught.value.operation == "HcsModifyServiceSettings"
    wrong = details | {"LogicalProcessorCount": 2}
    with pytest.raises(hcsrt.HcsError, match="LogicalProcessorCount"):
        service.modify("CpuGroup", {"Operation": "CreateGroup", "OperationDetails": wrong})


@pytest.mark.parametrize("create", [service.create_guest_state_file, service.create_runtime_state_file])
def test_state_files(create: Any, tmp_path: Path) -> None:
    path = tmp_path / "machine"
    create(path)
    assert path.is_file()
    with pytest.raises(hcsrt.PathExistsError) as caught:
        create(str(path))
    assert caught.value.hresult & 0xFFFFFFFF == ERROR_FILE_EXISTS
    with pytest.raises(hcsrt.PathNotFoundError):
        create(tmp_path / "missing" / "machine")
    with pytest.raises(ValueError, match="path must not contain a NUL"):
        create("a\0b")


def test_access_to_a_file(tmp_path: Path) -> None:
    disk = tmp_path / "disk.vhdx"
    disk.touch()
    for change in (service.grant_vm_access, service.revoke_vm_access):
        change("vm", disk)
        with pytest.raises(hcsrt.PathNotFoundError):
            change("vm", tmp_path / "missing")
        with pytest.raises(ValueError, match="vm_id must not be empty"):
            change("", disk)
    for change in (service.grant_vm_group_access, service.revoke_vm_group_access):
        change(disk)
        with pytest.raises(hcsrt.PathNotFoundError):
            change(tmp_path / "missing")


def test_what_is_not_emulated_says_so(tmp_path: Path) -> None:
    with pytest.raises(hcsrt.NotSupportedError, match="HcsSubmitWerReport"):
        service.submit_wer_report({"SystemId": "vm"})
    with pytest.raises(hcsrt.NotSupportedError, match="HcsGetProcessorCompatibilityFromSavedState"):
        service.processor_compatibility(tmp_path / "saved.vmrs")
