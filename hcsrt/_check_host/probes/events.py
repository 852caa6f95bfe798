"""When the events of HCS come, on which threads, and with what."""

import time

import experiments
import hcs_calls
import pytest
from raw_calls import parsed

from hcsrt import PIPE, HandleBusyError, _watch

PATIENCE = 60.0


def test_threads(windows_document, seen):
    seen("the threads that run event callbacks", experiments.run(experiments.threads, windows_document, 8))


def test_register_twice(document, new_system, seen):
    seen("a second event callback on one handle", experiments.run(experiments.register_twice, document))
    system = new_system(document)
    with pytest.raises(HandleBusyError):
        _watch.watch_system(system.handle)
    system.start()
    system.terminate()
    assert isinstance(system.wait(PATIENCE), dict)


def test_register_after_exit(document, seen):
    seen("an event callback registered after the exit", experiments.run(experiments.register_after_exit, document))


def test_short_processes(container, seen):
    told = []
    for code in range(20):
        with container.popen(f"cmd /c exit {code}") as process:
            assert process.wait(PATIENCE) == code
            told.append(_watch.exit_status(process.handle)[0])
    seen("how the exits of processes are learned that end at once", {how: told.count(how) for how in set(told)})


def test_exit_of_many(container, seen):
    processes = [container.popen("cmd", stdin=PIPE) for _ in range(30)]
    told = []
    slowest = 0.0
    for code, process in enumerate(processes):
        process.stdin.write(f"exit {code}\r\n".encode())
        process.stdin.flush()
    for code, process in enumerate(processes):
        begun = time.monotonic()
        assert process.wait(PATIENCE) == code
        slowest = max(slowest, time.monotonic() - begun)
        told.append(_watch.exit_status(process.handle)[0])
        process.close()
    seen(
        "how the exits of 30 processes are learned",
        {"ways": {how: told.count(how) for how in set(told)}, "longest wait in seconds": round(slowest, 3)},
    )


def test_exit_after_result(running, seen):
    hcs_calls.terminate_system(running.handle, None, PATIENCE)
    begun = time.monotonic()
    came = _watch.wait_exit(running.handle, PATIENCE)
    told = {"exit event came": came, "seconds after the result of the terminate": round(time.monotonic() - begun, 3)}
    seen("the exit event after a terminate", told)
    assert isinstance(running.wait(PATIENCE), dict)


def test_failed_registration(document, seen):
    told = experiments.run(experiments.failed_registration, document)
    seen("what a registration that fails still calls", told)


def test_exit_documents(running, seen):
    running.terminate()
    assert _watch.wait_exit(running.handle, PATIENCE)
    how, document = _watch.exit_status(running.handle)
    seen("the exit document of a system that was terminated", {"how": how, "document": parsed(document)})
    assert running.wait(PATIENCE) == (parsed(document) or {})


def test_shutdown_document(running, seen):
    told = {"stopped by": running.stop(grace=60)}
    how, document = _watch.exit_status(running.handle)
    seen("the exit document of a system that was shut down", told | {"how": how, "document": parsed(document)})
    assert running.wait(PATIENCE) == (parsed(document) or {})


def test_close_drains(document, seen):
    told = experiments.run(experiments.close_drains, document)
    seen("HcsCloseComputeSystem while an event callback runs", told)
    # hcsrt frees the context of its callback right after the native close.
    assert told["callback came"]
    assert told["close waited for the running callback"]
    assert told["callbacks after the close returned"] == 0


def test_close_in_callback(document, seen):
    seen("HcsCloseComputeSystem in the handle's own callback", experiments.run(experiments.close_in_callback, document))


def test_event_data(document, seen):
    told = experiments.run(experiments.event_data, document)
    seen("the memory of an event's document", told)
    # hcsrt copies it and releases nothing: a block that outlives its callback would be a leak.
    assert not any(told["a block of the heap after it"])
