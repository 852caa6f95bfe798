"""What the emulator started ends with the program that uses it, however that ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..helpers.platforms import WINDOWS, fork, posix_signals
from ..helpers.programs import INSTALL, guest, is_alive

END_SECONDS = 20.0
"""Seconds that programs may take to be gone on a busy machine."""

COMMAND = guest("out(os.getpid(), spawn('sleep(120)', stdout=None)); sleep(120)")
SCRIPT = f"""\
import os, signal, sys, threading, time, warnings
import hcsrt
{INSTALL}
warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
document = hcsrt.emulator.container_document(terminate_on_last_handle_closed=%(last_close)r)
system = hcsrt.ComputeSystem.create("abrupt", document)
system.start()
processes = [system.popen({COMMAND!r}, stdout=hcsrt.PIPE) for _ in range(2)]
pids = [pid for process in processes for pid in process.stdout.readline().split()]
%(more)s
print(os.getpid(), *(pid.decode() for pid in pids), flush=True)
%(end)s
time.sleep(120)
"""


def start(end: str = "", more: str = "", last_close: bool = True) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a program that uses the emulator; return it with the pids of what the emulator started for it."""
    code = SCRIPT % {"end": end, "more": more, "last_close": last_close}
    # In a session of its own, as no signal to the tests' group may reach what is tested.
    client = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert client.stdout is not None
    client_pid, *pids = map(int, client.stdout.readline().split())
    assert len(pids) == 4
    assert WINDOWS or client_pid == client.pid
    return client, pids


def finish(client: subprocess.Popen[str]) -> None:
    client.wait(END_SECONDS)
    for stream in (client.stdin, client.stdout):
        assert stream is not None
        stream.close()


def watchdogs(client: subprocess.Popen[str]) -> list[str]:
    """Return the lines of ps about watchdogs of a program."""
    listed = subprocess.run(["ps", "-eww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if line.endswith(f" hcsrt-watchdog {client.pid}")]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("last_close", [True, False])
def test_an_exit_without_python(settle: Callable[..., bool], last_close: bool) -> None:
    client, pids = start("os._exit(7)", last_close=last_close)
    finish(client)
    assert client.returncode == 7
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)


@posix_signals
@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGSEGV"])
def test_a_signal(settle: Callable[..., bool], name: str) -> None:
    client, pids = start()
    assert all(map(is_alive, pids))
    client.send_signal(getattr(signal, name))
    finish(client)
    assert client.returncode == -getattr(signal, name)
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)


@posix_signals
@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", ["SIGKILL", "SIGQUIT", "SIGUSR1", "SIGALRM"])
@pytest.mark.parametrize("option", [(), ("-t",)])
def test_a_signal_for_the_command_line(settle: Callable[..., bool], name: str, option: tuple[str, ...]) -> None:
    client = subprocess.Popen(
        [sys.executable, "-m", "hcsrt", "run", *option, "--", *COMMAND],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert client.stdout is not None
    pids = [int(pid) for pid in client.stdout.readline().split()]
    assert len(pids) == 2
    client.send_signal(getattr(signal, name))
    client.wait(END_SECONDS)
    client.stdout.close()
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)


@posix_signals
@pytest.mark.timeout(90)
def test_a_signal_to_the_whole_group_of_a_program_and_its_watchdog(settle: Callable[..., bool]) -> None:
    client, pids = start()
    (watchdog,) = (int(line.split()[0]) for line in watchdogs(client))
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(watchdog, ignored)
    os.killpg(client.pid, signal.SIGKILL)
    finish(client)
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)
    assert settle(lambda: not watchdogs(client), END_SECONDS)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills programs with who started them")
@pytest.mark.timeout(90)
def test_without_a_watchdog_the_programs_themselves_end(settle: Callable[..., bool]) -> None:
    client, pids = start()
    (watchdog,) = (int(line.split()[0]) for line in watchdogs(client))
    os.kill(watchdog, signal.SIGKILL)
    client.kill()
    finish(client)
    try:
        assert settle(lambda: not any(map(is_alive, pids[::2])), END_SECONDS)
    finally:
        for pid in pids[1::2]:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="the command line of the watchdog is read from /proc")
