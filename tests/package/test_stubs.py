"""The docstrings of the stubs are those of the Cython modules, and their names agree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ruff", reason="the formatter of the lint extra is not installed")

ROOT = Path(__file__).resolve().parents[2]


def run(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, str(root / "tools" / "stubs.py"), command]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the tool reads and writes."""
    names = ["pyproject.toml", "tools/stubs.py"]
    for suffix in ("pyi", "pyx", "pxd"):
        names += [path.relative_to(ROOT).as_posix() for path in (ROOT / "hcsrt").rglob(f"*.{suffix}")]
    for name in names:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return tmp_path


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), "utf-8")


def test_the_stubs_are_as_written() -> None:
    done = run(ROOT, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("_handles.pyx", '"""A raw HCS handle with one owner', '"""A handle with one owner'),
        ("_handles.pyi", "Return a view of the handle", "Return a view"),
        ("operations.pyx", '    """Return the number that HCS knows', '    """Tell the number that HCS knows'),
    ],
)
def test_a_text_that_differs_is_found_and_written(name: str, before: str, after: str, tree: Path) -> None:
    edit(tree / "hcsrt" / name, before, after)
    done = run(tree, "check")
    assert done.returncode == 1
    assert done.stdout
    assert "python tools/stubs.py write" in done.stderr
    assert run(tree, "write").returncode == 0
    done = run(tree, "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_a_text_that_is_gone_goes_from_the_stub(tree: Path) -> None:
    text = '    """The OwnedStdio behind the stream."""\n'
    edit(tree / "hcsrt" / "_streams.pyx", text, "")
    assert run(tree, "write").returncode == 0
    assert "The OwnedStdio behind" not in (tree / "hcsrt" / "_streams.pyi").read_text("utf-8")
    assert run(tree, "check").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("_handles.pyx", "def pending():", "def hanging():", "_handles.pyi: hanging is in the Cython module alone"),
        ("_handles.pyx", "def pending():", "def hanging():", "_handles.pyi: pending is in the stub alone"),
        ("_handles.pyi", "def as_raw(self)", "def raw(self)", "Handle.as_raw is in the Cython module alone"),
        ("_streams.pxd", "readonly object error", "object error", "ProcessStart.error is in the stub alone"),
        ("_watch.pyi", "class Subscription:", "class Reader:", "Subscription.next is in the Cython module alone"),
    ],
)
def test_a_name_on_one_side_alone_is_an_error(name: str, before: str, after: str, told: str, tree: Path) -> None:
    edit(tree / "hcsrt" / name, before, after)
    for command in ("check", "write"):
        done = run(tree, command)
        assert done.returncode == 1
        assert told in done.stderr


def test_a_missing_stub_is_found(tree: Path) -> None:
    (tree / "hcsrt" / "operations.pyi").unlink()
    done = run(tree, "check")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "hcsrt/operations.pyi is missing\n")
