"""The emulator's service behaves as the facts about HCS tell, whatever the seed."""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hcsrt import _calls, _watch, emulator, errors
from hcsrt._check_host.raw_hcs import Table, read, whole_event_callback
from hcsrt._handles import OwnedProcess, OwnedSystem
from hcsrt._streams import ProcessStart, StdioReader, StdioWriter
from hcsrt.documents import check
from hcsrt.emulator import model, stopping, usage

from ..helpers import hcs_calls
from ..helpers.platforms import (
    WINDOWS,
    WINE,
    catches_signals,
    emulator_by_name,
    fork,
    peak_memory,
    process_names,
    pseudo_terminal,
)
from ..helpers.programs import ABORTED, CAT, ELSEWHERE, INTERRUPTED, KILLED, SLEEP, TRUE, guest, is_alive
from ..helpers.services import on_its_thread

pytestmark = pytest.mark.filterwarnings("ignore::hcsrt.errors.NoIsolationWarning")

SEEDS = [None, *range(12)]
VM = {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "tests", "VirtualMachine": {}}
LINUX_GUEST = {"Chipset": {"LinuxKernelDirect": {"KernelFilePath": "C:\\kernel"}}, "GuestConnection": {}}

HCS_E_INVALID_STATE = 0x80370105
HCS_E_TERMINATED = 0x80370107
HCS_E_SYSTEM_NOT_FOUND = 0x8037010E
HCS_E_SYSTEM_ALREADY_STOPPED = 0x80370110
HCS_E_PROCESS_ALREADY_STOPPED = 0x8037011F
E_NOTIMPL = 0x80004001
E_FAIL = 0x80004005
E_UNEXPECTED = 0x8000FFFF
HCS_E_INVALID_JSON = 0x8037010D
ERROR_FILE_NOT_FOUND = 0x80070002
ERROR_PATH_NOT_FOUND = 0x80070003
ERROR_NOT_SUPPORTED = 0x80070032
ERROR_FILE_EXISTS = 0x80070050
E_INVALIDARG = 0x80070057
E_ACCESSDENIED = 0x80070005
ERROR_NOT_FOUND = 0x80070490

# What starting a file below another file and one that is no program fails with.
BELOW_A_FILE, NO_PROGRAM = (0x80070002, 0x800700C1) if WINDOWS else (0x80070003, E_ACCESSDENIED)


@pytest.fixture(params=SEEDS)
def any_seed(request: pytest.FixtureRequest) -> int | None:
    """Run the test with the plain order and with many others."""
    emulator.reset(request.param)
    return request.param


def fails(hresult: int | tuple[int, ...], call: Callable[..., object], *arguments: Any) -> errors.HcsError:
    """Make a call that has to fail with one of these HRESULTs."""
    expected = hresult if isinstance(hresult, tuple) else (hresult,)
    with pytest.raises(errors.HcsError) as caught:
        call(*arguments)
    assert caught.value.hresult & 0xFFFFFFFF in expected, caught.value
    return caught.value


@contextlib.contextmanager
def created(id: str = "test", document: dict[str, Any] | None = None) -> Iterator[OwnedSystem]:
    with _calls.create_system(id, json.dumps(document or emulator.container_document("tests"))) as system:
        _watch.watch_system(system)
        yield system


@contextlib.contextmanager
def running(id: str = "test", document: dict[str, Any] | None = None) -> Iterator[OwnedSystem]:
    with created(id, document) as system:
        hcs_calls.start_system(system)
        yield system


def machine(**members: Any) -> dict[str, Any]:
    return VM | {"VirtualMachine": members, "ShouldTerminateOnLastHandleClosed": True}


def parameters(*arguments: str, **members: Any) -> str:
    return json.dumps({"CommandLine": subprocess.list2cmdline(arguments)} | members)


@contextlib.contextmanager
def started(system: OwnedSystem, *arguments: str, **members: Any) -> Iterator[ProcessStart]:
    start = hcs_calls.create_process(system, parameters(*arguments, **members))
    try:
        yield start
    finally:
        start.close()


class Result(NamedTuple):
    code: int
    output: str


def finish(start: ProcessStart) -> Result:
    """Read a process's output to its end and return its exit code with it."""
    output = ""
    if start.stdout is not None:
        with StdioReader(start.stdout) as reader:
            output = reader.readall().decode()
    return Result(exit_code(start.process), output)


def exit_code(process: OwnedProcess) -> int:
    deadline = time.monotonic() + 20
    while True:
        status = json.loads(hcs_calls.get_process_properties(process) or "{}")
        if status["Exited"]:
            assert status["LastWaitResult"] == 0
            return status["ExitCode"]
        assert time.monotonic() < deadline, "the process does not exit"
        time.sleep(0.005)


def run(system: OwnedSystem, *arguments: str, **members: Any) -> Result:
    with started(system, *arguments, CreateStdOutPipe=True, **members) as start:
        return finish(start)


def wait_ready(start: ProcessStart) -> StdioReader:
    """Wait for the first line of a program's output."""
    assert start.stdout is not None
    reader = StdioReader(start.stdout)
    assert reader.read(6) == b"ready\n"
    return reader


def exit_document(system: OwnedSystem) -> dict[str, Any]:
    assert _watch.wait_exit(system, 20)
    status = _watch.exit_status(system)
    assert status is not None
    assert status[0] == "exited"
    return json.loads(status[1] or "")


def properties(system: OwnedSystem, **query: Any) -> dict[str, Any]:
    return json.loads(hcs_calls.get_system_properties(system, json.dumps(query) if query else None) or "")


def process_list(system: OwnedSystem) -> list[dict[str, Any]]:
    return properties(system, PropertyTypes=["ProcessList"])["ProcessList"]


def ids(**query: Any) -> list[str]:
    found = json.loads(_calls.enumerate_systems(json.dumps(query) if query else None) or "")
    return sorted(system["Id"] for system in found)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def holds_nothing() -> bool:
    """Whether the service remembers no system and no process, nor does anybody else."""
    gc.collect()
    return not any(isinstance(each, (model.System, model.Process)) for each in gc.get_objects())


# --- the life of a compute system -------------------------------------------------------------------------------------


