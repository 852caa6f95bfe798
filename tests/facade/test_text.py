"""The streams of a process in text mode: what is written, what is read, and what of it an error tells."""

import codecs
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hcsrt import PIPE, ComputeSystem
from hcsrt._facade import process as core
from hcsrt._facade import times
from hcsrt._hresults import E_FAIL
from hcsrt._interpose import failing

from ..helpers.limits import limits
from ..helpers.programs import CAT, guest

# --- errors -----------------------------------------------------------------------------------------------------------


def refuse(error: UnicodeError) -> tuple[str, int]:
    raise ValueError("an error handler refuses this")


def mark(error: UnicodeError) -> tuple[str, int]:
    """Decode only, as many error handlers that people write."""
    data: Any = error.object
    return f"<{data[error.start : error.end].hex()}>", error.end  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def handlers() -> None:
    codecs.register_error("hcsrt-refuse", refuse)
    codecs.register_error("hcsrt-mark", mark)


def test_a_timeout_is_told_although_what_came_is_no_text(system: ComputeSystem, tmp_path: Path) -> None:
    written = tmp_path / "written"
    command = guest(r"write(b'ab\303'); tell(argv[0]); sleep(60)", str(written))
    for timeout in limits(0.5, written.exists):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            system.run(command, stdout=PIPE, encoding="utf-8", timeout=timeout)
    assert caught.value.output == b"ab\xc3"


def test_a_timeout_is_told_although_the_process_cannot_be_killed(
    system: ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It lives on, and neither its exit nor the end of its output is waited for any longer.
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.1)
    monkeypatch.setattr(core, "CLEANUP_TIMEOUT", 0.3)
    command = guest(r"write(b'ab\303'); sleep(60)")
    with failing("HcsTerminateProcess", E_FAIL):
        for timeout in limits(0.3, lambda: caught.value.output):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                system.run(command, stdout=PIPE, encoding="utf-8", timeout=timeout)
    assert caught.value.output == b"ab\xc3"


def test_an_error_of_an_error_handler_is_told(system: ComputeSystem) -> None:
    with pytest.raises(ValueError, match="an error handler refuses this"):
        system.run(guest(r"write(b'ab\303')"), stdout=PIPE, encoding="ascii", errors="hcsrt-refuse", timeout=20)


# --- codecs with a state ----------------------------------------------------------------------------------------------

STATEFUL = ["utf-8-sig", "utf-16", "utf-32", "iso2022_jp", "utf-7", "utf-8"]
ORDER = "le" if sys.byteorder == "little" else "be"
TEXT = ["a\u65e5\n", "\u672c", "b\n"]


@pytest.fixture
def copier(system: ComputeSystem, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A function that starts a process which copies its stdin to a file."""
    code = "os.dup2(os.open(argv[0], os.O_WRONLY | os.O_CREAT | getattr(os, 'O_BINARY', 0)), 1); cat()"

    def copier(**options: Any) -> Any:
        return system.popen(guest(code, str(tmp_path / "copy")), stdin=PIPE, **options)

    return copier


@pytest.mark.parametrize("encoding", STATEFUL)
def test_pieces_of_text_are_encoded_as_one(copier: Callable[..., Any], tmp_path: Path, encoding: str) -> None:
    with copier(encoding=encoding) as process:
        for piece in TEXT:
            process.stdin.write(piece)
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    assert (tmp_path / "copy").read_bytes().decode(encoding) == "".join(TEXT).replace("\n", os.linesep)


@pytest.mark.parametrize("encoding", STATEFUL)
@pytest.mark.parametrize("count", range(len(TEXT)))
def test_input_goes_on_with_what_was_written_before(
    copier: Callable[..., Any], tmp_path: Path, encoding: str, count: int
) -> None:
    with copier(encoding=encoding) as process:
        for piece in TEXT[:count]:
            process.stdin.write(piece)
        process.communicate("".join(TEXT[count:]), timeout=20)
    assert (tmp_path / "copy").read_bytes().decode(encoding) == "".join(TEXT).replace("\n", os.linesep)


def test_text_without_a_buffer_is_written_whole(copier: Callable[..., Any], tmp_path: Path) -> None:
    text = "0123456789" * 50_000
    with copier(text=True, bufsize=0) as process:
        process.stdin.write(text)
        process.communicate(text, timeout=20)
    assert (tmp_path / "copy").read_text() == 2 * text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso2022_jp", "utf-8"])
def test_output_is_decoded_once_for_each_communicate(system: ComputeSystem, encoding: str) -> None:
    text = "a\u65e5\nb\n"
    with system.popen(CAT, stdin=PIPE, stdout=PIPE, encoding=encoding) as process:
        for _ in range(2):
            assert process.communicate(text if process.returncode is None else None, timeout=20) == (text, None)


# --- what was read ahead ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "errors", "data", "line", "left"),
    [
        ("ascii", "hcsrt-mark", b"one\ntwo\xff\n", "one\n", b"two\xff\n"),
        ("ascii", "hcsrt-mark", b"\xff\n\xff", "<ff>\n", b"\xff"),
        ("ascii", "replace", b"one\ntwo\xff", "one\n", b"two\xff"),
        ("ascii", "ignore", b"one\ntwo\xff", "one\n", b"two\xff"),
        ("utf-8", "strict", b"one\n\xe2\x82\xac\n\xe2\x82", "one\n", b"\xe2\x82\xac\n\xe2\x82"),
        ("utf-8", "strict", b"one\n\xe2\x82", "one\n", b"\xe2\x82"),
        ("utf-8", "strict", b"one\r\ntwo\r\nthree\r", "one\n", b"two\r\nthree\r"),
        ("utf-8", "strict", b"one\rtwo\rthree\n", "one\n", b"two\rthree\n"),
        ("utf-8", "strict", b"one\r\n\ntwo", "one\n", b"\ntwo"),
        ("utf-8-sig", "strict", b"\xef\xbb\xbfone\ntwo", "one\n", b"two"),
        ("utf-16", "strict", "one\ntwo".encode("utf-16"), "one\n", "two".encode("utf-16-" + ORDER)),
        ("utf-16-be", "strict", "one\ntwo".encode("utf-16-be")[:-1], "one\n", "two".encode("utf-16-be")[:-1]),
        ("latin-1", "strict", b"one\n", "one\n", b""),
    ],
)
def test_a_timeout_tells_the_bytes_that_were_read_ahead(
    system: ComputeSystem, encoding: str, errors: str, data: bytes, line: str, left: bytes
) -> None:
    with system.popen(guest(f"write({data!r}); sleep(30)"), stdout=PIPE, encoding=encoding, errors=errors) as process:
        assert process.stdout
        assert process.stdout.readline() == line
        told: list[bytes | None] = []
        # Until its thread has begun to read, there is nothing to tell.
        for seconds in limits(0.1, lambda: told[-1] is not None):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.communicate(timeout=seconds)
            told.append(caught.value.output)
        process.kill()
        assert told[-1] == left


def test_text_is_read_on_after_what_only_decodes(system: ComputeSystem) -> None:
    code = r"write(b'one\ntwo\xff\n')"
    with system.popen(guest(code), stdout=PIPE, encoding="ascii", errors="hcsrt-mark") as process:
        assert process.stdout
        assert process.stdout.readline() == "one\n"
        assert process.communicate(timeout=20) == ("two<ff>\n", None)
