"""What clients that nobody here wrote expect of HCS, and have seen of it: hcsshim, WSL, multipass, ZLayer, Metis.

A test for each row of the table of facts that running them unaltered has given, and for what is like it.
"""

import contextlib
import ctypes
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import list2cmdline
from typing import Any

import pytest

from hcsrt import ComputeSystem, _calls, documents, emulator, errors
from hcsrt._check_host.raw_hcs import FOREVER, Table, completion, event_callback, wide
from hcsrt._handles import OwnedSystem
from hcsrt.documents.resources import RESOURCES
from hcsrt.emulator import Host

from ..helpers import hcs_calls
from ..helpers.platforms import emulator_by_name, stand_in
from ..helpers.programs import ABORTED, KILLED, SLEEP, TRUE, guest

GUID = "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11"
LINUX = {"Chipset": {"LinuxKernelDirect": {"KernelFilePath": "C:\\kernel"}}, "GuestConnection": {}}
PLAN9 = "VirtualMachine/Devices/Plan9/Shares"

S_OK = 0
E_INVALIDARG = 0x80070057
E_NOTIMPL = 0x80004001
ERROR_ALREADY_EXISTS = 0x800700B7
ERROR_NOT_FOUND = 0x80070490
HCS_E_INVALID_JSON = 0x8037010D

EVENT_SYSTEM_EXITED = 0x00000001
EVENT_PROCESS_EXITED = 0x00010000


def machine(**members: Any) -> dict[str, Any]:
    return {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "ShouldTerminateOnLastHandleClosed": True,
        "VirtualMachine": members,
    }


def container() -> dict[str, Any]:
    return emulator.container_document("tests")


@contextlib.contextmanager
def created(document: dict[str, Any], id: str = "test") -> Iterator[OwnedSystem]:
    with _calls.create_system(id, json.dumps(document)) as system:
        yield system


@contextlib.contextmanager
def running(document: dict[str, Any], id: str = "test") -> Iterator[OwnedSystem]:
    with created(document, id) as system:
        hcs_calls.start_system(system)
        yield system


def fails(hresult: int, call: Callable[..., object], *arguments: Any) -> errors.HcsError:
    with pytest.raises(errors.HcsError) as caught:
        call(*arguments)
    assert caught.value.hresult & 0xFFFFFFFF == hresult, caught.value
    return caught.value


def modify(system: OwnedSystem, path: str, change: str | None, settings: Any = None) -> None:
    request = {"ResourcePath": path, "RequestType": change, "Settings": settings}
    hcs_calls.modify_system(system, json.dumps({name: value for name, value in request.items() if value is not None}))


def properties(system: OwnedSystem, query: dict[str, Any] | None = None) -> dict[str, Any]:
    return json.loads(hcs_calls.get_system_properties(system, json.dumps(query) if query else None) or "")


def of_service(**query: Any) -> dict[str, Any]:
    return json.loads(hcs_calls.service_properties(json.dumps(query)) or "")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- row 1: members of shares of Plan 9 -------------------------------------------------------------------------------


def test_row_1_a_share_of_plan_9_has_flags_and_may_be_read_only() -> None:
    """WSL and hcsshim always send Flags; Metis sends ReadOnly."""
    share = {"Name": "c", "AccessName": "c", "Path": "C:\\", "Port": 564, "Flags": 0}
    with running(machine(Devices={"Plan9": {"Shares": [share, share | {"Name": "d", "ReadOnly": True}]}})) as system:
        modify(system, PLAN9, "Add", {"Name": "e", "AccessName": "e", "Path": "E:\\", "Port": 50000, "Flags": 0x80})
        modify(system, PLAN9, "Add", {"Name": "f", "Path": "F:\\", "Port": 564, "ReadOnly": True})
        modify(system, PLAN9, "Remove", {"AccessName": "e", "Port": 50000})


# --- row 2: exit codes of what was terminated -------------------------------------------------------------------------


def exit_code(start: Any) -> int:
    status: dict[str, Any] = {}

    def has_exited() -> bool:
        status.update(json.loads(hcs_calls.get_process_properties(start.process) or "{}"))
        return status["Exited"]

    wait_until(has_exited)
    assert status["LastWaitResult"] == 0
    return status["ExitCode"]