def test_life_of_a_container(any_seed: int | None) -> None:
    with created() as system:
        assert properties(system)["State"] == "Created"
        fails(HCS_E_INVALID_STATE, hcs_calls.create_process, system, parameters(*TRUE))
        fails(HCS_E_INVALID_STATE, hcs_calls.shut_down_system, system)
        hcs_calls.start_system(system)
        assert properties(system)["State"] == "Running"
        fails(HCS_E_INVALID_STATE, hcs_calls.start_system, system)
        assert run(system, *guest("out('hello'); exit(3)")) == (3, "hello\n")
        hcs_calls.terminate_system(system)
        assert exit_document(system)["ExitType"] == "ForcedExit"
        fails(HCS_E_SYSTEM_ALREADY_STOPPED, hcs_calls.terminate_system, system)
        fails(HCS_E_SYSTEM_ALREADY_STOPPED, hcs_calls.shut_down_system, system)
        stopped = (HCS_E_SYSTEM_ALREADY_STOPPED, HCS_E_INVALID_STATE)
        fails(stopped, hcs_calls.start_system, system)
        fails(stopped, hcs_calls.create_process, system, parameters(*TRUE))
        fails(stopped, _calls.open_process, system, 1)
        assert properties(system).items() >= {"State": "Stopped", "Stopped": True, "ExitType": "ForcedExit"}.items()
    wait_until(holds_nothing)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {
            "Chipset": {"Uefi": {"BootThis": {"DevicePath": "d", "DiskNumber": 0, "DeviceType": "ScsiDrive"}}},
            "ComputeTopology": {"Memory": {"Backing": "Virtual", "SizeInMB": 2048}, "Processor": {"Count": 2}},
            "Devices": {"Scsi": {"d": {"Attachments": {"0": {"Type": "VirtualDisk", "Path": "c:\\d.vhdx"}}}}},
        },
    ],
    ids=["empty", "uefi"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_life_of_a_virtual_machine(seed: int | None, members: dict[str, Any]) -> None:
    emulator.reset(seed)
    with created(document=machine(**members)) as system:
        assert properties(system).get("State", "Created") == "Created"
        hcs_calls.start_system(system)
        assert properties(system).items() >= {"State": "Running", "SystemType": "VirtualMachine"}.items()
        fails((0x80070032, HCS_E_INVALID_STATE, 0x8037010A), hcs_calls.shut_down_system, system)
        fails((0x80070032, HCS_E_INVALID_STATE, 0x8037010A), hcs_calls.create_process, system, parameters(*TRUE))
        assert properties(system)["State"] == "Running"
        hcs_calls.terminate_system(system)
        assert exit_document(system)["ExitType"] == "ForcedExit"


@pytest.mark.parametrize(
    ("members", "options", "works"),
    [
        ({"GuestConnection": {}}, None, True),
        ({"GuestConnection": {}}, "", True),
        ({"GuestConnection": {}}, {}, True),
        ({"GuestConnection": {}}, {"Mechanism": "GuestConnection"}, True),
        ({"GuestConnection": {}}, {"Mechanism": "IntegrationService"}, False),
        ({"Services": {"Shutdown": {}}}, {"Mechanism": "IntegrationService", "Type": "Shutdown"}, True),
        ({"Services": {"Shutdown": {}}}, None, True),
        ({"Services": {"Heartbeat": {}}}, None, False),
    ],
)
def test_a_machine_shuts_down_if_somebody_in_it_can(members: Any, options: Any, works: bool) -> None:
    text = json.dumps(options) if isinstance(options, dict) else options
    with running(document=machine(**members)) as system:
        if works:
            hcs_calls.shut_down_system(system, text)
            assert exit_document(system) == {"Status": 0, "ExitType": "GracefulExit"}
        else:
            fails((0x80070032, HCS_E_INVALID_STATE, 0x8037010A), hcs_calls.shut_down_system, system, text)


def test_options_of_shutdown_are_checked() -> None:
    with running(document=machine(GuestConnection={})) as system:
        assert "$.Mechanism" in str(fails(0x8037010D, hcs_calls.shut_down_system, system, '{"Mechanism": "Hope"}'))
        assert "$.TimeoutSeconds" in str(fails(0x8037010D, hcs_calls.shut_down_system, system, '{"TimeoutSeconds": 5}'))
        fails(E_NOTIMPL, hcs_calls.shut_down_system, system, '{"Type": "Reboot"}')
        assert properties(system)["State"] == "Running"


def test_a_machine_pauses_saves_resumes_and_stops(any_seed: int | None, tmp_path: Path) -> None:
    saved = tmp_path / "saved.vmrs"
    options = json.dumps({"SaveType": "ToFile", "SaveStateFilePath": str(saved)})
    with created(document=machine()) as system:
        for verb in (hcs_calls.pause_system, hcs_calls.resume_system, hcs_calls.save_system, hcs_calls.crash_system):
            fails(HCS_E_INVALID_STATE, verb, system)
        hcs_calls.start_system(system)
        fails(HCS_E_INVALID_STATE, hcs_calls.save_system, system, options)
        fails(HCS_E_INVALID_STATE, hcs_calls.resume_system, system)
        hcs_calls.pause_system(system, '{"SuspensionLevel": "Suspend", "HostedNotification": {"Reason": "Save"}}')
        assert properties(system)["State"] == "Paused"
        unfit = (hcs_calls.pause_system, hcs_calls.start_system, hcs_calls.shut_down_system, hcs_calls.crash_system)
        for verb in unfit:
            fails(HCS_E_INVALID_STATE, verb, system)
        fails(E_INVALIDARG, hcs_calls.save_system, system)
        hcs_calls.save_system(system, options)
        fails(ERROR_FILE_EXISTS, hcs_calls.save_system, system, options)
        assert properties(system)["State"] == "Paused"
        hcs_calls.resume_system(system)
        assert properties(system)["State"] == "Running"
        hcs_calls.pause_system(system)
        hcs_calls.terminate_system(system)
        assert exit_document(system)["ExitType"] == "ForcedExit"
    with running(document=machine(RestoreState={"SaveStateFilePath": str(saved)})) as system:
        assert properties(system)["State"] == "Running"


def test_a_machine_needs_the_state_that_it_shall_start_from(tmp_path: Path) -> None:
    other = tmp_path / "other.vmrs"
    other.write_text("something else")
    for restore, hresult in (
        ({"SaveStateFilePath": ELSEWHERE}, ERROR_PATH_NOT_FOUND),
        ({"SaveStateFilePath": str(tmp_path / "missing.vmrs")}, ERROR_FILE_NOT_FOUND),
        ({"SaveStateFilePath": str(tmp_path)}, E_ACCESSDENIED),
        ({"SaveStateFilePath": str(other)}, E_INVALIDARG),
        ({"TemplateSystemId": "template"}, E_NOTIMPL),
    ):
        fails(hresult, _calls.create_system, "restored", json.dumps(machine(RestoreState=restore)))


def test_the_programs_of_a_paused_machine_stand_still(any_seed: int | None) -> None:
    psutil = pytest.importorskip("psutil")
    with (
        running(document=machine(GuestConnection={})) as system,
        started(system, *CAT, CreateStdInPipe=True, CreateStdOutPipe=True) as start,
        ThreadPoolExecutor(1) as pool,
    ):
        assert start.stdin is not None
        assert start.stdout is not None
        with StdioWriter(start.stdin) as writer, StdioReader(start.stdout) as reader:
            writer.write(b"1\n")
            assert reader.read(2) == b"1\n"
            hcs_calls.pause_system(system)
            fails(HCS_E_INVALID_STATE, hcs_calls.create_process, system, parameters(*TRUE))
            writer.write(b"2\n")
            answer = pool.submit(reader.read, 2)
            assert not wait([answer], 0.1).done
            if not WINE:  # which does not tell psutil what has been suspended
                wait_until(lambda: psutil.Process(start.pid).status() == psutil.STATUS_STOPPED)
            hcs_calls.resume_system(system)
            assert answer.result(20) == b"2\n"
        assert exit_code(start.process) == 0


def test_what_only_some_suspensions_and_saves_do_is_not_emulated() -> None:
    with running(document=machine()) as system:
        fails(E_NOTIMPL, hcs_calls.pause_system, system, '{"SuspensionLevel": "MemoryLow"}')
        assert properties(system)["State"] == "Running"
        hcs_calls.pause_system(system)
        fails(E_NOTIMPL, hcs_calls.save_system, system, '{"SaveType": "AsTemplate"}')


def test_containers_neither_pause_nor_crash(any_seed: int | None) -> None:
    with running() as system:
        for verb in (hcs_calls.pause_system, hcs_calls.resume_system, hcs_calls.save_system, hcs_calls.crash_system):
            fails((ERROR_NOT_SUPPORTED, HCS_E_INVALID_STATE), verb, system)
        assert properties(system)["State"] == "Running"


def test_a_crash_is_reported_and_may_be_the_end(any_seed: int | None) -> None:
    events: list[tuple[int, dict[str, Any]]] = []
    # With a callback of its own, which the end of the system does not end: a seed may have the crash told after it.
    record = whole_event_callback(
        lambda event, context: events.append((event.type, json.loads(read(event.data) if event.data else "{}")))
    )
    with running(document=machine(GuestConnection={})) as system, contextlib.ExitStack() as stack:
        hcs = Table()
        watcher = hcs.open_system("test")
        stack.callback(hcs.HcsCloseComputeSystem, watcher)
        assert hcs.HcsSetComputeSystemCallback(watcher, 0, None, record) == 0
        assert "$.Type" in str(fails(HCS_E_INVALID_JSON, hcs_calls.crash_system, system, '{"Type": "Host"}'))
        hcs_calls.crash_system(system, '{"Type": "CrashGuest"}')
        wait_until(lambda: 3 in [event_type for event_type, _ in events])
        crashes = [document for event_type, document in events if event_type in (2, 3)]
        assert [document["SystemId"] for document in crashes] == ["test", "test"]
        for document in crashes:
            assert check(document, "CrashReport") == []
        if properties(system)["State"] == "Stopped":
            document = exit_document(system)
            assert document["ExitType"] == "UnexpectedExit"
            assert document["Attribution"] == [{"GuestCrash": {"CrashParameters": [0x80, 0, 0, 0, 0]}}]
        else:
            assert any_seed is not None
            hcs_calls.terminate_system(system)
            assert exit_document(system)["ExitType"] == "ForcedExit"


def test_a_namespace_has_ids_of_its_own(any_seed: int | None) -> None:
    text = json.dumps(emulator.container_document("tests"))
    with created("one") as plain, _calls.create_system("one", text, "ns") as other:
        with pytest.raises(errors.SystemAlreadyExistsError):
            _calls.create_system("one", text, "ns")
        with _calls.open_system("one", "ns") as again:
            assert properties(again)["RuntimeId"] == properties(other)["RuntimeId"] != properties(plain)["RuntimeId"]
        with pytest.raises(errors.SystemNotFoundError):
            _calls.open_system("one", "elsewhere")
        for namespace, system in ((None, plain), ("ns", other)):
            [found] = json.loads(_calls.enumerate_systems(None, namespace) or "")
            assert found["RuntimeId"] == properties(system)["RuntimeId"]
        assert json.loads(_calls.enumerate_systems(None, "elsewhere") or "") == []


def test_a_creation_with_a_token_is_not_emulated() -> None:
    text = json.dumps(emulator.container_document("tests"))
    fails(E_NOTIMPL, lambda: _calls.create_system("one", text, "ns", user_token=8))
    fails(E_NOTIMPL, lambda: _calls.create_system("one", text, "ns", security_descriptor=8))
    fails(E_INVALIDARG, lambda: _calls.create_system("one", text, security_descriptor=8))


def test_reserved_options_may_be_empty() -> None:
    for options in (None, "", "{}"):
        with created() as system:
            hcs_calls.start_system(system, options)
            hcs_calls.terminate_system(system, options)
    with created() as system:
        fails(E_INVALIDARG, hcs_calls.start_system, system, '{"Fast": true}')


def test_a_system_that_never_started_can_be_terminated(any_seed: int | None) -> None:
    with created() as system:
        hcs_calls.terminate_system(system)
        assert exit_document(system)["ExitType"] == "ForcedExit"


def test_id_is_taken_until_the_system_has_stopped(any_seed: int | None) -> None:
    with created("one") as first:
        with pytest.raises(errors.SystemAlreadyExistsError):
            _calls.create_system("one", json.dumps(VM))
        assert properties(first)["SystemType"] == "Container"
        hcs_calls.terminate_system(first)
        with created("one") as second:
            assert properties(second)["State"] == "Created"
            assert properties(first)["State"] == "Stopped"
            assert properties(first)["RuntimeId"] != properties(second)["RuntimeId"]


def test_open(any_seed: int | None) -> None:
    with pytest.raises(errors.SystemNotFoundError):
        _calls.open_system("one")
    with created("one") as system:
        with _calls.open_system("one") as again:
            hcs_calls.start_system(again)
            assert properties(system)["State"] == "Running"
            hcs_calls.terminate_system(system)
            assert properties(again)["State"] == "Stopped"
        with pytest.raises(errors.SystemNotFoundError):
            _calls.open_system("one")


def test_last_close_ends_a_system_that_asked_for_it(any_seed: int | None) -> None:
    with running("one") as system, started(system, *SLEEP) as start:
        pid = start.pid
        duplicate = _calls.open_system("one")
    assert ids() == ["one"]
    duplicate.close()
    wait_until(lambda: ids() == [])
    wait_until(holds_nothing)
    assert not is_alive(pid)


def test_close_leaves_other_systems_alone(any_seed: int | None) -> None:
    document = emulator.container_document(terminate_on_last_handle_closed=False)
    with running("one", document) as system:
        pid = hcs_calls.create_process(system, parameters(*SLEEP))
        pid.close()
    time.sleep(0.02)
    with _calls.open_system("one") as system:
        assert properties(system)["State"] == "Running"
        with _calls.open_process(system, pid.pid) as process:
            assert json.loads(hcs_calls.get_process_properties(process) or "")["Exited"] is False
            hcs_calls.terminate_system(system)
            assert exit_code(process) == KILLED
    wait_until(holds_nothing)


def test_system_without_handles_ends_all_the_same(any_seed: int | None) -> None:
    document = emulator.container_document(terminate_on_last_handle_closed=False)
    with running("one", document):
        pass
    with _calls.open_system("one") as system:
        hcs_calls.terminate_system(system)
    wait_until(holds_nothing)


def test_failed_create_leaves_a_handle_that_harms_nobody(any_seed: int | None) -> None:
    with created("one") as system:
        for _ in range(20):
            with pytest.raises(errors.SystemAlreadyExistsError):
                _calls.create_system("one", json.dumps(VM))
            fails(0x8037010D, _calls.create_system, "two", "{}")
        assert properties(system)["State"] == "Created"
        assert ids() == ["one"]
    wait_until(holds_nothing)


def test_invalid_document_names_the_place(any_seed: int | None) -> None:
    document = emulator.container_document()
    document["Container"]["Storage"]["Layers"][0]["Path"] = 5
    error = fails(0x8037010D, _calls.create_system, "one", json.dumps(document))
    assert isinstance(error, errors.InvalidDocumentError)
    assert "$.Container.Storage.Layers[0].Path" in str(error)


def test_hosted_system() -> None:
    hosted = {"HostedSystem": {"Container": {}}, "HostingSystemId": "vm", "ShouldTerminateOnLastHandleClosed": True}
    fails(HCS_E_SYSTEM_NOT_FOUND, _calls.create_system, "pod", json.dumps(hosted))
    with created("vm", machine(**LINUX_GUEST)) as host:
        fails(HCS_E_INVALID_STATE, _calls.create_system, "pod", json.dumps(hosted))
        hcs_calls.start_system(host)
        with running("pod", hosted) as system:
            arguments = json.dumps({"CommandArgs": guest("exit(4)")})
            with contextlib.closing(hcs_calls.create_process(system, arguments)) as start:
                assert exit_code(start.process) == 4
            assert properties(system)["HostingSystemId"] == "vm"
            hcs_calls.terminate_system(host)
            assert exit_document(system)["ExitType"] == "UnexpectedExit"


# --- shutdown and terminate -------------------------------------------------------------------------------------------

OBEYS = guest("on('SIGTERM', lambda: exit(5)); out('ready'); sleep(60)")
IGNORES = guest("ignore('SIGTERM'); out('ready'); sleep(60)")


def test_shutdown_lets_processes_end(any_seed: int | None) -> None:
    with running() as system, started(system, *OBEYS, CreateStdOutPipe=True) as start:
        wait_ready(start).close()
        hcs_calls.shut_down_system(system)
        assert exit_document(system) == {"Status": 0, "ExitType": "GracefulExit"}
        assert exit_code(start.process) == (INTERRUPTED if WINDOWS else 5)


def test_shutdown_without_processes(any_seed: int | None) -> None:
    with running() as system:
        hcs_calls.shut_down_system(system)
        assert exit_document(system) == {"Status": 0, "ExitType": "GracefulExit"}


@catches_signals
def test_shutdown_kills_after_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "SHUTDOWN_GRACE", 0.1)
    with running() as system, started(system, *IGNORES, CreateStdOutPipe=True) as start:
        wait_ready(start).close()
        hcs_calls.shut_down_system(system)
        assert exit_document(system)["ExitType"] == "ForcedExit"
        assert exit_code(start.process) == KILLED


