"""What the emulator does beside the life of compute systems: settings of the service and of systems, and files."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import _calls, emulator, errors
from hcsrt._handles import OwnedSystem
from hcsrt.emulator import volumes

from ..helpers import hcs_calls
from ..helpers.programs import ELSEWHERE

GROUP = "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11"

HCS_E_INVALID_STATE = 0x80370105
HCS_E_INVALID_JSON = 0x8037010D
E_NOTIMPL = 0x80004001
E_INVALIDARG = 0x80070057
ERROR_FILE_NOT_FOUND = 0x80070002
ERROR_PATH_NOT_FOUND = 0x80070003
ERROR_FILE_EXISTS = 0x80070050
ERROR_ALREADY_EXISTS = 0x800700B7
ERROR_NOT_FOUND = 0x80070490


def fails(hresult: int | tuple[int, ...], call: Callable[..., object], *arguments: Any) -> errors.HcsError:
    """Make a call that has to fail with one of these HRESULTs."""
    expected = hresult if isinstance(hresult, tuple) else (hresult,)
    with pytest.raises(errors.HcsError) as caught:
        call(*arguments)
    assert caught.value.hresult & 0xFFFFFFFF in expected, caught.value
    return caught.value


# --- the service ------------------------------------------------------------------------------------------------------


def ask(**query: Any) -> dict[str, Any]:
    return json.loads(hcs_calls.service_properties(json.dumps(query)) or "")


def change_group(operation: str, **details: Any) -> None:
    settings = {"Operation": operation, "OperationDetails": details}
    hcs_calls.modify_service(json.dumps({"PropertyType": "CpuGroup", "Settings": settings}))


def groups() -> list[dict[str, Any]]:
    [answer] = ask(PropertyTypes=["CpuGroup"])["Properties"]
    return answer["CpuGroups"]


def test_the_service_tells_its_properties() -> None:
    basic = {"SupportedSchemaVersions": [{"Major": 2, "Minor": 6}]}
    assert json.loads(hcs_calls.service_properties() or "") == {"Properties": []}
    assert ask(PropertyTypes=["Basic"]) == {"Properties": [basic]}
    answers = ask(PropertyQueries={"Basic": {}, "CacheAllocation": {}, "Colour": {}})["PropertyResponses"]
    assert answers["Basic"] == {"Response": basic}
    assert answers["CacheAllocation"]["Error"]["Error"] == E_NOTIMPL - (1 << 32)
    assert "$.PropertyQueries.Colour" in str(answers["Colour"]["Error"])
    assert "$.PropertyTypes[0]" in str(fails(HCS_E_INVALID_JSON, lambda: ask(PropertyTypes=["Colour"])))
    for name in ("Memory", "CacheAllocation", "CacheMonitoring", "MemoryBwAllocation"):
        assert name in str(fails(E_NOTIMPL, lambda name=name: ask(PropertyTypes=[name])))


def test_cpu_groups_come_and_go() -> None:
    assert groups() == []
    change_group("CreateGroup", GroupId=GROUP, LogicalProcessorCount=2, LogicalProcessors=[0, 1])
    fails(ERROR_ALREADY_EXISTS, lambda: change_group("CreateGroup", GroupId=GROUP.upper()))
    change_group("SetProperty", GroupId=f"{{{GROUP}}}", PropertyCode=1, PropertyValue=5)
    change_group("SetProperty", GroupId=GROUP, PropertyCode=1, PropertyValue=7)
    assert groups() == [
        {
            "GroupId": GROUP,
            "Affinity": {"LogicalProcessorCount": 2, "LogicalProcessors": [0, 1]},
            "GroupProperties": [{"PropertyCode": 1, "PropertyValue": 7}],
        }
    ]
    change_group("DeleteGroup", GroupId=GROUP)
    assert groups() == []
    for operation in ("DeleteGroup", "SetProperty"):
        fails(ERROR_NOT_FOUND, lambda operation=operation: change_group(operation, GroupId=GROUP))


GUARD = {"Operation": "RemoveInstance", "OperationDetails": {"Id": GROUP}}


@pytest.mark.parametrize(
    ("request_", "hresult", "place"),
    [
        ({"PropertyType": "ContainerCredentialGuard", "Settings": GUARD}, ERROR_NOT_FOUND, "not there"),
        ({"PropertyType": "ContainerCredentialGuard", "Settings": {}}, HCS_E_INVALID_JSON, "$.Settings.Operation"),
        ({"PropertyType": "Colour"}, HCS_E_INVALID_JSON, "$.PropertyType"),
        ({"PropertyType": "CpuGroup"}, HCS_E_INVALID_JSON, "$.Settings"),
        ({"PropertyType": "CpuGroup", "Settings": {}}, HCS_E_INVALID_JSON, "$.Settings.Operation"),
        (
            {"PropertyType": "CpuGroup", "Settings": {"Operation": "CreateGroup", "OperationDetails": {}}},
            HCS_E_INVALID_JSON,
            "$.Settings.OperationDetails.GroupId",
        ),
        (
            {
                "PropertyType": "CpuGroup",
                "Settings": {
                    "Operation": "CreateGroup",
                    "OperationDetails": {"GroupId": GROUP, "LogicalProcessorCount": 3, "LogicalProcessors": [1]},
                },
            },
            HCS_E_INVALID_JSON,
            "$.Settings.OperationDetails.LogicalProcessorCount",
        ),
    ],
)
def test_settings_of_the_service_are_checked(request_: dict[str, Any], hresult: int, place: str) -> None:
    error = fails(hresult, hcs_calls.modify_service, json.dumps(request_))
    assert place in str(error)
    assert groups() == []


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create", [hcs_calls.create_guest_state_file, hcs_calls.create_runtime_state_file])
def test_a_state_file_is_created_once(create: Callable[[str], None], tmp_path: Path) -> None:
    path = tmp_path / "machine.vmgs"
    create(str(path))
    assert path.read_bytes() == b""
    fails(ERROR_FILE_EXISTS, create, str(path))
    fails(ERROR_PATH_NOT_FOUND, create, str(tmp_path / "missing" / "machine.vmgs"))
    fails(ERROR_PATH_NOT_FOUND, create, str(path / "machine.vmgs"))
    fails(ERROR_PATH_NOT_FOUND, create, "machine.vmgs")
    fails(ERROR_PATH_NOT_FOUND, create, ELSEWHERE)


def test_access_is_to_files_that_are_there(tmp_path: Path) -> None:
    path, missing = tmp_path / "disk.vhdx", str(tmp_path / "missing")
    path.touch()
    for change in (hcs_calls.grant_vm_access, hcs_calls.revoke_vm_access):
        change("vm", str(path))
        fails(ERROR_FILE_NOT_FOUND, change, "vm", missing)
        fails(E_INVALIDARG, change, "", str(path))
    for change in (hcs_calls.grant_vm_group_access, hcs_calls.revoke_vm_group_access):
        change(str(path))
        fails(ERROR_FILE_NOT_FOUND, change, missing)


# --- settings of compute systems --------------------------------------------------------------------------------------


@pytest.fixture
def machine() -> Iterator[OwnedSystem]:
    document = {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "ShouldTerminateOnLastHandleClosed": True,
        "VirtualMachine": {"Devices": {"Scsi": {"disks": {}}}},
    }
    with _calls.create_system("vm", json.dumps(document)) as system:
        hcs_calls.start_system(system)
        yield system


@pytest.fixture
def container() -> Iterator[OwnedSystem]:
    with _calls.create_system("container", json.dumps(emulator.container_document())) as system:
        hcs_calls.start_system(system)
        yield system


def modify(system: OwnedSystem, path: str, change: str | None, settings: Any = None, **members: Any) -> None:
    request = {"ResourcePath": path, "RequestType": change, "Settings": settings}
    given = {name: value for name, value in request.items() if value is not None}
    hcs_calls.modify_system(system, json.dumps(given | members))


def test_the_memory_of_a_machine_is_what_it_was_set_to(machine: OwnedSystem) -> None:
    path = "VirtualMachine/ComputeTopology/Memory/SizeInMB"
    modify(machine, path, "Update", 4096)
    document = json.loads(hcs_calls.get_system_properties(machine, '{"PropertyTypes": ["Memory"]}') or "")
    assert document["Memory"]["VirtualMachineMemory"]["AssignedMemory"] == 4096 * 256
    assert "$.Settings" in str(fails(HCS_E_INVALID_JSON, modify, machine, path, "Update", "much"))
    fails(E_INVALIDARG, modify, machine, path, "Remove")


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("VirtualMachine/Devices/Scsi/disks/Attachments/0", {"Type": "VirtualDisk", "Path": "C:\\disk.vhdx"}),
        ("VirtualMachine/Devices/NetworkAdapters/lan", {"EndpointId": GROUP}),
        ("VirtualMachine/Devices/VirtualSmb/Shares", {"Name": "share", "Path": "C:\\share"}),
        ("VirtualMachine/Devices/Plan9/Shares", {"Name": "share", "Path": "C:\\share"}),
    ],
)
def test_a_device_is_added_once_and_removed_once(machine: OwnedSystem, path: str, settings: dict[str, Any]) -> None:
    fails(ERROR_NOT_FOUND, modify, machine, path, "Remove", settings)
    fails(ERROR_NOT_FOUND, modify, machine, path, "Update", settings)
    modify(machine, path, "Add", settings)
    fails(ERROR_ALREADY_EXISTS, modify, machine, path, None, settings)
    modify(machine, path, "Update", settings)
    modify(machine, path, "Remove", settings)
    fails(ERROR_NOT_FOUND, modify, machine, path, "Remove", settings)
    fails(HCS_E_INVALID_JSON, modify, machine, path, "Add", settings | {"Colour": "red"})


def test_a_share_of_plan_9_has_two_names(machine: OwnedSystem) -> None:
    path = "VirtualMachine/Devices/Plan9/Shares"
    share = {"Name": "src", "AccessName": "code", "Path": "C:\\src", "Port": 564, "Flags": 0}
    modify(machine, path, "Add", share)
    fails(E_INVALIDARG, modify, machine, path, "Remove", {"Port": 564})
    fails(ERROR_NOT_FOUND, modify, machine, path, "Remove", {"AccessName": "src", "Port": 564})
    modify(machine, path, "Remove", {"AccessName": "code", "Port": 564})
    fails(ERROR_NOT_FOUND, modify, machine, path, "Remove", {"Name": "src"})


def test_pipes_have_no_settings_and_are_not_updated(machine: OwnedSystem) -> None:
    path = "VirtualMachine/Devices/MappedPipes/docker"
    modify(machine, path, "Add")
    fails(E_INVALIDARG, modify, machine, path, "Update")
    modify(machine, path, "Remove")


def test_containers_have_resources_of_their_own(container: OwnedSystem) -> None:
    modify(container, "Container/Memory/SizeInMB", "Update", 512)
    modify(container, "Container/Processor", "Update", {"Maximum": 5000})
    fails(E_NOTIMPL, modify, container, "Container/Processor", "Remove", {"Maximum": 5000})
    fails(E_INVALIDARG, modify, container, "Container/Memory/SizeInMB", "Update")
    for path, settings in (
        ("Container/MappedDirectories", {"HostPath": "C:\\data", "ContainerPath": "C:\\data"}),
        ("Container/MappedPipes", {"HostPath": "\\\\.\\pipe\\a", "ContainerPipeName": "a"}),
    ):
        modify(container, path, "Add", settings)
        fails(ERROR_ALREADY_EXISTS, modify, container, path, "Add", settings)
        modify(container, path, "Remove", settings)
        fails(E_INVALIDARG, modify, container, path, "Remove", {"HostPath": "C:\\data"})
        fails(E_INVALIDARG, modify, container, path, "Remove")
    fails(E_INVALIDARG, modify, container, "VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", 512)


@pytest.mark.parametrize("seed", [None, *range(6)])
def test_a_path_that_leads_nowhere_is_refused(seed: int | None) -> None:
    emulator.reset(seed)
    with _calls.create_system("vm", '{"VirtualMachine": {}, "ShouldTerminateOnLastHandleClosed": true}') as system:
        memory = "VirtualMachine/ComputeTopology/Memory/SizeInMB"
        fails(HCS_E_INVALID_STATE, modify, system, memory, "Update", 4096)
        hcs_calls.start_system(system)
        for path in ("", "Colour", memory + "/more", "VirtualMachine/Devices/VirtualSmb/Shares/0"):
            fails((E_INVALIDARG, ERROR_NOT_FOUND), modify, system, path, "Update", 4096)
        attachment = {"Type": "VirtualDisk", "Path": "C:\\disk.vhdx"}
        fails(ERROR_NOT_FOUND, modify, system, "VirtualMachine/Devices/Scsi/other/Attachments/0", "Add", attachment)


def test_what_is_known_of_a_machine_and_not_emulated_says_so(machine: OwnedSystem) -> None:
    fails(E_NOTIMPL, lambda: modify(machine, "", "Add", GuestRequest={"ResourceType": "Memory"}))
    fails(HCS_E_INVALID_JSON, lambda: modify(machine, "", "Add", Colour="red"))


# --- volumes ----------------------------------------------------------------------------------------------------------

VOLUME = "\\\\?\\Volume{8c0f6f4e-2d1b-4f0a-b6a7-3e5d9c7b1a20}\\"


def test_a_volume_is_a_folder_until_the_reset() -> None:
    path = VOLUME + "state.vmgs"
    hcs_calls.create_guest_state_file(path)
    fails(ERROR_FILE_EXISTS, hcs_calls.create_guest_state_file, path)
    # The same volume, however it is spelt, and nothing above it.
    hcs_calls.grant_vm_access("vm", VOLUME.upper() + "..\\..\\state.vmgs")
    folder = Path(volumes.local(VOLUME))
    assert [file.name for file in folder.iterdir()] == ["state.vmgs"]
    emulator.reset()
    assert not folder.parent.exists()
    fails(ERROR_FILE_NOT_FOUND, hcs_calls.grant_vm_access, "vm", path)


def test_a_process_may_work_in_a_volume() -> None:
    with hcsrt.ComputeSystem.create("box", emulator.container_document()) as system:
        system.start()
        done = system.run([sys.executable, "-c", "import os; print(os.getcwd())"], cwd=VOLUME, capture_output=True)
        assert os.path.samefile(done.stdout.decode().strip(), volumes.local(VOLUME))
        system.stop(grace=0)


def test_volumes_outlive_the_clearing_of_temporary_space() -> None:
    before = Path(volumes.local(VOLUME))
    shutil.rmtree(before.parent)
    after = Path(volumes.local(VOLUME))
    assert after.is_dir()
    assert after.parent != before.parent
    if os.name == "posix":
        assert after.stat().st_mode & 0o777 == after.parent.stat().st_mode & 0o777 == 0o700
    emulator.reset()
    assert not after.parent.exists()


def test_what_is_no_volume_stays_what_it_is() -> None:
    for path in ("/data", "C:\\data", "\\\\?\\Volume{no guid}\\", "\\\\?\\C:\\data"):
        assert volumes.local(path) == path
