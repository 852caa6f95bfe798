"""The addresses of hcsrt's repository and of its site, for all that names one.

They stand in `[tool.hcsrt.addresses]` of pyproject.toml, and nowhere else. setup.py takes the URLs of the package and
the links of its description from here, docs/conf.py those of the site. An installed hcsrt reads them in its own
metadata: `hcsrt/_addresses.py`.
"""

import posixpath
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Addresses:
    """Where the project is found; an empty text for what nobody has given yet.

    Attributes:
        repository: The repository, as GitHub spells it: `/issues`, `/blob/TAG/PATH` and `/raw/TAG/PATH` follow.
        site: The folder that the pages of `docs` are published in, as `PAGE.html`.
        tag: The tag of this version in the repository.
    """

    repository: str
    site: str
    tag: str

    def project_urls(self) -> dict[str, str]:
        """Return the URLs of the package, by the labels that PyPI knows."""
        urls = {}
        if self.site:
            urls["Documentation"] = self.site
        if self.repository:
            urls["Repository"] = self.repository
            urls["Issues"] = f"{self.repository}/issues"
            urls["Changelog"] = f"{self.repository}/blob/{self.tag}/CHANGELOG.md"
        return urls

    def of(self, target: str, *, kind: str = "blob") -> str | None:
        """Return the address of a file of the repository, None if it has none.

        Args:
            target: Its path from the root, perhaps with `#place`.
            kind: "blob" for a page to read, "raw" for the file itself.
        """
        path, _, place = target.partition("#")
        path = posixpath.normpath(path) if path else "README.md"
        anchor = f"#{place}" if place else ""
        if kind == "blob" and self.site and path.startswith("docs/") and path.endswith(".md"):
            return f"{self.site}/{path.removeprefix('docs/').removesuffix('.md')}.html{anchor}"
        return f"{self.repository}/{kind}/{self.tag}/{path}{anchor}" if self.repository else None


def read(root: Path = ROOT) -> Addresses:
    """Return what pyproject.toml says.

    Raises:
        ValueError: It is no address that others could be made from.
    """
    with open(root / "pyproject.toml", "rb") as file:
        table = tomllib.load(file)["tool"]["hcsrt"]["addresses"]
    if set(table) != {"repository", "site"}:
        raise ValueError(f"tool.hcsrt.addresses has repository and site, and nothing else: {', '.join(table)}")
    for name, address in table.items():
        # Others are made from it, so that a password, a query, a page or the address to clone from would be in the way.
        if address != "" and not (isinstance(address, str) and _ADDRESS.fullmatch(address)):
            raise ValueError(
                f"tool.hcsrt.addresses.{name} is to be https://HOST/PATH of letters, digits, dots and hyphens, without "
                "a slash, .git or .html at its end"
            )
    version = (root / "hcsrt" / "_version.py").read_text("utf-8").split('"')[1]
    return Addresses(table["repository"], table["site"], f"v{version}")


_ADDRESS = re.compile(r"https://[\w-]+(\.[\w-]+)*(:\d+)?(/[\w.~-]+)*(?<!\.git)(?<!\.html)", re.ASCII)
_FENCES = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)
_IMAGE_TAG = re.compile(r"<(?:img|source)\b[^>]*>")
_ANCHOR_TAG = re.compile(r"<a\b[^>]*>(.*?)</a>", re.DOTALL)
_ATTRIBUTE = re.compile(r'\b(src|srcset|href)="([^"]*)"')
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
_LINK = re.compile(r"(?<!!)\[((?:!\[[^\]]*\]\([^)]*\)|[^\[\]])*)\]\(([^)\s]+)\)")


def description(text: str, addresses: Addresses) -> str:
    """Return the README as others than the repository can show it: with links that lead somewhere from there.

    What has no address becomes its own text, and an image is left out.
    """
    parts = _FENCES.split(text)
    parts[::2] = [_linked(part, addresses) for part in parts[::2]]
    return "".join(parts)


def _linked(text: str, addresses: Addresses) -> str:
    def is_relative(target: str) -> bool:
        return not re.match(r"[a-z][a-z0-9+.-]*:|//", target)

    def leads_nowhere(tag: str) -> bool:
        return any(
            is_relative(target) and addresses.of(target, kind="blob" if name == "href" else "raw") is None
            for name, target in _ATTRIBUTE.findall(tag)
        )

    def attribute(match: re.Match[str]) -> str:
        name, target = match.groups()
        found = addresses.of(target, kind="blob" if name == "href" else "raw") if is_relative(target) else None
        return f'{name}="{found or target}"'

    def image(match: re.Match[str]) -> str:
        alternative, target = match.groups()
        if not is_relative(target):
            return match[0]
        found = addresses.of(target, kind="raw")
        return f"![{alternative}]({found})" if found else ""

    def link(match: re.Match[str]) -> str:
        words, target = match.groups()
        if not is_relative(target):
            return match[0]
        found = addresses.of(target)
        return f"[{words}]({found})" if found else words

    text = _PICTURE.sub(lambda match: "" if leads_nowhere(match[0]) else match[0], text)
    text = _ANCHOR_TAG.sub(lambda match: match[1] if leads_nowhere(match[0].partition(">")[0]) else match[0], text)
    text = _IMAGE_TAG.sub(lambda match: "" if leads_nowhere(match[0]) else match[0], text)
    text = _ATTRIBUTE.sub(attribute, text)
    return _LINK.sub(link, _IMAGE.sub(image, text))
