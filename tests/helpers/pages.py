"""The code blocks of a page of the documentation, and how they run: see tests/package/test_pages.py for the rules."""

import ast
import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"

NOT_RUN = "Not run by a test"
"""What a page says in the paragraph before a block that no test runs."""

FILES = ("python", "cython", "toml", "sh")
SEPARATOR = "-- the next part begins here --"
FILE_NAME = re.compile(r"# ([\w.-]+\.\w+)$")
# Seconds, process ids and seeds are others each time; pyright indents with spaces that do not break.
FIGURES = (
    (re.compile(r"\d+(?:\.\d+)? ?(m?s)\b"), r"# \1"),
    (re.compile(r"\bprocess \d+"), "process #"),
    (re.compile(r"\bseed([:=] ?)\d+"), r"seed\1#"),
    (re.compile("\u00a0"), " "),
)


@dataclass(frozen=True)
class Block:
    """A code block: where it stands, its language, its lines, and whether the page says that no test runs it."""

    page: Path
    line: int
    language: str
    text: str
    is_not_run: bool

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block is, by its first line; None for one that is a part of the page's program."""
        match = FILE_NAME.match(self.text.partition("\n")[0])
        return match[1] if match and self.language in FILES else None

    @property
    def name(self) -> str:
        """How a test calls the block: its file, or its first line."""
        return self.file or self.text.partition("\n")[0]


def blocks_of(page: Path, *languages: str) -> list[Block]:
    """Return the code blocks of a page in their order, of some languages or of all."""
    text = page.read_text("utf-8")
    found = list(_blocks(page, MarkdownIt().enable("table").parse(text), text.splitlines()))
    return [block for block in found if block.language in languages] if languages else found


def _blocks(page: Path, tokens: list[Token], lines: list[str]) -> Iterator[Block]:
    said = ""
    for token in tokens:
        if token.type == "inline":
            said = " ".join(token.content.split())
        elif token.type in ("fence", "code_block"):
            assert token.map
            last = lines[token.map[1] - 1].strip("> ")
            assert token.type == "code_block" or last == token.markup, f"{page.name}:{token.map[0] + 1}: has no end"
            yield Block(page, token.map[0] + 1, token.info.strip(), token.content, NOT_RUN in said)
            said = ""


class Run:
    """The blocks of one page, run in a folder, with the programs of one Python."""

    def __init__(self, folder: Path, programs: Path) -> None:
        """Make a run.

        Args:
            folder: An empty folder, where the files of the page are made.
            programs: The folder with the python, pip, pytest and hcsrt that the page means.
        """
        self._folder = folder
        # A program of the page is alone: no setting of the tests is one of its own.
        own = {name: value for name, value in os.environ.items() if not name.startswith(("HCSRT_", "PYTEST", "PYTHON"))}
        self._environment = own | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            # As on a terminal, where each line is seen when it is written.
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # A program that leaves something open would be caught by the line that it prints then.
            "PYTHONWARNINGS": "default::ResourceWarning",
            # The plugins that the tests of hcsrt use are none of the page's, beside those that a page installs.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "hcsrt.pytest_plugin,xdist.plugin",
        }

    def page(self, blocks: list[Block]) -> None:
        """Run the blocks in their order, and compare what they show with what they print."""
        program: list[tuple[Block, str]] = []
        compared: Block | None = None
        for number, block in enumerate(blocks):
            following = blocks[number + 1] if number + 1 < len(blocks) else None
            if block.is_not_run:
                continue
            if block.file:
                if block.language == "python":
                    ast.parse(block.text, str(block))
                (self._folder / block.file).write_text(block.text, "utf-8")
            elif block.language == "console":
                self._console(block)
            elif block.language == "python":
                compared = following if following and following.language == "text" else None
                program.append((block, compared.text if compared else ""))
            elif block.language == "text":
                assert block is compared, f"{block}: no program before it prints this"
            else:
                raise AssertionError(f"{block}: no test knows what to do with {block.language or 'an indented block'}")
        if program:
            self._program(program)

    def _console(self, block: Block) -> None:
        """Run commands, each a line that begins with $ and shows its output below."""
        parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert (parts[0], len(parts) > 1) == ("", True), f"{block}: does not begin with a command"
        commands = [_command(part) for part in parts[1:]]
        # Each is told apart from the next, which sees its exit code all the same.
        lines = [f"{command}\nstatus=$?; echo '{SEPARATOR}' $status; (exit $status)" for command, _ in commands]
        printed, _ = self._output("sh", "-c", "\n".join(lines))
        outputs = re.split(rf"{SEPARATOR} (\d+)\n", printed)
        assert len(outputs) == 2 * len(commands) + 1, f"{block}: {printed}"
        for (command, shown), output, status in zip(commands, outputs[0::2], outputs[1::2], strict=False):
            _compare(f"{block}: {command}", shown, output)
            # What fails is to show how.
            assert status == "0" or shown.strip(".\n"), f"{block}: {command} ended with {status}: {output}"

    def _program(self, program: list[tuple[Block, str]]) -> None:
        """Run the blocks that are no files as one program."""
        lines = [f"print({SEPARATOR!r})\n{block.text}" for block, _ in program]
        (self._folder / "page.py").write_text("".join(lines), "utf-8")
        printed, status = self._output("python", "page.py")
        _, *outputs = printed.split(f"{SEPARATOR}\n")
        assert len(outputs) == len(program), f"{program[0][0].page.name}: {printed}"
        for (block, shown), output in zip(program, outputs, strict=True):
            _compare(str(block), shown, output)
        assert status == 0, f"{program[0][0].page.name}: its program ended with {status}"

    def _output(self, *command: str) -> tuple[str, int]:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=200,
        )
        return done.stdout, done.returncode


def own_programs(folder: Path) -> Path:
    """Make a folder with the programs that a page calls, of the Python that runs the tests."""
    folder.mkdir()
    # As the script that comes with it: with -m pytest calls itself otherwise.
    pytest_ = """ -P -c 'import sys, pytest; sys.argv[0] = "pytest"; sys.exit(pytest.main())'"""
    for name, options in (("python", ""), ("hcsrt", " -P -m hcsrt"), ("pytest", pytest_)):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}"{options} "$@"\n', "utf-8")
        program.chmod(0o755)
    return folder


def _command(part: str) -> tuple[str, str]:
    """Split what stands behind a $ into the command, which a backslash carries on, and the output that is shown."""
    match = re.match(r"(?:.*\\\n)*.*\n", part)
    assert match
    return match[0], part[match.end() :]


def _compare(what: str, shown: str, printed: str) -> None:
    """Compare as doctest does: `...` stands for any text."""
    for pattern, sign in FIGURES:
        shown, printed = pattern.sub(sign, shown), pattern.sub(sign, printed)
    checker = doctest.OutputChecker()
    options = doctest.ELLIPSIS | doctest.REPORT_NDIFF | doctest.DONT_ACCEPT_TRUE_FOR_1 | doctest.DONT_ACCEPT_BLANKLINE
    if not checker.check_output(shown, printed, options):
        difference = checker.output_difference(doctest.Example("", shown), printed, options)
        raise AssertionError(f"{what}\n{difference}")
