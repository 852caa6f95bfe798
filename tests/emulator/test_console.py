"""The pseudo-terminals of the emulator: what nobody reads, who goes away, and the end of their input."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from hcsrt import DEVNULL, PIPE, ComputeSystem, aio
from hcsrt._facade import times

from ..helpers.platforms import fork, pseudo_terminal

pytestmark = [pseudo_terminal, pytest.mark.timeout(60)]

LIMIT = 20.0
"""Seconds that commands of some hundredths of a second may take on a busy machine."""
HUNG_UP = 128 + 1
LAST_LINES = b"99999\r\n100000\r\n"


@pytest.fixture(params=["blocking", "aio"])
def run(request: pytest.FixtureRequest, system: ComputeSystem) -> Callable[..., Any]:
    """Return a function that runs a command at a console, in each face."""

    def run_blocking(args: list[str], **options: Any) -> Any:
        return system.run(args, console=True, timeout=LIMIT, **options)

    def run_in_loop(args: list[str], **options: Any) -> Any:
        async def run() -> Any:
            async with await aio.ComputeSystem.open("tests") as other:
                return await other.run(args, console=True, timeout=LIMIT, **options)

        return asyncio.run(run())

    return run_blocking if request.param == "blocking" else run_in_loop


# --- nobody reads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stdout", [None, DEVNULL])
def test_what_is_not_connected_is_thrown_away(run: Callable[..., Any], stdout: int | None) -> None:
    assert run(["seq", "1", "100000"], stdout=stdout).returncode == 0


def test_input_comes_to_a_program_whose_output_is_not_connected(run: Callable[..., Any], tmp_path: Any) -> None:
    text = b"".join(b"%d\n" % number for number in range(20000))
    assert run(["sh", "-c", f"cat > {tmp_path}/copy"], input=text).returncode == 0
    assert (tmp_path / "copy").read_bytes() == text


def test_all_output_arrives(run: Callable[..., Any]) -> None:
    done = run(["seq", "1", "100000"], stdout=PIPE)
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 100000
    assert done.stdout.endswith(LAST_LINES)


def test_what_a_background_job_writes_behind_the_exit_arrives(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its own end is the end of the output.
    monkeypatch.setattr(times, "DRAIN_QUIET", 60.0)
    monkeypatch.setattr(times, "DRAIN_LIMIT", 60.0)
    done = run(["sh", "-c", "trap '' HUP; (sleep 0.3; echo late) & echo early"], stdout=PIPE)
    assert (done.returncode, done.stdout) == (0, b"early\r\nlate\r\n")


@pytest.mark.parametrize(("ignore", "code"), [("", HUNG_UP), ("trap '' HUP; ", 1)])
def test_a_reader_that_goes_away_ends_the_program(system: ComputeSystem, ignore: str, code: int) -> None:
    with system.popen(["sh", "-c", f"{ignore}exec yes"], console=True, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"y\r\n"
        process.stdout.close()
        assert process.wait(timeout=LIMIT) == code


def test_a_reader_of_aio_that_goes_away_ends_the_program(system: ComputeSystem) -> None:
    async def main() -> None:
        async with (
            await aio.ComputeSystem.open("tests") as other,
            await other.popen(["yes"], console=True, stdout=PIPE) as process,
        ):
            assert process.stdout is not None
            assert await process.stdout.readexactly(3) == b"y\r\n"
            process.stdout.close()
            assert await process.wait(timeout=LIMIT) == HUNG_UP

    asyncio.run(main())


def test_a_reader_of_the_command_line_that_goes_away_ends_the_command() -> None:
    command = [sys.executable, "-m", "hcsrt", "run", "-t", "--", "seq", "1", "100000"]
    with subprocess.Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as client:
        assert client.stdout is not None
        assert client.stdout.readline().split() == [b"1"]
        client.stdout.close()
        assert client.wait(LIMIT) == HUNG_UP


def test_a_reader_that_goes_away_does_not_end_who_writes_nothing(system: ComputeSystem) -> None:
    script = "echo ready; read x; exit 7"
    with system.popen(["sh", "-c", f"stty -echo; {script}"], console=True, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\r\n"
        process.stdout.close()
        process.stdin.write(b"go\n")
        process.stdin.flush()
        assert process.wait(timeout=LIMIT) == 7


@pytest.mark.parametrize("stream", ["StdOut", "All"])
def test_a_stream_that_hcs_closes_is_gone(system: ComputeSystem, stream: str) -> None:
    with system.popen(["yes"], console=True, stdin=PIPE, stdout=PIPE) as process:
        process.modify({"Operation": "CloseHandle", "CloseHandle": {"Handle": stream}})
        assert process.wait(timeout=LIMIT) == HUNG_UP


@fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_keeps_no_terminal_open(system: ComputeSystem) -> None:
    ours, theirs = os.pipe()
    script = "stty -echo; echo ready; read x; echo done"
    with system.popen(["sh", "-c", script], console=True, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\r\n"
        if not os.fork():
            os.close(theirs)
            os.read(ours, 1)
            os._exit(0)
        try:
            process.stdin.write(b"go\n")
            process.stdin.flush()
            assert process.stdout.read() == b"done\r\n"
            assert process.wait(timeout=LIMIT) == 0
        finally:
            os.close(theirs)
            os.close(ours)
            os.wait()


# --- the end of input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [b"", b"hi", b"hi\n", b"one\ntwo", "gr\u00fc\u20ac".encode()[:-1]])
def test_input_ends(run: Callable[..., Any], text: bytes) -> None:
    done = run(["sh", "-c", "stty -echo; cat"], input=text, stdout=PIPE)
    assert done.returncode == 0
    # The terminal may echo what comes before stty has run.
    assert done.stdout.replace(b"\r\n", b"\n").endswith(text)
    assert b"\0" not in done.stdout


def test_input_ends_for_each_who_reads(run: Callable[..., Any]) -> None:
    done = run(["sh", "-c", "stty -echo; cat; echo -; cat; echo -; cat; exit 5"], input=b"hi", stdout=PIPE)
    assert done.returncode == 5
    assert done.stdout.endswith(b"hi-\r\n-\r\n")


def test_input_that_is_closed_without_any(system: ComputeSystem) -> None:
    with system.popen(["cat"], console=True, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=LIMIT) == 0


@pytest.mark.parametrize("line", [99, 1000, 1001, 4096, 100000])
def test_lines_of_any_length_arrive(run: Callable[..., Any], tmp_path: Any, line: int) -> None:
    text = (b"x" * line + b"\n") * (120000 // line)
    for end in (b"\n", b"y"):
        assert run(["sh", "-c", f"stty -echo; cat > {tmp_path}/copy"], input=text[:-1] + end).returncode == 0
        assert (tmp_path / "copy").read_bytes() == text[:-1] + end


def test_a_piece_of_a_long_line_never_ends_the_input(run: Callable[..., Any], tmp_path: Any) -> None:
    # Ctrl-U takes the line back, so that an end of file behind it would be one.
    text = b"x" * 999 + b"\x15" + b"y" * 10 + b"\n" + b"last\n"
    assert run(["sh", "-c", f"stty -echo; cat > {tmp_path}/copy"], input=text).returncode == 0
    assert (tmp_path / "copy").read_bytes() == b"y" * 10 + b"\nlast\n"


RAW = "import os, tty\ntty.setraw(0)\nos.write(1, b'ready')\n"
COPY = "while data := os.read(0, 4096): os.write(1, data)\n"


@pytest.mark.parametrize("text", [b"", b"hi", b"a\x04b\x03c", b"z" * 100000])
def test_a_program_that_takes_keys_for_data_is_hung_up_when_it_has_read_all(system: ComputeSystem, text: bytes) -> None:
    with system.popen([sys.executable, "-c", RAW + COPY], console=True, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"ready"
        output, _ = process.communicate(text, timeout=LIMIT)
        assert output == text
        assert process.returncode == HUNG_UP


def test_a_raw_program_sees_the_hang_up_as_the_end(system: ComputeSystem, tmp_path: Any) -> None:
    code = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{RAW}os.read(0, 2)\n"
    code += f"try: end = os.read(0, 1)\nexcept OSError: end = b''\nopen({str(tmp_path / 'end')!r}, 'wb').write(end)"
    with system.popen([sys.executable, "-c", code], console=True, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"ready"
        process.communicate(b"hi", timeout=LIMIT)
        assert process.returncode == 0
        assert (tmp_path / "end").read_bytes() == b""


def test_raw_mode_from_a_shell_gets_no_byte_that_nobody_wrote(run: Callable[..., Any]) -> None:
    done = run(["sh", "-c", "stty raw -echo; cat"], input=b"hi", stdout=PIPE)
    assert done.returncode == HUNG_UP
    assert done.stdout.endswith(b"hi")


def test_a_program_that_edits_lines_gets_the_key_for_an_end(run: Callable[..., Any]) -> None:
    code = "import os, tty\ntty.setcbreak(0)\nwhile (key := os.read(0, 1)) != b'\\4': os.write(1, key.upper())\nexit(6)"
    done = run([sys.executable, "-c", code], input=b"", stdout=PIPE)
    assert done.returncode == 6


def test_the_key_for_an_end_alone_does_not_keep_a_program_alive(run: Callable[..., Any]) -> None:
    done = run(["sh", "-c", "stty -icanon -echo; cat"], input=b"hi", stdout=PIPE)
    assert done.returncode == HUNG_UP
    assert done.stdout.endswith(b"hi\x04")


def test_a_terminal_at_which_nobody_types_has_no_end(system: ComputeSystem) -> None:
    with system.popen(["sh", "-c", "stty raw; sleep 1; exit 3"], console=True) as process:
        assert process.wait(timeout=LIMIT) == 3


def test_a_silent_program_goes_on_after_the_end_of_its_input(run: Callable[..., Any]) -> None:
    began = time.monotonic()
    done = run(["sh", "-c", "sleep 1; echo done"], input=b"unread", stdout=PIPE)
    assert time.monotonic() - began >= 1
    assert done.returncode == 0
    assert done.stdout.endswith(b"done\r\n")
