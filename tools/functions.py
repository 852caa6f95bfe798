"""The functions of HCS as hcsrt/native/backends/functions.h tells them, and the files that are made of its rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

REPOSITORY = Path(__file__).resolve().parents[1]
ROWS = "hcsrt/native/backends/functions.h"
HEADER = "hcsrt/include/hcsapi.h"
INTERFACE = "hcsrt/_api.pxd"
TABLE = "docs/reference/functions.md"
# The sentences that say how many rows there are.
COUNTS = {TABLE: "All {} functions with a public prototype", "docs/reference/abi.md": "`HCSRT_LEVEL`, {} today,"}

WIDTH = 120

# The handle that a function is called on, as its first parameter.
SUBJECTS = {
    "SYSTEM": "hcsrt_system system",
    "PROCESS": "hcsrt_process process",
    "OPERATION": "hcsrt_operation operation",
    "NONE": "",
}
# The result and the parameters of each shape; SUBJECT stands for the above.
SHAPES = {
    "VERB": ("hcsrt_result", "SUBJECT, hcsrt_operation operation, const hcsrt_char *options"),
    "MODIFY": (
        "hcsrt_result",
        "SUBJECT, hcsrt_operation operation, const hcsrt_char *configuration, hcsrt_handle identity",
    ),
    "EXIT": ("hcsrt_result", "SUBJECT, uint32_t timeout_ms, hcsrt_char **result"),
    "CLOSE": ("void", "SUBJECT"),
    "STRING": ("hcsrt_result", "const hcsrt_char *text"),
    "STRINGS": ("hcsrt_result", "const hcsrt_char *vm_id, const hcsrt_char *file_path"),
    "QUESTION": ("hcsrt_result", "const hcsrt_char *query, hcsrt_char **result"),
}
LANES = ("NONE", "ORDER", "QUERY", "TERMINATE", "URGENT")

# Between the size and the functions: each backend counts what it hands out, and releases it.
RELEASES = (
    ("void", "free_string", "hcsrt_char *string", "LocalFree: the documents of HCS"),
    ("void", "free_cotaskmem", "void *memory", "CoTaskMemFree: the strings of HCN"),
    ("int", "close_handle", "hcsrt_handle handle", "CloseHandle: standard streams; nonzero on success"),
)

# Where the docstrings with the functions stand, and what comes before their names; what a user needs first is first.
DOCSTRINGS = {
    "system.py": "",
    "process.py": "",
    "service.py": "service.",
    "operations.pyi": "operations.",
}
# Prefixes of names that block and have no awaited counterpart.
BY_HAND = ("operations.", "OwnedOperation.")
# The name in the docs where several docstrings tell of a function and the first is not the plainest, or none does.
CHOSEN = {
    "HcsAddResourceToOperation": "ComputeSystem.start_live_migration",
    "HcsCloseOperation": "OwnedOperation.close",
    "HcsGetOperationResultAndProcessInfo": "ComputeSystem.popen",
    "HcsGetProcessProperties": "Process.properties",
    "HcsModifyProcess": "Process.modify",
    "HcsSetComputeSystemCallback": "ComputeSystem.create",
    "HcsWaitForOperationResultAndProcessInfo": "ComputeSystem.popen",
}
# What the emulator's native half answers by itself, besides each CLOSE and EXIT.
NATIVE = {
    "HcsCreateOperation",
    "HcsCreateOperationWithNotifications",
    "HcsGetComputeSystemFromOperation",
    "HcsGetOperationContext",
    "HcsGetOperationId",
    "HcsGetOperationResult",
    "HcsGetOperationResultAndProcessInfo",
    "HcsGetOperationType",
    "HcsGetProcessFromOperation",
    "HcsSetComputeSystemCallback",
    "HcsSetOperationCallback",
    "HcsSetOperationContext",
    "HcsSetProcessCallback",
    "HcsWaitForOperationResult",
    "HcsWaitForOperationResultAndProcessInfo",
}

GENERATED = "Made by `tools/facts.py write` of the rows of native/backends/functions.h; edit those."


@dataclass(frozen=True)
class Function:
    """A row."""

    name: str
    since: str
    shape: str
    subject: str
    lane: str
    result: str
    parameters: tuple[str, ...]

    @property
    def types(self) -> list[str]:
        """The C types, the result's first."""
        return [self.result, *(re.sub(r"\w+$", "", parameter).strip() for parameter in self.parameters)]


