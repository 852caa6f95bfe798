"""The command line as a program of its own: how tests start it, read it, signal it and sit at its terminal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ..helpers.platforms import WINDOWS
from ..helpers.programs import guest

if not WINDOWS:
    import pty
    import select
    import termios

# Waits in short commands: a shell handles a signal only between two of them.
IDLE = "while :; do sleep 0.05; done"
INSTALL = "import hcsrt; hcsrt.emulator.install()"
MAIN = "import sys; from hcsrt.__main__ import main; sys.exit(main())"
NOTE = "hcsrt: emulated compute system: the command runs on this machine, not isolated"
HCSRT = [sys.executable, "-W", "error", *(("-c", f"{INSTALL}; {MAIN}") if WINDOWS else ("-m", "hcsrt"))]

# Takes what comes on its stdin for a Ctrl-C, which Windows cannot send to another process alone.
INTERRUPTIBLE = f"""
import os, signal, threading

def interrupt():
    while os.read(0, 1):
        signal.raise_signal(signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
{INSTALL}
{MAIN}
"""


def hcsrt(*args: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    options.setdefault("input", b"")
    return subprocess.run([*HCSRT, *args], capture_output=True, cwd=folder, timeout=60, **options)


def run(code: str, *options: str, folder: Path, **keywords: Any) -> subprocess.CompletedProcess[bytes]:
    return hcsrt("run", "-q", *options, "--", *guest(code), folder=folder, **keywords)


def start(*command: str, folder: Path) -> subprocess.Popen[bytes]:
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*HCSRT, "run", "-q", *command], cwd=folder, **streams)


def read_only(count: int, *command: str, folder: Path) -> tuple[int, bytes, bytes]:
    """Return what comes of a run whose reader goes away after some bytes: its exit code, those bytes and stderr."""
    with start(*command, folder=folder) as process:
        assert process.stdout
        assert process.stderr
        out = process.stdout.read(count)
        process.stdout.close()
        return process.wait(timeout=60), out, process.stderr.read()


def lines(output: bytes) -> list[str]:
    """Return the lines of a text that hcsrt itself has printed."""
    return output.decode().splitlines()


class Command:
    """A running ``hcsrt run`` whose command has said that it is ready."""

    def __init__(self, code: str, folder: Path, *options: str) -> None:
        program = [sys.executable, "-W", "error", "-c", INTERRUPTIBLE] if WINDOWS else HCSRT
        self.process = subprocess.Popen(
            [*program, "run", "-q", *options, "--", *guest(f"out(os.getpid()); {code}")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
        )
        assert self.process.stdout
        self.pid = int(self.process.stdout.readline())
        assert self.process.stdout.readline() == b"ready\n"

    def interrupt(self) -> None:
        if WINDOWS:
            assert self.process.stdin
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        else:
            self.process.send_signal(signal.SIGINT)

    def finish(self) -> tuple[int, bytes, bytes]:
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


class Terminal:
    """A person at a terminal in which ``hcsrt`` runs."""

    def __init__(self, *args: str, folder: Path, size: tuple[int, int] = (30, 100)) -> None:
        self.fd, self._local = pty.openpty()
        termios.tcsetwinsize(self._local, size)
        self.settings = termios.tcgetattr(self._local)
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", TERMINAL_LEADER, *HCSRT, *args],
            stdin=self._local,
            stdout=self._local,
            stderr=self._local,
            cwd=folder,
            # As Python sees it: readline, which a debugger imports, has its own COLUMNS in the C environment.
            env=dict(os.environ),
            start_new_session=True,
        )

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        termios.tcsetwinsize(self._local, (rows, columns))

    def expect(self, text: str) -> None:
        end = time.monotonic() + 30
        while text.encode() not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not appear in {self.seen!r}"
            self.seen += os.read(self.fd, 4096)

    def finish(self) -> int:
        code = self.process.wait(timeout=30)
        while select.select([self.fd], [], [], 0)[0]:
            self.seen += os.read(self.fd, 4096)
        assert termios.tcgetattr(self._local) == self.settings
        return code

    def hang_up(self) -> None:
        os.close(self._local)
        os.close(self.fd)
        self.fd = self._local = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.fd != -1:
            os.close(self.fd)
            os.close(self._local)


# Makes stdin the controlling terminal, so that the kernel sends it the signals of keys and resizes.
TERMINAL_LEADER = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
