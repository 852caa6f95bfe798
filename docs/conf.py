"""How the site is built: `sphinx-build docs DIR`, where hcsrt and its extra `docs` are installed."""

from __future__ import annotations
import __future__

import pkgutil
import re
import sys
from pathlib import Path
from typing import Any, Generic, TypeVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

import hcsrt
import hcsrt.documents.given

# Behind what is installed: beside the tools are the sources of hcsrt, which may not be built.
sys.path.append(str(Path(__file__).resolve().parents[1]))
from tools import addresses, document_types

project = "hcsrt"
author = "hcsrt contributors"
copyright = author
version = release = hcsrt.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
nitpicky = True
# Quotes stay as they were typed: commands are copied from pages.
smartquotes_action = "D"
# What stands between single backticks in a docstring is code.
default_role = "code"

# The inventories of other sites are fetched on request only (`sphinx-build -t online`): CI, and whoever builds without
# a network, would get a warning for each, and a warning is an error there.
if tags.has("online"):  # noqa: F821 - Sphinx puts it here
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "cython": ("https://cython.readthedocs.io/en/latest", None),
    }

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
add_module_names = False
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 72
napoleon_numpy_docstring = False

html_theme = "furo"
# Without a version: no version has been released.
html_title = "hcsrt"
# Empty as long as nobody has given the address; so are links to the sources.
where = addresses.read()
html_baseurl = f"{where.site}/" if where.site else ""
html_theme_options = (
    {"source_repository": where.repository, "source_branch": "main", "source_directory": "docs/"}
    if where.repository.startswith("https://github.com/")  # the theme makes links for hosts that it knows
    else {}
)
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_domain_indices = False
html_show_sourcelink = False
# Prompts are not part of a command.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True


def stub_of(module: str) -> dict[str, Any]:
    """Return what the stub of a compiled module of hcsrt defines."""
    path = Path(hcsrt.__file__).with_name(f"{module}.pyi")
    names: dict[str, Any] = {"__name__": f"hcsrt.{module}", "__package__": "hcsrt"}
    # A stub names classes before it defines them.
    exec(compile(path.read_text("utf-8"), str(path), "exec", __future__.annotations.compiler_flag), names)
    return names


# A compiled module is described by its stub, which has the same docstrings, and types that Cython does not keep.
for module in ("_handles", "_library"):
    vars(hcsrt).update((name, value) for name, value in stub_of(module).items() if name in hcsrt.__all__)
vars(hcsrt.operations).update(stub_of("operations"))

# Overloads tell a type checker what text mode changes. A reader gets one signature, with all parameters.
for module in ("hcsrt.system", "hcsrt.aio.system"):
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    analyzer.overloads.clear()
    # Each of them has counted in the order of the source, which put their methods behind all that is inherited.
    analyzer.tagorder = {name: number for number, name in enumerate(analyzer.tagorder)}


class Given(Generic[TypeVar("DocumentT")]):
    """Stands in signatures for what it is an alias of, which would be long."""


Given.__module__ = "hcsrt.documents"
hcsrt.documents.Given = hcsrt.documents.given.Given = Given


class Documents(SphinxDirective):
    """The types of one family of documents, by the table that they are made of."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        facts = document_types.Facts(Path(__file__).resolve().parents[1])
        lines = StringList(list(document_types.reference(facts, self.arguments[0])), self.arguments[0])
        parent = nodes.Element()
        self.state.nested_parse(lines, 0, parent)
        return parent.children


def signature_of(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str, None] | None:
    """Leave out how a class is called: programs get objects of hcsrt from its functions."""
    return ("", None) if what in ("class", "exception") and signature else None


def prepare_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before a colon for a type: docstrings leave types to the signature."""
    starts = [number + 1 for number, line in enumerate(lines[:-1]) if line == "Returns:"]
    if what in ("attribute", "property") and lines:
        starts.append(0)
    for start in starts:
        text = lines[start].lstrip()
        lines[start] = f"{lines[start].removesuffix(text)}: {text}"