def functions(text: str | None = None) -> list[Function]:
    """Return the rows in their order. Raises SystemExit for one that cannot be read."""
    if text is None:
        text = (REPOSITORY / ROWS).read_text(encoding="utf-8")
    text = text.replace("\\\n", " ")
    since = dict(re.findall(r'#define HCSRT_SINCE_(\w+) "([^"]*)"', text))
    (table,) = re.findall(r"#define HCSRT_FUNCTIONS\(F\)([^\n]*)", text)
    row = r"F\((\w+), (\w+), (\w+|OF\([^,]+, \([^)]*\)\)), (\w+), (\w+), \w+\)"
    table = re.sub(r"\s+", " ", table)
    found = re.findall(row, table)
    left = re.sub(row, "", table).strip()
    if left:
        raise SystemExit(f"{ROWS}: {left!r} is no row")
    return [_function(name, since, version, shape, subject, lane) for name, version, shape, subject, lane in found]


def _function(name: str, since: dict[str, str], version: str, shape: str, subject: str, lane: str) -> Function:
    if version not in since or subject not in SUBJECTS or lane not in LANES:
        raise SystemExit(f"{ROWS}: the row of {name} has a column that there is not")
    if own := re.fullmatch(r"OF\(([^,]+), \(([^)]*)\)\)", shape):
        shape, result, parameters = "OTHER", own[1], own[2]
    elif shape in SHAPES:
        result, parameters = SHAPES[shape]
    else:
        raise SystemExit(f"{ROWS}: {name} has the shape {shape}, which is none of {', '.join(SHAPES)} and OF()")
    listed = tuple(parameters.replace("SUBJECT", SUBJECTS[subject]).split(", "))
    return Function(name, since[version], shape, subject, lane, result, listed)


