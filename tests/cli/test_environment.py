"""The environment that ``hcsrt run`` gives its command: -e and --env-file."""

import json
import os
from pathlib import Path

import pytest

from .program import hcsrt, lines, run

SHOW = "import json; write(json.dumps({name: os.environ.get(name) for name in argv}).encode())"


def seen(folder: Path, *options: str, names: str = "A B C", **caller: str) -> dict[str, str | None]:
    """Return what a command finds in its environment, for a caller who has these variables too."""
    done = run(f"argv = {names.split()!r}; {SHOW}", "-q", *options, folder=folder, env={**os.environ, **caller})
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def test_a_name_alone_takes_the_callers_value(tmp_path: Path) -> None:
    found = seen(tmp_path, "-e", "A", "-e", "B=2", A="x=y z", B="1", C="3")
    assert found == {"A": "x=y z", "B": "2", "C": None}


def test_a_name_that_the_caller_has_not_is_left_out(tmp_path: Path) -> None:
    assert seen(tmp_path, "-e", "HCSRT_NO_SUCH", names="HCSRT_NO_SUCH") == {"HCSRT_NO_SUCH": None}


def test_a_name_that_the_caller_has_not_takes_nothing_away(tmp_path: Path) -> None:
    assert seen(tmp_path, "-e", "A=1", "-e", "A", names="A") == {"A": "1"}


def test_an_empty_value_is_a_value(tmp_path: Path) -> None:
    assert seen(tmp_path, "-e", "A=1", "-e", "A=", names="A") == {"A": ""}


def test_a_file_in_the_format_of_docker(tmp_path: Path) -> None:
    text = "\ufeffA=first\n# B=comment\n   # B=comment\n\n  B= 'two words' # kept \r\nC\nHCSRT_NO_SUCH\nD=a=b=ü\n"
    (tmp_path / "file.env").write_bytes(text.encode())
    found = seen(tmp_path, "--env-file", "file.env", names="A B C D HCSRT_NO_SUCH", C="of the caller", A="x")
    assert found == {
        "A": "first",
        "B": " 'two words' # kept ",
        "C": "of the caller",
        "D": "a=b=ü",
        "HCSRT_NO_SUCH": None,
    }


def test_e_goes_before_a_file_and_a_later_file_before_an_earlier(tmp_path: Path) -> None:
    (tmp_path / "1.env").write_text("A=1\nB=1\nC=1\n")
    (tmp_path / "2.env").write_text("B=2\nC=2\n")
    found = seen(tmp_path, "-e", "C=3", "--env-file", "1.env", "--env-file", "2.env")
    assert found == {"A": "1", "B": "2", "C": "3"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"=secret", "name"),
        (b"NA ME=secret", "white space"),
        (b"NAME\t=secret", "white space"),
        (b"NAME secret", "white space"),
        (b"NAME=secret\xff", "UTF-8"),
        (b"NAME=secret\0", "NUL"),
    ],
)
def test_a_bad_line_is_named_and_its_value_is_not(tmp_path: Path, line: bytes, reason: str) -> None:
    (tmp_path / "bad.env").write_bytes(b"# comment\nA=1\n" + line + b"\nB=2\n")
    done = hcsrt("run", "-q", "--env-file", "bad.env", "--", "true", folder=tmp_path)
    assert (done.returncode, done.stdout) == (125, b"")
    (told,) = lines(done.stderr)
    assert told.startswith("hcsrt: bad.env, line 3: ")
    assert reason in told
    assert "secret" not in told


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = hcsrt("run", "-q", "--env-file", "nowhere.env", "--", "true", folder=tmp_path)
    assert done.returncode == 125
    assert "nowhere.env" in lines(done.stderr)[0]


def test_json_tells_of_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_text("=1\n")
    done = hcsrt("run", "-q", "--json", "--env-file", "bad.env", "--", "true", folder=tmp_path)
    assert (done.returncode, done.stderr) == (125, b"")
    assert json.loads(done.stdout)["error"]["message"].startswith("bad.env, line 1: ")


@pytest.mark.parametrize("value", ["", "=secret"])
def test_125_when_e_has_no_name(tmp_path: Path, value: str) -> None:
    done = hcsrt("run", "-e", value, "--", "true", folder=tmp_path)
    assert (done.returncode, done.stdout) == (125, b"")
    assert "expected NAME or NAME=VALUE" in lines(done.stderr)[-1]
    assert b"secret" not in done.stderr