def link_functions(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Let the last line of a docstring, `HCS: HcsOpenProcess`, lead to the table of the functions."""
    for number, line in enumerate(lines):
        if line.startswith("HCS: "):
            lines[number:] = [re.sub(r"\bHcs\w+", r":hcs:`\g<0>`", rest) for rest in lines[number:]]
            return


def note_functions(app: Sphinx, doctree: nodes.document) -> None:
    """Let each function of HCS be a name that leads to its row."""
    if app.env.current_document.docname != "reference/functions":
        return
    for row in doctree.findall(nodes.row):
        function = row[0].astext()
        if function.startswith("Hcs"):
            row[0]["ids"].append(function)
            app.env.domains.standard_domain.note_object("hcs", function, function, location=row)


def note_codes(app: Sphinx, doctree: nodes.document) -> None:
    """Let the search know each spelling of an error code as a name, so that it leads to its place on the page."""
    if app.env.current_document.docname != "reference/errors":
        return
    for index in doctree.findall(addnodes.index):
        for _, spelling, *_ in index["entries"]:
            app.env.domains.standard_domain.note_object("hresult", spelling, index.parent["ids"][0], location=index)


def let_names_break(app: Sphinx, doctree: nodes.document) -> None:
    """Let a long name in a table break between its words, or the table would be wider than the page."""
    between = re.compile(r"(?<=[._/])(?=\w)|(?<=[a-z])(?=[A-Z])")
    for row in doctree.findall(nodes.row):
        for text in list(row.findall(nodes.Text)):
            words = re.split(r"([\w.()/]{17,})", text)
            if len(words) == 1:
                continue
            # Every second one is a long name.
            words[1::2] = ["\0".join(between.split(word)) for word in words[1::2]]
            parts: list[nodes.Node] = []
            for piece in "".join(words).split("\0"):
                parts += [nodes.Text(piece), nodes.raw("", "<wbr>", format="html")]
            text.parent.replace(text, parts[:-1])


def leave_type_alone(app: Sphinx, doctree: nodes.document) -> None:
    """Let `type` in a signature be that of Python, without a link: attributes of several classes have that name."""
    for reference in list(doctree.findall(addnodes.pending_xref)):
        if reference["reftarget"] == "type":
            reference.replace_self(reference.children)


class Translator(HTML5Translator):
    """It gives a cell the heading of its column, which site.css shows where the cells of a row stand in a column."""

    def starttag(
        self, node: nodes.Node | str, tagname: str, suffix: str = "\n", empty: bool = False, **attributes: Any
    ) -> str:
        if tagname == "td" and (column := node.parent.index(node)) and len(node.parent) > 2:
            for head in node.parent.parent.parent.findall(nodes.thead):
                attributes["data-heading"] = head[0][column].astext()
        return super().starttag(node, tagname, suffix, empty, **attributes)


def is_of_python(name: str) -> bool:
    if name.partition(".")[0] not in sys.stdlib_module_names:
        return False
    try:
        pkgutil.resolve_name(name)
    except (AttributeError, ImportError):
        return False
    return True


def name_of_python(app: Sphinx, env: Any, node: Any, text: Any) -> Any:
    """Let a name of the standard library stand without a link where its inventory is not at hand.

    One that Python does not have is still a warning.
    """
    return text if node.get("refdomain") == "py" and is_of_python(node["reftarget"]) else None


def setup(app: Sphinx) -> None:
    app.set_translator("html", Translator)
    app.add_directive("documents", Documents)
    app.add_object_type("hresult", "hresult", objname="error code")
    app.add_object_type("hcs", "hcs", objname="function of HCS")
    app.connect("doctree-read", note_codes)
    app.connect("doctree-read", note_functions)
    app.connect("doctree-read", let_names_break)
    app.connect("doctree-read", leave_type_alone)
    app.connect("autodoc-process-signature", signature_of)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)
    app.connect("autodoc-process-docstring", link_functions)
    # After intersphinx.
    app.connect("missing-reference", name_of_python, priority=900)