def _declared(indent: str, result: str, call: str, name: str, parameters: Iterable[str], end: str) -> list[str]:
    """Return the lines of a pointer to a function, broken between parameters."""
    star = "" if result.endswith("*") else " "
    start, listed = f"{indent}{result}{star}({call}*{name})(", list(parameters)
    if len(line := f"{start}{', '.join(listed)}){end}") <= WIDTH:
        return [line]
    # With no-break spaces, so that lines break between parameters only.
    words = " ".join(f"{parameter},".replace(" ", "\xa0") for parameter in listed).removesuffix(",")
    inner = f"{indent}    "
    lines = wrap(
        words + f"){end}".replace(" ", "\xa0"),
        WIDTH,
        initial_indent=inner,
        subsequent_indent=inner,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [start, *(line.replace("\xa0", " ") for line in lines)]


def header(rows: list[Function]) -> str:
    """Return the text of include/hcsapi.h."""
    lines = [
        "/* HcsApi: the table through which hcsrt reaches an HCS.",
        " *",
        " * computecore.dll and the emulator fill the same table, so nothing above it can tell them apart. The ways to",
        " * release are part of it: each backend counts what it hands out. Plain C, included through hcsrt.h, which",
        " * declares the types.",
        " *",
        f" * {GENERATED} */",
        "#ifndef HCSRT_HCSAPI_H",
        "#define HCSRT_HCSAPI_H",
        "",
        '#include "hcsrt.h"',
        "",
        "/* clang-format off */",
        "",
        "/* Grows by one with each function that is appended; HCSRT_ABI grows when a compiled package would break. */",
        f"#define HCSRT_LEVEL {len(rows)}",
        "",
        "/* Whether the HCS behind a table has a function: an older hcsrt or backend has a shorter table, and an older",
        " * Windows lacks some functions of a whole one. */",
        "#define HCSRT_HAS(api, function) \\",
        "    ((api)->size >= offsetof(HcsApi, function) + sizeof((api)->function) && (api)->function != NULL)",
        "",
        "/* The same of an entry's address, for Cython: hcsrt_has(api, &api.HcsWaitForProcessExit). */",
        "#define hcsrt_has(api, entry) \\",
        "    ((size_t)((const char *)(entry) - (const char *)(api)) + sizeof(void *) <= (api)->size && \\",
        "     *(void *const *)(entry) != NULL)",
        "",
        "/* An entry is NULL where the HCS in use lacks the function. New functions are only appended. */",
        "typedef struct hcsrt_api_2 {",
        "    size_t size; /* of the table in bytes, where the code that fills it was compiled */",
    ]
    for result, name, parameter, comment in RELEASES:
        lines += _declared("    ", result, "", name, [parameter], f"; /* {comment} */")
    for row in rows:
        lines += _declared("    ", row.result, "HCSRT_CALL ", row.name, row.parameters, ";")
    lines += ["} hcsrt_api_2;", "", "typedef hcsrt_api_2 HcsApi;", "", "/* clang-format on */", "", "#endif"]
    return "\n".join(lines) + "\n"


def interface(rows: list[Function]) -> str:
    """Return the text of hcsrt/_api.pxd."""
    lines = [
        f"# {GENERATED}",
        '"""The table through which an HCS is called, for Cython."""',
        "",
        "from libc.stdint cimport int32_t, uint32_t, uint64_t",
        "",
        "from hcsrt._types cimport (",
        "    hcsrt_char,",
        "    hcsrt_create_options,",
        "    hcsrt_event_callback,",
        "    hcsrt_handle,",
        "    hcsrt_operation,",
        "    hcsrt_operation_completion,",
        "    hcsrt_process,",
        "    hcsrt_process_information,",
        "    hcsrt_result,",
        "    hcsrt_system,",
        ")",
        "",
        'cdef extern from "hcsrt.h" nogil:',
        "    const int HCSRT_ABI",
        "    const int HCSRT_LEVEL",
        '    ctypedef struct HcsApi "hcsrt_api_2"',
        "",
        "    # Whether there is an entry that was appended after the first release of this ABI, by its address.",
        "    bint hcsrt_has(const HcsApi *api, const void *entry)",
        "",
        "    # An entry is NULL where the HCS in use lacks the function.",
        '    ctypedef struct HcsApi "hcsrt_api_2":',
        "        size_t size",
    ]
    for result, name, parameters in (
        *((result, name, (parameter,)) for result, name, parameter, _ in RELEASES),
        *((row.result, row.name, row.parameters) for row in rows),
    ):
        lines += _declared("        ", result, "", name, parameters, " noexcept nogil")
    lines += [
        "",
        '    ctypedef struct hcsrt_backend "hcsrt_backend_2":',
        "        size_t size",
        "        const HcsApi *hcs",
    ]
    return "\n".join(lines) + "\n"


def named_in(path: Path, prefix: str) -> Iterator[tuple[str, int, str]]:
    """Tell each function that a public docstring ends with, its place in that line, and the public name."""

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, int, str]]:
        for node in body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.name[0] != "_":
                told = (ast.get_docstring(node) or "").partition("\nHCS: ")[2]
                for place, function in enumerate(re.findall(r"Hcs\w+", told)):
                    yield function, place, f"{prefix}{node.name}"
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, f"{prefix}{node.name}.")

    yield from walk(ast.parse(path.read_text(encoding="utf-8")).body, prefix)


def public_names(package: Path) -> dict[str, str]:
    """Return the name of each function that a docstring tells of.

    Of several it is the one whose docstring tells of the function earliest in its last line, then the first one in the
    order of DOCSTRINGS, unless CHOSEN has another. Raises SystemExit for a row of CHOSEN that is wrong or not needed.
    """
    told: dict[str, list[tuple[int, str]]] = {}
    for file, prefix in DOCSTRINGS.items():
        for function, place, name in named_in(package / file, prefix):
            told.setdefault(function, []).append((place, name))
    names = {function: min(found, key=lambda item: item[0])[1] for function, found in told.items()}
    for function, name in CHOSEN.items():
        if function in told and name not in (other for _, other in told[function]):
            raise SystemExit(f"tools/functions.py: the docstring of {name} does not tell of {function}; see CHOSEN")
        if names.get(function) == name:
            raise SystemExit(f"tools/functions.py: {function} has the name {name} without CHOSEN, too")
    return names | CHOSEN


