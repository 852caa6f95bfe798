"""The pictures of README.md show what there is: the names, the figures that are kept, and what hcsrt prints."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hcsrt
from hcsrt import aio

from ..helpers.platforms import pseudo_terminal
from ..helpers.tools import load

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text("utf-8")
NAMES = ("layers", "terminal", "performance")


pictures = load("pictures")


def kept(name: str) -> str:
    return (REPOSITORY / "docs" / "pictures" / f"{name}.svg").read_text("utf-8")


def texts(picture: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a picture, each behind its classes."""
    for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        yield element.get("class", ""), element.text or ""


def test_the_readme_shows_each_picture() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert sorted(shown) == sorted(f"docs/pictures/{name}.svg" for name in NAMES)
    assert sorted(path.stem for path in (REPOSITORY / "docs" / "pictures").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_as_wide_as_a_phone_has_two_schemes_and_needs_nothing_else(name: str) -> None:
    picture = kept(name)
    assert 'viewBox="0 0 360 ' in picture
    assert picture.count("prefers-color-scheme: dark") == 1
    assert re.findall(r"https?://[^\"']+|url\([^)]*\)|@import", picture) == ["http://www.w3.org/2000/svg"]


def test_the_layers_are_drawn_as_they_are_kept() -> None:
    assert pictures.layers() == kept("layers")


def test_the_layers_name_what_there_is() -> None:
    named = " ".join(words for classes, words in texts(kept("layers")) if "name" in classes.split())
    assert {"hcsrt.aio", "computecore.dll"} <= set(named.split())
    public = re.findall(r"ComputeSystem|Process|run", named)
    assert public == ["ComputeSystem", "Process", "run"]
    for face in (hcsrt, aio):
        assert all(hasattr(face, name) for name in public)


def test_the_figures_are_those_that_are_kept() -> None:
    figures = (REPOSITORY / "docs" / "explanation" / "performance" / "figures.json").read_text("utf-8")
    assert pictures.performance(figures) == kept("performance")


def said(picture: str) -> list[tuple[str, str]]:
    """Return what a terminal says, in runs of one style, without the system and without where its lines end."""
    runs = groupby(texts(picture), key=lambda text: text[0])
    joined = [(style, "".join("".join(words.split()) for _, words in run)) for style, run in runs]
    return [(style, re.sub(r"Thisis[^:]+:", "Thisisasystem:", words)) for style, words in joined]


@pseudo_terminal
@pytest.mark.slow
def test_the_terminal_says_what_hcsrt_says() -> None:
    assert said(kept("terminal")) == said(pictures.terminal(pictures.recorded()))