@catches_signals
def test_terminate_overtakes_shutdown(hcs_host: emulator.Host, any_seed: int | None, tmp_path: Path) -> None:
    saved = tmp_path / "world.json"
    outcomes: list[int] = []

    def shut_down(system: OwnedSystem) -> None:
        try:
            hcs_calls.shut_down_system(system)
            outcomes.append(0)
        except errors.HcsError as error:
            outcomes.append(error.hresult & 0xFFFFFFFF)

    def is_stopping() -> bool:
        hcs_host.save(saved)
        return json.loads(saved.read_text())["systems"] == []

    with running("one") as system, started(system, *IGNORES, CreateStdOutPipe=True) as start:
        wait_ready(start).close()
        waiting = threading.Thread(target=shut_down, args=[system])
        waiting.start()
        wait_until(is_stopping)
        with _calls.open_system("one") as again:
            fails(HCS_E_SYSTEM_ALREADY_STOPPED, hcs_calls.shut_down_system, again)
            fails(HCS_E_INVALID_STATE, hcs_calls.create_process, again, parameters(*TRUE))
            hcs_calls.terminate_system(again)
        waiting.join()
        assert exit_document(system)["ExitType"] == "ForcedExit"
        assert exit_code(start.process) == KILLED
    assert outcomes in ([0], [HCS_E_TERMINATED])


