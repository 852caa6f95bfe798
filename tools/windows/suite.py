"""The tests, in a Windows CPython under Wine, against the wheel that is installed there."""

import shutil
import subprocess
import threading
import time
import zipfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pins
from bed import MINGW, Run, bed
from cache import call, say, temporary
from pins import Python

STAND_IN = pins.HERE / "stand_in"
PLUGIN = "hcsrt_progress"

# Lines that are shown again at the very end if pytest did not end by itself.
LAST_WORDS = 20

# Set to end the runs from outside.
stop = threading.Event()

# Under Wine a first program rarely ends before Python says a word: within START seconds, and then it is started again.
START = 20
STARTS = 3


@dataclass(frozen=True)
class Progress:
    """The progress of pytest, as the plugin progress.py has written it down."""

    counts: Counter[str]
    running: tuple[str, ...]
    last: str

    @classmethod
    def read(cls, file: Path) -> "Progress":
        outcomes: dict[str, str] = {}
        running: dict[str, None] = {}
        last = ""
        for line in file.read_text("utf-8", "replace").splitlines() if file.exists() else ():
            word, _, test = line.partition(" ")
            if word == "begun":
                running[test] = None
            elif word == "ended":
                running.pop(test, None)
                last = test
            elif outcomes.get(test) != "failed":  # by what was before or after it, too
                outcomes[test] = word
        return cls(Counter(outcomes.values()), tuple(running), last)


@dataclass(frozen=True)
class Result:
    python: str
    status: str
    seconds: float
    progress: Progress
    last_words: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __str__(self) -> str:
        counts = self.progress.counts
        lines = [
            f"{self.python}: {self.status}: {counts.total()} tests, {counts['passed']} passed, "
            f"{counts['skipped']} skipped, {counts['failed']} failed in {self.seconds:.0f} s",
            *(f"{self.python}: its last words: {line}" for line in self.last_words),
        ]
        if self.last_words:
            lines.append(f"{self.python}: the last test that ended: {self.progress.last or 'none'}")
            lines += [f"{self.python}: a test that had not ended: {test}" for test in self.progress.running]
        return "\n".join(lines)


def windows_path(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def install(python: Python, run: Run, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(run.site_packages)
    shutil.copy(pins.HERE / "progress.py", run.site_packages / f"{PLUGIN}.py")
    run.call("-m", "compileall", "-q", "Lib/site-packages/hcsrt")
    source = STAND_IN / "computecore.cpp"
    if not source.exists():
        say(python.version, "no stand-in computecore.dll in this tree")
        return
    native = pins.REPOSITORY / "hcsrt"
    call(
        f"{MINGW}-g++-posix", "-std=c++17", "-O2", "-shared", "-static",
        f"-I{native / 'include'}", f"-I{native / 'native'}", source, "-o", run.system32 / "computecore.dll",
    )  # fmt: skip
    shutil.copy(STAND_IN / "hcsrt_stand_in.py", run.site_packages)


class Output:
    """The output of a process: it is passed on, and its end is kept."""

    def __init__(self, python: Python, stream: IO[bytes] | None) -> None:
        self._python = python
        self._stream = stream
        self.last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def _pass_on(self) -> None:
        for read in self._stream or ():
            line = read.decode(errors="replace").rstrip()
            self.last_words.append(line)
            say(self._python.version, line)

    def wait(self) -> None:
        # With a limit: a console of Wine's may outlive everything and keep the pipe open.
        self._thread.join(5)


@contextmanager
def served(run: Run) -> Iterator[None]:
    """Keep one wineserver running from the first program to the last.

    By itself it ends some seconds after a program, which the start of the next one would race.
    """
    subprocess.run(["wineserver", "--persistent"], env=run.environment, check=True)
    try:
        # Wine's services start with the first program, and would keep its pipe open.
        nothing = subprocess.DEVNULL
        command = ["wine", "cmd", "/c", "exit"]
        subprocess.run(command, env=run.environment, stdin=nothing, stdout=nothing, stderr=nothing, check=True)
        yield
    finally:
        run.end()


def attempt(python: Python, run: Run, patience: float, progress: Path, arguments: list[str]) -> Result:
    start = time.monotonic()
    process = run.start(
        "-m", "pytest", "-c", windows_path(pins.REPOSITORY / "pyproject.toml"),
        "--rootdir", windows_path(pins.REPOSITORY), "-p", "no:cacheprovider",
        "-p", PLUGIN, "--progress-file", windows_path(progress),
        *(arguments or [windows_path(pins.REPOSITORY / folder) for folder in python.tests]),
    )  # fmt: skip
    output = Output(python, process.stdout)
    ended = watch(process, progress, patience)
    if ended:
        run.end()
    seconds = time.monotonic() - start
    output.wait()
    code = process.wait()
    status = ended or ("passed" if code == 0 else f"pytest failed with {code}")
    # With exit code 1 pytest has told of each failed test itself.
    words = tuple(output.last_words) if ended or code not in (0, 1) else ()
    return Result(python.version, status, seconds, Progress.read(progress), words)


def watch(process: subprocess.Popen[bytes], progress: Path, patience: float) -> str | None:
    """Wait until the process has ended, and return None, or why it has to be ended."""
    size, since = 0, time.monotonic()
    while True:
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            now = progress.stat().st_size if progress.exists() else 0
            if now != size:
                size, since = now, time.monotonic()
            if stop.is_set():
                return "ended from outside"
            if time.monotonic() - since > patience:
                return f"ended, as no test began or ended for {patience:.0f} s"
        else:
            return None


def run(python: Python, wheel: Path, patience: float, arguments: list[str]) -> Result:
    """Install the wheel into a fresh copy of the test bed and run pytest there.

    Args:
        python: The CPython to test with.
        wheel: The wheel to install.
        patience: Seconds without the begin or end of a test after which every process of the copy is ended.
        arguments: Arguments of pytest, instead of the folders of tests that this CPython runs.
    """
    with temporary() as folder:
        bed_run = Run(bed(python), folder)
        progress = folder / "progress"
        # One for all runs of this machine's test beds: a test that measures time is alone among the tests of all.
        bed_run.variables["HCSRT_TESTS_LOCK"] = windows_path(folder.parent / "turns")
        with served(bed_run):
            install(python, bed_run, wheel)
            result = attempt(python, bed_run, patience, progress, arguments)
            for _ in range(STARTS - 1):
                if progress.exists() or result.seconds > START or stop.is_set():
                    break
                say(python.version, f"pytest did not come up. Once more. {result}")
                result = attempt(python, bed_run, patience, progress, arguments)
            return result