def emulated(rows: list[Function], package: Path) -> set[str]:
    """Return the functions that the emulator answers: in its native half, or in a method marked @verb(...)."""
    native = NATIVE | {row.name for row in rows if row.shape in ("CLOSE", "EXIT")}
    if unknown := native - {row.name for row in rows}:
        raise SystemExit(f"tools/functions.py: NATIVE has {', '.join(sorted(unknown))}, which no row of {ROWS} has")
    marks = (
        mark
        for path in (package / "emulator").glob("*.py")
        for method in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
        for mark in method.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "verb"
    )
    return native | {ast.literal_eval(name) for mark in marks for name in mark.args}


def table(rows: list[Function], text: str, package: Path = REPOSITORY / "hcsrt") -> str:
    """Return the page `text` with a new table, made of the rows, the docstrings and the marks of the emulator."""
    names, answered = public_names(package), emulated(rows, package)

    def line(row: Function) -> str:
        name = names.get(row.name)
        # A loop is told of the end of a call and asks for the result only then; what is done by hand blocks.
        by_hand = name is None or name.startswith(BY_HAND) or row.name.startswith("HcsWaitFor")
        cells = (
            f"`{row.name}`",
            f"`{name}`" if name else "—",
            "—" if by_hand else "yes",
            "yes" if row.name in answered else "`E_NOTIMPL`",
            _short(row.since),
        )
        return f"| {' | '.join(cells)} |"

    versions = sorted({row.since for row in rows})
    text = _refilled(text, "| Windows |", [f"| {_short(since)} | {since} |" for since in versions])
    return _refilled(text, "| function |", map(line, sorted(rows, key=_name)))


def _short(since: str) -> str:
    """Return a name of that Windows that leaves a narrow column narrow."""
    release = re.search(r"\d{4}", since)
    return release[0] if release else "newer"


def _refilled(text: str, head: str, lines: Iterable[str]) -> str:
    """Return the text with the rows of the table whose line of headings begins with `head`."""
    start = text.index(head)
    first = text.index("\n", text.index("\n", start) + 1) + 1
    old = re.match(r"(?:\|.*\n)*", text[first:])
    assert old is not None
    return text[:first] + "\n".join(lines) + "\n" + text[first + old.end() :]


def counted(path: str, text: str, count: int) -> str:
    """Return a text of COUNTS with the number of functions in its sentence. Raises SystemExit where there is none."""
    sentence = COUNTS[path]
    text, found = re.subn(re.escape(sentence).replace(r"\{\}", r"\d+"), sentence.format(count), text)
    if found != 1:
        raise SystemExit(f"{path}: says {found} times, not once: {sentence}")
    return text


def _name(row: Function) -> str:
    return row.name


def generated() -> dict[str, str]:
    """Return the text of each file that is made of the rows, by its path in the repository."""
    rows = functions()
    pages = {path: counted(path, (REPOSITORY / path).read_text(encoding="utf-8"), len(rows)) for path in COUNTS}
    return {HEADER: header(rows), INTERFACE: interface(rows), **pages, TABLE: table(rows, pages[TABLE])}


def differences(facts: list[dict[str, object]], types: dict[str, str]) -> Iterator[str]:
    """Tell where the rows differ from functions.json; `types` maps its types to those of a row."""
    declared = {row.name: row for row in functions()}
    known = {
        entry["name"]: entry for entry in facts if entry["dll"] == "computecore.dll" and entry["params"] is not None
    }
    for name in sorted(declared.keys() - known.keys()):
        yield f"{ROWS}: {name} is no public function of computecore.dll"
    for name in sorted(known.keys() - declared.keys()):
        yield f"{ROWS}: {name} is missing"
    for name in sorted(known.keys() & declared.keys()):
        entry, row = known[name], declared[name]
        wanted = [types[kind] for kind in (entry["returns"], *(item["type"] for item in entry["params"]))]  # type: ignore[attr-defined]
        if row.types != wanted:
            yield f"{ROWS}: {name} has the types {row.types}, the facts say {wanted}"
        minimum = entry["min_windows"]
        if minimum is not None and minimum != row.since:
            yield f"{ROWS}: {name} is said to be in {row.since}, the facts say {minimum}"
