"""The addresses of the project stand in one place, and come from there to everything that names one."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from email.message import Message
from email.parser import Parser
from html.parser import HTMLParser
from pathlib import Path

import markdown_it
import pytest

from ..helpers.tools import load

REPOSITORY = Path(__file__).resolve().parents[2]


addresses = load("addresses")

SITE = "https://site.invalid/test"
HOME = "https://example.invalid/test"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the metadata are made of."""
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "build")
    for folder in ("hcsrt", "tools"):
        shutil.copytree(REPOSITORY / folder, tree / folder, ignore=ignored, copy_function=shutil.copyfile)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(REPOSITORY / name, tree / name)
    give(tree, "", "")
    return tree


def give(tree: Path, repository: str, site: str) -> None:
    path = tree / "pyproject.toml"
    text, count = re.subn(
        r'^(\[tool\.hcsrt\.addresses\]\n)repository = ".*"\nsite = ".*"$',
        rf'\g<1>repository = "{repository}"\nsite = "{site}"',
        path.read_text("utf-8"),
        flags=re.MULTILINE,
    )
    assert count == 1
    path.write_text(text, "utf-8")


def egg_info(tree: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "setup.py", "--quiet", "egg_info"],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def metadata_of(tree: Path) -> "Message[str, str]":
    done = egg_info(tree)
    assert (done.returncode, done.stderr) == (0, "")
    return Parser().parsestr((tree / "hcsrt.egg-info" / "PKG-INFO").read_text("utf-8"))


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "srcset")]


def targets_of(text: str) -> list[str]:
    """Return where the links and images of a Markdown text lead."""
    return Tags(markdown_it.MarkdownIt("commonmark", {"html": True}).render(text)).targets


def is_relative(target: str) -> bool:
    return not re.match(r"https?:", target)


def words_of(text: str) -> list[str]:
    """Return the words that a reader sees."""
    html = markdown_it.MarkdownIt("commonmark", {"html": True}).render(text)
    return re.sub(r"<[^>]+>", "", html).split()


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_what_a_page_links_to_is_there(page: str) -> None:
    found = [target.partition("#")[0] for target in targets_of((REPOSITORY / page).read_text("utf-8"))]
    paths = [target for target in found if target and is_relative(target)]
    assert paths
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


@pytest.mark.slow
def test_without_addresses_nothing_is_invented(tree: Path) -> None:
    fields = metadata_of(tree)
    assert fields.get_all("Project-URL") is None
    assert fields["Home-page"] is None
    readme = (tree / "README.md").read_text("utf-8")
    description = fields.get_payload()
    assert isinstance(description, str)
    assert fields["Description-Content-Type"].startswith("text/markdown")
    # No link is dead on a page that is not beside the files, and no word is lost with it.
    assert sorted(targets_of(description)) == sorted(target for target in targets_of(readme) if not is_relative(target))
    assert words_of(description) == words_of(readme)


@pytest.mark.slow
@pytest.mark.parametrize(("repository", "site"), [(HOME, SITE), (HOME, ""), ("", SITE)])
def test_an_address_that_is_given_is_seen_everywhere(tree: Path, repository: str, site: str) -> None:
    give(tree, repository, site)
    fields = metadata_of(tree)
    urls = dict(url.split(", ") for url in fields.get_all("Project-URL") or ())
    version = fields["Version"]
    of_repository = {
        "Repository": HOME,
        "Issues": f"{HOME}/issues",
        "Changelog": f"{HOME}/blob/v{version}/CHANGELOG.md",
    }
    assert urls == (of_repository if repository else {}) | ({"Documentation": SITE} if site else {})
    description = fields.get_payload()
    assert isinstance(description, str)
    targets = targets_of(description)
    assert [target for target in targets if is_relative(target)] == []
    pages = [target for target in targets if target.startswith(f"{SITE}/")]
    files = [target for target in targets if target.startswith((f"{HOME}/blob/v{version}/", f"{HOME}/raw/v{version}/"))]
    assert bool(pages) == bool(site)
    assert bool(files) == bool(repository)
    # Each leads to what the README itself links to.
    for page in pages:
        path = page.partition("#")[0].removeprefix(f"{SITE}/").removesuffix(".html")
        assert (REPOSITORY / "docs" / f"{path}.md").is_file()
    for file in files:
        path = file.partition("#")[0].removeprefix(f"{HOME}/").split("/", 2)[2]
        assert (REPOSITORY / path).exists()


