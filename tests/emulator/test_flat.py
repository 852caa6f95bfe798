"""What the emulator does for a compute system takes as many steps beside hundreds of others as beside a few."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, cast

import pytest

from hcsrt import ComputeSystem, emulator, stop_all, systems
from hcsrt.emulator import Host, _native
from hcsrt.emulator.properties import Sessions

from ..helpers.platforms import emulator_by_name, posix_shell
from ..helpers.programs import SLEEP, guest

pytestmark = emulator_by_name

FEW, MANY = 3, 200
FOLDER = str(Path(emulator.__file__).parent)

DOCUMENT = emulator.container_document("tests", terminate_on_last_handle_closed=False)
MACHINE = {"Owner": "tests", "VirtualMachine": {"GuestConnection": {}}}


@contextmanager
def host_with(count: int) -> Iterator[Callable[[], int]]:
    """Install a host on which so many systems run; yield what tells the lines that its service has executed."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        lines += event == "line"
        return trace

    before = threading.gettrace()
    threading.settrace(trace)
    try:
        with Host(), ExitStack() as stack:
            threading.settrace(before)  # type: ignore[arg-type]
            crowd = [stack.enter_context(ComputeSystem.create(f"crowd {i}", DOCUMENT)) for i in range(count)]
            for each in crowd:
                each.start()
            yield lambda: lines
            stop_all(crowd, grace=0)
    finally:
        threading.settrace(before)  # type: ignore[arg-type]


def all_served(system: ComputeSystem) -> None:
    """Wait until the service has served what it was told before."""
    system.properties()


def life(before: ComputeSystem) -> None:
    """Use a system in each way, from its creation to its end."""
    with ComputeSystem.create("probe", {**DOCUMENT, "Owner": "the probe's"}) as probe:
        probe.start()
        probe.properties()
        with ComputeSystem.open("probe"):
            pass
        assert [found["Id"] for found in systems(ids=["probe"])] == ["probe"]
        assert [found["Id"] for found in systems(owner="the probe's")] == ["probe"]
        emulator.send_event("probe", "SystemCrashReport")
        probe.terminate()
        probe.wait(10)
        assert systems(ids=["probe"]) == []
    all_served(before)


@pytest.mark.skipif(sys.gettrace() is not None, reason="something else traces this run")
def test_a_life_takes_as_many_lines_of_the_service() -> None:
    counts = []
    for others in (FEW, MANY):
        with host_with(others) as lines, ComputeSystem.create("witness", DOCUMENT) as witness:
            life(witness)
            all_served(witness)
            begin = lines()
            life(witness)
            counts.append(lines() - begin)
            witness.terminate()
    assert counts[0] > 0
    assert counts[0] == counts[1]


def test_an_event_visits_the_handles_that_it_is_for() -> None:
    visits = []
    for others in (FEW, MANY):
        with host_with(others), ComputeSystem.create("probe", DOCUMENT) as probe:
            with ComputeSystem.open("probe"):
                begin = _native.visited()
                emulator.send_event("probe", "SystemCrashReport")
                visits.append(_native.visited() - begin)
            probe.terminate()
    assert visits == [2, 2]


def test_an_end_visits_the_handles_that_hear_of_it() -> None:
    visits = []
    for others in (FEW, MANY):
        with host_with(others), ComputeSystem.create("probe", DOCUMENT) as probe:
            begin = _native.visited()
            probe.terminate()
            probe.wait(10)
            visits.append(_native.visited() - begin)
    assert visits == [1, 1]


def test_a_closed_handle_is_visited_no_more() -> None:
    with Host(), ComputeSystem.create("probe", DOCUMENT) as probe:
        for _ in range(MANY):
            ComputeSystem.open("probe").close()
        begin = _native.visited()
        emulator.send_event("probe", "SystemCrashReport")
        assert _native.visited() - begin == 1
        probe.terminate()


