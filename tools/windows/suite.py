"""The tests, in a Windows CPython under Wine, against the wheel that is installed there."""

import shutil
import subprocess
import threading
import time
import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pins
from bed import MINGW, Run, bed
from cache import call, say, temporary
from pins import Python

STAND_IN = pins.HERE / "stand_in"

# The lines that are shown again below all else if there is no report.
LAST_WORDS = 20

# Rarely a first program under Wine ends at once, before Python says a word: within so many seconds, and tried so often.
START = 20
STARTS = 3


@dataclass(frozen=True)
class Result:
    python: str
    status: str
    seconds: float
    tests: int = 0
    skipped: int = 0
    failed: int = 0
    last_words: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __str__(self) -> str:
        passed = self.tests - self.skipped - self.failed
        return "\n".join([
            f"{self.python}: {self.status}: {self.tests} tests, {passed} passed, {self.skipped} skipped, "
            f"{self.failed} failed in {self.seconds:.0f} s",
            *(f"{self.python}: its last words: {line}" for line in self.last_words),
        ])  # fmt: skip


def windows_path(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")


def install(python: Python, run: Run, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(run.site_packages)
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
    """Passes on what a process says, and keeps the end of it."""

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
        # A console of Wine's may outlive everything and hold the pipe; what it still says is not waited for.
        self._thread.join(5)


@contextmanager
def served(run: Run) -> Iterator[None]:
    """Have one wineserver from the first program to the last.

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


def attempt(python: Python, run: Run, limit: float, report: Path, arguments: list[str]) -> Result:
    start = time.monotonic()
    process = run.start(
        "-m", "pytest", "-c", windows_path(pins.REPOSITORY / "pyproject.toml"),
        "--rootdir", windows_path(pins.REPOSITORY), "-p", "no:cacheprovider", f"--junit-xml={windows_path(report)}",
        *(arguments or [windows_path(pins.REPOSITORY / "tests")]),
    )  # fmt: skip
    output = Output(python, process.stdout)
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        run.end()
        output.wait()
        return Result(python.version, f"ended after {limit:.0f} s", limit, last_words=tuple(output.last_words))
    seconds = time.monotonic() - start
    output.wait()
    status = "passed" if code == 0 else f"pytest failed with {code}"
    try:
        (counts,) = ElementTree.parse(report).getroot().iter("testsuite")
    except (OSError, ElementTree.ParseError):  # it crashed
        status = status if code else "pytest wrote no report"
        return Result(python.version, status, seconds, last_words=tuple(output.last_words))
    failed = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
    return Result(python.version, status, seconds, int(counts.get("tests", 0)), int(counts.get("skipped", 0)), failed)


def run(python: Python, wheel: Path, limit: float, arguments: list[str]) -> Result:
    """Install the wheel into a fresh copy of the test bed and run pytest there.

    :param limit: seconds after which every process of the copy is ended
    :param arguments: for pytest, instead of the folder of tests
    """
    with temporary() as folder:
        bed_run = Run(bed(python), folder)
        report = folder / "report.xml"
        with served(bed_run):
            install(python, bed_run, wheel)
            result = attempt(python, bed_run, limit, report, arguments)
            for _ in range(STARTS - 1):
                if report.exists() or result.seconds > START:
                    break
                say(python.version, f"pytest did not come up. Once more. {result}")
                result = attempt(python, bed_run, limit, report, arguments)
            return result
