"""The run of a check: workers that do what may crash or hang, and an eye on their time.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import hcsrt

from . import processes
from .settings import Backend, Settings

Record = dict[str, Any]

PREFIX = "hcsrt-check-host-"
"""How the folder of a run begins, whose name is the owner of all that the run creates."""

GRACE = 2.0
"""Seconds beyond its limit in which a probe tells where it hangs."""
CLEANING_SECONDS = 300.0
END_OF_A_WORKER = "the end of a worker"
"""The name of what happens after the last probe of a worker."""
_LOOK_SECONDS = 0.05
_LOCK = ".lock"
_UUID = "-".join("[0-9a-f]" * digits for digits in (8, 4, 4, 4, 12))
_LONGEST_OUTPUT = 20_000


# The folder of a run


def _prefix(backend: Backend) -> str:
    # What a run on a real HCS has left there, nobody finds in the emulator.
    return f"{PREFIX}emulator-" if backend == "emulator" else PREFIX


@contextmanager
def folder_of_a_run(backend: Backend) -> Generator[Path]:
    """Make a folder, which is locked for as long as the block runs, so that others know that it is in use.

    The block removes it once nothing of its owner is left. Where it does not come to that, the next run does.
    """
    folder = Path(tempfile.gettempdir(), f"{_prefix(backend)}{uuid.uuid4()}")
    with _locked(folder, wait=True):
        # Not as mkdtemp() makes it: a probe runs a process with fewer rights, which writes into it too.
        folder.mkdir()
        yield folder


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, *, wait: bool) -> Generator[None]:
    """Lock a folder for as long as the block runs, whether or not it exists.

    The lock is a file beside it: one inside would come after the folder, which looked abandoned until then.

    Raises:
        OSError: It cannot be locked, or is locked already and nobody waits.
    """
    path = folder.with_name(f"{folder.name}{_LOCK}")
    while True:
        with ExitStack() as stack:
            file = stack.enter_context(open(path, "ab"))
            _lock(file, wait=wait)
            if not os.fstat(file.fileno()).st_nlink:
                continue  # whoever had the lock has removed the file
            try:
                yield
            finally:
                if sys.platform == "win32":  # an open file cannot be removed there
                    stack.close()
                    with suppress(OSError):  # somebody else has it open by now, and removes it
                        path.unlink()
                else:
                    path.unlink(missing_ok=True)
        return


def _lock(file: IO[bytes], *, wait: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def abandoned_folders(backend: Backend) -> Iterator[Path]:
    """Yield the folders of runs that have ended without removing them, each locked until the next one is asked for.

    Args:
        backend: That of the runs.
    """
    whole = re.compile(f"{_prefix(backend)}{_UUID}")
    # A run that was killed while it began or ended may have left nothing but its lock.
    found = {path.with_name(path.name.removesuffix(_LOCK)) for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*")}
    for folder in sorted(path for path in found if whole.fullmatch(path.name)):
        with suppress(OSError), _locked(folder, wait=False):
            if folder.is_dir():
                yield folder


# Workers


class _Worker:
    """A process with a task, and what it tells."""

    def __init__(self, settings: Settings, task: Record) -> None:
        name = str(uuid.uuid4())
        folder = Path(settings.folder)
        self._output = folder / f"{name}.txt"
        self._records = folder / f"{name}.records"
        self._records.touch()
        task_file = folder / f"{name}.task"
        task_file.write_text(json.dumps(task | {"settings": asdict(settings), "hcsrt": hcsrt.__file__}), "utf-8")
        command = processes.command("worker", str(task_file), str(self._records))
        self._place = 0
        self.process = processes.start(command, folder, self._output)

    def told(self) -> list[Record]:
        """Return what it has told since the last time."""
        with open(self._records, "rb") as file:
            file.seek(self._place)
            lines, _, _ = file.read().rpartition(b"\n")  # the last line may not be complete
        self._place += len(lines) + bool(lines)
        return [json.loads(line) for line in lines.splitlines()]

    def output(self) -> str:
        """Return what it has printed, the end of it if that was much."""
        return self._output.read_text("utf-8", "replace")[-_LONGEST_OUTPUT:]

    def go(self) -> None:
        """Let it run the probe that it has told of."""
        assert self.process.stdin
        with suppress(OSError):  # it has ended already
            self.process.stdin.write(b".")
            self.process.stdin.flush()

    def end(self) -> None:
        """End it, and what it has started."""
        processes.end(self.process)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.process.poll() is None:
                self.end()
        finally:
            # Which ends it, too, should this be interrupted.
            assert self.process.stdin
            with suppress(OSError):
                self.process.stdin.close()


class NoAnswer(Exception):
    """A worker has not done its task, and why."""


def _do(settings: Settings, task: Record, limit: float) -> list[Record]:
    """Have a worker do a task, and return what it has told."""
    with _Worker(settings, task) as worker:
        try:
            worker.process.wait(limit)
        except subprocess.TimeoutExpired:
            worker.end()
            raise NoAnswer(f"no answer within {limit:g} s\n{worker.output()}") from None
        told = worker.told()
        if not told or told[-1]["event"] != "done":
            raise NoAnswer(f"{_how_it_ended(worker)}\n{worker.output()}")
        return told[:-1]


def _how_it_ended(worker: _Worker) -> str:
    code = worker.process.returncode
    return f"the process ended with {f'0x{code & 0xFFFFFFFF:X}' if sys.platform == 'win32' else code}"


def examine(settings: Settings, limit: float) -> Record:
    """Return the host, the findings of the doctor, and why nothing can be found out there; None if it can.

    Raises:
        NoAnswer: The worker has crashed, or was not done in time.
    """
    found: Record = {}
    for record in _do(settings, {"task": "examine"}, limit + GRACE):
        found |= {name: value for name, value in record.items() if name != "event"}
    return found


def clean(settings: Settings) -> tuple[list[Record], bool]:
    """Remove what a run has left behind, and return what there was, and whether it is all gone."""
    try:
        told = _do(settings, {"task": "clean"}, CLEANING_SECONDS)
    except (NoAnswer, OSError) as error:  # the folder may be that of another account
        return [{"what": f"whatever {settings.owner} has left", "how": f"not removed: {error}"}], False
    left = [{"what": record["what"], "how": record["how"]} for record in told]
    return left, all(record["gone"] for record in told)


def run(
    settings: Settings,
    modules: Sequence[str],
    names: Sequence[str],
    limit: float,
    began: Callable[[str], None],
) -> Iterator[tuple[str, Record]]:
    """Run probes, each for at most `limit` seconds, and yield the name and the record of each once it has ended.

    A record has the outcome ("seen", "skipped", "wrong", "crashed" or "hung"), the seconds, the facts, what else there
    is to say, and what was left behind where a worker was ended.
    """
    remaining = list(names)
    while remaining:
        task = {"task": "run", "modules": list(modules), "probes": remaining, "limit": limit}
        with _Worker(settings, task) as worker:
            for name, record in _run_in(worker, tuple(remaining), limit, began):
                if name in remaining:
                    remaining.remove(name)
                if record["outcome"] in ("crashed", "hung"):
                    worker.end()
                    record["left behind"], _ = clean(settings)
                yield name, record


def _run_in(
    worker: _Worker, names: Sequence[str], limit: float, began: Callable[[str], None]
) -> Iterator[tuple[str, Record]]:
    """Yield the records of what a worker does, until it has ended: in the end that is one that crashed it or hangs."""
    # What happens before a probe has begun is that one's, and what happens after the last one the worker's own.
    to_come = [*names, END_OF_A_WORKER]
    facts, since = list[Record](), time.monotonic()
    while True:
        code = worker.process.poll()
        for told in worker.told():
            if told["event"] == "begin":
                since = time.monotonic()
                began(told["probe"])
                worker.go()
            elif told["event"] == "fact":
                facts.append({"fact": told["fact"], "seen": told["seen"]})
            elif told["event"] == "end":
                outcome = {key: value for key, value in told.items() if key != "event"}
                yield to_come.pop(0), outcome | {"facts": facts}
                facts, since = [], time.monotonic()
        if code == 0 and to_come == [END_OF_A_WORKER]:
            return
        seconds = time.monotonic() - since
        ends: Record = {"seconds": round(seconds, 3), "facts": facts}
        if code is not None:
            yield to_come[0], ends | {"outcome": "crashed", "error": f"{_how_it_ended(worker)}\n{worker.output()}"}
            return
        if seconds > limit + GRACE:
            yield to_come[0], ends | {"outcome": "hung", "error": f"no end within {limit:g} s\n{worker.output()}"}
            return
        time.sleep(_LOOK_SECONDS)