@contextlib.contextmanager
def started(system: OwnedSystem, *arguments: str, linux: bool = False, **members: Any) -> Iterator[Any]:
    line = {"CommandArgs": arguments} if linux else {"CommandLine": list2cmdline(arguments)}
    start = hcs_calls.create_process(system, json.dumps(line | members))
    try:
        yield start
    finally:
        start.close()


@pytest.mark.parametrize(
    ("document", "linux", "code"),
    [
        (container(), False, ABORTED),
        (machine(GuestConnection={}), False, ABORTED),
        (machine(**LINUX), True, KILLED),
    ],
    ids=["windows-container", "windows-machine", "linux-machine"],
)
def test_row_2_the_document_decides_the_exit_code_of_what_was_terminated(
    document: dict[str, Any], linux: bool, code: int
) -> None:
    """By hcsshim's functional tests it is 1067 under both isolations, and 137 in a Linux guest."""
    with running(document) as system:
        with started(system, *SLEEP, linux=linux) as start:
            hcs_calls.terminate_process(start.process)
            assert exit_code(start) == code
        with started(system, *guest("exit(137)"), linux=linux) as start:
            assert exit_code(start) == 137
        with started(system, *SLEEP, linux=linux) as start:
            hcs_calls.terminate_system(system)
            assert exit_code(start) == KILLED


def test_row_2_a_program_that_ends_by_itself_keeps_its_exit_code() -> None:
    with running(container()) as system, started(system, *guest("exit(3)")) as start:
        with contextlib.suppress(errors.HcsError):
            hcs_calls.terminate_process(start.process)
        assert exit_code(start) in (3, ABORTED)


# --- row 3: a callback that is set after the exit ---------------------------------------------------------------------


class Client:
    """A client in C, as hcsshim is one: it does nothing but what its test says."""

    def __init__(self, hcs: Table) -> None:
        self.hcs = hcs
        self.events: list[int] = []

    def on_event(self, type: int, operation: int | None) -> None:
        self.events.append(type)

    def call(self, function: str, *arguments: Any) -> int:
        """Start a call whose operation is the argument None, and wait for it."""
        operation = self.hcs.HcsCreateOperation(None, None)
        given = [operation if argument is Client else argument for argument in arguments]
        getattr(self.hcs, function)(*given)
        result = self.hcs.wait(operation)
        self.hcs.HcsCloseOperation(operation)
        return result

    def process(self, system: int, *arguments: str) -> int:
        operation = self.hcs.HcsCreateOperation(None, None)
        line = wide(json.dumps({"CommandLine": list2cmdline(arguments)}))
        result, process = self.hcs.handle_of("HcsCreateProcess", system, line, operation, None)
        assert (result, self.hcs.wait(operation)) == (S_OK, S_OK)
        self.hcs.HcsCloseOperation(operation)
        assert process
        return process

    def listen(self, function: str, handle: int) -> None:
        assert getattr(self.hcs, function)(handle, 0, None, event_callback(self.on_event)) == S_OK


@contextlib.contextmanager
def exited(client: Client, system: int) -> Iterator[int]:
    """Yield a process that has exited, as HCS has told this much."""
    process = client.process(system, *TRUE)
    assert client.hcs.document_of("HcsWaitForProcessExit", process, FOREVER)[0] == S_OK
    yield process
    client.hcs.HcsCloseProcess(process)


def test_row_3_a_callback_that_is_set_after_the_exit_is_told_of_it_at_once(plain_order: None) -> None:
    """As by hcsshim, which waits for nothing else once HcsCreateProcess has completed: some processes are short."""
    with running(container()) as system:
        client = Client(Table())
        handle = client.hcs.open_system("test")
        with exited(client, handle) as process:
            client.listen("HcsSetProcessCallback", process)
            wait_until(lambda: client.events == [EVENT_PROCESS_EXITED])
        hcs_calls.terminate_system(system)
        assert client.hcs.document_of("HcsWaitForComputeSystemExit", handle, FOREVER)[0] == S_OK
        client.listen("HcsSetComputeSystemCallback", handle)
        wait_until(lambda: client.events == [EVENT_PROCESS_EXITED, EVENT_SYSTEM_EXITED])
        client.hcs.HcsCloseComputeSystem(handle)