@pytest.mark.parametrize("graceful", [True, False])
def test_stop_ends_what_programs_left_behind(graceful: bool) -> None:
    with running() as system:
        child = "ignore('SIGTERM'); sleep(60)"
        pid = int(run(system, *guest(f'out(spawn("{child}", stdout=None))')).output)
        assert is_alive(pid)
        (hcs_calls.shut_down_system if graceful else hcs_calls.terminate_system)(system)
        wait_until(lambda: not is_alive(pid))
        assert exit_document(system)["ExitType"] == ("GracefulExit" if graceful else "ForcedExit")


@pseudo_terminal
def test_shutdown_ends_an_interactive_shell() -> None:
    with running() as system:
        members = {"EmulateConsole": True, "CreateStdInPipe": True, "CreateStdOutPipe": True}
        with started(system, "sh", "-i", **members) as start:
            assert start.stdout is not None
            with StdioReader(start.stdout) as reader:
                reader.read(1)
                hcs_calls.shut_down_system(system)
            assert exit_document(system)["ExitType"] == "GracefulExit"


def test_reset_ends_everything() -> None:
    system = _calls.create_system("one", json.dumps(emulator.container_document()))
    hcs_calls.start_system(system)
    start = hcs_calls.create_process(system, parameters(*SLEEP))
    emulator.reset(5)
    wait_until(lambda: not is_alive(start.pid))
    assert ids() == []
    with pytest.raises(errors.ServiceDisconnectedError):
        properties(system)
    assert set(emulator.live().values()) == {0}
    start.close()
    system.close()
    assert emulator.misuses() == []


# --- queries ----------------------------------------------------------------------------------------------------------


def test_enumerate(any_seed: int | None) -> None:
    mine, yours = emulator.container_document("me"), emulator.container_document("you")
    with created("a", mine), created("ab", yours), created("vm", machine()):
        assert ids() == ["a", "ab", "vm"]
        assert ids(Ids=["a", "x"]) == ["a"]
        assert ids(Names=["ab"]) == ["ab"]
        assert ids(Owners=["me", "tests"]) == ["a", "vm"]
        assert ids(Owners=["ME"]) == []
        assert ids(Types=["Container"], Owners=["you", "tests"]) == ["ab"]
        assert "$.Types[0]" in str(fails(0x8037010D, _calls.enumerate_systems, '{"Types": ["Pod"]}'))
        assert "$.Owner" in str(fails(0x8037010D, _calls.enumerate_systems, '{"Owner": "me"}'))


def test_basic_properties(any_seed: int | None) -> None:
    with running() as system:
        for _ in range(10):
            found = properties(system)
            assert found.items() >= {"Id": "test", "SystemType": "Container", "State": "Running"}.items()
            assert found.get("Owner", "tests") == "tests"
            assert found.get("RuntimeOsType", "Windows") == "Windows"


def test_unknown_property_is_named() -> None:
    with running() as system:
        error = fails(
            0x8037010D, hcs_calls.get_system_properties, system, '{"PropertyTypes": ["Statistics", "Colour"]}'
        )
        assert "$.PropertyTypes[1]" in str(error)
        assert "Colour" in str(error)


def test_statistics_of_real_processes() -> None:
    pytest.importorskip("psutil")
    with running() as system:
        before = properties(system, PropertyTypes=["Statistics", "ProcessList"])
        assert before["Statistics"]["Processor"]["TotalRuntime100ns"] == 0
        assert before["ProcessList"] == []
        assert before["Owner"] == "tests"
        busy = "for i in range(3_000_000): pass\nout('ready'); sleep(60)"
        with started(system, *guest(busy), CreateStdOutPipe=True) as start:
            wait_ready(start).close()
            during = properties(system, PropertyTypes=["Statistics", "ProcessList"])
            used = during["Statistics"]["Processor"]
            assert used["TotalRuntime100ns"] == used["RuntimeUser100ns"] + used["RuntimeKernel100ns"] > 0
            assert during["Statistics"]["Memory"]["MemoryUsagePrivateWorkingSetBytes"] > 0
            assert during["Statistics"]["Uptime100ns"] > before["Statistics"]["Uptime100ns"]
            hcs_calls.terminate_process(start.process)
            exit_code(start.process)
        after = properties(system, PropertyTypes=["Statistics"])["Statistics"]
        assert after["Processor"]["TotalRuntime100ns"] >= used["TotalRuntime100ns"]
        assert after["Memory"]["MemoryUsageCommitBytes"] == 0
        assert after["Memory"]["MemoryUsageCommitPeakBytes"] > 0


