"""What happens beside the command of ``hcsrt run``: resizes, signals, a terminal that goes away, input that ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ..helpers.platforms import catches_signals, posix_signals, pseudo_terminal
from ..helpers.programs import guest, is_alive
from .program import HCSRT, IDLE, INSTALL, MAIN, Command, hcsrt

SIGNALS = ["SIGHUP", "SIGQUIT", "SIGTERM"]
OTHERS = ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGRTMIN"]

# Sizes


@pseudo_terminal
@pytest.mark.parametrize(("size", "told"), [((0, 0), "24 80"), ((0, 100), "24 100"), ((30, 0), "30 80")])
def test_a_terminal_without_a_size_has_the_usual_one(terminals: Any, size: tuple[int, int], told: str) -> None:
    terminal = terminals("run", "-q", "-t", "--", "stty", "size", size=size)
    assert terminal.finish() == 0
    assert terminal.seen.split() == told.encode().split()


@pseudo_terminal
def test_a_resize_to_nothing_ends_nothing(terminals: Any) -> None:
    terminal = terminals(
        "run", "-q", "-it", "--", "sh", "-c", f"trap 'stty size' WINCH; trap 'exit 7' TERM; echo ready; {IDLE}"
    )
    terminal.expect("ready")
    terminal.resize(0, 0)
    terminal.expect("24 80\r\n")
    terminal.resize(0xFFFF, 0xFFFF)
    terminal.expect("65535 65535\r\n")
    terminal.resize(40, 120)
    terminal.expect("40 120\r\n")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish() == 7


@pytest.mark.parametrize("arguments", [["errors", "5"], ["doctor"], ["--help"], ["run", "-q", "--", "no-such-program"]])
def test_a_size_of_nothing_in_the_environment_hides_nothing(tmp_path: Path, arguments: list[str]) -> None:
    sizes = {"COLUMNS": "0", "LINES": "0"}
    told, usual = (
        hcsrt(*arguments, folder=tmp_path, env={**os.environ, **size}) for size in (sizes, {"COLUMNS": "80"})
    )
    assert told.returncode == usual.returncode
    assert told.stdout + told.stderr == usual.stdout + usual.stderr != b""


@pseudo_terminal
@pytest.mark.parametrize("error", ["OSError(5, 'EIO')", "ValueError('size')", "RuntimeError('no')", "MemoryError()"])
def test_a_resize_that_fails_ends_nothing(tmp_path: Path, error: str) -> None:
    code = "out('ready'); os.kill(int(argv[0]), signal.SIGWINCH); sleep(1); exit(3)"
    script = f"""
import os, signal, sys
import hcsrt.cli.job

def break_down(*args, **options):
    raise {error}

signal.signal(signal.SIGWINCH, signal.SIG_DFL)
hcsrt.cli.job.Process.resize_console = break_down
sys.argv[-1] = str(os.getpid())
{MAIN}
"""
    program = [sys.executable, "-c", script, "run", "-q", "-t", "--", *guest(code), "pid"]
    done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"ready\r\n", b"")


@pseudo_terminal
@pytest.mark.parametrize("options", [["-t"], ["-it"]])
def test_a_terminal_that_goes_away_is_a_hang_up(terminals: Any, options: list[str]) -> None:
    code = "out(os.getpid()); [(sleep(0.05), out('more')) for _ in range(1000)]"
    terminal = terminals("run", "-q", *options, "--", *guest(code))
    terminal.expect("more")
    pid = int(terminal.seen.split()[0])
    terminal.hang_up()
    assert terminal.process.wait(timeout=30) == 128 + signal.SIGHUP
    assert not is_alive(pid)


# Streams


@pytest.mark.parametrize("error", ["OSError(5, 'EIO')", "RuntimeError('no')", "MemoryError()"])
def test_input_that_cannot_be_read_is_at_its_end(tmp_path: Path, error: str) -> None:
    script = f"""
{INSTALL}
import hcsrt.cli.streams

def break_down(*args, **options):
    raise {error}

