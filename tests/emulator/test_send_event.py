"""Events that a test has HCS report."""

import pytest

from hcsrt import PIPE, ComputeSystem, emulator

from ..helpers.programs import CAT


@pytest.mark.parametrize(
    ("type", "data", "named", "parsed"),
    [
        ("SystemCrashReport", {"CrashLog": "Grüße"}, "SystemCrashReport", {"CrashLog": "Grüße"}),
        (0x80000ABC, "[[no JSON", 0x80000ABC, "[[no JSON"),
        (6, None, "SystemGuestConnectionClosed", None),
    ],
)
def test_every_handle_of_the_system_is_told(type, data, named, parsed, system, document):
    with (
        ComputeSystem.create("other", document) as other,
        ComputeSystem.open(system.id) as again,
        system.events() as events,
        again.events() as others,
        other.events() as strangers,
    ):
        emulator.send_event(system.id, type, data)
        for event in (events.get(10), others.get(10)):
            assert (event.type, event.data) == (named, parsed)
        emulator.send_event(other.id, 7)
        assert strangers.get(10).type == 7
        other.terminate()


def test_a_process_is_told_of_by_its_id(system):
    with system.popen(CAT, stdin=PIPE) as process:
        emulator.send_event(
            system.id, "ProcessExited", {"Exited": True, "ExitCode": 9, "LastWaitResult": 0}, pid=process.pid
        )
        assert process.wait(10) == 9


def test_a_namespace_has_systems_of_its_own(document):
    with ComputeSystem.create("one", document, namespace="ns") as system, system.events() as events:
        with pytest.raises(LookupError, match="no compute system has the id 'one'"):
            emulator.send_event("one", 2)
        emulator.send_event("one", 2, namespace="ns")
        assert events.get(10).type == "SystemCrashInitiated"
        system.terminate()


def test_one_that_has_exited_is_told_as_long_as_a_handle_is_open(system, document):
    with ComputeSystem.open(system.id) as again, again.events() as events:
        system.stop(grace=0)
        assert events.get(10).type == "SystemExited"
        emulator.send_event(system.id, 2)
        # Of two with that id it is the one that was created last.
        with ComputeSystem.create(system.id, document) as newer, newer.events() as told:
            emulator.send_event(system.id, 3)
            assert told.get(10).type == "SystemCrashReport"
            newer.terminate()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("", 2), {}, ValueError, "system must not be empty"),
        ((7, 2), {}, TypeError, "system must be a str, not int"),
        (("tests", "SystemExit"), {}, ValueError, "type is 'SystemExit'; give a number, or one of SystemExited, "),
        (("tests", "SystemExit"), {}, ValueError, "; did you mean 'SystemExited'?"),
        (("tests", None), {}, TypeError, "type must be the name or the number of a type, not NoneType"),
        (("tests", -1), {}, ValueError, "type is -1; give a number of 32 bits"),
        (("tests", 1 << 32), {}, ValueError, "type is 4294967296; give a number of 32 bits"),
        (("tests", 2, "a\0b"), {}, ValueError, "data must not contain a NUL character"),
        (("tests", 2, object()), {}, ValueError, "data is no JSON: Object of type object"),
        (("tests", 2, [float("nan")]), {}, ValueError, "data is no JSON: Out of range float"),
        (("tests", 2), {"namespace": ""}, ValueError, "namespace must not be empty"),
        (("tests", 2), {"pid": "7"}, TypeError, "pid must be an int, not str"),
        (("tests", 2), {"pid": 0}, LookupError, "no process of the compute system 'tests' has the id 0"),
        (("nobody", 2), {}, LookupError, "no compute system has the id 'nobody'$"),
        (("tests", 2), {"namespace": "ns"}, LookupError, "has the id 'tests' in the namespace 'ns'"),
    ],
)
def test_what_cannot_be_sent_is_refused(arguments, options, error, message, system):
    with pytest.raises(error, match=message):
        emulator.send_event(*arguments, **options)


def test_nobody_is_told_by_a_service_that_is_down(hcs_host, system):
    hcs_host.service.stop()
    with pytest.raises(RuntimeError, match="the service of the emulator does not run"):
        hcs_host.send_event(system.id, 2)
    system.close()
    hcs_host.service.start()


def test_a_host_that_is_not_installed_reports_nothing():
    with pytest.raises(RuntimeError, match="the Host is not installed"):
        emulator.Host().send_event("tests", 2)