@process_names
def test_process_list_has_the_programs_that_run() -> None:
    pytest.importorskip("psutil")
    with running() as system, started(system, *SLEEP) as start:
        wait_until(lambda: [process["ImageName"] for process in process_list(system)] == [Path(SLEEP[0]).name])
        assert [process["ProcessId"] for process in process_list(system)] == [start.pid]
        hcs_calls.terminate_process(start.process)
        exit_code(start.process)
        wait_until(lambda: process_list(system) == [])


@process_names
def test_process_list_has_what_a_program_left_behind() -> None:
    pytest.importorskip("psutil")
    with running() as system:
        pid = int(run(system, *guest("out(spawn('sleep(60)', stdout=None))")).output)
        assert [process["ProcessId"] for process in process_list(system)] == [pid]


SECOND = 10_000_000
MB = 1 << 20


def statistics(system: OwnedSystem) -> dict[str, Any]:
    found: dict[str, Any] = properties(system, PropertyTypes=["Statistics"])["Statistics"]
    assert found["Processor"]["TotalRuntime100ns"] == (
        found["Processor"]["RuntimeUser100ns"] + found["Processor"]["RuntimeKernel100ns"]
    )
    return found


def in_a_child(code: str) -> str:
    """Return code for a guest that has a child execute other code, and waits for it."""
    program = "import time\n" + code
    return f"import subprocess\nsubprocess.run([sys.executable, '-c', {program!r}])"


@peak_memory
@pytest.mark.parametrize("by_a_child", [False, True])
@pytest.mark.parametrize("by_a_big_one", [False, True])
def test_statistics_of_what_ended_before_anybody_looked(by_a_child: bool, by_a_big_one: bool) -> None:
    code = "held = b'x' * (50 << 20)\nwhile time.process_time() < 0.2: pass"
    if by_a_child:
        code = in_a_child(code)
    # More than the program: then only looks at it while it runs tell how much it needs.
    held = 100 * MB if by_a_big_one else 0
    done = script(
        f"""
{WITHOUT_PSUTIL}
held = b"x" * {held}
with ComputeSystem.create("one", emulator.container_document()) as one:
    one.start()
    for number in (1, 2):
        assert one.run({guest(code)!r}).returncode == 0
        found = one.statistics()
        assert found["Processor"]["TotalRuntime100ns"] >= number * 0.19 * {SECOND}, found
        assert found["Memory"]["MemoryUsageCommitPeakBytes"] >= 50 * {MB}, found
        assert found["Memory"]["MemoryUsageCommitBytes"] == 0, found
"""
    )
    assert (done.returncode, done.stderr) == (0, "")


@peak_memory
def test_the_peak_of_a_small_program_is_not_that_of_its_starter() -> None:
    held = b"x" * (100 * MB)
    with running() as system:
        assert run(system, *TRUE).code == 0
        assert run(system, *guest("sleep(0.3)")).code == 0
        assert 1 * MB < statistics(system)["Memory"]["MemoryUsageCommitPeakBytes"] < 50 * MB
    del held


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads of Linux, which has handles for programs")
def test_programs_share_the_thread_that_learns_of_their_ends() -> None:
    assert sys.platform == "linux"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        pytest.skip("this kernel has no handles for programs")

    def threads() -> int:
        return len(os.listdir("/proc/self/task"))

    with running() as system, contextlib.ExitStack() as stack:
        first = stack.enter_context(started(system, *SLEEP))
        before = threads()
        starts = [stack.enter_context(started(system, *SLEEP)) for _ in range(20)]
        assert threads() == before
        for start in starts[::2]:
            hcs_calls.terminate_process(start.process)
            assert exit_code(start.process) == ABORTED
        for start in [first, *starts[1::2]]:
            assert not json.loads(hcs_calls.get_process_properties(start.process) or "{}")["Exited"]
        assert threads() == before


def test_processor_time_never_falls() -> None:
    pytest.importorskip("psutil")
    burn = "while time.process_time() < 0.1: pass"
    code = f"{in_a_child(burn)}\n{burn}"
    with running() as system, contextlib.ExitStack() as stack:
        starts = [stack.enter_context(started(system, *guest(code))) for _ in range(2)]
        told = [statistics(system)["Processor"]]
        for start in starts:
            while not json.loads(hcs_calls.get_process_properties(start.process) or "{}")["Exited"]:
                told.append(statistics(system)["Processor"])
        told.append(statistics(system)["Processor"])
        for member in ("TotalRuntime100ns", "RuntimeUser100ns", "RuntimeKernel100ns"):
            figures = [processor[member] for processor in told]
            assert figures == sorted(figures)
        assert told[-1]["TotalRuntime100ns"] >= 4 * 0.095 * SECOND


def test_nothing_is_counted_twice() -> None:
    meter = usage.Meter()
    root, child, orphan = (10, 1.0), (11, 2.0), (12, 3.0)
    seen = {
        root: usage.Seen(usage.Usage(user=5), passed_on=True),
        child: usage.Seen(usage.Usage(user=7), passed_on=True),
        orphan: usage.Seen(usage.Usage(user=11), passed_on=False),
    }
    assert meter.total([], seen).user == 23
    # The parent of the child has waited for it, nobody of ours for the orphan.
    assert meter.total([], {root: usage.Seen(usage.Usage(user=5 + 8), passed_on=True)}).user == 24
    # The root has ended, and its account comes a moment later.
    assert meter.total([], {}).user == 24
    assert meter.total([(usage.Usage(user=14), 100)], {}).user == 25
    meter.keep(usage.Usage(user=14), 100)
    assert meter.total([(usage.Usage(user=1), 50)], {}).user == 26
    assert meter.peak == 100


def test_what_somebody_else_waited_for_counts_as_last_seen() -> None:
    meter = usage.Meter()
    assert meter.total([], {(10, 1.0): usage.Seen(usage.Usage(user=5), passed_on=True)}).user == 5
    meter.lose(10)
    assert meter.total([(usage.Usage(), 0)], {}).user == 5
    assert meter.total([(usage.Usage(), 0)], {(11, 2.0): usage.Seen(usage.Usage(user=1), passed_on=True)}).user == 6