def test_the_streams_of_a_process_are_found_among_its_own() -> None:
    visits = []
    for others in (0, 4):
        with host_with(1), ComputeSystem.create("probe", DOCUMENT) as probe, ExitStack() as stack:
            probe.start()
            processes = [stack.enter_context(probe.popen(SLEEP, stdin=-1, stdout=-1)) for _ in range(others + 1)]
            begin = _native.visited()
            again = probe.open_process(processes[0].pid, stdin=-1, stdout=-1)
            visits.append(_native.visited() - begin)
            again.close()
            probe.terminate()
    assert visits[0] == visits[1] > 0


@posix_shell
def test_nothing_is_done_while_a_system_waits_for_its_programs() -> None:
    with host_with(0) as lines, ComputeSystem.create("probe", MACHINE) as probe:
        probe.start()
        with probe.popen(guest("ignore('SIGTERM', 'SIGHUP'); out('ready'); sleep(60)"), stdout=-1) as program:
            assert program.stdout is not None
            program.stdout.read(5)
            with pytest.raises(TimeoutError):
                probe.shutdown(timeout=0.2)
            all_served(probe)
            begin = lines()
            # Longer than the service's pauses where it looks after something itself.
            time.sleep(0.2)
            assert lines() == begin
            probe.terminate()
            probe.wait(10)


def test_the_guests_of_a_machine_end_with_it_and_no_others() -> None:
    hosted = {"Owner": "tests", "HostingSystemId": "machine", "HostedSystem": {"Container": {}}}
    with Host() as host, ExitStack() as stack:
        created = {
            id: stack.enter_context(ComputeSystem.create(id, document))
            for id, document in (("machine", MACHINE), ("other", MACHINE))
        }
        for each in created.values():
            each.start()
        guests = [stack.enter_context(ComputeSystem.create(id, hosted)) for id in ("guest 1", "guest 2")]
        guests[0].terminate()
        guests[0].wait(10)
        created["machine"].terminate()
        assert guests[1].wait(10)["ExitType"] == "UnexpectedExit"
        assert host.systems() == ["other"]
        created["other"].terminate()


def test_an_id_is_free_again_after_the_end_and_leads_to_the_newest() -> None:
    with Host() as host, ComputeSystem.create("one", DOCUMENT) as old:
        old.terminate()
        old.wait(10)
        with ComputeSystem.create("one", DOCUMENT) as new:
            new_events, old_events = new.events(), old.events()
            host.send_event("one", "SystemCrashReport")
            event = new_events.get(10)
            assert event is not None
            assert event.type == "SystemCrashReport"
            last = old_events.get(10)
            assert last is not None
            assert last.type == "SystemExited"
            new.terminate()
        # Now the old one is the newest of that id.
        host.send_event("one", "SystemCrashReport")
    with Host() as host, pytest.raises(LookupError):
        host.send_event("one", "SystemCrashReport")


def test_a_list_by_ids_is_in_the_order_of_creation() -> None:
    with Host(), ExitStack() as stack:
        made = [stack.enter_context(ComputeSystem.create(id, DOCUMENT)) for id in ("c", "a", "b")]
        assert [found["Id"] for found in systems(ids=["b", "a", "c", "a", "none"])] == ["c", "a", "b"]
        assert systems(ids=["a"], owner="somebody") == []
        assert [found["Id"] for found in systems(owner=["somebody", "tests", "tests"])] == ["c", "a", "b"]
        assert systems(owner="somebody") == []
        for each in made:
            each.terminate()


@pytest.mark.skipif(sys.platform == "win32", reason="there a job lists its processes")
def test_one_look_at_the_processes_serves_all_who_asked_before_it() -> None:
    sessions = Sessions()
    here = os.getsid(0)
    psutil = cast("Any", SimpleNamespace(pids=lambda: [os.getpid()]))
    asked = [_native.new_key() for _ in range(5)]
    for ticket in asked:
        assert list(sessions.pids([here], ticket, psutil)) == [os.getpid()]
    assert sessions.looks == 1
    assert list(sessions.pids([here], _native.new_key(), psutil)) == [os.getpid()]
    assert sessions.looks == 2
