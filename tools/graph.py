"""Draw which module of hcsrt knows which, and say what breaks the laws of the house.

    python -m tools.graph [FOLDER]        FOLDER/hcsrt is read; the repository by default

Every import counts: of .py, .pyx, .pxd and .pyi files, cimports too, those inside functions and those that only type
checkers see. The exit code is 1 if an arrow runs up, across the faces or into an unknown room, if modules know each
other in a circle, or if a module imports what it does not name and COMPUTED does not list. Nothing is exempt.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "hcsrt"

# The rooms of the house from the ground up, each with its modules; a package stands for all that it holds. A room
# knows the rooms in the rows below it. Modules of one room may know each other, but not in a circle.
HOUSE: list[tuple[str, list[str]]] = [
    (
        "facts",
        [
            "_addresses",
            "_arguments",
            "_backends",
            "_codes",
            "_event_types",
            "_hresults",
            "_json",
            "_late",
            "_unbuilt",
            "_version",
        ],
    ),
    ("types", ["_types", "_api", "_engine_types", "_immortal", "_time"]),
    ("errors", ["errors"]),
    ("documents", ["documents"]),
    ("core", ["_core"]),
    ("library", ["_library", "_built", "_interpose"]),
    ("faults", ["faults"]),
    ("emulator", ["emulator"]),
    ("handles", ["_handles", "_plumbing"]),
    ("functions", ["_functions", "_text", "_answers"]),
    ("calls", ["_watch", "_calls", "operations", "_engine", "_streams", "engine"]),
    ("facade", ["_facade"]),
    ("blocking", ["_blocking", "system", "process", "events", "service", "bulk", "once"]),
    ("aio", ["aio"]),
    ("doctor", ["doctor"]),
    ("names", [""]),
    ("check", ["_check_host", "check_host"]),
    ("tools", ["cli", "__main__", "pytest_plugin"]),
]

# Rooms side by side: neither may know the other, although one has the lower row.
FACES = {"blocking", "aio"}

# Imports whose module is computed: which module has them, what they import, and why. The arrows are judged as others.
Computed = dict[str, tuple[list[str], str]]
COMPUTED: Computed = {
    "": (
        [
            "_handles",
            "_library",
            "_version",
            "aio",
            "bulk",
            "doctor",
            "documents",
            "emulator",
            "errors",
            "events",
            "faults",
            "once",
            "operations",
            "process",
            "service",
            "system",
        ],
        "importing the package costs next to nothing, and works without extension modules",
    ),
    "aio": (
        [f"aio.{name}" for name in ("bulk", "events", "once", "process", "service", "streams", "system")],
        "importing the package costs next to nothing",
    ),
    "_facade": (
        ["_facade.aliases", "_facade.calls"],
        "what annotations name is imported when somebody reads them",
    ),
    "_check_host.catalogue": (
        [
            f"_check_host.probes.{name}"
            for name in ("doctor", "events", "operations", "processes", "service", "streams", "strings", "systems")
        ],
        "tests have it take probes of their own",
    ),
    "documents": (
        [
            f"documents.{name}"
            for name in (
                "answers",
                "builders",
                "common",
                "given",
                "container",
                "events",
                "guest",
                "network",
                "process",
                "properties",
                "service",
                "storage",
                "vm",
            )
        ],
        "types of documents are for editors: at run time few programs name one",
    ),
    "cli": (
        ["cli.doctor", "cli.errors", "cli.run", "cli.schema", "cli.validate"],
        "a command is imported when it is called",
    ),
}

KINDS = ("import", "cimport", "lazy", "types")


@dataclass(frozen=True, order=True)
class Arrow:
    """The knowledge that one module has of another. kind: how it comes by it, one of KINDS."""

    source: str
    target: str
    kind: str
    file: str = field(compare=False)
    line: int = field(compare=False)

    def __str__(self) -> str:
        kind = "" if self.kind == "import" else f" ({self.kind})"
        return f"{self.source or PACKAGE} -> {self.target or PACKAGE}{kind}  {self.file}:{self.line}"


@dataclass(frozen=True)
class Import:
    """A line that imports: `from {dots}{module} import {names}`, or `import {module}` where names is empty."""

    line: int
    kind: str
    level: int
    module: str
    names: tuple[str, ...] = ()
    computed: bool = False


def imports_of_python(text: str, *, stub: bool = False) -> Iterator[Import]:
    """Yield the imports of a .py file; those of a stub are seen by type checkers only."""

    def visit(node: ast.AST, kind: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, kind, 0, alias.name)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.lineno, kind, node.level, node.module or "", names)
        elif isinstance(node, ast.Call) and (found := dynamic(node, kind)):
            yield found
        for name, value in ast.iter_fields(node):
            inner = kind
            if isinstance(node, ast.If) and name == "body" and only_typing(node.test):
                inner = "types"
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and name == "body":
                inner = "types" if kind == "types" else "lazy"
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, inner)

    yield from visit(ast.parse(text), "types" if stub else "import")


def only_typing(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def dynamic(call: ast.Call, kind: str) -> Import | None:
    """Return what a call of import_module() or __import__() imports, None for any other call."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in ("import_module", "__import__"):
        return None
    first = call.args[0] if call.args else None
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return Import(call.lineno, kind, 0, "", computed=True)
    module = first.value.lstrip(".")
    return Import(call.lineno, kind, len(first.value) - len(module), module)