def test_figures_of_what_runs_need_psutil() -> None:
    done = script(
        f"""
{WITHOUT_PSUTIL}
with ComputeSystem.create("one", emulator.container_document()) as one:
    one.start()
    with one.popen({SLEEP!r}):
        try:
            one.statistics()
        except errors.NotSupportedError as error:
            print("hcsrt[emulator]" in str(error))
        one.terminate()
"""
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_figures_need_a_running_system() -> None:
    with created() as system:
        fails(HCS_E_INVALID_STATE, hcs_calls.get_system_properties, system, '{"PropertyTypes": ["Statistics"]}')


def test_properties_of_a_virtual_machine() -> None:
    document = machine(GuestConnection={}, ComputeTopology={"Memory": {"SizeInMB": 1024}})
    with running(document=document) as system:
        types = ["Memory", "TerminateOnLastHandleClosed", "GuestConnection"]
        found = properties(system, PropertyTypes=types)
        assert found["Memory"]["VirtualMachineMemory"]["AssignedMemory"] == 1024 * 256
        assert found["TerminateOnLastHandleClosed"] is True
        assert found["GuestConnectionInfo"]["SupportedSchemaVersions"] == [{"Major": 2, "Minor": 6}]
        fails(E_NOTIMPL, hcs_calls.get_system_properties, system, '{"PropertyTypes": ["SharedMemoryRegion"]}')


def test_named_queries_fail_one_by_one() -> None:
    with running() as system:
        found = properties(system, Queries={"TerminateOnLastHandleClosed": {}, "Memory": {}, "Colour": {}})
        responses = found["PropertyResponses"]
        assert responses["TerminateOnLastHandleClosed"] == {"Response": True}
        assert responses["Memory"]["Error"]["Error"] == 0x80070032 - (1 << 32)
        assert "$.Queries.Colour" in responses["Colour"]["Error"]["ErrorEvents"][0]["Message"]


# --- processes --------------------------------------------------------------------------------------------------------


def test_streams_folder_and_environment(any_seed: int | None, tmp_path: Any) -> None:
    with running() as system:
        code = "out(read_line(), os.environ['GREETING'], os.getcwd()); err('problem')"
        members = {
            "WorkingDirectory": str(tmp_path),
            "Environment": {"GREETING": "hello"},
            "CreateStdInPipe": True,
            "CreateStdOutPipe": True,
            "CreateStdErrPipe": True,
        }
        with started(system, *guest(code), **members) as start:
            assert start.stdin is not None
            assert start.stderr is not None
            with StdioWriter(start.stdin) as writer:
                writer.write(b"input\n")
            assert finish(start) == (0, f"input hello {tmp_path}\n")
            with StdioReader(start.stderr) as reader:
                assert reader.readall() == b"problem\n"


WINDOWS_VARIABLES = {
    "COMSPEC", "PATH", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "WINDIR",
}  # fmt: skip


def test_environment_is_minimal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the manager")
    with running() as system:
        names = run(system, *guest("out(*os.environ)")).output.split()
        if WINE:  # which has some of its own in every environment
            names = [name for name in names if not name.startswith("WINE")]
        assert set(names) == (WINDOWS_VARIABLES if WINDOWS else {"PATH", "HOME", "LANG"})
        root = os.environ["SYSTEMDRIVE"] + "\\" if WINDOWS else "/"
        assert run(system, *guest("out(os.getcwd())")).output == f"{root}\n"


@pseudo_terminal
def test_console(any_seed: int | None) -> None:
    with running() as system:
        members = {
            "EmulateConsole": True,
            "ConsoleSize": [20, 70],
            "CreateStdInPipe": True,
            "CreateStdOutPipe": True,
            "CreateStdErrPipe": True,
        }
        script = "stty size; echo $TERM; echo error >&2; read x; stty size"
        with started(system, "sh", "-c", script, **members) as start:
            assert start.stdin is not None
            assert start.stdout is not None
            assert start.stderr is None
            with StdioReader(start.stdout) as reader, StdioWriter(start.stdin) as writer:
                output = b""
                while b"error" not in output:
                    output += reader.read(100) or b""
                resize = {"Operation": "ConsoleSize", "ConsoleSize": {"Height": 50, "Width": 120}}
                hcs_calls.modify_process(start.process, json.dumps(resize))
                writer.write(b"\n")
                output += reader.readall()
            assert output.replace(b"\r\n", b"\n").split() == [b"20", b"70", b"xterm", b"error", b"50", b"120"]
            assert exit_code(start.process) == 0


@pytest.mark.parametrize(
    ("document", "hresult", "word"),
    [
        ({}, E_INVALIDARG, "CommandLine"),
        ({"CommandLine": ""}, E_INVALIDARG, "CommandLine"),
        ({"CommandLine": " true"}, E_INVALIDARG, "CommandLine"),
        ({"CommandArgs": ["true"]}, E_INVALIDARG, "CommandArgs"),
        ({"CommandLine": "true", "CommandArgs": ["true"]}, E_INVALIDARG, "CommandArgs"),
        ({"CommandLine": "a\0b"}, E_INVALIDARG, "NUL"),
        ({"CommandLine": "true", "Environment": {"A=B": "x"}}, E_INVALIDARG, "A=..."),
        ({"CommandLine": "true", "Environment": {"A": 5}}, 0x8037010D, "$.Environment.A"),
        ({"CommandLine": "true", "Colour": "red"}, 0x8037010D, "$.Colour"),
        ({"CommandLine": "true", "ConsoleSize": {"Height": 1}}, 0x8037010D, "$.ConsoleSize"),
        ({"CommandLine": "true", "RestrictedToken": True}, E_NOTIMPL, "RestrictedToken"),
        ({"CommandLine": "true", "WorkingDirectory": "/no/such/folder"}, 0x8007010B, "/no/such/folder"),
        ({"CommandLine": "true", "WorkingDirectory": __file__}, 0x8007010B, "test_service.py"),
        ({"CommandLine": "no-such-program"}, 0x80070002, "no-such-program"),
        ({"CommandLine": "/no/such/program"}, 0x80070002, "/no/such/program"),
        ({"CommandLine": f'"{__file__}/program"'}, BELOW_A_FILE, "test_service.py/program"),
        ({"CommandLine": f'"{__file__}"'}, NO_PROGRAM, "test_service.py"),
        ({"CommandLine": "/"}, E_ACCESSDENIED, "/"),
    ],
)
def test_what_cannot_start(document: dict[str, Any], hresult: int, word: str) -> None:
    emulator.reset()
    with running() as system:
        error = fails(hresult, hcs_calls.create_process, system, json.dumps(document))
        assert word in str(error)
        assert json.loads(hcs_calls.get_system_properties(system) or "")["State"] == "Running"


def test_half_a_surrogate_pair_is_text_on_windows_alone() -> None:
    with running() as system:
        command = guest("out(ascii(argv))", "a\ud800b")
        if WINDOWS:
            assert run(system, *command) == (0, "['a\\ud800b']\n")
        else:
            assert "surrogate" in str(fails(E_INVALIDARG, hcs_calls.create_process, system, parameters(*command)))


def test_a_file_that_is_no_program(tmp_path: Any) -> None:
    file = tmp_path / "file.exe"
    file.write_bytes(b"\x7fELF but not really")
    file.chmod(0o755)
    with running() as system:
        fails(0x800700C1, hcs_calls.create_process, system, parameters(str(file)))


def test_failed_creates_leave_nothing(any_seed: int | None) -> None:
    with running() as system:
        for _ in range(20):
            fails(0x80070002, hcs_calls.create_process, system, parameters("no-such-program"))
        wait_until(lambda: emulator.live()["processes"] == 0)
    wait_until(holds_nothing)


def test_application_name() -> None:
    with running() as system:
        shell, option = ("cmd", "/c") if WINDOWS else ("sh", "-c")
        members = {"ApplicationName": shell, "CommandLine": f'ignored {option} "exit 6"'}
        assert run(system, **members).code == 6
        alone = json.dumps({"ApplicationName": "hostname" if WINDOWS else "true"})
        with contextlib.closing(hcs_calls.create_process(system, alone)) as start:
            assert exit_code(start.process) == 0


def test_linux_guest() -> None:
    with running(document=machine(**LINUX_GUEST)) as system:
        assert properties(system, PropertyTypes=["Statistics"])["RuntimeOsType"] == "Linux"
        fails(E_INVALIDARG, hcs_calls.create_process, system, parameters(*TRUE))
        document = {"CommandArgs": guest("on('SIGTERM', lambda: exit(7)); out('ready'); sleep(60)")}
        start = hcs_calls.create_process(system, json.dumps(document | {"CreateStdOutPipe": True}))
        with contextlib.closing(start):
            wait_ready(start).close()
            for options in ('{"Signal": "CtrlC"}', '{"Signal": 0}', '{"Signal": true}', '{"Signal": 9999}', "{}", "["):
                fails(0x8037010D, hcs_calls.signal_process, start.process, options)
            hcs_calls.signal_process(start.process, json.dumps({"Signal": int(signal.SIGTERM)}))
            assert exit_code(start.process) == (INTERRUPTED if WINDOWS else 7)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("CtrlC", "SIGINT"),
        ("CtrlBreak", "SIGQUIT"),
        ("CtrlClose", "SIGHUP"),
        ("CtrlLogOff", "SIGHUP"),
        ("CtrlShutdown", "SIGTERM"),
    ],
)
def test_signals(name: str, number: str) -> None:
    with running() as system:
        reaction = "" if WINDOWS else f"on('{number}', lambda: exit(9)); "
        with started(system, *guest(f"{reaction}out('ready'); sleep(60)"), CreateStdOutPipe=True) as start:
            wait_ready(start).close()
            hcs_calls.signal_process(start.process, json.dumps({"Signal": name}))
            assert exit_code(start.process) == (INTERRUPTED if WINDOWS else 9)


