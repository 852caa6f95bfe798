"""The links of the index pages, as they are read in a clone, where no site has been built."""

import re
from pathlib import Path

import pytest

from ..helpers.pages import DOCS


@pytest.mark.parametrize("index", sorted(DOCS.glob("*/index.md")), ids=lambda index: index.parent.name)
def test_an_index_links_each_of_its_pages(index: Path) -> None:
    """Only a site makes links of the names in a toctree."""
    text = index.read_text("utf-8")
    (names,) = re.findall(r"^:::\{toctree\}\n:hidden:\n\n(.*?)^:::$", text, re.MULTILINE | re.DOTALL)
    linked = re.findall(r"^\* \[.*\]\((.*)\.md\): ", text, re.MULTILINE)
    assert linked == names.split()
    assert set(linked) == {page.stem for page in index.parent.glob("*.md")} - {"index"}
