"""The process that does what may crash or hang: ``python -m hcsrt._check_host.worker TASK RECORDS``.

TASK is a file with a task as JSON. RECORDS is the file that gets a line of JSON for each thing that was found out, as
soon as it was. What the process prints is kept for the case that it does not end as it should.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hcsrt

from .. import doctor
from . import catalogue, host, layers, processes
from .bench import Bench, Shared, Skipped, check_nothing_is_left
from .probe import Probe
from .raw_calls import Call
from .settings import NAMESPACE, Settings

Record = dict[str, Any]
Tell = Callable[[Record], None]

# A result code as spell() writes it.
_CODE = re.compile(r"\w+ \(0x[0-9A-F]{8}\)|0x[0-9A-F]{8}")

REAP_SECONDS = 60.0

_go = threading.Event()
"""Set when the parent has noted that a probe begins: should that take the host down, it is known which one it was."""
_GO_SECONDS = 5.0


def examine(settings: Settings, task: Mapping[str, Any], tell: Tell) -> None:
    """Tell what the host is, what the doctor finds there, and why nothing can be found out there, if so."""
    tell({"event": "host", "host": host.description()})
    tell({"event": "doctor", "findings": [asdict(finding) for finding in doctor.examine(timeout=REAP_SECONDS)]})
    tell({"event": "examined", "why_not": host.why_not(settings.backend)})


def run(settings: Settings, task: Mapping[str, Any], tell: Tell) -> None:
    """Run the probes that the task names, one after another."""
    shared = Shared(settings)
    found = {probe.name: probe for probe in catalogue.probes(task["modules"])}
    for name in task["probes"]:
        tell({"event": "begin", "probe": name})
        _go.wait(_GO_SECONDS)
        _go.clear()
        faulthandler.dump_traceback_later(task["limit"], exit=False)
        begun = time.monotonic()
        outcome = run_one(
            found[name], Bench(settings, lambda fact, seen: tell(_fact(fact, seen)), shared), task["modules"]
        )
        faulthandler.cancel_dump_traceback_later()
        tell({"event": "end", "seconds": round(time.monotonic() - begun, 3), **outcome})


def _fact(fact: str, seen: Any) -> Record:
    return {"event": "fact", "fact": fact, "seen": seen}


def run_one(probe: Probe, bench: Bench, modules: Sequence[str]) -> Record:
    """Run a probe, and return how that ended: its outcome, and the reason or the error."""
    strays: list[str] = []
    hooks = sys.unraisablehook, threading.excepthook
    sys.unraisablehook = lambda stray: strays.append(_stray(stray.exc_value))
    threading.excepthook = lambda stray: strays.append(_stray(stray.exc_value))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
            with bench:
                probe.run(bench)
            check_nothing_is_left()
    except Skipped as skipped:
        return {"outcome": "skipped", "reason": str(skipped)}
    except Exception as error:
        return {"outcome": "wrong", "error": tell_error(error, modules)}
    finally:
        sys.unraisablehook, threading.excepthook = hooks
    if strays:
        return {"outcome": "wrong", "error": "\n".join(strays)}
    return {"outcome": "seen"}


def _stray(error: BaseException | None) -> str:
    return "".join(traceback.format_exception(error)) if error is not None else "an error that nobody raised"


def tell_error(error: BaseException, modules: Sequence[str]) -> str:
    """Return an error with its traceback, and with the local variables of these modules as far as they are numbers."""
    lines: list[str] = []
    told: BaseException | None = error
    while told is not None:
        lines.append("Traceback (most recent call last):\n")
        for frame, number in traceback.walk_tb(told.__traceback__):
            lines += traceback.StackSummary.extract([(frame, number)]).format()
            if frame.f_globals.get("__name__") in modules:
                lines += [f"    {name} = {_harmless(value)}\n" for name, value in frame.f_locals.items()]
        lines += traceback.format_exception_only(told)
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
        if told is not None:
            lines.append("\nwhich came of this one:\n\n")
    return "".join(lines)


def _harmless(value: object) -> str:
    """Return a number or a result code as it is, and of anything else only its type and size.

    What a probe has in hand may be nobody's business, such as the environment of a process or the systems of others.
    """
    kind = type(value)
    is_number = value is None or kind in (bool, int, float)
    is_code = kind is Call or (type(value) is str and _CODE.fullmatch(value))
    if is_number or is_code:
        return repr(value)
    return f"<{kind.__name__} of {len(value)}>" if isinstance(value, Sized) else f"<{kind.__name__}>"


def clean(settings: Settings, task: Mapping[str, Any], tell: Tell) -> None:
    """Remove what a process that did not end as it should has left behind, and tell what there was and is."""

    def left(what: str, how: str, *, gone: bool) -> None:
        tell({"event": "left", "what": what, "how": how, "gone": gone})

    for namespace in (None, NAMESPACE):
        try:
            reaped = hcsrt.reap(settings.owner, namespace=namespace, timeout=REAP_SECONDS)
        except hcsrt.HcsError as error:
            # Older ones have no namespaces, and a namespace in which nothing ever was may be none.
            if namespace is None:
                left(f"compute systems of {settings.owner}", str(error), gone=False)
            continue
        for id, how in reaped.items():
            left(f"compute system {id}", str(how), gone=not isinstance(how, Exception))
    if sys.platform == "win32":
        for folder in sorted(Path(settings.folder).glob("layer-*")):
            failures = layers.remove(folder)
            left(f"writable layer {folder.name}", "; ".join(failures) or "removed", gone=not failures)


TASKS: dict[str, Callable[[Settings, Mapping[str, Any], Tell], None]] = {"examine": examine, "run": run, "clean": clean}


def _heed_the_parent() -> None:
    """Read what the parent says, until it is gone; then end, with all that was started here."""
    while os.read(0, 1):
        _go.set()
    # On Windows the job of this process takes the others along.
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main(task_file: str, records_file: str) -> None:
    """Do the task of a file."""
    processes.have_children_end_with_this()
    threading.Thread(target=_heed_the_parent, daemon=True).start()
    task = json.loads(Path(task_file).read_text("utf-8"))
    processes.check_it_is_this_hcsrt(task["hcsrt"])
    settings = Settings(**task["settings"] | {"layers": tuple(task["settings"]["layers"])})
    if settings.backend == "emulator":
        hcsrt.emulator.install()
    with open(records_file, "a", encoding="utf-8") as records:

        def tell(record: Record) -> None:
            records.write(json.dumps(record, default=str) + "\n")
            records.flush()

        TASKS[task["task"]](settings, task, tell)
        tell({"event": "done"})


if __name__ == "__main__":
    main(*sys.argv[1:])