def test_options_of_signal_are_checked() -> None:
    with running() as system, started(system, *SLEEP) as start:
        fails(E_INVALIDARG, hcs_calls.signal_process, start.process, None)
        for options in ("{}", '{"Signal": 2}', '{"Signal": "CtrlZ"}', '{"Sign": "CtrlC"}'):
            fails(0x8037010D, hcs_calls.signal_process, start.process, options)


def test_terminate_process(any_seed: int | None) -> None:
    with running() as system, started(system, *SLEEP) as start:
        _watch.watch_process(start.process)
        hcs_calls.terminate_process(start.process)
        gone = (HCS_E_PROCESS_ALREADY_STOPPED, E_ACCESSDENIED)
        fails(gone, hcs_calls.terminate_process, start.process)
        assert _watch.wait_exit(start.process, 20)
        expected = {"ProcessId": start.pid, "Exited": True, "ExitCode": ABORTED, "LastWaitResult": 0}
        assert json.loads((_watch.exit_status(start.process) or ("", ""))[1] or "") == expected
        assert json.loads(hcs_calls.get_process_properties(start.process) or "") == expected
        fails(gone, hcs_calls.terminate_process, start.process)
        fails(gone, hcs_calls.signal_process, start.process, '{"Signal": "CtrlC"}')
        close = {"Operation": "CloseHandle", "CloseHandle": {"Handle": "All"}}
        fails(gone, hcs_calls.modify_process, start.process, json.dumps(close))
        fails(ERROR_NOT_FOUND, _calls.open_process, system, start.pid)


def test_terminate_reaches_the_whole_group() -> None:
    parent = guest("out(spawn('sleep(60)')); sleep(60)")
    with running() as system, started(system, *parent, CreateStdOutPipe=True) as start:
        assert start.stdout is not None
        with StdioReader(start.stdout) as reader:
            child = int(reader.read(100) or b"")
        hcs_calls.terminate_process(start.process)
        exit_code(start.process)
        wait_until(lambda: not is_alive(child))


def test_open_process(any_seed: int | None) -> None:
    with running() as system:
        fails(ERROR_NOT_FOUND, _calls.open_process, system, os.getpid())
        with started(system, *SLEEP) as start, _calls.open_process(system, start.pid) as process:
            hcs_calls.terminate_process(process)
            assert exit_code(start.process) == ABORTED
    with running("other") as other:
        fails(ERROR_NOT_FOUND, _calls.open_process, other, start.pid)
    wait_until(holds_nothing)


def test_process_info_hands_out_streams(any_seed: int | None) -> None:
    with running() as system, started(system, *SLEEP, CreateStdOutPipe=True) as start:
        info = _calls.process_info(start.process)
        assert info.pid == start.pid
        assert info.stdin is None
        assert info.stdout is not None
        info.stdout.close()
        hcs_calls.terminate_process(start.process)
        exit_code(start.process)
        with contextlib.suppress(errors.AlreadyStoppedError):
            stdout = _calls.process_info(start.process).stdout
            assert stdout is not None
            stdout.close()


def test_status_of_a_running_process(any_seed: int | None) -> None:
    with running() as system, started(system, *SLEEP) as start:
        for query in (None, "", "{}", '{"PropertyTypes": ["ProcessStatus"]}'):
            status = json.loads(hcs_calls.get_process_properties(start.process, query) or "")
            assert status.items() >= {"ProcessId": start.pid, "Exited": False}.items()
        for query in ('{"PropertyTypes": ["Statistics"]}', "[]", '{"Queries": {}}'):
            fails(0x8037010D, hcs_calls.get_process_properties, start.process, query)


def test_modify_closes_streams() -> None:
    with running() as system, started(system, *CAT, CreateStdInPipe=True, CreateStdOutPipe=True) as start:
        assert start.stdin is not None
        writer = StdioWriter(start.stdin)
        writer.write(b"text")
        hcs_calls.modify_process(start.process, '{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}')
        with pytest.raises(BrokenPipeError):
            writer.write(b"more")
        writer.close()
        assert finish(start) == (0, "text")


@pytest.mark.parametrize(
    ("document", "hresult", "place"),
    [
        ({}, 0x8037010D, "$.Operation"),
        ({"ConsoleSize": {"Height": 1, "Width": 1}}, 0x8037010D, "$.Operation"),
        ({"Operation": "ConsoleSize"}, 0x8037010D, "$.ConsoleSize"),
        ({"Operation": "ConsoleSize", "ConsoleSize": {"Height": 5, "Width": 0}}, 0x8037010D, "$.ConsoleSize.Width"),
        ({"Operation": "ConsoleSize", "ConsoleSize": [24, 80]}, 0x8037010D, "$.ConsoleSize"),
        ({"Operation": "ConsoleSize", "ConsoleSize": {"Height": 5, "Width": 5}}, E_INVALIDARG, "$.ConsoleSize"),
        ({"Operation": "CloseHandle"}, 0x8037010D, "$.CloseHandle"),
        ({"Operation": "CloseHandle", "CloseHandle": {}}, 0x8037010D, "$.CloseHandle.Handle"),
        ({"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdWar"}}, 0x8037010D, "$.CloseHandle.Handle"),
    ],
)
def test_modify_is_checked(document: dict[str, Any], hresult: int, place: str) -> None:
    with running() as system, started(system, *SLEEP) as start:
        assert place in str(fails(hresult, hcs_calls.modify_process, start.process, json.dumps(document)))