@emulator_by_name
def test_row_3_or_never_by_the_seed() -> None:
    seen: set[str] = set()
    for seed in range(8):
        with Host(seed, process_in_container="succeeds", completion="later") as host, running(container()):
            client = Client(Table())
            handle = client.hcs.open_system("test")
            with exited(client, handle) as process:
                client.listen("HcsSetProcessCallback", process)
                (choice,) = host.met()["exit_callback_set_late"]
                if choice == "comes":
                    wait_until(lambda client=client: client.events == [EVENT_PROCESS_EXITED])
            assert client.events == ([EVENT_PROCESS_EXITED] if choice == "comes" else [])
            client.hcs.HcsCloseComputeSystem(handle)
            seen.add(choice)
    assert seen == {"comes", "never_comes"}


@emulator_by_name
def test_row_3_nobody_is_told_of_one_exit_twice() -> None:
    with Host(second_event_callback="replaces") as host, running(container()):
        client = Client(Table())
        handle = client.hcs.open_system("test")
        with exited(client, handle) as process:
            client.listen("HcsSetProcessCallback", process)
            wait_until(lambda: client.events == [EVENT_PROCESS_EXITED])
            client.listen("HcsSetProcessCallback", process)
        assert client.events == [EVENT_PROCESS_EXITED]
        assert host.met()["second_event_callback"] == {"replaces"}
        client.hcs.HcsCloseComputeSystem(handle)


@emulator_by_name
@pytest.mark.parametrize("choice", ["comes", "never_comes"])
def test_row_3_a_short_process_is_waited_for_whatever_hcs_does(choice: str) -> None:
    with Host(exit_callback_set_late=choice), ComputeSystem.create("test", container()) as system:
        system.start()
        for _ in range(5):
            with system.popen(TRUE) as process:
                assert process.wait(20) == 0
        system.stop(grace=0)


# --- row 4: what creating a utility virtual machine asks the service for ----------------------------------------------


def test_row_4_the_service_tells_of_the_processors() -> None:
    """hcsshim, HostProcessorInfo: exactly one property comes, for which it reads the count and the indices."""
    [topology] = of_service(PropertyTypes=["ProcessorTopology"])["Properties"]
    count = os.cpu_count()
    assert topology["LogicalProcessorCount"] == count
    assert [processor["LpIndex"] for processor in topology["LogicalProcessors"]] == list(range(count or 0))
    assert documents.check(topology, "ProcessorTopology") == []


def test_row_4_wsl_asks_for_processor_features_by_name() -> None:
    """WSL, GetProcessorFeatures: it throws at an Error, and reads the list, which has to be there."""
    answer = of_service(PropertyQueries={"ProcessorCapabilities": {}})["PropertyResponses"]["ProcessorCapabilities"]
    assert "Error" not in answer
    assert isinstance(answer["Response"]["ProcessorFeatures"], list)
    assert documents.check(answer["Response"], "ProcessorCapabilitiesInfo") == []


def test_row_4_the_service_tells_which_quality_of_service_it_gives() -> None:
    assert of_service(PropertyTypes=["QoSCapabilities"]) == {"Properties": [{"ProcessorQoSSupported": False}]}


@pytest.mark.parametrize("transport", ["LRPC", "HvSocket"])
def test_row_4_hcsshim_adds_a_credential_guard_and_finds_it(transport: str) -> None:
    """hcsshim, CreateCredentialGuard: it adds an instance, asks for all, and puts its own into the document."""

    def change(operation: str, **details: Any) -> None:
        settings = {"Operation": operation, "OperationDetails": details}
        request = {"PropertyType": "ContainerCredentialGuard", "Settings": settings}
        hcs_calls.modify_service(json.dumps(request))

    def instances() -> list[dict[str, Any]]:
        [answer] = of_service(PropertyTypes=["ContainerCredentialGuard"])["Properties"]
        assert documents.check(answer, "ContainerCredentialGuardSystemInfo") == []
        return answer["Instances"]

    assert instances() == []
    change("AddInstance", Id="web", CredentialSpec='{"CmsPlugins": []}', Transport=transport)
    fails(ERROR_ALREADY_EXISTS, lambda: change("AddInstance", Id="web", CredentialSpec="{}"))
    [instance] = instances()
    assert instance["Id"] == "web"
    assert ("HvSocketConfig" in instance) == (transport == "HvSocket")
    state = instance["CredentialGuard"]
    assert (state["CredentialSpec"], state["Transport"]) == ('{"CmsPlugins": []}', transport)
    document = container()
    document["Container"]["ContainerCredentialGuard"] = state
    with running(document):
        pass
    change("RemoveInstance", Id="web")
    assert instances() == []
    fails(ERROR_NOT_FOUND, lambda: change("RemoveInstance", Id="web"))