@pytest.mark.timeout(90)
def test_the_watchdog_keeps_up_with_thousands_of_programs(tmp_path: Path) -> None:
    client, _ = start()
    (watchdog,) = (int(line.split()[0]) for line in watchdogs(client))
    command = Path(f"/proc/{watchdog}/cmdline").read_bytes().split(b"\0")[:-1]
    client.kill()
    finish(client)
    # No process has such numbers. With a cost that grew with all that live this took minutes.
    lines = (f"{state} {number:010}   \n" for number, state in enumerate("sr " * 2000, 1 << 25))
    table = tmp_path / "table"
    table.write_text("".join(lines))
    with table.open("r+") as file:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, timeout=END_SECONDS)
    assert ended.returncode == 0
    assert len(table.read_bytes()) == 6000 * 16


@pytest.mark.slow
@posix_signals
@pytest.mark.timeout(90)
def test_what_hundreds_of_programs_have_left_ends_with_the_client(settle: Callable[..., bool]) -> None:
    # More than the watchdog's table has lines at first, of programs that have ended and of groups that have not.
    code = """\
import os, signal, time, warnings
import hcsrt
warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
with hcsrt.ComputeSystem.create("hundreds", hcsrt.emulator.container_document()) as system:
    system.start()
    def leave(count):
        command = ["sh", "-c", "sleep 120 >/dev/null 2>&1 & echo $!"]
        return [int(system.run(command, capture_output=True).stdout) for _ in range(count)]
    for pid in leave(200): os.kill(pid, signal.SIGKILL)
    print(*leave(300), flush=True)
    time.sleep(120)
"""
    client = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    with client:
        assert client.stdout is not None
        pids = [int(pid) for pid in client.stdout.readline().split()]
        assert len(set(pids)) == 300
        assert all(map(is_alive, pids))
        client.kill()
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)


@posix_signals
@pytest.mark.timeout(90)
def test_a_daemon_without_stdin_stdout_and_stderr(settle: Callable[..., bool], tmp_path: Path) -> None:
    told = tmp_path / "pids"
    # What cannot be started leaves the watchdog nothing, and tells nobody else either.
    code = f"""\
import os
for descriptor in range(3): os.close(descriptor)
import time, warnings
import hcsrt
warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
with hcsrt.ComputeSystem.create("daemon", hcsrt.emulator.container_document()) as system:
    system.start()
    try: system.popen([{str(tmp_path)!r}])
    except PermissionError: pass
    process = system.popen({COMMAND!r}, stdin=hcsrt.PIPE, stdout=hcsrt.PIPE)
    with open({str(told) + "new"!r}, "wb") as file: file.write(process.stdout.readline())
    os.rename({str(told) + "new"!r}, {str(told)!r})
    time.sleep(120)
"""
    client = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    assert settle(told.exists, END_SECONDS)
    pids = [int(pid) for pid in told.read_text().split()]
    assert len(pids) == 2
    assert all(map(is_alive, pids))
    client.kill()
    client.wait(END_SECONDS)
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)


@fork
@pytest.mark.timeout(90)
def test_a_forked_child_keeps_nothing_alive(settle: Callable[..., bool]) -> None:
    client, pids = start(more="if not os.fork(): sys.stdin.read(); os._exit(0)")
    assert client.stdin is not None
    client.kill()
    client.wait(END_SECONDS)
    # Its child reads, and lives until we close its stdin.
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)
    client.stdin.write("it is there\n")
    finish(client)


@posix_signals
@pytest.mark.timeout(90)
def test_an_orderly_end_leaves_nothing(settle: Callable[..., bool]) -> None:
    client, pids = start("sys.stdin.readline(); sys.exit()")
    assert len(watchdogs(client)) == 1
    client.communicate("go\n", timeout=END_SECONDS)
    assert client.returncode == 0
    assert settle(lambda: not any(map(is_alive, pids)), END_SECONDS)
    assert settle(lambda: not watchdogs(client), END_SECONDS)


@posix_signals
def test_who_waits_for_all_children_does_not_wait_for_the_watchdog() -> None:
    more = "system.terminate()\nfor process in processes: process.wait()\n"
    client, _ = start("try: print(os.wait())\nexcept ChildProcessError: print('none', flush=True)\nos._exit(0)", more)
    assert client.stdout is not None
    assert client.stdout.readline() == "none\n"
    finish(client)
