"""The tests, in a Windows CPython under Wine, against the wheel that is installed there."""

import shutil
import subprocess
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pins
from bed import MINGW, Run, bed
from cache import call, say, temporary
from pins import Python

STAND_IN = pins.HERE / "stand_in"


@dataclass(frozen=True)
class Result:
    python: str
    status: str
    seconds: float
    tests: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def __str__(self) -> str:
        passed = self.tests - self.skipped - self.failed
        return (
            f"{self.python}: {self.status}: {self.tests} tests, {passed} passed, {self.skipped} skipped, "
            f"{self.failed} failed in {self.seconds:.0f} s"
        )


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


def pass_on(python: Python, output: IO[bytes] | None) -> None:
    for line in output or ():
        say(python.version, line.decode(errors="replace").rstrip())


def run(python: Python, wheel: Path, limit: float, arguments: list[str]) -> Result:
    """Install the wheel into a fresh copy of the test bed and run pytest there.

    :param limit: seconds after which every process of the copy is ended
    :param arguments: for pytest, instead of the folder of tests
    """
    with temporary() as folder:
        bed_run = Run(bed(python), folder)
        install(python, bed_run, wheel)
        report = folder / "report.xml"
        start = time.monotonic()
        process = bed_run.start(
            "-m", "pytest", "-c", windows_path(pins.REPOSITORY / "pyproject.toml"),
            "--rootdir", windows_path(pins.REPOSITORY), "-p", "no:cacheprovider", f"--junit-xml={windows_path(report)}",
            *(arguments or [windows_path(pins.REPOSITORY / "tests")]),
        )  # fmt: skip
        reader = threading.Thread(target=pass_on, args=[python, process.stdout], daemon=True)
        reader.start()
        timed_out = False
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            bed_run.end()
        # A console of Wine's may outlive everything and hold the pipe; what it still says is not waited for.
        reader.join(5)
        seconds = time.monotonic() - start
        if timed_out:
            return Result(python.version, f"ended after {limit:.0f} s", seconds)
        status = "passed" if code == 0 else f"pytest failed with {code}"
        try:
            (counts,) = ElementTree.parse(report).getroot().iter("testsuite")
        except (OSError, ElementTree.ParseError):  # it crashed
            return Result(python.version, status if code else "pytest wrote no report", seconds)
        failed = int(counts.get("failures", 0)) + int(counts.get("errors", 0))
        return Result(
            python.version, status, seconds, int(counts.get("tests", 0)), int(counts.get("skipped", 0)), failed
        )
