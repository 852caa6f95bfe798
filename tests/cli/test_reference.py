"""docs/reference/command-line.md is whole: options, exit codes, documents and findings are those of the program."""

import json
import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from hcsrt.cli import _VERBS, output  # pyright: ignore[reportPrivateUsage]
from hcsrt.doctor.conclusions import conclude

from .program import hcsrt, run
from .test_doctor import EMULATED, HEALTHY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"


def section(title: str) -> str:
    """Return the text below a title, down to the next one of its rank or a higher one."""
    rank = title.partition(" ")[0]
    _, found, rest = PAGE.read_text("utf-8").partition(f"\n{title}\n")
    assert found, title
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table, without its head."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def names(text: str) -> list[str]:
    return re.findall(r"`([\w.-]+)`", text)


def options_of(verb: str) -> set[str]:
    command: click.Command = getattr(import_module(f"hcsrt.cli.{verb}"), verb)
    return {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}


@pytest.mark.parametrize("verb", ["run", "schema", "validate"])
def test_every_option_is_in_the_table(verb: str) -> None:
    text = section(f"## hcsrt {verb}").partition("### ")[0]
    told = {option for cell, _ in rows(text) if cell.startswith("`-") for option in cell.split("`")}
    assert {option.split()[0] for option in told if option.startswith("-")} == options_of(verb)


def test_every_verb_is_described() -> None:
    listed = re.findall(r"^\| \[`hcsrt (\w+)`\]\(#hcsrt-\1\)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(_VERBS)
    assert re.findall(r"^## hcsrt (\w+)$", PAGE.read_text("utf-8"), re.MULTILINE) == listed


@pytest.mark.parametrize("verb", ["doctor", "errors"])
def test_every_option_of_the_others_is_described(verb: str) -> None:
    synopsis = next(line for line in section(f"## hcsrt {verb}").splitlines() if line.startswith("    hcsrt"))
    assert set(re.findall(r"-[\w-]+", synopsis)) == options_of(verb)


def test_the_exit_codes() -> None:
    told = [int(code) for code, _ in rows(section("### Exit codes"))]
    assert told == [output.TIMED_OUT, output.FAILED, output.NOT_INVOKABLE, output.NOT_FOUND]


def test_the_document_of_run(tmp_path: Path) -> None:
    told = {key: meaning for cell, meaning in rows(section("### JSON")) for key in names(cell)}
    document = json.loads(run("exit(3)", "--json", folder=tmp_path).stdout)
    assert set(told) == set(document)
    assert names(told["timings"]) == list(document["timings"])
    failed = json.loads(hcsrt("run", "-q", "--json", "--", "no-such-program", folder=tmp_path).stdout)
    assert names(told["error"]) == list(failed["error"])


def test_the_document_and_the_findings_of_doctor(tmp_path: Path) -> None:
    text = section("## hcsrt doctor")
    document = json.loads(hcsrt("doctor", "--json", folder=tmp_path).stdout)
    assert {*document, *document["findings"][0]} <= set(names(text))
    table = [name for cell, _ in rows(text) for name in names(cell)]
    on_windows = [finding.name for finding in conclude(HEALTHY)]
    assert [name for name in on_windows if name not in table] == [
        "dll.computestorage",
        "dll.computenetwork",
        "dll.vmcompute",
    ]
    emulated = [finding.name for finding in conclude(EMULATED)]
    assert emulated == [table[0], *table[-4:]]
    assert set(table) == {*on_windows, *emulated} - {"dll.computestorage", "dll.computenetwork", "dll.vmcompute"}


def test_the_document_of_errors(tmp_path: Path) -> None:
    document = json.loads(hcsrt("errors", "--json", "0x80370102", folder=tmp_path).stdout)
    assert set(document) <= set(names(section("## hcsrt errors")))


def test_the_exit_codes_and_the_document_of_validate(tmp_path: Path) -> None:
    text = section("## hcsrt validate")
    assert [cell for cell, _ in rows(text) if cell.isdecimal()] == ["0", "1", "2"]
    (tmp_path / "document.json").write_text("{}")
    (found, *_) = json.loads(hcsrt("validate", "--json", "document.json", folder=tmp_path).stdout)["problems"]
    told = names(text.partition("`--json` prints")[2])
    assert [name for name in told if name in found] == [*found, "line", "column", "fact"]


def test_the_documents_of_schema(tmp_path: Path) -> None:
    told = names(section("## hcsrt schema").partition("`--json` prints")[2])
    for arguments in ([], ["--search", "memory"], ["Scsi.Attachments"], ["CachingMode"], ["Container_Processor"]):
        document = json.loads(hcsrt("schema", "--json", *arguments, folder=tmp_path).stdout)
        type_ = document.get("type", {})
        assert {*document, *type_} <= set(told)
        assert {name for row in type_.get("members", ()) for name in row} <= set(told)
