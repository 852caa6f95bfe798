"""Output that is read live: popen(max_output=, on_output=), and the reads that a close() ends."""

import gc
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, ComputeSystem
from hcsrt._facade import times
from hcsrt._facade.output import Kept

from ..helpers.limits import limits
from ..helpers.programs import CAT, SLEEP, exists, guest, kill

Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]

BOTH = "for n in range(3): write(b'out'); write(b'err', 2); wait_for(f'{argv[0]}/{n}')"
# More than a pipe holds.
LARGE = 300_000


def collect(pieces: list[tuple[str, Any]]) -> Callable[[str, Any], None]:
    return lambda name, data: pieces.append((name, data))


def joined(pieces: list[tuple[str, Any]], name: str, empty: Any = b"") -> Any:
    return empty.join(data for stream, data in pieces if stream == name)


# --- live -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["wait", "communicate"])
def test_output_is_passed_on_as_it_comes(method: str, system: ComputeSystem, tmp_path: Path) -> None:
    pieces: list[tuple[str, bytes]] = []

    def show(name: str, data: bytes) -> None:
        pieces.append((name, data))
        # The program goes on once this has got both.
        for number in range(min(len(joined(pieces, name)) for name in ("stdout", "stderr")) // 3):
            (tmp_path / f"{number}").touch()

    with system.popen(guest(BOTH, str(tmp_path)), stdout=PIPE, stderr=PIPE, on_output=show) as process:
        assert process.stdout is None
        assert process.stderr is None
        result = getattr(process, method)(timeout=30)
        assert result == (0 if method == "wait" else (b"outoutout", b"errerrerr"))
        assert process.returncode == 0
        assert not process.output_cut
    assert joined(pieces, "stdout") == b"outoutout"
    assert joined(pieces, "stderr") == b"errerrerr"


def test_more_than_the_limit_is_read_and_thrown_away(system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []
    code = f"write(b'x' * {LARGE}); write(b'y' * 10, 2)"
    with system.popen(guest(code), stdout=PIPE, stderr=PIPE, max_output=10, on_output=collect(pieces)) as process:
        assert process.communicate(timeout=30) == (b"x" * 10, b"y" * 10)
        assert process.output_cut
    assert joined(pieces, "stdout") == b"x" * LARGE


def test_as_much_as_the_limit_is_not_cut(system: ComputeSystem) -> None:
    with system.popen(guest("write(b'0123456789')"), stdout=PIPE, max_output=10) as process:
        assert process.communicate(timeout=30) == (b"0123456789", None)
        assert not process.output_cut


def test_a_limit_alone_lets_the_process_come_to_its_end(system: ComputeSystem) -> None:
    with system.popen(guest(f"write(b'x' * {LARGE})"), stdout=PIPE, max_output=0) as process:
        assert process.wait(timeout=30) == 0
        assert process.communicate() == (b"", None)
        assert process.output_cut


def test_text_comes_as_text(system: ComputeSystem) -> None:
    pieces: list[tuple[str, str]] = []
    code = r"write(b'a\xc3'); sleep(.3); write(b'\xa4\r\n\xe2\x82\xac')"
    with system.popen(guest(code), stdout=PIPE, encoding="utf-8", max_output=5, on_output=collect(pieces)) as process:
        # The limit is in the middle of the last character.
        assert process.communicate(timeout=30) == ("aä\n", None)
        assert process.output_cut
    assert joined(pieces, "stdout", "") == "aä\n€"
    assert all(data for _, data in pieces)


@pytest.mark.parametrize("live", [False, True])
def test_text_that_is_none_is_an_error_of_the_caller(live: bool, system: ComputeSystem) -> None:
    options: dict[str, Any] = {"on_output": lambda name, data: None} if live else {"max_output": 100}
    with (
        system.popen(guest(r"write(b'ab\xff')"), stdout=PIPE, encoding="utf-8", **options) as process,
        pytest.raises(UnicodeDecodeError),
    ):
        process.communicate(timeout=30)


def test_input_is_sent_while_output_is_passed_on(system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []
    data = b"0123456789" * 50_000
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, on_output=collect(pieces)) as process:
        assert process.communicate(data, timeout=30) == (data, None)
    assert joined(pieces, "stdout") == data


def test_a_timeout_has_what_has_come_and_the_next_call_goes_on(system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []
    code = "write(b'first'); cat()"
    with system.popen(guest(code), stdin=PIPE, stdout=PIPE, on_output=collect(pieces)) as process:
        while not pieces:
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.wait(timeout=0.2)
        assert caught.value.stdout == b"first"
        assert process.communicate(b", second", timeout=30) == (b"first, second", None)
    assert joined(pieces, "stdout") == b"first, second"


def test_a_timeout_ends_output_without_end(system: ComputeSystem) -> None:
    with system.popen(guest("while True: write(b'y' * 1000)"), stdout=PIPE, max_output=10) as process:
        for timeout in limits(1, lambda: caught.value.stdout):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.communicate(timeout=timeout)
        assert caught.value.stdout == b"y" * 10
        process.kill()
        process.wait(timeout=30)


def test_an_error_of_on_output_is_raised_and_loses_nothing(system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []

    def show(name: str, data: bytes) -> None:
        pieces.append((name, data))
        if len(pieces) == 1:
            raise ZeroDivisionError

    with system.popen(guest("write(b'a'); sleep(.2); write(b'b')"), stdout=PIPE, on_output=show) as process:
        with pytest.raises(ZeroDivisionError):
            process.communicate(timeout=30)
        assert process.communicate(timeout=30) == (b"ab", None)
    assert joined(pieces, "stdout") == b"ab"


def test_a_process_is_held_back_while_nobody_waits(system: ComputeSystem) -> None:
    code = f"write(b'x' * {LARGE * 3}); write(b'over', 2)"
    with system.popen(guest(code), stdout=PIPE, stderr=PIPE, on_output=lambda name, data: None) as process:
        time.sleep(0.5)
        assert process.poll() is None
        stdout, stderr = process.communicate(timeout=30)
        assert (len(stdout), stderr) == (LARGE * 3, b"over")


def test_a_child_that_holds_the_pipe_does_not_hold_the_caller(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.2)
    monkeypatch.setattr(times, "DRAIN_LIMIT", 600.0)
    pieces: list[tuple[str, bytes]] = []
    threads = threading.active_count()
    with system.popen(guest("out(spawn('sleep(60)'))"), stdout=PIPE, on_output=collect(pieces)) as process:
        child = process.communicate(timeout=30)[0]
    assert exists(int(child))
    assert joined(pieces, "stdout") == child
    assert threading.active_count() <= threads


def test_what_a_process_has_written_comes_however_slow_on_output_is(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.1)
    monkeypatch.setattr(times, "DRAIN_LIMIT", 0.2)
    pieces: list[tuple[str, bytes]] = []

    def show(name: str, data: bytes) -> None:
        pieces.append((name, data))
        time.sleep(0.3)

    # The child keeps the pipe open: its end is a matter of time.
    code = "spawn('sleep(30)'); write(b'x' * 4000); sleep(.2); write(b'y' * 4000); sleep(.2); write(b'z' * 4000)"
    with system.popen(guest(code), stdout=PIPE, on_output=show) as process:
        assert process.wait(timeout=20) == 0
    assert joined(pieces, "stdout") == b"x" * 4000 + b"y" * 4000 + b"z" * 4000


def test_a_child_that_writes_for_ever_does_not_hold_the_caller(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "DRAIN_LIMIT", 0.5)
    code = "spawn('while True: write(b\"y\" * 60000)')"
    with system.popen(guest(code), stdout=PIPE, on_output=lambda name, data: time.sleep(0.002)) as process:
        assert process.wait(timeout=30) == 0


def test_close_ends_a_wait_that_reads(system: ComputeSystem) -> None:
    process = system.popen(SLEEP, stdout=PIPE, on_output=lambda name, data: None)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(process.wait)
        time.sleep(0.2)
        process.close()
        with pytest.raises(hcsrt.HandleClosedError):
            waits.result(timeout=10)
    kill(process.pid)


def test_an_unread_process_can_be_closed(system: ComputeSystem) -> None:
    process = system.popen(guest("write(b'hi'); sleep(30)"), stdout=PIPE, on_output=lambda name, data: None)
    process.kill()
    process.close()


def test_a_process_that_is_dropped_leaves_no_thread_behind(system: ComputeSystem, settle: Callable[..., bool]) -> None:
    pieces: list[tuple[str, bytes]] = []
    process = system.popen(guest("while True: write(b'y' * 1000)"), stdout=PIPE, on_output=collect(pieces))
    for timeout in limits(1, lambda: pieces):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=timeout)
    with pytest.warns(ResourceWarning, match="unclosed"):  # noqa: PT031 - both belong to it
        del process
        gc.collect()
    # The thread has closed its end of the pipe, which ends the process too.
    assert settle(lambda: hcsrt.emulator.live()["stdio"] == 0)


def test_ctrl_c_in_a_wait_loses_no_output(interrupted: Interrupted, system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []
    expected = b"".join(b"%d," % n for n in range(2000))
    for block in interrupted(0.3):
        pieces.clear()
        code = "for n in range(2000): write(b'%d,' % n); time.sleep(.0005)"
        with system.popen(guest(code), stdout=PIPE, on_output=collect(pieces)) as process:
            with block:
                process.wait()
            assert process.communicate(timeout=30) == (expected, None)
        assert joined(pieces, "stdout") == expected


def test_two_who_wait_get_the_output_in_order(system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []
    code = "for n in range(200): write(b'%d,' % n); sleep(.002)"
    with (
        system.popen(guest(code), stdout=PIPE, on_output=collect(pieces)) as process,
        ThreadPoolExecutor(2) as pool,
    ):
        waits = [pool.submit(process.wait, 30), pool.submit(process.communicate, None, 30)]
        expected = b"".join(b"%d," % n for n in range(200))
        assert [wait.result() for wait in waits] == [0, (expected, None)]
    assert joined(pieces, "stdout") == expected


# --- run() ------------------------------------------------------------------------------------------------------------


def test_run_has_both_too(system: ComputeSystem) -> None:
    pieces: list[tuple[str, bytes]] = []
    done = system.run(
        guest("write(b'0123456789')"), capture_output=True, max_output=4, on_output=collect(pieces), timeout=30
    )
    assert (done.stdout, done.stderr, done.output_cut) == (b"0123", b"", True)
    assert joined(pieces, "stdout") == b"0123456789"
    assert system.run(guest("write(b'0123')"), capture_output=True, max_output=4).output_cut is False
    assert system.run(guest("write(b'0123')"), capture_output=True).output_cut is False


def test_run_kills_what_takes_too_long(system: ComputeSystem, tmp_path: Path) -> None:
    written = tmp_path / "written"
    command = guest("write(b'0123456789'); tell(argv[0]); sleep(60)", str(written))
    for timeout in limits(0.5, written.exists):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            system.run(command, stdout=PIPE, max_output=4, timeout=timeout)
    assert caught.value.stdout == b"0123"


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_output": -1}, ValueError, "max_output must be zero or more bytes, or None to keep everything, not -1"),
        ({"max_output": 1.5}, TypeError, "max_output must be a number of bytes or None, not float"),
        (
            {"max_output": 1, "stdout": None},
            ValueError,
            "max_output and on_output need output to read: give stdout=PIPE or stderr=PIPE",
        ),
        ({"on_output": "f"}, TypeError, "on_output must be a function of a name and data, or None, not str"),
    ],
)
def test_wrong_arguments_start_nothing(
    options: dict[str, Any], error: type[Exception], message: str, system: ComputeSystem
) -> None:
    with pytest.raises(error) as caught:
        system.popen(SLEEP, **{"stdout": PIPE, **options})
    assert str(caught.value) == message


# --- reads that a close() ends ----------------------------------------------------------------------------------------

READS: dict[str, Callable[[Any], Any]] = {
    "read": lambda stream: stream.read(),
    "read some": lambda stream: stream.read(100),
    "readline": lambda stream: stream.readline(),
    "readlines": lambda stream: stream.readlines(),
    "iteration": lambda stream: list(stream),
}
FORMATS: dict[str, dict[str, Any]] = {"bytes": {}, "raw": {"bufsize": 0}, "text": {"encoding": "utf-8"}}


@pytest.mark.parametrize("closed", ["stream", "process"])
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("form", FORMATS)
def test_close_ends_the_reads_of_other_threads(form: str, read: str, closed: str, system: ComputeSystem) -> None:
    command = guest("write(b'no line'); err('written'); sleep(60)")
    process: Any = system.popen(command, stdout=PIPE, stderr=PIPE, **FORMATS[form])
    # A program that had yet to write would end, as nobody reads, and the other stream with it.
    assert process.stderr.readline()
    # A thread that the interpreter does not wait for: on a failure it may hang.
    ended: list[Any] = []

    def reader(stream: Any) -> None:
        try:
            while READS[read](stream):
                pass
            ended.append("an end")
        except Exception as error:
            ended.append(error)

    streams = (process.stdout, process.stderr)
    threads = [threading.Thread(target=reader, args=[stream], daemon=True) for stream in streams]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    before = time.monotonic()
    closers = [process.close] if closed == "process" else [process.stdout.close, process.stderr.close]
    for close in closers:
        closer = threading.Thread(target=close, daemon=True)
        closer.start()
        closer.join(10)
        assert not closer.is_alive()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - before < 5
    assert len(ended) == 2
    assert all(isinstance(end, ValueError) for end in ended), ended
    assert process.stdout.closed
    assert process.stderr.closed
    process.close()
    kill(process.pid)


@pytest.mark.parametrize("form", FORMATS)
def test_a_stream_that_is_not_read_closes_as_ever(form: str, system: ComputeSystem) -> None:
    with system.popen(guest("write(b'one\\ntwo\\n')"), stdout=PIPE, **FORMATS[form]) as process:
        assert process.stdout
        assert len(process.stdout.readline()) == 4
        process.stdout.close()
        process.stdout.close()
        assert process.stdout.closed
        with pytest.raises(ValueError):  # noqa: PT011 - the sentence is io's
            process.stdout.read()


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_read_while_more_comes() -> None:
    kept = Kept(5)
    assert kept.data == b""
    kept.add(b"ab")
    before = kept.data
    kept.add(b"cde")
    assert (before, kept.data, kept.cut) == (b"ab", b"abcde", False)
    kept.add(b"f")
    assert (kept.data, kept.cut) == (b"abcde", True)


def test_small_pieces_need_no_more_memory_than_large_ones() -> None:
    kept = Kept(None)
    pieces = [b"%02d" % (number % 100) for number in range(50_000)]
    tracemalloc.start()
    try:
        for piece in pieces:
            kept.add(piece)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.data == b"".join(pieces)
    assert 100_000 <= size < 150_000
