"""What a source tree says that cannot be imported or built."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from ..helpers.platforms import posix_shell

REPOSITORY = Path(__file__).resolve().parents[2]
READS = re.compile(r"""environ(?:\.get\(|\[)\s*["'](HCSRT_\w+)["']\]?(?!\s*=[^=])""")
ROWS = re.compile(r"^\| `(HCSRT_\w+)` \|", re.MULTILINE)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package without its extension modules, in a folder that hides the installed one."""
    return shutil.copytree(
        REPOSITORY / "hcsrt",
        tmp_path / "hcsrt",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
        copy_function=shutil.copyfile,  # copy2 ends the interpreter under Wine
    )


def error_of_import(package: Path, *arguments: str, returncode: int = 1) -> str:
    command = [sys.executable, *(arguments or ("-c", "from hcsrt import ComputeSystem"))]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == returncode
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "program",
    [
        "import hcsrt; hcsrt.run",
        "import hcsrt; hcsrt.operations",
        "from hcsrt import operations",
        "from hcsrt import *",
        "from hcsrt.aio import *",
        "import hcsrt.aio; hcsrt.aio.run",
        "from hcsrt.aio import ComputeSystem",
        *(
            f"import hcsrt.{name}"
            for name in ("aio.system", "bulk", "doctor", "emulator", "events", "once", "process", "service", "system")
        ),
    ],
)
def test_a_source_tree_that_is_not_built_says_so(package: Path, program: str) -> None:
    (package.parent / "setup.py").touch()
    error = error_of_import(package, "-c", program)
    assert f"ImportError: {package.parent} is a source tree of hcsrt without extension modules" in error
    assert "run `pip install -e .` there, or start Python in another folder if hcsrt is installed" in error


@pytest.mark.parametrize("command", ["run -- true", "doctor"])
def test_the_command_line_of_a_tree_that_is_not_built_says_so_in_one_line(package: Path, command: str) -> None:
    error = error_of_import(package, "-m", "hcsrt", *command.split(), returncode=125)
    assert f"hcsrt: hcsrt in {package} has no extension modules" in error


def test_what_needs_no_extension_module_works_without(package: Path) -> None:
    program = """
import hcsrt
from hcsrt import HcsError, documents, errors
print(hcsrt.__version__, issubclass(errors.StateError, HcsError), hasattr(documents, "check"), "run" in dir(hcsrt))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=package.parent, capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.stdout.split()[1:], done.stderr) == (["True", "True", "True"], "")


def test_modules_for_another_python_are_named(package: Path) -> None:
    (package / "_handles.cpython-36m-plan9.so").touch()
    (package / "_handles.cp36-plan9.pyd").touch()
    error = error_of_import(package)
    assert f"ImportError: hcsrt in {package} has no extension modules for this Python" in error
    assert f"{sysconfig.get_config_var('EXT_SUFFIX')}; those that it has end in " in error
    assert ".cp36-plan9.pyd, .cpython-36m-plan9.so" in error
    assert f"install it with this one: {sys.executable} -m pip install --force-reinstall hcsrt" in error


def test_other_missing_modules_keep_their_error(package: Path) -> None:
    (package / "_library.py").write_text("import no_such_module")
    assert error_of_import(package) == "ModuleNotFoundError: No module named 'no_such_module'"


# Without a compiler, or with one that does not do


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    shutil.copytree(
        REPOSITORY / "hcsrt",
        tree / "hcsrt",
        ignore=shutil.ignore_patterns("*.so", "__pycache__"),
        copy_function=shutil.copyfile,
    )
    shutil.copytree(REPOSITORY / "tools", tree / "tools", copy_function=shutil.copyfile)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, tree)
    return tree


def build(tree: Path, *command: str, **variables: str) -> list[str]:
    """Build in vain; return what was said."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", *command],
        cwd=tree,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert not (tree / "build" / "cython").exists(), "it made C++ for nothing"
    return done.stderr.splitlines()


@posix_shell
@pytest.mark.parametrize("command", [("build_ext",), ("build_ext", "--inplace"), ("bdist_wheel",)])
def test_a_build_without_a_compiler_says_in_one_line_what_to_install(tree: Path, command: tuple[str, ...]) -> None:
    (line,) = build(tree, *command, CXX="no-such-compiler -O2")
    assert line.startswith("error: hcsrt is built by a C++17 compiler, and there is no no-such-compiler here: ")
    assert re.search(r"(sudo \S+ \S+ .*\S|xcode-select --install|install one)$", line)


@posix_shell
def test_a_compiler_that_is_too_old_is_told(tree: Path, tmp_path: Path) -> None:
    compiler = tmp_path / "old++"
    compiler.write_text("#!/bin/sh\necho \"error: unrecognized command line option '-std=c++17'\" >&2\nexit 1\n")
    compiler.chmod(0o755)
    (line,) = build(tree, "build_ext", CXX=str(compiler))
    assert line == (
        f"error: hcsrt is built by a C++17 compiler, and {compiler} fails with: "
        "error: unrecognized command line option '-std=c++17'"
    )


@posix_shell
def test_missing_headers_of_python_are_told(tree: Path, tmp_path: Path) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\necho 'fatal error: Python.h: No such file or directory' >&2\nexit 1\n")
    compiler.chmod(0o755)
    (line,) = build(tree, "build_ext", CXX=str(compiler))
    assert line.startswith("error: hcsrt is built with the headers of Python, and Python.h is not in ")


def test_what_compiles_nothing_needs_no_compiler(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "egg_info"],
        cwd=tree,
        env={**os.environ, "CXX": "no-such-compiler"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tree / "build" / "cython").exists()


# Of the environment


def test_every_variable_that_is_read_stands_in_the_table() -> None:
    read: set[str] = set()
    for folder in ("hcsrt", "tests", "tools", "benchmarks", "examples"):
        for pattern in ("*.py", "*.pyx"):
            for path in (REPOSITORY / folder).rglob(pattern):
                read.update(READS.findall(path.read_text("utf-8")))
    read.update(READS.findall((REPOSITORY / "setup.py").read_text("utf-8")))
    rows = ROWS.findall((REPOSITORY / "docs" / "reference" / "environment.md").read_text("utf-8"))
    assert sorted(rows) == sorted(read)
