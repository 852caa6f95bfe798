"""The Cython face has public names only: no package has to cimport a module whose name begins with an underscore."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "hcsrt"
PUBLIC = ("__init__.pxd", "engine.pxd")
DECLARED = re.compile(
    r"^    (?:const int (\w+)|ctypedef (?:struct|enum) (\w+)|ctypedef (?:[\w ]+?[ *]+)(\w+)$|ctypedef .*\(\*(\w+)\)"
    r"|\w+ (\w+)\(|    (HCSRT_\w+)$)",
    re.MULTILINE,
)


def public_names() -> set[str]:
    names: set[str] = set()
    for file in PUBLIC:
        text = (PACKAGE / file).read_text("utf-8")
        for listed in re.findall(r"cimport (?:\(([^)]*)\)|(.*))", text):
            names |= {name.strip() for name in "".join(listed).split(",")}
        names |= set(re.findall(r"^cdef [^(]*?(\w+)\(", text, re.MULTILINE))
    return names - {""}


def test_every_type_of_the_shipped_declarations_has_a_public_name() -> None:
    for file in ("_engine_types.pxd", "_types.pxd", "_api.pxd"):
        text = (PACKAGE / file).read_text("utf-8")
        declared = {name for found in DECLARED.findall(text) for name in found if name}
        assert len(declared) > 2, f"{file}: {declared}"
        assert declared <= public_names(), f"{file}: {sorted(declared - public_names())}"


def test_who_builds_upon_hcsrt_is_shown_public_names_only() -> None:
    shown = [
        ROOT / "README.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.p[xy]"),
        *ROOT.glob("examples/**/*.pxd"),
    ]
    for path in shown:
        private = re.findall(r"from hcsrt\.(_\w+|\w+\._\w+) cimport|cimport hcsrt\.(_\w+)", path.read_text("utf-8"))
        assert not private, f"{path}: {private}"
