"""When the events of HCS come, on which threads, and with what.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import time
from typing import Any

from ... import PIPE, HandleBusyError, OwnedProcess, _calls, _watch
from .. import experiments
from ..bench import Bench
from ..probe import probe
from ..raw_calls import parsed

PATIENCE = 60.0


def _how(process: OwnedProcess) -> str | None:
    """Return how the exit of a process was learned."""
    status = _watch.exit_status(process)
    return status and status[0]


@probe()
def threads(at: Bench) -> None:
    document = at.windows_document()
    at.seen("the threads that run event callbacks", experiments.run(experiments.threads, document, 8))


@probe(both_kinds=True)
def register_twice(at: Bench) -> None:
    document = at.document()
    at.seen("a second event callback on one handle", experiments.run(experiments.register_twice, document))
    system = at.create(document)
    with at.raises(HandleBusyError):
        _watch.watch_system(system.handle)
    system.start()
    system.terminate()
    system.wait(PATIENCE)


@probe(both_kinds=True)
def register_after_exit(at: Bench) -> None:
    document = at.document()
    at.seen("an event callback registered after the exit", experiments.run(experiments.register_after_exit, document))


@probe()
def short_processes(at: Bench) -> None:
    container = at.container()
    told: list[Any] = []
    for code in range(20):
        with container.popen(f"cmd /c exit {code}") as process:
            exit_code = process.wait(PATIENCE)
            assert exit_code == code, "another exit code is told"
            told.append(_how(process.handle))
    at.seen("how the exits of processes are learned that end at once", {how: told.count(how) for how in set(told)})


@probe()
def exit_of_many(at: Bench) -> None:
    container = at.container()
    processes = [container.popen("cmd", stdin=PIPE) for _ in range(30)]
    told: list[Any] = []
    slowest = 0.0
    for code, process in enumerate(processes):
        assert process.stdin
        process.stdin.write(f"exit {code}\r\n".encode())
        process.stdin.flush()
    for code, process in enumerate(processes):
        begun = time.monotonic()
        exit_code = process.wait(PATIENCE)
        assert exit_code == code, "another exit code is told"
        slowest = max(slowest, time.monotonic() - begun)
        told.append(_how(process.handle))
        process.close()
    at.seen(
        "how the exits of 30 processes are learned",
        {"ways": {how: told.count(how) for how in set(told)}, "longest wait in seconds": round(slowest, 3)},
    )


@probe(both_kinds=True)
def exit_after_result(at: Bench) -> None:
    running = at.start()
    _calls.call(running.handle, "HcsTerminateComputeSystem", None, PATIENCE)
    begun = time.monotonic()
    came = _watch.wait_exit(running.handle, PATIENCE)
    told = {"exit event came": came, "seconds after the result of the terminate": round(time.monotonic() - begun, 3)}
    at.seen("the exit event after a terminate", told)
    running.wait(PATIENCE)


@probe(both_kinds=True)
def failed_registration(at: Bench) -> None:
    document = at.document()
    told = experiments.run(experiments.failed_registration, document)
    at.seen("what a registration that fails still calls", told)


@probe(both_kinds=True)
def exit_documents(at: Bench) -> None:
    running = at.start()
    running.terminate()
    came = _watch.wait_exit(running.handle, PATIENCE)
    assert came, "the exit of a terminated system is not learned"
    how, document = _watch.exit_status(running.handle) or (None, None)
    at.seen("the exit document of a system that was terminated", {"how": how, "document": parsed(document)})
    told_by_wait = running.wait(PATIENCE)
    assert told_by_wait == (parsed(document) or {}), "wait() tells another document"


@probe(both_kinds=True)
def shutdown_document(at: Bench) -> None:
    running = at.start()
    told = {"stopped by": running.stop(grace=60)}
    how, document = _watch.exit_status(running.handle) or (None, None)
    at.seen("the exit document of a system that was shut down", told | {"how": how, "document": parsed(document)})
    told_by_wait = running.wait(PATIENCE)
    assert told_by_wait == (parsed(document) or {}), "wait() tells another document"


@probe(both_kinds=True)
def close_drains(at: Bench) -> None:
    document = at.document()
    told = experiments.run(experiments.close_drains, document)
    at.seen("HcsCloseComputeSystem while an event callback runs", told)
    # hcsrt frees the context of its callback right after the native close.
    assert told["callback came"], "no event came"
    assert told["close waited for the running callback"], "the close did not wait for the callback"
    assert told["callbacks after the close returned"] == 0, "callbacks came after the close"


@probe(both_kinds=True)
def close_in_callback(at: Bench) -> None:
    document = at.document()
    told = experiments.run(experiments.close_in_callback, document)
    at.seen("HcsCloseComputeSystem in the handle's own callback", told)


@probe(both_kinds=True)
def event_data(at: Bench) -> None:
    document = at.document()
    told = experiments.run(experiments.event_data, document)
    at.seen("the memory of an event's document", told)
    # hcsrt copies it and releases nothing: a block that outlives its callback would be a leak.
    assert not any(told["a block of the heap after it"]), "the document of an event is to be released"