@pytest.mark.slow
def test_every_shape_of_a_link_is_changed(tree: Path) -> None:
    text = (
        "[a](docs/how-to/run.md#how) [b](https://elsewhere.invalid) ![c](docs/c.svg) [![d](docs/d.svg)](LICENSE)\n"
        '<a href="docs/unverified.md">e</a> <img src="docs/f.svg" alt="f">\n'
        '<picture>\n<source srcset="docs/dark.svg"><img src="docs/g.svg">\n</picture>\n\n'
        "```md\n[h](docs/h.md)\n```\n[i](#i)\n"
    )
    (tree / "README.md").write_text(text, "utf-8")
    bare = metadata_of(tree).get_payload()
    assert isinstance(bare, str)
    assert targets_of(bare) == ["https://elsewhere.invalid"]
    assert "[h](docs/h.md)" in bare
    give(tree, HOME, SITE)
    fields = metadata_of(tree)
    full = fields.get_payload()
    assert isinstance(full, str)
    blob, raw = (f"{HOME}/{kind}/v{fields['Version']}" for kind in ("blob", "raw"))
    assert targets_of(full) == [
        f"{SITE}/how-to/run.html#how",
        "https://elsewhere.invalid",
        f"{raw}/docs/c.svg",
        f"{blob}/LICENSE",
        f"{raw}/docs/d.svg",
        f"{SITE}/unverified.html",
        f"{raw}/docs/f.svg",
        f"{raw}/docs/dark.svg",
        f"{raw}/docs/g.svg",
        f"{blob}/README.md#i",
    ]


@pytest.mark.parametrize(
    "address",
    [
        "example.invalid/test",
        "http://example.invalid",
        "https://example.invalid/",
        "https://example.invalid/test.git",
        "https://example.invalid/index.html",
        "https://example.invalid/test?a=b",
        "https://me:secret@example.invalid/test",
        "https://example.invalid/a)b",
        "https://example.invalid//test",
    ],
)
def test_an_address_that_makes_no_others_is_refused(tree: Path, address: str) -> None:
    for name, given in (("repository", (address, "")), ("site", ("", address))):
        give(tree, *given)
        with pytest.raises(ValueError, match=rf"tool\.hcsrt\.addresses\.{name} is to be https://HOST/PATH") as caught:
            addresses.read(tree)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("line", ["site = 5", "site = false", "", 'site = ""\nhomepage = ""'])
def test_other_than_two_texts_is_refused(tree: Path, line: str) -> None:
    path = tree / "pyproject.toml"
    path.write_text(path.read_text("utf-8").replace('site = ""', line), "utf-8")
    with pytest.raises(ValueError, match=r"^tool\.hcsrt\.addresses"):
        addresses.read(tree)


@pytest.mark.slow
def test_an_address_that_is_refused_ends_the_build(tree: Path) -> None:
    give(tree, "http://example.invalid", "")
    done = egg_info(tree)
    assert done.returncode == 1
    assert "tool.hcsrt.addresses.repository" in done.stderr


@pytest.mark.slow
def test_the_hints_of_an_installed_package_name_it(tree: Path, tmp_path: Path) -> None:
    def told() -> tuple[dict[str, str | None], str]:
        installed = tmp_path / "installed" / "hcsrt-0.dist-info"
        installed.mkdir(parents=True, exist_ok=True)
        metadata_of(tree)
        shutil.copyfile(tree / "hcsrt.egg-info" / "PKG-INFO", installed / "METADATA")
        paths = [str(installed.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = (
            "import json; from hcsrt import _addresses as a; "
            "print(json.dumps([a.address('Documentation'), a.address('Issues'), a.report_to()]))",
            "import sys; from hcsrt.__main__ import main; sys.argv[1:] = ['errors', '0x80370102']; main()",
        )
        run = [
            subprocess.run(
                # Not in the folder of the sources, where an editable install has left metadata of its own.
                [sys.executable, "-P", "-c", program],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
            )
            for program in command
        ]
        assert [done.stderr for done in run] == ["", ""]
        documentation, issues, whom = json.loads(run[0].stdout)
        return {"documentation": documentation, "issues": issues, "whom": whom}, run[1].stdout

    addresses, explained = told()
    assert addresses == {"documentation": None, "issues": None, "whom": "the authors of hcsrt"}
    assert "More:" not in explained
    give(tree, HOME, SITE)
    addresses, explained = told()
    assert addresses == {
        "documentation": SITE,
        "issues": f"{HOME}/issues",
        "whom": f"the authors of hcsrt, at {HOME}/issues",
    }
    assert f"More: {SITE}/reference/errors.html#hcs-e-hyperv-not-installed\n" in explained


def test_no_other_file_names_an_address_of_the_project() -> None:
    with open(REPOSITORY / "pyproject.toml", "rb") as file:
        given = [address for address in tomllib.load(file)["tool"]["hcsrt"]["addresses"].values() if address]
    folders = ("hcsrt", "docs", "examples", "tools")
    paths = [path for folder in folders for path in (REPOSITORY / folder).rglob("*")]
    paths += [REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "setup.py")]
    texts = (".md", ".py", ".pyi", ".pyx", ".pxd", ".h", ".cpp", ".toml")
    for path in paths:
        if path.suffix in texts and path.is_file():
            text = path.read_text("utf-8")
            assert not [address for address in given if address in text], path
            assert not re.search(r"https?://(?:github\.com|gitlab\.com|[\w.]*readthedocs\.\w+)/\S*hcsrt", text), path


def test_pypi_knows_the_classifiers() -> None:
    known = pytest.importorskip("trove_classifiers", reason="of the extra lint").classifiers
    with open(REPOSITORY / "pyproject.toml", "rb") as file:
        given = tomllib.load(file)["project"]["classifiers"]
    assert [classifier for classifier in given if classifier not in known] == []
    assert len(set(given)) == len(given)
