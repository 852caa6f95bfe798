"""The program that tests run in compute systems: it executes its first argument, Python code with the words below.

It does on every operating system exactly what a test says, and starts within a few milliseconds: it imports little and
leaves without Python's clean-up. `argv` are its further arguments.
"""

import _signal as signal  # the module signal takes longer to import than all the rest
import os
import sys
import time

argv = sys.argv[2:]
exit = os._exit


def sleep(seconds):
    # In short pieces: a signal that comes just before time.sleep() begins does not end it.
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))


def write(data, fd=1):
    while data:
        data = data[os.write(fd, data) :]


def out(*words):
    """Print a line, which everywhere ends in a line feed."""
    write(" ".join(map(str, words)).encode() + b"\n")


def err(*words):
    write(" ".join(map(str, words)).encode() + b"\n", 2)


def read_line():
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line.decode().rstrip("\n")


def cat(file=0):
    """Copy a file, by default stdin, to stdout."""
    with open(file, "rb", buffering=0) as source:
        while data := source.read(1 << 16):
            write(data)


def tell(path):
    """Leave an empty file, which says that the code has come this far."""
    open(path, "w").close()


def wait_for(path):
    """Wait until somebody has left a file."""
    while not os.path.exists(path):
        time.sleep(0.01)


def spawn(code, stdin=None, stdout=1):
    """Start a guest of our own, which has these streams and our stderr, and return its pid; None is the null device."""
    import subprocess

    null = subprocess.DEVNULL
    streams = {"stdin": null if stdin is None else stdin, "stdout": null if stdout is None else stdout, "stderr": 2}
    # Wine keeps the streams of a console's first program open until its last program ends.
    flags = getattr(subprocess, "DETACHED_PROCESS", 0)
    return subprocess.Popen([sys.executable, "-I", "-S", __file__, code], creationflags=flags, **streams).pid


def on(name, reaction):
    """Call a function when a signal of POSIX arrives."""
    signal.signal(getattr(signal, name), lambda number, frame: reaction())


def ignore(*names):
    for name in names:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


# Python has changed these two; other programs have the defaults.
signal.signal(signal.SIGINT, signal.SIG_DFL)
if hasattr(signal, "SIGPIPE"):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
exec(sys.argv[1])
exit(0)
