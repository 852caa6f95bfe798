"""Events through the facade: every reader gets them, none makes HCS wait, and the exit is never lost."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

import hcsrt
from hcsrt import ComputeSystem, Event, Events, _watch, emulator
from hcsrt._interpose import failing

from ..helpers.platforms import TICK, fork
from ..helpers.programs import INSTALL, guest

HCS_E_SERVICE_DISCONNECT = 0x8037011E

CRASH_INITIATED = 2
CRASH_REPORT = 3
UNKNOWN = 0x80000ABC

Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]


def tell(type: int, data: str | None = None, id: str = "tests") -> None:
    """Let HCS tell every handle of a compute system something."""
    emulator.send_event(id, type, data)


def tell_numbers(count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        tell(CRASH_REPORT, json.dumps({"Number": number}))


def numbers(events: list[Event]) -> list[int]:
    return [event.data["Number"] for event in events if event.type == "SystemCrashReport"]


@pytest.fixture
def told(system: ComputeSystem) -> Callable[[], None]:
    """Wait until HCS has told everything so far: until a reader that came before the last event has it."""

    def told() -> None:
        with system.events(maxsize=100_000) as events:
            tell(UNKNOWN)
            while (event := events.get(10)) and event.type != UNKNOWN:
                pass

    return told


# --- what an event is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (2, "SystemCrashInitiated"),
        (3, "SystemCrashReport"),
        (4, "SystemRdpEnhancedModeStateChanged"),
        (5, "SystemSiloJobCreated"),
        (6, "SystemGuestConnectionClosed"),
        (0x1000000, "OperationCallback"),
        (0x80000002, "GroupVmLifecycle"),
        (0x80000003, "GroupLiveMigration"),
        (0xC0000001, "GroupOperationInfo"),
        # Windows may tell of things that no header has.
        (0, 0),
        (7, 7),
        (0xFFFFFFFF, 0xFFFFFFFF),
    ],
)
def test_an_event_has_the_name_of_its_type_or_the_number(system, number, name):
    with system.events() as events:
        tell(number)
        assert events.get(10).type == name


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (None, None),
        ("", None),
        ('{"CrashLog": "Gr\u00fc\u00dfe \U0001f980"}', {"CrashLog": "Grüße 🦀"}),
        ("[1, 2]", [1, 2]),
        ("{'no': JSON", "{'no': JSON"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=["NULL", "empty", "object", "array", "bad", "too deep"],
)
def test_data_is_parsed_or_kept_as_text(system, text, data):
    with system.events() as events:
        tell(CRASH_REPORT, text)
        event = events.get(10)
        assert event.data == data
        assert not event.data_lost


def test_an_event_knows_when_it_was_told(system, told):
    with system.events() as events:
        before = time.time()
        tell(CRASH_REPORT)
        told()
        after = time.time()
        time.sleep(0.05)
        assert before - 0.01 <= events.get(10).time <= after + 0.01


def test_the_repr_of_an_event_shows_what_is_out_of_the_ordinary():
    assert repr(Event("SystemExited", {"Status": 0}, 1.5)) == "Event('SystemExited', {'Status': 0}, time=1.5)"
    assert repr(Event(7, lost=3, data_lost=True)) == "Event(0x00000007, None, time=0.0, lost=3, data_lost=True)"


# --- readers ----------------------------------------------------------------------------------------------------------


def test_events_come_in_order_and_the_exit_last(plain_order, system):
    events = system.events()
    tell_numbers(100)
    system.stop(grace=0)
    *before, exit = events
    assert numbers(before) == list(range(100))
    assert exit.type == "SystemExited"
    assert exit.data["ExitType"] == "ForcedExit"
    assert [event.lost for event in [*before, exit]] == [0] * 101
    assert list(events) == []
    assert events.get() is None


def test_every_reader_gets_every_event_from_its_subscription_on(plain_order, system, told):
    with ThreadPoolExecutor(4) as pool:
        early = [pool.submit(list, system.events()) for _ in range(3)]
        tell_numbers(20)
        told()
        late = pool.submit(list, system.events())
        tell_numbers(20, 20)
        system.stop(grace=0)
        for reader in early:
            assert numbers(reader.result()) == list(range(40))
        assert numbers(late.result()) == list(range(20, 40))
        assert {reader.result()[-1].type for reader in [*early, late]} == {"SystemExited"}


def test_every_handle_of_a_system_has_its_own_events(system, told):
    with ComputeSystem.open(system.id) as again:
        events = again.events(), system.events()
        tell(CRASH_INITIATED)
        assert [each.get(10).type for each in events] == ["SystemCrashInitiated"] * 2
        again.close()
        assert list(events[0]) == []
        tell(CRASH_REPORT)
        assert events[1].get(10).type == "SystemCrashReport"


def test_readers_come_and_go_while_events_come(system):
    """The seats of readers who have gone are used again, and hold nothing of what they have not read."""
    over = threading.Event()

    def come_and_go() -> int:
        rounds = 0
        while not over.is_set():
            with system.events(maxsize=2) as events:
                tell(CRASH_INITIATED)
                assert events.get(10).type in ("SystemCrashInitiated", "SystemCrashReport")
                rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool, system.events(maxsize=10_000) as events:
        guests = [pool.submit(come_and_go) for _ in range(4)]
        tell_numbers(500)
        heard = [events.get(10) for _ in range(500)]
        over.set()
        assert all(guest.result() for guest in guests)
        assert all(event.lost == 0 for event in heard)


def test_threads_that_share_a_reader_share_its_events(system, told):
    with ThreadPoolExecutor(3) as pool, system.events() as events:
        readers = [pool.submit(lambda: list(events)) for _ in range(3)]
        tell_numbers(100)
        told()
        system.stop(grace=0)
        shared = [event for reader in readers for event in reader.result()]
        assert sorted(numbers(shared)) == list(range(100))
        assert sum(event.type == "SystemExited" for event in shared) == 1


# --- slow readers -----------------------------------------------------------------------------------------------------


def test_a_full_queue_drops_the_newest_and_counts_them(system):
    first, slow = system.events(), system.events(maxsize=3)

    def tell_and_wait(count: int, number: int) -> None:
        # Who has subscribed first hears of an event last.
        tell_numbers(count, number)
        assert numbers([first.get(10) for _ in range(count)]) == list(range(number, number + count))

    tell_and_wait(10, 0)
    assert numbers([slow.get(0), slow.get(0)]) == [0, 1]
    tell_and_wait(3, 10)
    system.stop(grace=0)
    heard = list(slow)
    assert numbers(heard) == [2, 10, 11]
    assert [event.lost for event in heard] == [0, 7, 0, 1]
    assert [event.lost for event in first] == [0]


def test_a_full_queue_never_loses_the_exit(system, told):
    events = system.events(maxsize=1)
    tell_numbers(5)
    told()
    system.stop(grace=0)
    report, exit = events
    assert report.data == {"Number": 0}
    assert (exit.type, exit.lost) == ("SystemExited", 5)


def test_a_reader_that_never_reads_does_not_stop_hcs(system, told):
    with system.events(maxsize=1), system.events(maxsize=100_000) as events:
        before = time.monotonic()
        tell_numbers(4_000)
        told()
        assert time.monotonic() - before < 20
        assert sum(events.get(0) is not None for _ in range(4_000)) == 4_000


@pytest.mark.parametrize(
    "other", [{"type": "ProcessExited"}, {"data": {}}, {"time": 1.0}, {"lost": 3}, {"data_lost": False}], ids=str
)
def test_events_are_equal_if_all_that_they_tell_is(other):
    told = {"type": "SystemExited", "data": {"Status": 0}, "time": 1.5, "lost": 2, "data_lost": True}
    assert Event(**told) == Event(**told)
    assert Event(**told) != Event(**told | other)
    assert Event(**told) != "SystemExited"


def test_the_repr_of_events_names_whose_they_are(system):
    with system.events() as events:
        assert repr(events) == f"<hcsrt.Events of {system!r}>"


@pytest.mark.parametrize("maxsize", [0, -1, 1 << 32])
def test_a_queue_has_a_size(system, maxsize):
    with pytest.raises(ValueError, match="maxsize must be 1 to 4294967295 events"):
        system.events(maxsize=maxsize)
    with pytest.raises(TypeError, match="maxsize must be an int, not str"):
        system.events(maxsize="x")
    with pytest.raises(TypeError):
        system.events(maxsize="1")


# --- the end ----------------------------------------------------------------------------------------------------------


def test_who_comes_after_the_exit_gets_it_at_once(system, document):
    with ComputeSystem.open(system.id) as again:
        system.stop(grace=0)
        assert again.wait(10)
        for _ in range(2):
            (exit,) = again.events(timeout=0)
            assert (exit.type, exit.data) == ("SystemExited", again.wait())


def test_an_exit_whose_event_is_lost_is_told_all_the_same(lost_events, system):
    with ComputeSystem.open(system.id) as again:
        events = again.events()
        system.terminate()
        (exit,) = events
        assert exit.type == "SystemExited"


def test_the_end_of_the_service_ends_the_events(hcs_host, system):
    events = system.events(), system.events()
    tell(CRASH_INITIATED)
    assert events[0].get(10).type == "SystemCrashInitiated"
    hcs_host.service.stop()
    assert [event.type for event in events[0]] == ["ServiceDisconnect"]
    assert [event.type for event in events[1]] == ["SystemCrashInitiated", "ServiceDisconnect"]
    (late,) = system.events()
    assert (late.type, late.data) == ("ServiceDisconnect", None)
    emulator.reset()


def test_a_service_that_goes_without_a_word_is_an_error(lost_events, plain_order, system):
    disconnected = failing("HcsGetComputeSystemProperties", HCS_E_SERVICE_DISCONNECT)
    with disconnected, system.events() as events, pytest.raises(hcsrt.ServiceDisconnectedError):
        events.get(10)


@pytest.mark.alone
@pytest.mark.parametrize("what", ["events", "system"])
def test_a_close_ends_the_wait_of_another_thread(system, what):
    events = system.events()
    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(list, events), pool.submit(events.get)]
        time.sleep(0.3)
        before = time.monotonic()
        (events if what == "events" else system).close()
        assert readers[0].result(10) == []
        assert readers[1].result(10) is None
        assert time.monotonic() - before < 0.5
    if what == "system":
        with pytest.raises(hcsrt.HandleClosedError):
            system.events()
        with ComputeSystem.open("tests") as again:
            again.stop(grace=0)


def test_what_was_told_before_the_close_can_still_be_read(plain_order, system, told):
    events = system.events()
    tell_numbers(3)
    told()
    with ComputeSystem.open(system.id) as again:
        system.close()
        assert numbers(list(events)) == [0, 1, 2]
        again.stop(grace=0)


def test_the_exit_can_still_be_read_after_the_close(system):
    events = system.events(maxsize=1)
    system.stop(grace=0)
    system.close()
    assert [event.type for event in events] == ["SystemExited"]


def test_a_closed_reader_has_no_more_events(system, told):
    with system.events() as events:
        tell(CRASH_INITIATED)
        told()
    assert list(events) == []
    events.close()


def test_a_reader_that_nobody_has_any_more_goes(system):
    for _ in range(100):
        system.events(maxsize=1000)
    tell(CRASH_INITIATED)
    system.stop(grace=0)


# --- time and signals -------------------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_timeout_ends_a_wait_and_not_the_events(system):
    before = time.monotonic()
    with system.events(timeout=0.1) as events:
        with pytest.raises(TimeoutError, match=r"no event came within 0\.1 s"):
            next(events)
        assert 0.1 - TICK <= time.monotonic() - before < 0.6
        with pytest.raises(TimeoutError, match=r"no event came within 0\.05 s"):
            events.get(0.05)
        tell(CRASH_INITIATED)
        assert events.get(10).type == "SystemCrashInitiated"
        with pytest.raises(ValueError, match="timeout"):
            events.get(-1)


@pytest.mark.parametrize("wait", [list, Events.get, lambda events: events.get(60)], ids=["list", "get", "get(60)"])
def test_ctrl_c_ends_a_wait(system, interrupted, wait):
    with system.events() as events:
        for block in interrupted(0.3):
            with block:
                wait(events)


# --- processes --------------------------------------------------------------------------------------------------------


def test_the_events_of_a_process_end_with_its_exit(system):
    with system.popen(guest("read_line(); exit(7)"), stdin=hcsrt.PIPE) as process:
        events = process.events(timeout=30)
        assert process.stdin
        process.stdin.close()
        (exit,) = events
        assert exit.type == "ProcessExited"
        assert exit.data["ExitCode"] == 7
        assert process.wait() == 7
        assert [event.type for event in process.events()] == ["ProcessExited"]


def test_a_process_hears_nothing_of_its_system(system, told):
    with system.popen(guest("read_line()"), stdin=hcsrt.PIPE) as process, process.events() as events:
        tell(CRASH_INITIATED)
        told()
        emulator.send_event(system.id, UNKNOWN, pid=process.pid)
        assert events.get(10).type == UNKNOWN


# --- below the facade -------------------------------------------------------------------------------------------------


def test_a_handle_without_callback_has_no_events(system):
    with system.duplicate_handle() as handle, pytest.raises(ValueError, match="has no event callback"):
        _watch.subscribe(handle, 1)


def test_a_subscription_says_what_it_took(system):
    subscription = _watch.subscribe(system.handle, 1)
    assert subscription.next(0) is None
    before = time.time_ns()
    tell(UNKNOWN, "raw")
    number, data, nanoseconds, lost, data_lost = subscription.next(10)
    assert (number, data, lost, data_lost) == (UNKNOWN, "raw", 0, False)
    # The clock of Python moves in longer steps on Windows.
    assert before - 10**8 <= nanoseconds <= time.time_ns() + 10**8
    subscription.close()
    with pytest.raises(EOFError):
        subscription.next()


# --- processes of the operating system --------------------------------------------------------------------------------

START = f"""
import os, threading, warnings
warnings.simplefilter("ignore")
import hcsrt
from hcsrt import emulator
{INSTALL}
system = hcsrt.ComputeSystem.create("left", emulator.container_document())
events = [system.events() for _ in range(3)]
"""


def run_script(script: str) -> None:
    command = [sys.executable, "-c", START + script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@fork
def test_events_end_in_a_forked_child():
    run_script("""
child = os.fork()
if child == 0:
    assert list(events[0]) == []
    events[1].close()
    events.clear()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
system.terminate()
assert [[event.type for event in each] for each in events] == [["SystemExited"]] * 3
system.close()
assert not any(emulator.live().values())
""")


def test_an_interpreter_ends_with_readers_left():
    run_script("""
threading.Thread(target=list, args=(events[0],), daemon=True).start()
""")