# --- rows 5 and 12: members that the reference does not know ----------------------------------------------------------


@pytest.mark.parametrize("minor", [3, 7])
@pytest.mark.parametrize("options", [{}, {"BugcheckSavedStateFileName": "C:\\crash.vmrs"}])
def test_row_5_debug_options_are_taken(minor: int, options: dict[str, Any]) -> None:
    """WSL always sends them, even empty, with the schema versions 2.3 and 2.7."""
    document = machine(DebugOptions=options, StopOnReset=True)
    document["SchemaVersion"]["Minor"] = minor
    with running(document):
        pass


@pytest.mark.parametrize(
    "members",
    [
        {"SecuritySettings": {"EnableTpm": False}},
        {"GuestState": {"GuestStateFilePath": "C:\\state.vmgs", "GuestStateFileType": "FileMode"}},
        {"ComputeTopology": {"Numa": {"VirtualNodeCount": 1}}},
        {"ComputeTopology": {"Memory": {"SizeInMB": 1024, "HostingProcessNameSuffix": "WSL"}}},
        {"Chipset": {"FirmwareFile": {"Parameters": "AQI="}}},
        {"Devices": {"HvSocket": {"HvSocketConfig": {"ServiceTable": {GUID: {"Disabled": True}}}}}},
        {"Devices": {"VirtualPci": {GUID: {"PropagateNumaAffinity": True}}}},
        {"Devices": {"VirtioSerial": {"Ports": {"0": {"Name": "hvc0", "ConsoleSupport": True}}}}},
        {"Devices": {"NetworkAdapters": {GUID: {"EndpointId": GUID, "IsConnected": True}}}},
        {"ResourcePartitionId": GUID},
    ],
    ids=lambda members: next(iter(members)),
)
def test_row_12_members_newer_than_the_reference_are_taken(members: dict[str, Any]) -> None:
    """Those that hcsshim and WSL send."""
    with running(machine(**members)):
        pass


# --- row 6: a virtual machine before its start ------------------------------------------------------------------------


def test_row_6_a_machine_has_no_state_before_its_start(plain_order: None, tmp_path: Path) -> None:
    """As multipass saw on hardware, after RestoreState too: it takes the machine for stopped."""
    saved = str(tmp_path / "saved.vmrs")
    with created(machine(), "first") as system:
        assert "State" not in properties(system)
        assert "State" not in properties(system, {"PropertyTypes": []})
        [listed] = json.loads(_calls.enumerate_systems() or "")
        assert (listed["Id"], listed.get("State")) == ("first", None)
        hcs_calls.start_system(system)
        assert properties(system)["State"] == "Running"
        hcs_calls.pause_system(system)
        hcs_calls.save_system(system, json.dumps({"SaveType": "ToFile", "SaveStateFilePath": saved}))
        with created(machine(RestoreState={"SaveStateFilePath": saved}), "again") as restored:
            assert "State" not in properties(restored)
            hcs_calls.start_system(restored)
            assert properties(restored)["State"] == "Running"
    with created(container()) as system:
        assert properties(system)["State"] == "Created"


@emulator_by_name
def test_row_6_or_it_has_been_created_by_the_seed() -> None:
    with Host(state_before_start="Created"), created(machine()) as system:
        assert properties(system)["State"] == "Created"
        [listed] = json.loads(_calls.enumerate_systems() or "")
        assert listed["State"] == "Created"
    seen: set[str | None] = set()
    with Host(0, owner_in_answers="given"), created(machine()) as system:
        for _ in range(40):
            seen.add(properties(system).get("State"))
    assert seen == {None, "Created"}


# --- row 7: resource paths --------------------------------------------------------------------------------------------