def test_creation_that_reports_a_failure_and_runs(hcs_host: emulator.Host) -> None:
    """HCS may say E_INVALIDARG of a process that runs; HcsGetProcessInfo then tells about it, though it has exited."""
    hcs_host.assume(process_in_container="E_INVALIDARG")
    with running() as system:
        assert run(system, *guest("out('text')")) == (0, "text\n")


# --- the service itself -----------------------------------------------------------------------------------------------


def test_a_bug_in_the_service_is_told_and_recorded() -> None:
    with created() as system:
        with on_its_thread(lambda: 1 / 0):
            error = fails(E_UNEXPECTED, _calls.create_system, "other", json.dumps(VM))
            assert "ZeroDivisionError" in str(error)
        assert "ZeroDivisionError" in emulator.misuses()[0]
        assert properties(system)["State"] == "Created"
    emulator.reset()


def test_what_is_not_emulated_says_so() -> None:
    with created() as system:
        error = fails(E_NOTIMPL, _calls.call, system, "HcsStartLiveMigrationTransfer")
        assert error.document is not None
        assert "HcsStartLiveMigrationTransfer" in error.document["ErrorMessage"]


def test_nothing_is_remembered_of_what_is_over(any_seed: int | None) -> None:
    with running() as system:
        for _ in range(10):
            assert run(system, *TRUE).code == 0
        wait_until(lambda: set(emulator.live().values()) - {0, 1} == set())
    wait_until(holds_nothing)
    for number in range(10):
        with running(f"system-{number}") as system:
            assert run(system, *TRUE).code == 0
            hcs_calls.terminate_system(system)
    wait_until(holds_nothing)


# Before the service begins.
WITHOUT_PSUTIL = """
sys.modules["psutil"] = None
warnings.simplefilter("ignore", errors.NoIsolationWarning)
"""


def script(text: str, *options: str) -> subprocess.CompletedProcess[str]:
    prologue = f"""
import json, os, sys, warnings
from hcsrt import ComputeSystem, _calls, _watch, emulator, errors
def system(id="one"):
    made = _calls.create_system(id, json.dumps(emulator.container_document()))
    _calls.call(made, "HcsStartComputeSystem")
    return made
def create_process(system, text):
    start = _calls.create_process(system, text)
    if start.error is not None:
        raise start.error
    return start
TRUE, SLEEP = {parameters(*TRUE)!r}, {parameters(*SLEEP)!r}
"""
    return subprocess.run(
        [sys.executable, *options, "-c", prologue + text], capture_output=True, text=True, timeout=60, check=False
    )


def test_warns_once() -> None:
    done = script("for _ in range(3): create_process(system(str(_)), TRUE).close()")
    assert done.returncode == 0
    assert "NoIsolationWarning" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_warning_as_an_error_fails_the_call() -> None:
    done = script(
        """
warnings.simplefilter("error")
one = system()
for _ in range(2):
    try:
        create_process(one, TRUE)
    except errors.HcsError as error:
        assert error.hresult & 0xFFFFFFFF == 0x80004005
        assert "NoIsolationWarning" in str(error) and "without isolation" in str(error)
    else:
        raise SystemExit("started all the same")
warnings.simplefilter("ignore", errors.NoIsolationWarning)
create_process(one, TRUE).close()
assert not emulator.misuses()
"""
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "stderr",
    [
        "sys.stderr = None",
        "sys.stderr.close()",
        "os.close(2)",
        "warnings.showwarning = lambda *_, **__: 1 / 0",
        "warnings.showwarning = lambda *_, **__: sys.exit('told')",
        "warnings.showwarning = None",
        "warnings.formatwarning = lambda *_, **__: 1 / 0",
    ],
)
def test_a_warning_that_nobody_can_be_told_decides_nothing(stderr: str) -> None:
    done = script(
        f"""
{stderr}
one = system()
for _ in range(3):
    create_process(one, TRUE).close()
assert not emulator.misuses()
os._exit(0)  # Python itself ends with 120 where it cannot flush its stderr
"""
    )
    assert done.returncode == 0, done.stderr


def test_the_service_survives_what_ends_a_thread() -> None:
    with on_its_thread(lambda: sys.exit("a hook of somebody's")):
        fails(E_UNEXPECTED, _calls.create_system, "one", json.dumps(VM))
    assert any("SystemExit: a hook of somebody's" in misuse for misuse in emulator.misuses())
    emulator.reset()
    assert json.loads(_calls.enumerate_systems() or "") == []


# --- the public functions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", ["x", 1.5, b"1", (1,), object()])
@pytest.mark.parametrize("function", [emulator.reset, emulator.install], ids=["reset", "install"])
def test_a_wrong_seed_changes_nothing(function: Callable[[Any], None], seed: object) -> None:
    with running() as system:
        with pytest.raises(TypeError, match="seed must be an int or None"):
            function(seed)
        assert run(system, *TRUE).code == 0


def test_a_reset_that_cannot_be_made_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    with running() as system:
        with monkeypatch.context() as patch:
            # The service makes its thread first.
            patch.setattr(threading.Thread, "__init__", refuse)
            with pytest.raises(MemoryError):
                emulator.reset()
        assert run(system, *TRUE).code == 0


def test_a_service_that_cannot_start_is_started_by_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="thread"):
            emulator.reset()
    with running() as system:
        assert run(system, *TRUE).code == 0


def test_a_service_that_was_interrupted_at_its_start_serves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            emulator.reset()
    with running() as system:
        assert run(system, *TRUE).code == 0
        assert [thread.name for thread in threading.enumerate()].count("hcsrt-emulator") == 1


@emulator_by_name
def test_an_install_that_is_refused_leaves_the_seed_alone() -> None:
    done = script(
        """
from hcsrt import _library
from hcsrt.emulator import _native, world
_library.choose("other", _native.backend())
try:
    emulator.install(7)
except RuntimeError as error:
    print("other" in str(error), world.current().seed)
"""
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True None\n", "", 0)


def test_install() -> None:
    done = script(
        """
emulator.install(seed=3)
from hcsrt import _library, _watch
assert _library.backend() == "emulator"
emulator.install()
try:
    emulator.install(seed=4)
except RuntimeError as error:
    assert "reset" in str(error)
else:
    raise SystemExit("took a second seed")
""",
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_exit_with_everything_open() -> None:
    done = script(
        """
warnings.simplefilter("ignore")
one = system()
start = _calls.create_process(one, json.dumps(json.loads(SLEEP) | {"CreateStdOutPipe": True}))
print(start.pid)
sys.exit(3)
"""
    )
    assert (done.returncode, done.stderr) == (3, "")
    wait_until(lambda: not is_alive(int(done.stdout)))


@fork
def test_fork_gives_an_emulator_of_its_own() -> None:
    done = script(
        """
warnings.simplefilter("ignore")
one = system()
start = _calls.create_process(one, SLEEP)
child = os.fork()
if child == 0:
    assert set(emulator.live().values()) == {0}
    two = system()
    with two:
        _calls.create_process(two, TRUE).close()
        _calls.call(two, "HcsTerminateComputeSystem")
    os._exit(0 if set(emulator.live().values()) == {0} else 1)
assert os.waitpid(child, 0)[1] == 0
assert json.loads(_calls.call(start.process, "HcsGetProcessProperties"))["Exited"] is False
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
