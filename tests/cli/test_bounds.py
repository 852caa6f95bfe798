"""The time that ``hcsrt run`` takes, whatever its command leaves behind and whoever does not read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..helpers.limits import limits
from ..helpers.platforms import catches_signals, posix_shell, posix_signals, pseudo_terminal
from ..helpers.programs import STARTUP, guest, is_alive
from .program import HCSRT, INSTALL, MAIN, hcsrt, run


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def daemon(code: str, come: Path | None = None) -> str:
    """Return the code of a command that leaves a daemon behind, prints its pid and has the exit code 5.

    It leaves a file, if one is named, when it has come to its end.
    """
    return f"""
pid = os.fork()
if not pid:
    os.setsid()
    {code}
    exit(0)
out(pid)
{f"tell({str(come)!r})" if come else ""}
exit(5)
"""


@contextmanager
def ended(output: bytes) -> Iterator[None]:
    """End the daemon whose pid is the first line, in any case."""
    try:
        yield
    finally:
        for pid in map(int, output.split()[:1]):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


@posix_signals
@pytest.mark.parametrize("options", [[], ["--timeout", "20"], ["--json"]])
def test_a_daemon_that_holds_the_output_open_keeps_nobody(tmp_path: Path, options: list[str]) -> None:
    with within(15):
        done = run(daemon("sleep(40)"), *options, folder=tmp_path)
    with ended(json.loads(done.stdout)["stdout"].encode() if options == ["--json"] else done.stdout):
        assert done.returncode == 5


@posix_signals
def test_a_daemon_outlasts_no_timeout(tmp_path: Path) -> None:
    come = tmp_path / "come"
    for seconds in limits(3, come.exists):
        with within(seconds + 5):
            done = run(daemon("sleep(40)", come), "--timeout", f"{seconds:g}", folder=tmp_path)
        with ended(done.stdout):
            assert (done.returncode, done.stdout.count(b"\n")) == (5, 1) or not come.exists()


@posix_signals
def test_a_daemon_that_goes_on_printing_keeps_nobody(tmp_path: Path) -> None:
    come = tmp_path / "come"
    code = daemon("[(out('more'), sleep(0.1)) for _ in range(400)]", come)
    for seconds in limits(2, come.exists):
        with within(seconds + 10):
            done = run(code, "--timeout", f"{seconds:g}", folder=tmp_path)
        with ended(done.stdout):
            assert done.returncode == 5 or not come.exists()


@pytest.mark.alone
@catches_signals
def test_a_command_that_has_exited_leaves_the_system_no_longer_than_the_timeout(tmp_path: Path) -> None:
    begun, come = str(tmp_path / "begun"), tmp_path / "come"
    left = f"ignore('SIGTERM'); os.close(1); os.close(2); tell({begun!r}); sleep(60)"
    code = f"out(spawn({left!r}, stdout=None)); wait_for({begun!r}); tell({str(come)!r}); exit(5)"
    for seconds in limits(2, come.exists):
        with within(seconds + 3):
            done = run(code, "--timeout", f"{seconds:g}", folder=tmp_path)
    assert done.returncode == 5
    assert not is_alive(int(done.stdout))


def test_124_when_nobody_takes_the_output_in_time(tmp_path: Path) -> None:
    command = ["run", "--timeout", f"{1 + STARTUP:g}", "--", *guest("write(bytes(100_000))")]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*HCSRT, *command], cwd=tmp_path, **streams) as process:
        code = process.wait(timeout=30)
        assert process.stderr
        assert (code, b"timed out" in process.stderr.read()) == (124, True)


def test_124_when_the_document_does_not_come_in_time(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        command = ["run", "-q", "--timeout", "0.5", "--document", "-", "--", "true"]
        done = hcsrt(*command, folder=tmp_path, input=None, stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert done.returncode == 124


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no file of Windows is a pipe")
@pytest.mark.parametrize("option", ["--document", "--env-file"])
def test_124_when_nobody_writes_what_is_to_be_read(tmp_path: Path, option: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = hcsrt("run", "-q", "--timeout", "0.5", option, "pipe", "--", "true", folder=tmp_path)
    assert done.returncode == 124


@pseudo_terminal
def test_a_storm_of_resizes_keeps_no_timeout(tmp_path: Path) -> None:
    lines: list[bytes] = []
    for seconds in limits(2, lambda: any(lines)):
        command = [*HCSRT, "run", "-q", "-t", "--timeout", f"{seconds:g}", "--", *guest("out('ready'); sleep(60)")]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=tmp_path) as process:
            assert process.stdout
            lines.append(process.stdout.readline())
            with within(seconds + 13):
                while process.poll() is None:
                    process.send_signal(signal.SIGWINCH)
        assert process.returncode == 124
    assert lines[-1] == b"ready\r\n"


@pytest.mark.parametrize("owner", ["ComputeSystem", "Process"])
def test_a_close_that_hangs_keeps_no_exit_code_back(tmp_path: Path, owner: str) -> None:
    script = f"""
{INSTALL}
import threading, hcsrt.cli.job

hcsrt.cli.job.{owner}.close = lambda self: threading.Event().wait()
{MAIN}
"""
    command = [sys.executable, "-W", "error", "-c", script, "run", "-q", "--", *guest("exit(3)")]
    with within(20):
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


@posix_signals
def test_input_that_nobody_takes_keeps_no_timeout(tmp_path: Path) -> None:
    with open("/dev/zero", "rb") as zeros, within(10):
        done = run("sleep(60)", "-i", "--timeout", "1", folder=tmp_path, input=None, stdin=zeros)
    assert done.returncode == 124


@posix_shell
def test_a_shell_and_its_daemon(tmp_path: Path) -> None:
    with within(12):
        done = hcsrt("run", "--timeout", "3", "--", "sh", "-c", "setsid sleep 25 & echo $!; echo hi", folder=tmp_path)
    with ended(done.stdout):
        assert (done.returncode, done.stdout.splitlines()[1:]) == (0, [b"hi"])