PMEM = {"HostPath": "C:\\layer.vhd", "ReadOnly": True, "ImageFormat": "Vhd1"}
PCI = {"Functions": [{"DeviceInstancePath": "PCI\\VEN_1", "VirtualFunction": 0}], "PropagateNumaAffinity": True}
DISK = {"Type": "VirtualDisk", "Path": "C:\\disk.vhdx"}

# What is plugged in once and pulled out once.
PLUGGED = {
    "VirtualMachine/Devices/Scsi/*/Attachments/#": DISK | {"SupportCompressedVolumes": True},
    "VirtualMachine/Devices/NetworkAdapters/*": {"EndpointId": GUID},
    "VirtualMachine/Devices/MappedPipes/*": None,
    "VirtualMachine/Devices/Plan9/Shares": {"Name": "c", "Path": "C:\\"},
    "VirtualMachine/Devices/VirtualSmb/Shares": {"Name": "c", "Path": "C:\\"},
    "VirtualMachine/Devices/ComPorts/#": {"NamedPipe": "\\\\.\\pipe\\com"},
    "VirtualMachine/Devices/FlexibleIov/*": {"EmulatorId": GUID, "HostingModel": "ExternalRestricted"},
    "VirtualMachine/Devices/SharedMemory/Regions": {"SectionName": "wsl", "Length": 4096},
    "VirtualMachine/Devices/VirtualPMem/Devices/#": PMEM,
    "VirtualMachine/Devices/VirtualPMem/Devices/#/Mappings/#": {"HostPath": "C:\\layer.vhd", "ImageFormat": "Vhd1"},
    "VirtualMachine/Devices/VirtualPci/*": PCI,
    "Container/MappedDirectories": {"HostPath": "C:\\data", "ContainerPath": "C:\\data"},
    "Container/MappedPipes": {"HostPath": "\\\\.\\pipe\\a", "ContainerPipeName": "a"},
    "Container/Devices/Generic": "USB\\ROOT_HUB30",
}
# What is set to another value, whether it was set before or not.
SET = {
    "VirtualMachine/ComputeTopology/Memory/SizeInMB": (1024, 2048),
    "VirtualMachine/ComputeTopology/Processor/CpuGroup": ({"Id": GUID}, {"Id": "00000000-0000-0000-0000-000000000000"}),
    "VirtualMachine/ComputeTopology/Processor/IdledProcessors": ({"IdleProcessorCount": 1}, {"IdleProcessorCount": 0}),
    "VirtualMachine/ComputeTopology/Processor/CpuFrequencyPowerCap": (2000, 0),
    "VirtualMachine/ComputeTopology/Processor/Limits": ({"Limit": 5000}, {"Weight": 200}),
    "VirtualMachine/ComputeTopology/Gpu": (
        {"AssignmentMode": "Mirror", "AllowVendorExtension": True},
        {"AssignmentMode": "Mirror", "DisableGdiAcceleration": True, "DisablePresentation": True},
    ),
    "VirtualMachine/Devices/HvSocket/HvSocketConfig/ServiceTable/*": (
        {"AllowWildcardBinds": True},
        {"AllowWildcardBinds": True, "Disabled": True},
    ),
    "VirtualMachine/Devices/Licensing": ({"ContainerID": GUID}, {}),
    "Container/Memory/SizeInMB": (512, 1024),
    "Container/Processor": ({"Maximum": 5000}, {"Count": 1}),
    "Container/RegistryFlushState": ({"Enabled": False}, {"Enabled": True}),
}


def test_row_7_each_path_that_a_source_tells_is_tested() -> None:
    assert {resource.path for resource in RESOURCES} == {*PLUGGED, *SET}


@contextlib.contextmanager
def owner_of(path: str) -> Iterator[OwnedSystem]:
    devices = {"Scsi": {"1": {}}, "VirtualPMem": {"Devices": {"0": PMEM}, "MaximumCount": 64}}
    with running(machine(Devices=devices) if path.startswith("VirtualMachine") else container()) as system:
        yield system


def place_of(path: str) -> str:
    """Return a path without stars in it."""
    at = path.replace("/#/Mappings/#", "/0/Mappings/4096").replace("#", "1").replace("Scsi/*", "Scsi/1")
    return at.replace("*", GUID)


