"""The tests, in a Windows CPython under Wine, against the wheel that is installed there."""

import random
import shutil
import subprocess
import threading
import time
import zipfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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

# How a run ends in which pytest itself was well, and some tests failed.
FAILED = "pytest failed with 1"

# Two CPythons at once keep the machine so busy that a time which a test gives may run out: what failed runs once more,
# alone. More failures than these are of another kind.
SECOND_LOOKS = 10


@dataclass(frozen=True)
class Progress:
    """The progress of pytest, as the plugin progress.py has written it down."""

    outcomes: dict[str, str]
    running: tuple[str, ...]
    last: str
    final: bool

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.outcomes.values())

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(test for test, outcome in self.outcomes.items() if outcome == "failed")

    @classmethod
    def read(cls, file: Path) -> "Progress":
        outcomes: dict[str, str] = {}
        running: dict[str, None] = {}
        last = ""
        final = False
        for line in file.read_text("utf-8", "replace").splitlines() if file.exists() else ():
            word, _, test = line.partition(" ")
            if word == "begun":
                running[test] = None
            elif word == "ended":
                running.pop(test, None)
                last = test
            elif word == "final":
                final = True
            elif outcomes.get(test) != "failed":  # by what was before or after it, too
                outcomes[test] = word
        return cls(outcomes, tuple(running), last, final)


@dataclass(frozen=True)
class Result:
    python: str
    status: str
    seconds: float
    progress: Progress
    last_words: tuple[str, ...] = ()
    passed_alone: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __str__(self) -> str:
        counts = self.progress.counts
        alone = len(self.passed_alone)
        lines = [
            f"{self.python}: {self.status}: {counts.total()} tests, {counts['passed'] + alone} passed, "
            f"{counts['skipped']} skipped, {counts['failed'] - alone} failed in {self.seconds:.0f} s",
            *(f"{self.python}: its last words: {line}" for line in self.last_words),
            *(f"{self.python}: failed beside others, and passed alone: {test}" for test in self.passed_alone),
            *(f"{self.python}: failed: {test}" for test in self.progress.failed if test not in self.passed_alone),
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


class Suite:
    """The tests in one CPython: installed, run, and what failed looked at once more; closed, all of it is gone.

    Args:
        python: The CPython to test with.
        wheel: The wheel to install.
        patience: Seconds without the begin or end of a test after which every process of the copy is ended.
        arguments: Arguments of pytest, instead of the folders of tests that this CPython runs.
    """

    def __init__(self, python: Python, wheel: Path, patience: float, arguments: list[str]) -> None:
        self._python = python
        self._wheel = wheel
        self._patience = patience
        self._arguments = arguments
        # The emulator is to do the same when it is looked at once more.
        self._seed = random.randrange(1 << 31)
        self._stack = ExitStack()

    def __enter__(self) -> "Suite":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self) -> Result:
        """Install the wheel into a fresh copy of the test bed and run pytest there."""
        self._folder = self._stack.enter_context(temporary())
        self._run = Run(bed(self._python), self._folder)
        # One for all runs of this machine's test beds: a test that measures time is alone among the tests of all.
        self._run.variables["HCSRT_TESTS_LOCK"] = windows_path(self._folder.parent / "turns")
        self._stack.enter_context(served(self._run))
        install(self._python, self._run, self._wheel)
        progress = self._folder / "progress"
        folders = [windows_path(pins.REPOSITORY / folder) for folder in self._python.tests]
        for _ in range(STARTS):
            result = self._attempt(progress, self._arguments or folders)
            if progress.exists() or result.seconds > START or stop.is_set():
                break
            say(self._python.version, f"pytest did not come up. {result}")
        return result

    def look_again(self, result: Result) -> Result:
        """Run what failed once more, alone, when no other tests are running any more."""
        failed = result.progress.failed
        if result.status != FAILED or result.progress.final or not 0 < len(failed) <= SECOND_LOOKS:
            return result
        say(self._python.version, f"{len(failed)} failed. Once more, alone:")
        # In a file, as no command line of Windows takes every name.
        names = self._folder / "failed"
        names.write_text("".join(f"{windows_path(pins.REPOSITORY)}\\{test}\n" for test in failed), "utf-8")
        again = self._attempt(self._folder / "again", ["-n", "0", f"@{windows_path(names)}"])
        passed = tuple(test for test in failed if again.progress.outcomes.get(test) == "passed")
        status = again.status if len(passed) == len(failed) else result.status
        return replace(result, status=status, passed_alone=passed, last_words=again.last_words)

    def _attempt(self, progress: Path, arguments: list[str]) -> Result:
        start = time.monotonic()
        process = self._run.start(
            "-m", "pytest", "-c", windows_path(pins.REPOSITORY / "pyproject.toml"),
            "--rootdir", windows_path(pins.REPOSITORY), "-p", "no:cacheprovider",
            "-p", PLUGIN, "--progress-file", windows_path(progress), "--hcs-seed", str(self._seed), *arguments,
        )  # fmt: skip
        output = Output(self._python, process.stdout)
        ended = watch(process, progress, self._patience)
        if ended:
            self._run.end()
        seconds = time.monotonic() - start
        output.wait()
        code = process.wait()
        status = ended or ("passed" if code == 0 else f"pytest failed with {code}")
        # With exit code 1 pytest has told of each failed test itself.
        words = tuple(output.last_words) if ended or code not in (0, 1) else ()
        return Result(self._python.version, status, seconds, Progress.read(progress), words)
