"""Every code block of the tutorial and of the how-to pages, run as the page says, from an empty folder.

* A block whose first line is a comment with a name is that file.
* A `console` block has commands, each behind `$ `, with their output below.
* The other `python` blocks of a page are one program; a `text` block shows what the block before it prints.
* In what is shown, `...` stands for any text, and seconds and process ids may be others.
* A block that no test runs has a paragraph with "Not run by a test" before it, and stands in a list here.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.pages import DOCS, REPOSITORY, Run, blocks_of, own_programs
from ..helpers.platforms import posix_shell

BY_OTHER_TESTS = {
    "how-to/cython-package.md": "test_packaging.py builds it against the wheel",
    "how-to/documents.md": "test_documents_page.py asks pyright, mypy and an editor, where they are installed",
    "how-to/many-hosts.md": "test_many_hosts.py runs it where its scheduler is installed",
    "how-to/windows-from-nothing.md": "test_windows_page.py plays the guest that the emulator lacks",
}

# What those tests run of pages of which they do not run every block.
PROGRAMS = {
    "how-to/many-hosts.md": {"dask_hosts.py", "ray_hosts.py"},
    "how-to/windows-from-nothing.md": {"machine.py", "hyperv_container.py", "process_container.py"},
}

# The name of each block that no test runs: its file, or its first line.
NOT_RUN = [
    ("tutorial.md", "$ pip install -e '.[cli]' && hcsrt run -- sh -c 'echo hello from a compute system'"),
    ("tutorial.md", "$ mkdir ~/hcsrt-tutorial && cd ~/hcsrt-tutorial"),
    ("tutorial.md", "$ pip install pytest"),
    ("how-to/agent-sandbox.md", "on_windows.py"),
    ("how-to/check-host.md", "$ python -m hcsrt.check_host"),
    ("how-to/check-host.md", "$ python -m hcsrt.check_host --emulator"),
    ("how-to/cython-package.md", "$ pip install 'setuptools>=77' 'Cython>=3.2.8'"),
    ("how-to/many-hosts.md", "$ python dask_hosts.py --runs 2000 -- sh -c 'echo hello from $1' sh"),
    ("how-to/many-hosts.md", "$ dask scheduler --host 10.0.0.1 --port 8786 --dashboard-address 127.0.0.1:8787"),
    ("how-to/many-hosts.md", "$ python ray_hosts.py --runs 2000 -- sh -c 'echo hello from $1' sh"),
    (
        "how-to/many-hosts.md",
        '$ openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj "/CN=my hosts" '
        "-addext keyUsage=critical,keyCertSign \\",
    ),
    ("how-to/many-hosts.md", "distributed:"),
    (
        "how-to/many-hosts.md",
        'New-NetFirewallRule -DisplayName "Dask" -Direction Inbound -Action Allow -Protocol TCP '
        "-LocalPort 8786, 8788, 8789 `",
    ),
    ("how-to/testing.md", "$ pip install ../hcsrt hypothesis pytest pytest-timeout pytest-xdist"),
    (
        "how-to/windows-from-nothing.md",
        '$tools = "https://raw.githubusercontent.com/microsoft/Windows-Containers/Main/helpful_tools"',
    ),
    ("how-to/windows-from-nothing.md", "$ winget install GoLang.Go"),
    (
        "how-to/windows-from-nothing.md",
        "$ python process_container.py C:\\ProgramData\\Docker\\windowsfilter\\... C:\\scratch\\one container.json",
    ),
]

PAGES = ["tutorial.md", *sorted(f"how-to/{page.name}" for page in (DOCS / "how-to").glob("*.md"))]


def test_the_blocks_that_no_test_runs_are_those_that_say_so() -> None:
    marked = [(name, block.name) for name in PAGES for block in blocks_of(DOCS / name) if block.is_not_run]
    assert marked == NOT_RUN


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_blocks_that_another_test_leaves_out_say_so(name: str) -> None:
    assert {block.name for block in blocks_of(DOCS / name) if not block.is_not_run} == PROGRAMS[name]


@pytest.mark.parametrize(
    ("page", "called", "arguments"),
    [
        ("manager.md", "manager.py ID COMMAND...", []),
        ("manager.md", "manager.py ID COMMAND...", ["web"]),
        ("windows-from-nothing.md", "machine.py DISK", []),
        ("windows-from-nothing.md", "hyperv_container.py TOP_LAYER COMMAND...", []),
        ("windows-from-nothing.md", "process_container.py TOP_LAYER NEW_FOLDER FILE", []),
    ],
)
def test_a_program_without_its_arguments_says_how_to_call_it(
    page: str, called: str, arguments: list[str], tmp_path: Path
) -> None:
    for block in blocks_of(DOCS / "how-to" / page, "python"):
        (tmp_path / block.name).write_text(block.text, "utf-8")
    command = [sys.executable, called.partition(" ")[0], *arguments]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"usage: python {called}\n")


@posix_shell
@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("printf ab; sleep .2; printf 'cd\\n'; printf end", ["abcd", "end"]),
        # The two streams end their lines apart from each other.
        ("printf a; sleep .2; printf 'b\\n' >&2; sleep .2; printf 'c\\n'", ["b", "ac"]),
    ],
)
def test_the_manager_prints_whole_lines(code: str, printed: list[str], tmp_path: Path) -> None:
    lines = [f"web | {line}\n" for line in printed]
    assert manage(code, tmp_path) == "".join([*lines, "web: done\n"])


@posix_shell
def test_the_manager_prints_a_line_without_end_while_it_grows(tmp_path: Path) -> None:
    *parts, done = manage("head -c 3000000 /dev/zero | tr '\\0' a", tmp_path).splitlines()
    assert done == "web: done"
    assert "".join(part.removeprefix("web | ") for part in parts) == "a" * 3_000_000
    assert max(map(len, parts)) < 300_000


def manage(code: str, folder: Path) -> str:
    """Return what the manager of the page prints for a shell's code."""
    (block,) = (block for block in blocks_of(DOCS / "how-to" / "manager.md") if block.name == "manager.py")
    (folder / block.name).write_text(block.text, "utf-8")
    command = [sys.executable, block.name, "web", "sh", "-c", code]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout


def test_the_tutorial_installs_hcsrt_as_the_readme_does() -> None:
    """What CI runs is the command of the README, in a fresh clone."""
    (install,) = (block for block in blocks_of(DOCS / "tutorial.md", "console") if "hcsrt run" in block.name)
    readme = [block.text for block in blocks_of(REPOSITORY / "README.md", "sh")]
    assert install.name.removeprefix("$ ") + "\n" in readme


@pytest.mark.slow
@pytest.mark.timeout(600)
@posix_shell
@pytest.mark.parametrize("name", [name for name in PAGES if name not in BY_OTHER_TESTS])
def test_the_blocks_of_a_page(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    Run(folder, own_programs(tmp_path / "programs")).page(blocks_of(DOCS / name))