@pytest.mark.parametrize(("path", "settings"), PLUGGED.items())
def test_row_7_what_is_plugged_in_is_kept(path: str, settings: Any) -> None:
    (resource,) = [resource for resource in RESOURCES if resource.path == path]
    at = place_of(path)
    needed = None if resource.removed_by_path else settings
    with owner_of(path) as system:
        fails(ERROR_NOT_FOUND, modify, system, at, "Remove", needed)
        modify(system, at, None, settings)
        fails(ERROR_ALREADY_EXISTS, modify, system, at, "Add", settings)
        if "Update" in resource.requests:
            modify(system, at, "Update", settings)
        modify(system, at, "Remove", needed)
        fails(ERROR_NOT_FOUND, modify, system, at, "Remove", needed)
        modify(system, at, "Add", settings)
        if isinstance(settings, dict):
            wrong = settings | {"Colour": "red"}
            assert "$.Settings.Colour" in str(fails(HCS_E_INVALID_JSON, modify, system, at, "Add", wrong))


@pytest.mark.parametrize(("path", "values"), SET.items())
def test_row_7_what_is_set_is_kept(path: str, values: tuple[Any, Any]) -> None:
    (resource,) = [resource for resource in RESOURCES if resource.path == path]
    at = place_of(path)
    with owner_of(path) as system:
        for value in values:
            for change in resource.requests:
                if change != "Remove":
                    modify(system, at, change, value)
        if "Add" in resource.requests:
            modify(system, at, None, values[0])
        fails(E_INVALIDARG, modify, system, at, "Update")
        if "Remove" in resource.requests:
            modify(system, at, "Remove")


@emulator_by_name
@pytest.mark.parametrize("path", [*PLUGGED, *SET])
def test_row_7_a_world_in_which_something_was_changed_can_be_saved(path: str, tmp_path: Path) -> None:
    settings, change = (PLUGGED[path], "Add") if path in PLUGGED else (SET[path][0], "Update")
    with Host() as host, owner_of(path) as system:
        modify(system, place_of(path), change, settings)
        host.save(tmp_path / "world.json")
        Host.load(tmp_path / "world.json")


def test_row_7_settings_that_are_null_are_none() -> None:
    """As multipass writes them where it has none."""
    with running(machine()) as system:
        request = {"ResourcePath": f"VirtualMachine/Devices/NetworkAdapters/{GUID}", "Settings": None}
        modify(system, request["ResourcePath"], "Add", {"EndpointId": GUID})
        hcs_calls.modify_system(system, json.dumps(request | {"RequestType": "Remove"}))
        fails(E_INVALIDARG, hcs_calls.modify_system, system, json.dumps(request | {"RequestType": "Add"}))
    with running(container()) as system:
        request["ResourcePath"] = "Container/MappedDirectories"
        fails(E_INVALIDARG, hcs_calls.modify_system, system, json.dumps(request | {"RequestType": "Add"}))


def test_row_7_a_mapping_needs_its_device(plain_order: None) -> None:
    with running(machine()) as system:
        path = "VirtualMachine/Devices/VirtualPMem/Devices/0/Mappings/0"
        assert "'0'" in str(fails(ERROR_NOT_FOUND, modify, system, path, "Add", {"HostPath": "C:\\layer.vhd"}))


def test_row_7_the_limits_of_processors_are_members_of_them() -> None:
    """hcsshim, UpdateCPULimits: its request names no RequestType."""
    with ComputeSystem.create("test", machine(ComputeTopology={"Processor": {"Count": 2, "Limit": 100}})) as system:
        system.start()
        system.modify("VirtualMachine/ComputeTopology/Processor/Limits", "Update", {"Weight": 200})
        system.modify("VirtualMachine/ComputeTopology/Processor/Limits", "Add", {"Limit": 5000})
        system.stop(grace=0)


def test_row_7_an_identity_is_taken_and_changes_nothing() -> None:
    """WSL adds a share of Plan 9 with the token of its user."""
    with ComputeSystem.create("test", machine()) as system:
        system.start()
        system.modify(PLAN9, "Add", {"Name": "c", "Path": "C:\\", "Flags": 0x80}, identity=8)
        system.stop(grace=0)