hcsrt.cli.streams._read_from = break_down
{MAIN}
"""
    program = [sys.executable, "-c", script, "run", "-q", "-i", "--", *guest("cat(); out('end'); exit(3)")]
    done = subprocess.run(program, input=b"lost", capture_output=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"end\n", b"")


# Signals


@catches_signals
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_goes_to_the_command(tmp_path: Path, name: str) -> None:
    command = Command(f"on('{name}', lambda: (out('caught'), exit(6))); out('ready'); sleep(60)", tmp_path)
    command.process.send_signal(getattr(signal, name))
    assert command.finish() == (6, b"caught\n", b"")


@posix_signals
@pytest.mark.parametrize("name", SIGNALS)
def test_a_command_that_does_not_handle_it_ends_by_it(tmp_path: Path, name: str) -> None:
    command = Command("out('ready'); sleep(60)", tmp_path)
    command.process.send_signal(getattr(signal, name))
    assert command.finish() == (128 + getattr(signal, name), b"", b"")
    assert not is_alive(command.pid)


@catches_signals
@pytest.mark.parametrize("name", ["SIGHUP", "SIGQUIT"])
def test_what_a_command_may_get_often_never_terminates_it(tmp_path: Path, name: str) -> None:
    code = f"on('{name}', lambda: out('caught')); on('SIGTERM', lambda: exit(6)); out('ready'); sleep(60)"
    command = Command(code, tmp_path)
    assert command.process.stdout
    for _ in range(4):
        command.process.send_signal(getattr(signal, name))
        assert command.process.stdout.readline() == b"caught\n"
    command.process.send_signal(signal.SIGTERM)
    assert command.finish() == (6, b"", b"")


@posix_signals
@pytest.mark.parametrize("name", OTHERS)
def test_what_a_windows_guest_cannot_get_ends_the_run(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("not a signal of this system")
    command = Command("out('ready'); sleep(60)", tmp_path)
    command.process.send_signal(number)
    assert command.finish() == (128 + number, b"", b"")
    assert not is_alive(command.pid)


@posix_signals
@pytest.mark.parametrize("name", [*SIGNALS, *OTHERS])
def test_a_linux_guest_gets_each_signal(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("not a signal of this system")
    document = {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "Owner": "tests",
        "VirtualMachine": {
            "Chipset": {"LinuxKernelDirect": {"KernelFilePath": "C:\\kernel"}}, "GuestConnection": {}
        },
    }  # fmt: skip
    (tmp_path / "linux.json").write_text(json.dumps(document))
    code = f"signal.signal({int(number)}, lambda *_: (out('caught'), exit(6))); out('ready'); sleep(60)"
    command = Command(code, tmp_path, "--document", "linux.json")
    command.process.send_signal(number)
    assert command.finish() == (6, b"caught\n", b"")


@posix_signals
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"])
def test_before_the_command_runs_a_signal_ends_the_run(tmp_path: Path, name: str) -> None:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*HCSRT, "run", "-q", "--document", "-", "--", "true"]
    with subprocess.Popen(command, cwd=tmp_path, **streams) as process:
        end = time.monotonic() + 30
        while not catches(process.pid, getattr(signal, name)) and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(getattr(signal, name))
        code = process.wait(timeout=30)
        assert process.stderr
        assert (code, process.stderr.read()) == (128 + getattr(signal, name), b"")


def catches(pid: int, number: int) -> bool:
    """Return whether a process has a handler for a signal and waits; where that cannot be seen, whether it had time."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        time.sleep(3)
        return True
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(caught >> (number - 1) & 1) and (number != signal.SIGINT or bool(caught >> (signal.SIGTERM - 1) & 1))


@catches_signals
def test_ctrl_c_ends_the_wait_for_what_the_command_left_behind(tmp_path: Path) -> None:
    left = f"on('SIGTERM', lambda: open({str(tmp_path / 'asked')!r}, 'w')); out('ready'); os.close(1); os.close(2)"
    code = f"out(spawn({left + '; sleep(100)'!r})); sleep(1); exit(5)"
    script = f"import hcsrt.cli.job; hcsrt.cli.job._STOP_GRACE = 100; {MAIN}"
    command = [sys.executable, "-c", script, "run", "-q", "--", *guest(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout
        lines = [process.stdout.readline(), process.stdout.readline()]
        while not (tmp_path / "asked").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 5
    (pid,) = [int(line) for line in lines if line != b"ready\n"]
    assert not is_alive(pid)