# What may hide an import in Cython, or look like one: strings and comments.
_HIDDEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*', re.S
)
_FROM = re.compile(r"from\s+(\.*)\s*([\w.]*)\s+(c?import)\s+(.+)", re.S)
_IMPORT = re.compile(r"(c?import)\s+(.+)", re.S)
_FUNCTION = re.compile(r"(?:(?:async\s+)?def|cpdef|cdef)\b.*\)[^()]*:$", re.S)
_COMPUTED = re.compile(r"\b(?:import_module|__import__)\s*\(")
_TYPING = re.compile(r"if\s+(?:typing\.)?TYPE_CHECKING\s*:$")


def logical_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield number, indentation and text of each logical line of a Cython file, without strings and comments."""
    text = _HIDDEN.sub(lambda found: "''" + "\n" * found[0].count("\n") if found[0][0] != "#" else "", text)
    open_, start, parts = 0, 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        start = start if parts else number
        continued = line.endswith("\\")
        parts.append(line.removesuffix("\\"))
        open_ += sum(line.count(c) for c in "([{") - sum(line.count(c) for c in ")]}")
        if open_ <= 0 and not continued:
            joined = " ".join(parts)
            if joined.strip():
                yield start, len(joined) - len(joined.lstrip()), joined.strip()
            open_, parts = 0, []


def imports_of_cython(text: str) -> Iterator[Import]:
    """Yield the imports and cimports of a .pyx or .pxd file."""
    blocks: list[tuple[int, str]] = []  # what the lines further in are, from the outside
    for number, indent, logical in logical_lines(text):
        while blocks and blocks[-1][0] >= indent:
            blocks.pop()
        kinds = {kind for _, kind in blocks}
        kind = "types" if "types" in kinds else "lazy" if "lazy" in kinds else "import"
        if _FUNCTION.match(logical):
            blocks.append((indent, "lazy"))
        elif _TYPING.match(logical):
            blocks.append((indent, "types"))
        if _COMPUTED.search(logical):  # what it names, if it does, is a string, and these are gone
            yield Import(number, kind, 0, "", computed=True)
        for statement in map(str.strip, re.split(r";|:\s(?=\s*(?:from|c?import)\s)", logical)):
            if found := _FROM.fullmatch(statement):
                dots, module, how, names = found.groups()
                listed = tuple(name.split()[0] for name in names.strip("() ").split(",") if name.strip())
                yield Import(number, "cimport" if how == "cimport" else kind, len(dots), module, listed)
            elif found := _IMPORT.fullmatch(statement):
                for name in found[2].split(","):
                    yield Import(number, "cimport" if found[1] == "cimport" else kind, 0, name.split()[0])


@dataclass(frozen=True)
class House:
    """The modules of a package, by their names without the package's, and who knows whom."""

    modules: frozenset[str]
    arrows: tuple[Arrow, ...]
    computed: dict[str, str]
    """Where each module has an import whose module is computed."""

    @classmethod
    def read(cls, root: Path, listed: Computed = COMPUTED) -> "House":
        files: list[tuple[str, Path]] = []
        for suffix in ("py", "pyx", "pxd", "pyi"):
            for path in sorted((root / PACKAGE).rglob(f"*.{suffix}")):
                parts = path.relative_to(root / PACKAGE).with_suffix("").parts
                files.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
        modules = frozenset(name for name, _ in files)
        arrows: dict[tuple[str, str, str], Arrow] = {}
        computed: dict[str, str] = {}
        for name, path in files:
            text = path.read_text("utf-8")
            cython = path.suffix in (".pyx", ".pxd")
            found = imports_of_cython(text) if cython else imports_of_python(text, stub=path.suffix == ".pyi")
            package = name if path.stem == "__init__" else name.rpartition(".")[0]
            for imported in found:
                if imported.computed:
                    computed[name] = f"{path.relative_to(root).as_posix()}:{imported.line}"
                    known: Iterable[str] = listed[name][0] if name in listed else ()
                else:
                    known = targets(imported, package, modules)
                for target in known:
                    arrow = Arrow(name, target, imported.kind, path.relative_to(root).as_posix(), imported.line)
                    if target != name:
                        arrows.setdefault((name, target, imported.kind), arrow)
        return cls(modules, tuple(sorted(arrows.values())), computed)


