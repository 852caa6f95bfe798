"""The raw streams of a process: one user each, and every byte once, however long a read or write takes."""

import ctypes
import hashlib
import signal
import threading
import time
from collections import deque

import pytest

import hcsrt
from hcsrt import PIPE, HandleBusyError, HandleClosedError
from hcsrt._streams import StdioReader, StdioWriter

from ..helpers.platforms import WINDOWS, win32
from ..helpers.programs import CAT, SLEEP, guest

if WINDOWS:
    KERNEL32 = ctypes.WinDLL("kernel32", use_last_error=True)
    KERNEL32.CreateIoCompletionPort.restype = ctypes.c_void_p
    KERNEL32.CreateIoCompletionPort.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32]
    KERNEL32.GetQueuedCompletionStatus.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_uint32]
    KERNEL32.GetHandleInformation.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    KERNEL32.CloseHandle.argtypes = [ctypes.c_void_p]
    INVALID_HANDLE_VALUE = ctypes.c_void_p(-1)


def test_a_handle_has_one_stream_for_good(system):
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        for stream, kind in ((process.stdin, StdioWriter), (process.stdout, StdioReader)):
            with pytest.raises(HandleBusyError, match="another stream or event loop"):
                kind(stream.handle)
        # A refusal harms nobody.
        process.stdin.write(b"still here")
        process.stdin.close()
        assert process.stdout.readall() == b"still here"


def test_no_stream_of_a_closed_handle(system):
    with system.popen(CAT, stdout=PIPE, bufsize=0) as process:
        handle = process.stdout.handle
        process.stdout.close()
        with pytest.raises(HandleClosedError):
            StdioReader(handle)
        process.kill()


@pytest.mark.parametrize("size", [1 << 16, 1 << 20, pytest.param(5 << 20, marks=pytest.mark.slow)])
def test_a_write_that_waits_for_a_slow_reader_arrives_once(system, size):
    data = hashlib.shake_128(b"streams").digest(size)
    # Between two reads more time passes than a write waits for in one go.
    slow = "import hashlib\nall = b''\nwhile chunk := os.read(0, 1 << 20):\n  all += chunk\n  sleep(0.13)\n"
    command = guest(slow + "out(len(all), hashlib.sha256(all).hexdigest())")
    with system.popen(command, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        view = memoryview(data)
        while view:
            view = view[process.stdin.write(view) :]
        process.stdin.close()
        told = process.stdout.readall().decode().split()
    assert told == [str(size), hashlib.sha256(data).hexdigest()]


def test_a_read_that_waits_long_loses_nothing(system):
    with system.popen(guest("for i in range(4): sleep(0.12); write(b'x' * 1000)"), stdout=PIPE, bufsize=0) as process:
        assert process.stdout.readall() == b"x" * 4000


def test_an_interrupted_read_loses_nothing(system, tmp_path, settle):
    """The bytes come while the signal handler runs, which ends the read by an exception."""
    written = tmp_path / "written"

    def interrupt(*_: object) -> None:
        process.stdin.write(b"\n")
        assert settle(written.exists, 60)
        raise InterruptedError

    before = signal.signal(signal.SIGINT, interrupt)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    try:
        command = guest("read_line(); write(b'precious'); tell(argv[0]); read_line(); write(b' rest')", str(written))
        with system.popen(command, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
            with pytest.raises(InterruptedError):  # noqa: PT012 - on a busy machine it comes before the read
                timer.start()
                process.stdout.read(100)
            assert process.stdout.read(3) == b"pre"
            process.stdin.write(b"\n")
            assert process.stdout.readall() == b"cious rest"
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


def test_what_another_thread_has_just_taken_is_not_read_again(system):
    class Taken(deque):
        """Empty by the time that the reader looks into it."""

        def __bool__(self):
            return True

    with system.popen(CAT, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        process.stdout._kept = Taken()
        process.stdin.write(b"more")
        assert process.stdout.read(10) == b"more"


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_close_releases_who_is_blocked(system, stream):
    ended_by: list[BaseException] = []

    def block() -> None:
        try:
            if stream == "stdout":
                process.stdout.read(1)
            else:
                while True:
                    process.stdin.write(bytes(1 << 20))
        except (ValueError, BrokenPipeError) as error:
            ended_by.append(error)

    with system.popen(SLEEP, stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        raw = getattr(process, stream)
        thread = threading.Thread(target=block)
        thread.start()
        while "1 inside" not in repr(raw.handle):
            time.sleep(0.001)
        raw.close()
        thread.join(5)
        assert not thread.is_alive()
        process.kill()
    # The guest's side of stdin goes first, so that whoever writes may hear of that before the close.
    assert isinstance(ended_by[0], HandleClosedError if stream == "stdout" else (HandleClosedError, BrokenPipeError))


@win32
def test_the_handles_are_not_inheritable(system):
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0) as process:
        for stream in (process.stdin, process.stdout, process.stderr):
            flags = ctypes.c_uint32(0xFF)
            assert KERNEL32.GetHandleInformation(int(stream.handle.as_raw()), ctypes.byref(flags))
            assert not flags.value & 1
        process.kill()


@win32
def test_a_completion_port_hears_nothing_of_blocking_use(system):
    with system.popen(guest("write(b'abc'); cat()"), stdin=PIPE, stdout=PIPE, bufsize=0) as process:
        raw = int(process.stdout.handle.as_raw())
        port = KERNEL32.CreateIoCompletionPort(raw, None, 7, 0)
        assert port
        try:
            process.stdin.close()
            assert process.stdout.readall() == b"abc"
            moved, key, overlapped = ctypes.c_uint32(), ctypes.c_size_t(), ctypes.c_void_p()
            outputs = [ctypes.byref(output) for output in (moved, key, overlapped)]
            assert not KERNEL32.GetQueuedCompletionStatus(port, *outputs, 0)
            assert overlapped.value is None
        finally:
            KERNEL32.CloseHandle(port)


def test_an_owned_stream_cannot_be_given_away(system):
    with system.popen(CAT, stdout=PIPE, bufsize=0) as process:
        with pytest.raises(HandleBusyError, match="belongs to a stream"):
            process.stdout.handle.into_raw()
        assert not process.stdout.handle.closed
        process.kill()
    assert hcsrt.emulator.live()["stdio"] == 0
