"""The pages of docs that tell what stands elsewhere: they tell all of it, and as it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hcsrt import _codes, _hresults, faults
from hcsrt.errors import explain

from ..helpers.pages import Block, blocks_of
from ..helpers.platforms import posix_shell

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ANCHORS = r"^(?:\(\w+\)=\n)+"
SECTION = re.compile(rf"({ANCHORS})### (0x[0-9A-F]{{8}}) (\S+)\n(.*?)(?={ANCHORS}|^## |\Z)", re.MULTILINE | re.DOTALL)


def sections() -> dict[int, str]:
    """The text of each code on the page of errors, without the signs that are Markdown's."""
    found: dict[int, str] = {}
    for _, number, _, text in SECTION.findall((DOCS / "reference/errors.md").read_text("utf-8")):
        assert int(number, 16) not in found, number
        found[int(number, 16)] = re.sub(r"\\(.)", r"\1", text)
    return found


def test_the_page_of_errors_has_each_code_once() -> None:
    assert set(sections()) == set(_codes.MEANINGS)


@pytest.mark.parametrize("code", _codes.MEANINGS, ids=hex)
def test_the_page_of_errors_tells_what_hcsrt_tells(code: int) -> None:
    text = sections()[code]
    explanation = explain(code)
    assert f"\n{explanation.meaning}." in text
    assert ("**What to do:**" in text) is (explanation.hint is not None)
    if explanation.hint:
        assert f"**What to do:** {explanation.hint}" in text
    assert (f"{{py:exc}}`hcsrt.{explanation.exception}`" in text) is (code >= 0x80000000)
    for spelling in {code, explanation.hresult}:
        assert f"`{spelling}`" in text


def test_each_symbol_leads_to_the_page_of_errors() -> None:
    indexed = {
        word: code
        for code, text in sections().items()
        for line in re.findall(r"^```\{index\} (.*)$", text, re.MULTILINE)
        for word in line.split(", ")
    }
    for symbol, code in vars(_hresults).items():
        if isinstance(code, int):
            assert explain(indexed[symbol]).meaning == explain(code).meaning
            assert indexed[f"0x{code:08X}"] == indexed[symbol]


def test_each_symbol_is_an_anchor_of_its_code() -> None:
    anchors: dict[str, int] = {}
    for names, number, symbol, _ in SECTION.findall((DOCS / "reference/errors.md").read_text("utf-8")):
        found = re.findall(r"\w+", names)
        # The search leads to the first one.
        assert found[0] == symbol.replace("\\", "")
        anchors |= dict.fromkeys(found, int(number, 16))
    codes = {symbol: code for symbol, code in vars(_hresults).items() if isinstance(code, int)}
    assert anchors.keys() == codes.keys()
    for symbol, code in codes.items():
        assert anchors[symbol] in (code, code ^ 0x40000000), symbol


def test_the_page_of_cython_has_every_public_name() -> None:
    page = (DOCS / "reference/cython.md").read_text("utf-8")
    page = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", page))))
    names: set[str] = set()
    for file in ("__init__.pxd", "engine.pxd"):
        text = (ROOT / "hcsrt" / file).read_text("utf-8")
        for listed in re.findall(r"^from [\w.]+ cimport (?:\(([^)]*)\)|(.*))", text, re.MULTILINE):
            names |= set(re.findall(r"\w+", "".join(listed)))
        names |= set(re.findall(r"^cdef [^(]*?(\w+)\(", text, re.MULTILINE))
    assert len(names) > 50
    assert names <= told, sorted(names - told)


def test_the_page_of_faults_tells_what_each_site_takes() -> None:
    text = (DOCS / "reference/faults.md").read_text("utf-8")
    rows = re.findall(r'^\| `"([^"]+)"`.*\| ([^|]+) \|$', text, re.MULTILINE)
    assert {faults._kind(site): re.findall(r"`(\w+)`", actions) for site, actions in rows} == {
        kind: list(actions) for kind, actions in faults._ACTIONS.items()
    }
    assert set(re.findall(r"^\| `(\w+)=", text, re.MULTILINE)) == set(faults._SELECTORS)


@pytest.mark.parametrize("block", blocks_of(DOCS / "reference/faults.md", "python"), ids=str)
def test_the_examples_of_the_page_of_faults_run(block: Block) -> None:
    exec(compile(block.text, str(block), "exec"), {})


@posix_shell
def test_the_program_of_the_first_page_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0 b'hello\\n'\n", "")
