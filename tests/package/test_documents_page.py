"""docs/how-to/documents.md: its programs, what pyright and mypy say of them, and what an editor shows.

A `text` block with a cursor in it is what an editor shows: the text that somebody types, an empty line, and below what
is offered where the cursor stands between quotes, or else what is told of the word that it is in.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.editor import CURSOR, Editor
from ..helpers.pages import DOCS, Block, Run, blocks_of, own_programs
from ..helpers.platforms import posix_shell

PAGE = DOCS / "how-to" / "documents.md"
# The option of each checker that says which Python has the packages.
OPTIONS = {"pyright": "--pythonpath", "mypy": "--python-executable"}
CHECKERS = tuple(OPTIONS)
# What the page says to save, in its order.
JSON_FILES = ("vm.json", ".vscode/settings.json")


def needed(command: str) -> str:
    # Beside this Python, where no environment is activated.
    found = shutil.which(command, path=str(Path(sys.executable).parent)) or shutil.which(command)
    if found is None:
        pytest.skip(f"needs {command}, of the extra lint")
    return found


def calls_a_checker(block: Block) -> bool:
    return block.language == "console" and block.name.startswith(tuple(f"$ {name} " for name in CHECKERS))


def is_of_the_editor(block: Block) -> bool:
    return block.language == "text" and CURSOR in block.text


def save_json(folder: Path) -> None:
    blocks = blocks_of(PAGE, "json")
    for name, block in zip(JSON_FILES, blocks, strict=True):
        assert name in PAGE.read_text("utf-8").splitlines()[block.line - 3], f"{block} is not called {name}"
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text, "utf-8")


@pytest.mark.slow
@posix_shell
def test_the_programs(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    save_json(folder)
    blocks = [
        block
        for block in blocks_of(PAGE)
        if block.language != "json" and not calls_a_checker(block) and not is_of_the_editor(block)
    ]
    Run(folder, own_programs(tmp_path / "programs")).page(blocks)
    # The editor finds the schema under the name that the page gives it.
    (mapping,) = json.loads((folder / ".vscode/settings.json").read_text("utf-8"))["json.schemas"]
    schema = json.loads((folder / mapping["url"]).read_text("utf-8"))
    assert schema["$ref"] == "#/$defs/ComputeSystem"


@pytest.mark.slow
@posix_shell
@pytest.mark.parametrize("checker", CHECKERS)
def test_what_a_checker_says(checker: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    programs = own_programs(tmp_path / "programs")
    # As in the environment of the page, which need not be active here.
    program = programs / checker
    program.write_text(f'#!/bin/sh\nexec {shlex.join([needed(checker), OPTIONS[checker], sys.executable])} "$@"\n')
    program.chmod(0o755)
    blocks = [
        block
        for block in blocks_of(PAGE)
        if (block.language == "python" and block.file)
        or (calls_a_checker(block) and block.name.startswith(f"$ {checker} "))
    ]
    Run(folder, programs).page(blocks)


@pytest.mark.slow
def test_pyright_refuses_what_mypy_refuses(tmp_path: Path) -> None:
    (program,) = (block for block in blocks_of(PAGE, "python") if block.file == "limits.py")
    (shown,) = (block for block in blocks_of(PAGE, "console") if block.name == "$ mypy limits.py")
    (tmp_path / "limits.py").write_text(program.text, "utf-8")
    command = [needed("pyright"), "--outputjson", "--pythonpath", sys.executable, "limits.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
    lines = [each["range"]["start"]["line"] + 1 for each in json.loads(done.stdout)["generalDiagnostics"]]
    assert lines == [int(number) for number in re.findall(r"^limits\.py:(\d+): ", shown.text, re.MULTILINE)]


@pytest.mark.slow
def test_what_an_editor_shows(tmp_path: Path) -> None:
    config = {"pythonVersion": f"{sys.version_info[0]}.{sys.version_info[1]}", "venvPath": ".", "extraPaths": sys.path}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    blocks = [block for block in blocks_of(PAGE, "text") if is_of_the_editor(block)]
    assert len(blocks) > 2
    with Editor([needed("pyright-langserver"), "--stdio"], tmp_path) as editor:
        for block in blocks:
            typed, _, shown = block.text.partition("\n\n")
            text = f"from hcsrt import documents\n\n{typed}\n"
            if f'"{CURSOR}"' in typed:
                offered = [f"{name} {detail}".strip() for name, detail in editor.complete(text)]
                expected = [" ".join(line.split()) for line in shown.splitlines()]
                if expected[-1] == "...":
                    expected.pop()
                    offered = offered[: len(expected)]
                assert offered == expected, str(block)
            else:
                assert re.sub(r"\n+", "\n", editor.hover(text)) == re.sub(r"\n+", "\n", shown.strip()), str(block)


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_no_checker_complains_of_the_program(checker: str, tmp_path: Path) -> None:
    blocks = [block.text for block in blocks_of(PAGE, "python") if not block.file]
    (tmp_path / "page.py").write_text("".join(blocks), "utf-8")
    options = [OPTIONS[checker], sys.executable]
    done = subprocess.run(
        [needed(checker), *options, "page.py"], cwd=tmp_path, capture_output=True, text=True, timeout=280
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