def targets(imported: Import, package: str, modules: frozenset[str]) -> Iterator[str]:
    """Yield the modules of the package that an import in `package` names."""
    if imported.level:
        parts = package.split(".") if package else []
        base = ".".join(parts[: len(parts) - imported.level + 1])
        full = ".".join(filter(None, (base, imported.module)))
    elif imported.module == PACKAGE or imported.module.startswith(f"{PACKAGE}."):
        full = imported.module.removeprefix(PACKAGE).removeprefix(".")
    else:
        return
    # A name imported from a package may be one of its modules.
    inside = [".".join(filter(None, (full, name))) for name in imported.names]
    yield from (name for name in inside if name in modules)
    if not imported.names or any(name not in modules for name in inside):
        while full not in modules and full:  # a name that no file has: its package stands for it
            full = full.rpartition(".")[0]
        yield full


def row_of(module: str) -> int | None:
    """Return the number of the room's row in HOUSE, None for a module that stands in no room."""
    for row, (_, names) in enumerate(HOUSE):
        if module in names or module.partition(".")[0] in names:
            return row
    return None


def circles(arrows: Iterable[Arrow]) -> list[list[str]]:
    """Return each set of modules that know each other, by whatever way round."""
    known: dict[str, set[str]] = {}
    for arrow in arrows:
        known.setdefault(arrow.source, set()).add(arrow.target)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        to_do = [start]
        while to_do:
            for target in known.get(to_do.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    to_do.append(target)
        return seen

    reach = {module: reached(module) for module in known}
    found = {frozenset(other for other in reach[module] if module in reach.get(other, ())) for module in known}
    return sorted(sorted(circle) for circle in found if circle)


@dataclass
class Broken:
    """The breaches of the laws of the house; every list is empty if there are none."""

    homeless: list[str]
    up: list[Arrow]
    across: list[Arrow]
    circles: list[list[str]]
    unread: list[str]
    unneeded: list[str]

    def __bool__(self) -> bool:
        return any((self.homeless, self.up, self.across, self.circles, self.unread, self.unneeded))


def judge(house: House, listed: Computed = COMPUTED) -> Broken:
    up, across = [], []
    for arrow in house.arrows:
        source, target = row_of(arrow.source), row_of(arrow.target)
        if source is None or target is None:
            continue
        if source != target and {HOUSE[source][0], HOUSE[target][0]} == FACES:
            across.append(arrow)
        elif target > source:
            up.append(arrow)
    homeless = sorted(module for module in house.modules if row_of(module) is None)
    unread = [f"{name or PACKAGE}  {place}" for name, place in house.computed.items() if name not in listed]
    unneeded = [
        f"{name or PACKAGE} -> {target}"
        for name, (known, _) in listed.items()
        for target in known
        if name not in house.computed or target not in house.modules
    ]
    return Broken(homeless, up, across, circles(house.arrows), unread, unneeded)


def draw(house: House) -> Iterator[str]:
    """Yield the lines of the picture: rooms from the top down, and what each of their modules knows."""
    for row in reversed(range(len(HOUSE))):
        modules = sorted(module for module in house.modules if row_of(module) == row)
        if modules:
            yield f"{HOUSE[row][0]}"
        for module in modules:
            known = [arrow for arrow in house.arrows if arrow.source == module]
            shown = []
            for kind in KINDS:
                names = [arrow.target or PACKAGE for arrow in known if arrow.kind == kind]
                shown += [f"{kind}: {', '.join(names)}"] if names else []
            yield f"    {module or PACKAGE:28} {'; '.join(shown)}".rstrip()
    yield ""
    for name, place in house.computed.items():
        if name in COMPUTED:
            known, reason = COMPUTED[name]
            yield f"{name or PACKAGE} computes what it imports, {place}: {', '.join(known)}; {reason}"
    yield ""


def told(broken: Broken) -> Iterator[str]:
    """Yield the lines that say what is broken."""
    for title, found in (
        ("modules that stand in no room", broken.homeless),
        ("arrows up", broken.up),
        ("arrows between the faces", broken.across),
        ("circles", [" <-> ".join(name or PACKAGE for name in circle) for circle in broken.circles]),
        ("imports of what is computed and not listed", broken.unread),
        ("such imports that are listed and not there", broken.unneeded),
    ):
        yield f"{len(found)} {title}"
        yield from (f"    {item}" for item in found)


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    house = House.read(root)
    broken = judge(house)
    print("\n".join([*draw(house), *told(broken)]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