# --- row 8: a namespace of a container's network ----------------------------------------------------------------------


def test_row_8_a_namespace_needs_a_host_name() -> None:
    """ZLayer saw E_INVALIDARG, at the step Construct of the creation."""
    document = container()
    document["Container"]["Networking"] = {"Namespace": GUID}
    error = fails(E_INVALIDARG, _calls.create_system, "test", json.dumps(document))
    assert "HostName" in str(error)
    document["Container"]["GuestOs"] = {"HostName": "web"}
    with running(document):
        pass


# --- row 9: the user of a process -------------------------------------------------------------------------------------


def test_row_9_a_process_may_have_a_user_who_changes_nothing() -> None:
    """Clients such as hcsshim set it from each image that has one. No property of HCS tells it again."""
    with running(container()) as system:
        with started(system, *guest("exit(4)"), User="ContainerAdministrator") as start:
            assert exit_code(start) == 4
        fails(HCS_E_INVALID_JSON, hcs_calls.create_process, system, json.dumps({"CommandLine": "a", "User": 5}))
    with running(machine(**LINUX)) as system, started(system, *TRUE, linux=True, User="root") as start:
        assert exit_code(start) == 0


# --- row 10: who frees strings with CoTaskMemFree ---------------------------------------------------------------------


@stand_in
def test_row_10_a_string_may_be_released_by_either_function() -> None:
    """Clients such as hcsshim and WSL release each string with CoTaskMemFree, which the reference does not name."""
    computecore, kernel32 = ctypes.WinDLL("computecore"), ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    ole32, combase = ctypes.WinDLL("ole32"), ctypes.WinDLL("combase")  # type: ignore[attr-defined]
    before = emulator.live()["strings"]
    for release in (kernel32.LocalFree, ole32.CoTaskMemFree, combase.CoTaskMemFree):
        string = ctypes.c_void_p()
        assert computecore.HcsGetServiceProperties(None, ctypes.byref(string)) == S_OK
        assert emulator.live()["strings"] == before + 1
        release(string)
        assert emulator.live()["strings"] == before
    # Whatever else is released that way goes where it always went.
    ole32.CoTaskMemAlloc.restype = ctypes.c_void_p
    ole32.CoTaskMemFree(ctypes.c_void_p(ole32.CoTaskMemAlloc(100)))
    ole32.CoTaskMemFree(None)
    assert emulator.live()["strings"] == before


# --- row 11: the callback of a call that failed at its kick-off -------------------------------------------------------


@emulator_by_name
@pytest.mark.parametrize("choice", ["comes", "never_comes"])
@pytest.mark.parametrize("order", ["inside_the_call", "before_the_call_returns"])
def test_row_11_the_callback_after_a_failed_kick_off_comes_or_not(choice: str, order: str) -> None:
    """ZLayer frees its context when a kick-off fails: whoever does so has to be tried against a callback that comes."""
    assumed = {"completion": order, "failed_call": "at_its_kick_off", "callback_of_failed_kick_off": choice}
    with Host(**assumed) as host, running(container()):
        hcs = Table()
        handle = hcs.open_system("test")
        called: list[int] = []
        failed = False
        # One that the service answers late has no kick-off to fail at: then another is tried.
        while not failed:
            called.clear()
            operation = hcs.HcsCreateOperation(None, completion(lambda operation, context: called.append(operation)))
            failed = hcs.HcsStartComputeSystem(handle, operation, None) != S_OK
            assert hcs.wait(operation) != S_OK
            if failed and choice == "comes":
                wait_until(lambda operation=operation: called == [operation])
            hcs.HcsCloseOperation(operation)
        # What comes comes in order, on each of the threads that call back.
        later: list[int] = []
        for _ in range(8):
            operation = hcs.HcsCreateOperation(None, completion(lambda operation, context: later.append(operation)))
            assert hcs.HcsEnumerateComputeSystems(None, operation) == S_OK
            assert hcs.wait(operation) == S_OK
            hcs.HcsCloseOperation(operation)
        wait_until(lambda: len(later) == 8)
        assert len(called) == (1 if choice == "comes" else 0)
        assert host.met()["callback_of_failed_kick_off"] == {choice}
        hcs.HcsCloseComputeSystem(handle)
