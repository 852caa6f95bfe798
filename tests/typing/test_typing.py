"""What pyright and mypy say of documents as users write them: the errors that the files expect, on their lines."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
FILES = ["accepted.py", "literals.py"]

# A line of a file, and the rules that it breaks.
Errors = dict[tuple[str, int], set[str]]


def expected(checker: str) -> Errors:
    """Return what the files announce: `# error: the rule of pyright, the rule of mypy`; "-" is none."""
    found: Errors = {}
    for name in FILES:
        for number, line in enumerate((HERE / name).read_text("utf-8").splitlines(), 1):
            if announced := re.search(r"  # error: ([\w-]+), ([\w-]+)$", line):
                rule = announced[1 if checker == "pyright" else 2]
                if rule != "-":
                    found[name, number] = {rule}
    return found


def collected(rows: Iterator[tuple[str, int, str]]) -> Errors:
    found: Errors = {}
    for path, number, rule in rows:
        found.setdefault((Path(path).name, number), set()).add(rule)
    return found


def of_pyright(output: str) -> Iterator[tuple[str, int, str]]:
    for said in json.loads(output)["generalDiagnostics"]:
        # Follows from another error of the same line.
        if said["rule"] != "reportUnknownMemberType":
            yield said["file"], said["range"]["start"]["line"] + 1, said["rule"]


def of_mypy(output: str) -> Iterator[tuple[str, int, str]]:
    for line in output.splitlines():
        if found := re.fullmatch(r"(.+?):(\d+): error: .*\[([\w-]+)\]", line):
            yield found[1], int(found[2]), found[3]


def needed(command: str) -> str:
    # Beside this Python, where no environment is activated.
    found = shutil.which(command, path=str(Path(sys.executable).parent)) or shutil.which(command)
    if found is None:
        pytest.skip(f"needs {command}, of the extra lint")
    return found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files in a folder where nobody's settings hold but these."""
    for name in FILES:
        shutil.copyfile(HERE / name, tmp_path / name)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', "utf-8")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n", "utf-8")
    return tmp_path


@pytest.mark.slow
def test_pyright_finds_each_mistake_and_nothing_else(files: Path) -> None:
    command = [needed("pyright"), "--outputjson", "--pythonpath", sys.executable, *FILES]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True, encoding="utf-8", timeout=280)
    assert collected(of_pyright(done.stdout)) == expected("pyright")


@pytest.mark.slow
def test_mypy_finds_each_mistake_and_nothing_else(files: Path) -> None:
    command = [needed("mypy"), "--python-executable", sys.executable, "--cache-dir", str(files / "cache"), *FILES]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True, encoding="utf-8", timeout=280)
    assert done.returncode == 1, done.stderr
    assert collected(of_mypy(done.stdout)) == expected("mypy")


def test_mistakes_are_expected_in_one_file() -> None:
    for checker in ("pyright", "mypy"):
        assert {name for name, _ in expected(checker)} == {"literals.py"}
        assert len(expected(checker)) > 20
