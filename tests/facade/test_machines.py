"""Through the facade: what can be done to a compute system while it is there, and what can be asked of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt._interpose import silent
from hcsrt.emulator.outbox import Answer

from ..helpers.platforms import process_names
from ..helpers.programs import CAT, KILLED, SLEEP, TRUE, guest

Verbs = dict[str, Callable[[Any], Any]]

HCS_E_INVALID_STATE = 0x80370105


def machine_document(**members: Any) -> dict[str, Any]:
    return {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "tests", "VirtualMachine": members}


@pytest.fixture
def machine() -> Iterator[hcsrt.ComputeSystem]:
    """A running virtual machine whose guest can be talked to."""
    with hcsrt.ComputeSystem.create("vm", machine_document(GuestConnection={})) as machine:
        machine.start()
        yield machine
        if not machine.closed:
            machine.stop(grace=0)


def state(system: hcsrt.ComputeSystem) -> str:
    return system.properties()["State"]


# --- machines ---------------------------------------------------------------------------------------------------------


def test_a_machine_is_paused_saved_resumed_and_restored(machine: hcsrt.ComputeSystem, tmp_path: Path) -> None:
    saved = tmp_path / "saved.vmrs"
    with pytest.raises(hcsrt.InvalidStateError):
        machine.save(saved)
    machine.pause({"SuspensionLevel": "Suspend", "HostedNotification": {"Reason": "Save"}})
    assert state(machine) == "Paused"
    machine.save(saved)
    assert state(machine) == "Paused"
    machine.resume()
    assert state(machine) == "Running"
    document = machine_document(RestoreState={"SaveStateFilePath": str(saved)})
    with hcsrt.ComputeSystem.create("restored", document) as restored:
        restored.start()
        assert restored.stop(grace=0) == "terminate"


def test_a_save_passes_its_type_on(machine: hcsrt.ComputeSystem, verbs: Verbs) -> None:
    options: list[Any] = []
    verbs["HcsSaveComputeSystem"] = lambda request: options.append(json.loads(request.text)) or Answer()
    machine.save("C:\\saved.vmrs")
    machine.save(save_type="AsTemplate")
    assert options == [{"SaveType": "ToFile", "SaveStateFilePath": "C:\\saved.vmrs"}, {"SaveType": "AsTemplate"}]
    with pytest.raises(TypeError, match="path must be a str or path"):
        machine.save(7)  # type: ignore[arg-type]


def test_a_paused_machine_is_stopped_by_termination(machine: hcsrt.ComputeSystem) -> None:
    process = machine.popen(SLEEP)
    machine.pause()
    assert machine.stop(grace=0.1) == "terminate"
    with process:
        assert process.wait(5) == KILLED


def test_a_crash_is_an_exit_that_tells_whose(plain_order: None, machine: hcsrt.ComputeSystem) -> None:
    machine.crash({"Type": "CrashGuest"})
    document = machine.wait(5)
    assert document["ExitType"] == "UnexpectedExit"
    assert "GuestCrash" in document["Attribution"][0]


def test_containers_do_not_pause(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises((hcsrt.NotSupportedError, hcsrt.InvalidStateError)):
        system.pause()


def test_the_memory_of_a_machine_can_be_changed_and_asked_for(machine: hcsrt.ComputeSystem) -> None:
    assert machine.memory()["VirtualMachineMemory"]["AssignedMemory"] == 0
    machine.modify("VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", 1024)
    assert machine.memory()["VirtualMachineMemory"]["AssignedMemory"] == 1024 * 256


def test_a_modify_says_what_it_is_given(machine: hcsrt.ComputeSystem, verbs: Verbs) -> None:
    requests: list[Any] = []
    verbs["HcsModifyComputeSystem"] = lambda request: requests.append(json.loads(request.text)) or Answer()
    machine.modify("VirtualMachine/Devices/MappedPipes/docker", "Remove")
    machine.modify("Container/Processor", "Update", {"Maximum": 5000})
    machine.modify("", "Add", guest_request={"ResourceType": "Memory"})
    machine.modify("VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", 0)
    assert requests == [
        {"ResourcePath": "VirtualMachine/Devices/MappedPipes/docker", "RequestType": "Remove"},
        {"ResourcePath": "Container/Processor", "RequestType": "Update", "Settings": {"Maximum": 5000}},
        {"ResourcePath": "", "RequestType": "Add", "GuestRequest": {"ResourceType": "Memory"}},
        {"ResourcePath": "VirtualMachine/ComputeTopology/Memory/SizeInMB", "RequestType": "Update", "Settings": 0},
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, "Add"), TypeError, "resource_path must be a str"),
        (("Container/Processor", "Change"), ValueError, "request_type must be one of Add, Remove, Update"),
        (("Container/Processor", "Add", {1: 2}), TypeError, "settings has the key 1"),
        (("Container/Processor", "Add", {"Maximum": float("nan")}), ValueError, "has no form in JSON"),
    ],
)
def test_a_modify_is_checked_before_any_call(
    arguments: Any, error: type[Exception], message: str, system: hcsrt.ComputeSystem
) -> None:
    with pytest.raises(error, match=message):
        system.modify(*arguments)


def test_an_identity_is_a_handle(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(TypeError, match="identity must be a Windows handle as an int"):
        system.modify("Container/Processor", "Update", {}, identity="me")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="identity is -0x1"):
        system.modify("Container/Processor", "Update", {}, identity=-1)
    system.modify("Container/Processor", "Update", {}, identity=8)


# --- live migration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "verb"),
    [
        ("HcsInitializeLiveMigrationOnSource", lambda system: system.initialize_live_migration({})),
        ("HcsAddResourceToOperation", lambda system: system.start_live_migration(8, {})),
        ("HcsStartLiveMigrationTransfer", lambda system: system.start_live_migration_transfer({})),
        ("HcsFinalizeLiveMigration", lambda system: system.finalize_live_migration({})),
        ("HcsCancelLiveMigration", lambda system: system.cancel_live_migration({})),
        ("HcsAddResourceToOperation", lambda system: system.start({}, migration_socket=8)),
    ],
)
def test_live_migration_is_not_emulated_and_says_so(
    function: str, verb: Callable[[hcsrt.ComputeSystem], None], machine: hcsrt.ComputeSystem
) -> None:
    with pytest.raises(hcsrt.NotSupportedError) as caught:
        verb(machine)
    assert caught.value.operation == function
    assert state(machine) == "Running"


# --- namespaces -------------------------------------------------------------------------------------------------------


def test_a_system_in_a_namespace_is_found_there_only(document: dict[str, Any]) -> None:
    with hcsrt.ComputeSystem.create("web", document, namespace="ns") as system:
        assert system.namespace == "ns"
        system.start()
        assert hcsrt.systems() == []
        assert [item["Id"] for item in hcsrt.systems(namespace="ns", owner="tests")] == ["web"]
        with pytest.raises(hcsrt.SystemNotFoundError):
            hcsrt.ComputeSystem.open("web")
        with hcsrt.ComputeSystem.open("web", namespace="ns") as again:
            assert again.properties()["RuntimeId"] == system.properties()["RuntimeId"]
        system.duplicate_handle().close()
        assert system.run(TRUE).returncode == 0
        assert system.stop(grace=0) == "terminate"


def test_a_namespace_is_a_name(document: dict[str, Any]) -> None:
    for wrong, error in (("", ValueError), (7, TypeError)):
        calls: list[Callable[[Any], object]] = [
            lambda namespace: hcsrt.ComputeSystem.create("web", document, namespace=namespace),
            lambda namespace: hcsrt.ComputeSystem.open("web", namespace=namespace),
            lambda namespace: hcsrt.systems(namespace=namespace),
        ]
        for call in calls:
            with pytest.raises(error, match="namespace must"):
                call(wrong)


# --- blocks of the properties -----------------------------------------------------------------------------------------


def test_blocks_come_by_themselves(system: hcsrt.ComputeSystem) -> None:
    pytest.importorskip("psutil")
    assert system.statistics()["Uptime100ns"] >= 0
    with pytest.raises(hcsrt.NotSupportedError):
        system.memory()


@process_names
def test_the_process_list_is_a_block(system: hcsrt.ComputeSystem) -> None:
    pytest.importorskip("psutil")
    with system.popen(SLEEP) as process:
        assert process.pid in [item["ProcessId"] for item in system.process_list()]
        process.kill()


@pytest.fixture
def answering(verbs: Verbs, system: hcsrt.ComputeSystem) -> Iterator[Callable[[object], None]]:
    """Sets what HCS tells of the system, for the time of the test."""
    ask = verbs["HcsGetComputeSystemProperties"]

    def answering(document: object) -> None:
        verbs["HcsGetComputeSystemProperties"] = lambda request: Answer(json.dumps(document))

    yield answering
    verbs["HcsGetComputeSystemProperties"] = ask


@pytest.mark.parametrize(
    ("block", "name"), [("statistics", "Statistics"), ("process_list", "ProcessList"), ("memory", "Memory")]
)
def test_a_block_that_is_not_there_is_an_error(
    block: str, name: str, system: hcsrt.ComputeSystem, answering: Callable[[object], None]
) -> None:
    for document in ({"Id": "tests", "Error": 1}, {name: None}, {name: "a lot"}, {name: 7}):
        answering(document)
        with pytest.raises(hcsrt.HcsError, match=f"The answer of HCS has no {name}"):
            getattr(system, block)()


def test_the_error_of_a_block_is_the_error_of_the_call(
    system: hcsrt.ComputeSystem, answering: Callable[[object], None]
) -> None:
    error = {"Error": HCS_E_INVALID_STATE - (1 << 32), "ErrorMessage": "Not now."}
    answering({"Id": "tests", "PropertyResponses": {"Statistics": {"Error": error}}})
    with pytest.raises(hcsrt.InvalidStateError, match="Not now") as caught:
        system.statistics()
    assert caught.value.document == error


# --- processes that run already ---------------------------------------------------------------------------------------


def test_a_process_is_opened_by_its_id(system: hcsrt.ComputeSystem) -> None:
    with system.popen(guest("read_line(); exit(7)"), stdin=hcsrt.PIPE) as process:
        with hcsrt.ComputeSystem.open(system.id) as other, other.open_process(process.pid) as again:
            assert (again.pid, again.args, again.returncode) == (process.pid, [], None)
            assert (again.stdin, again.stdout, again.stderr) == (None, None, None)
            assert again.properties()["Exited"] is False
            again.close()
            # Its input is still that of its creator, open and unread.
            assert process.poll() is None
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        assert process.wait(5) == 7
        assert process.properties()["ExitCode"] == 7


def test_an_opened_process_gives_the_streams_asked_for(system: hcsrt.ComputeSystem) -> None:
    with system.popen(CAT, stdin=hcsrt.PIPE, stdout=hcsrt.PIPE) as process:
        assert process.stdin is not None
        with system.open_process(process.pid, stdout=hcsrt.PIPE, text=True) as again:
            assert (again.stdin, again.stderr) == (None, None)
            assert again.stdout is not None
            process.stdin.write(b"hello\n")
            process.stdin.flush()
            assert again.stdout.readline() == "hello\n"
            # Of the input, the opened process keeps no handle that would hide its end.
            process.stdin.close()
            assert again.wait(5) == 0


def test_a_stream_that_hcs_does_not_give_is_an_error(system: hcsrt.ComputeSystem) -> None:
    with system.popen(SLEEP, stdin=hcsrt.PIPE, stdout=hcsrt.PIPE) as process:
        with pytest.raises(hcsrt.HcsError, match=r"no handle for stderr .* without stderr=PIPE") as caught:
            system.open_process(process.pid, stdout=hcsrt.PIPE, stderr=hcsrt.PIPE)
        assert (caught.value.operation, caught.value.symbol) == (
            "HcsGetProcessInfo",
            "HCS_E_PROCESS_INFO_NOT_AVAILABLE",
        )
        # As a manager that was started again finds it.
        process.close()
        with pytest.raises(hcsrt.HcsError, match=r"no handle for stdin and stdout .* without stdin=PIPE and stdout="):
            system.open_process(process.pid, stdin=hcsrt.PIPE, stdout=hcsrt.PIPE)


def test_a_process_that_is_not_there_cannot_be_opened(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(hcsrt.HcsError) as caught:
        system.open_process(1)
    assert caught.value.operation == "HcsOpenProcess"
    with pytest.raises(TypeError, match="pid must be an int"):
        system.open_process("1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stderr must be None or PIPE"):
        system.open_process(1, stderr=hcsrt.STDOUT)


def test_opening_a_process_that_cannot_be_asked_leaves_nothing(system: hcsrt.ComputeSystem) -> None:
    with system.popen(SLEEP) as process:
        with silent("HcsGetProcessInfo"), pytest.raises(hcsrt.OperationTimeoutError):
            system.open_process(process.pid, stdout=hcsrt.PIPE, timeout=0.05)
        process.kill()


def test_the_end_of_a_stream_is_a_modify(system: hcsrt.ComputeSystem) -> None:
    with system.popen(CAT, stdin=hcsrt.PIPE) as process:
        process.modify({"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}})
        assert process.wait(5) == 0
        with pytest.raises(hcsrt.HcsError):
            process.modify('{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}')
