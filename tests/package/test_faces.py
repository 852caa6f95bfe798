"""The blocking face is what tools/faces.py makes of hcsrt.aio, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ruff", reason="the formatter of the lint extra is not installed")

ROOT = Path(__file__).resolve().parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "tools" / "faces.py"), "check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the tool reads and writes."""
    for name in ("pyproject.toml", "tools/faces.py", "hcsrt/aio", "hcsrt/_blocking"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    for path in (ROOT / "hcsrt").glob("*.py"):
        shutil.copy(path, tmp_path / "hcsrt")
    return tmp_path


def test_the_blocking_face_is_as_made() -> None:
    done = check(ROOT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("system.py", "Pause a running virtual machine", "Pause a machine"),
        ("process.py", "return finish(self._wait(timeout))", "return finish(self._wait(None))"),
        ("aio/service.py", "Create an empty guest-state file", "Make an empty guest-state file"),
        ("_blocking/process.py", "returncode: The exit code,", "returncode: An exit code,"),
    ],
)
def test_an_edit_of_one_face_alone_is_caught(name: str, before: str, after: str, tree: Path) -> None:
    path = tree / "hcsrt" / name
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    done = check(tree)
    assert done.returncode == 1
    assert after.splitlines()[0] in done.stdout
    assert "python tools/faces.py write" in done.stderr


@pytest.mark.slow
def test_a_sentence_that_is_replaced_nowhere_is_told(tree: Path) -> None:
    path = tree / "hcsrt" / "aio" / "system.py"
    text = path.read_text("utf-8")
    path.write_text(text.replace("another task may be waiting", "a task may be waiting"), "utf-8")
    done = check(tree)
    assert done.returncode == 1
    assert "another task may be waiting" in done.stderr


@pytest.mark.slow
def test_only_whole_sentences_are_replaced(tree: Path) -> None:
    path = tree / "hcsrt" / "aio" / "events.py"
    text = path.read_text("utf-8")
    sentence = "Take no more events, and end the iteration of any task."
    assert sentence in text
    longer = f"{sentence.removesuffix('.')} at once."
    path.write_text(text.replace("Wait for the next event", f"{longer} Wait for the next event"), "utf-8")
    done = check(tree)
    assert done.returncode == 1
    assert done.stderr.startswith("change hcsrt/aio")
    assert f'+        """{longer} Wait for the next event' in done.stdout
