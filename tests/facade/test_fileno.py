"""Streams of a process as the stdin or stdout of another program."""

import io
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from hcsrt import PIPE, ComputeSystem, HandleClosedError

from ..helpers.platforms import WINDOWS, pseudo_terminal, win32
from ..helpers.programs import CAT, GUEST, PYTHON, SLEEP, guest

Settle = Callable[..., bool]

descriptors = pytest.mark.skipif(WINDOWS, reason="on Windows the pipes of HCS are for overlapped I/O only")

LOUD = "write(b'0123456789' * 50_000)"
LOUD_OUTPUT = b"0123456789" * 50_000


@descriptors
def test_another_program_reads_what_a_process_writes(system: ComputeSystem) -> None:
    with system.popen(guest(f"sleep(0.1); {LOUD}"), stdout=PIPE) as process:
        assert process.stdout
        with subprocess.Popen(CAT, stdin=process.stdout, stdout=PIPE) as other:
            # Only the other program has it from now on.
            process.stdout.close()
            assert other.communicate(timeout=20) == (LOUD_OUTPUT, None)
        assert other.returncode == process.wait(timeout=20) == 0


@descriptors
def test_a_process_reads_what_another_program_writes(system: ComputeSystem) -> None:
    with system.popen(guest("sleep(0.1); cat()"), stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        with subprocess.Popen([PYTHON, "-I", "-S", GUEST, LOUD], stdout=process.stdin) as other:
            process.stdin.close()
            assert process.stdout.read() == LOUD_OUTPUT
        assert other.returncode == process.wait(timeout=20) == 0


@descriptors
def test_a_process_goes_on_with_a_stream_that_another_program_has_used(system: ComputeSystem) -> None:
    with system.popen(guest("sleep(0.1); cat()"), stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        subprocess.run([PYTHON, "-I", "-S", GUEST, "out('other')"], stdout=process.stdin, check=True)
        assert select.select([process.stdout], [], [], 20)[0] == [process.stdout]
        # More than the pipe holds, to a process that does not read all the time.
        assert process.communicate(LOUD_OUTPUT, timeout=20) == (b"other\n" + LOUD_OUTPUT, None)


@descriptors
def test_the_descriptor_is_that_of_the_stream(system: ComputeSystem) -> None:
    with system.popen(SLEEP, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.fileno() == process.stdout.fileno() != process.stdin.fileno()
        assert os.get_blocking(process.stdout.fileno())
        assert not os.get_inheritable(process.stdout.fileno())
        process.stdin.close()
        with pytest.raises(ValueError, match="closed file"):
            process.stdin.fileno()
        process.stdout.raw.handle.close()  # type: ignore[attr-defined]
        with pytest.raises(HandleClosedError):
            process.stdout.fileno()
        process.kill()


@descriptors
@pytest.mark.parametrize("moment", ["before", "after"])
def test_close_ends_a_read_of_a_stream_that_others_may_use(system: ComputeSystem, settle: Settle, moment: str) -> None:
    errors: list[ValueError] = []
    with system.popen(SLEEP, stdout=PIPE, bufsize=0) as process:
        stdout: Any = process.stdout

        def read() -> None:
            try:
                stdout.read(1)
            except ValueError as error:
                errors.append(error)

        if moment == "before":
            stdout.fileno()
        reader = threading.Thread(target=read)
        reader.start()
        time.sleep(0.05)
        stdout.fileno()
        # More than one step of the read.
        time.sleep(0.25)
        stdout.close()
        assert settle(lambda: not reader.is_alive())
        process.kill()
    assert errors


@descriptors
def test_ctrl_c_ends_a_write_to_a_stream_that_others_may_use(
    system: ComputeSystem, interrupted: Callable[[float], Iterator[AbstractContextManager[None]]]
) -> None:
    with system.popen(SLEEP, stdin=PIPE, bufsize=0) as process:
        stdin: Any = process.stdin
        stdin.fileno()
        for block in interrupted(0.1):
            with block:
                while True:
                    stdin.write(LOUD_OUTPUT)
        process.kill()


@pseudo_terminal
def test_other_programs_use_the_streams_of_a_console(system: ComputeSystem) -> None:
    code = "line = read_line(); out('got', line)"
    with system.popen(guest(code), stdin=PIPE, stdout=PIPE, console=True) as process:
        assert process.stdin
        assert process.stdout
        subprocess.run([PYTHON, "-I", "-S", GUEST, "out('a line')"], stdout=process.stdin, check=True)
        with subprocess.Popen(CAT, stdin=process.stdout, stdout=PIPE) as other:
            process.stdout.close()
            # The console shows what is typed, and its end is an end of file for others too.
            assert other.communicate(timeout=20) == (b"a line\r\ngot a line\r\n", None)
        assert other.returncode == 0


@descriptors
def test_a_stream_that_is_no_pipe_has_no_descriptor_for_others(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=PIPE) as process, open(os.devnull, "wb") as null:
        assert process.stdin
        os.dup2(null.fileno(), process.stdin.fileno(), inheritable=False)
        with pytest.raises(io.UnsupportedOperation, match="it is no pipe: copy between the two"):
            process.stdin.fileno()


@win32
def test_no_other_program_can_use_a_pipe_on_windows(system: ComputeSystem) -> None:
    with system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        for stream in (process.stdin, process.stdout):
            assert stream
            with pytest.raises(io.UnsupportedOperation, match="overlapped I/O: copy between the two"):
                stream.fileno()
