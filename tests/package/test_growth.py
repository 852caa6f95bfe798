"""The frozen C face: a package of another ABI is refused with the reason, and a table may grow under packages."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.once import made_once
from ..helpers.platforms import compiler
from .test_packaging import REPOSITORY, dist, environment, run, wheel

__all__ = ["dist", "environment", "wheel"]

pytestmark = [compiler, pytest.mark.slow]

SETUP = """
import os
from Cython.Build import cythonize
from setuptools import Extension, setup

module = Extension("consumer", ["consumer.pyx"], include_dirs=os.environ["INCLUDE"].split(os.pathsep))
setup(name="consumer", ext_modules=cythonize([module], include_path=os.environ["PXD"].split(os.pathsep)))
"""

# What a package saw that was compiled against the first ABI: functions by name, the ways to release behind them.
ABI_1_HEADER = """
#include <stddef.h>
typedef struct HcsApi { size_t size; int (*HcsAddResourceToOperation)(void *, unsigned, const void *, void *); } HcsApi;
"""
ABI_1_PXD = """
cdef extern from "hcsrt.h" nogil:
    ctypedef struct HcsApi:
        size_t size
cdef const HcsApi *hcs() except NULL
"""
ABI_1_CONSUMER = """
from hcsrt._library cimport HcsApi, hcs
def size():
    cdef const HcsApi *api = hcs()
    return api.size
"""

CONSUMER = """
from hcsrt cimport HcsApi, hcs, hcsrt_has
def size():
    return hcs().size
def known():
    return sizeof(HcsApi)
def has_wait():
    cdef const HcsApi *api = hcs()
    return bool(hcsrt_has(api, &api.HcsWaitForProcessExit))
"""
CONSUMER_OF_TOY = (
    CONSUMER
    + """
def has_toy():
    cdef const HcsApi *api = hcs()
    return bool(hcsrt_has(api, &api.HcsMakeCoffee))
"""
)

TOY = "F(HcsMakeCoffee, UNSTATED, VERB, SYSTEM, ORDER, NONE)"


def compiled(folder: Path, python: Path, source: str, include: Path, interfaces: Path) -> Path:
    """The folder of the module `consumer`, compiled with these headers and .pxd files."""
    folder.mkdir()
    (folder / "setup.py").write_text(SETUP)
    (folder / "consumer.pyx").write_text(source)
    run(python, "setup.py", "--quiet", "build_ext", "--inplace", cwd=folder, INCLUDE=str(include), PXD=str(interfaces))
    return folder


def asked(folder: Path, python: Path, code: str) -> subprocess.CompletedProcess[str]:
    program = f"import hcsrt, sys; sys.path.insert(0, {str(folder)!r}); import consumer; {code}"
    return subprocess.run([python, "-W", "error", "-c", program], cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="session")
def package(environment: Path) -> Path:
    """Where the wheel's package lies."""
    return Path(run(environment, "-c", "import hcsrt; print(*hcsrt.__path__)", cwd=environment.parent).strip())


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory, environment: Path) -> Path:
    """The site-packages of an hcsrt whose table has one more entry."""

    def make(folder: Path) -> None:
        tree = folder / "tree"
        for source in ("hcsrt", "tools", "docs"):
            ignored = shutil.ignore_patterns("*.so", "__pycache__", "build")
            shutil.copytree(REPOSITORY / source, tree / source, ignore=ignored)
        for source in REPOSITORY.iterdir():
            if source.is_file():
                shutil.copy(source, tree)
        (tree / "tests/data").mkdir(parents=True)
        shutil.copy(REPOSITORY / "tests/data/hresults.json", tree / "tests/data")
        rows = tree / "hcsrt/native/backends/functions.h"
        text = rows.read_text()
        # Behind the last row, which alone does not end with a backslash.
        grown, found = re.subn(r"(#define HCSRT_FUNCTIONS\(F\)(?: *\\\n.*?)+)\n\n", rf"\1 \\\n    {TOY}\n\n", text)
        assert found == 1
        rows.write_text(grown)
        run(sys.executable, "tools/facts.py", "write", cwd=tree)
        options = ["--quiet", "--no-build-isolation", "--no-deps", "--target", folder / "site"]
        run(environment, "-m", "pip", "install", *options, tree, cwd=folder)

    return made_once(tmp_path_factory, "grown", make) / "site"


def test_a_package_of_abi_1_is_refused_at_import(environment: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "hcsrt").mkdir(parents=True)
    (old / "hcsrt/__init__.pxd").write_text("")
    (old / "hcsrt/_library.pxd").write_text(ABI_1_PXD)
    (old / "hcsrt.h").write_text(ABI_1_HEADER)
    folder = compiled(tmp_path / "consumer", environment, ABI_1_CONSUMER, old, old)
    done = asked(folder, environment, "print('imported')")
    assert done.returncode == 1
    assert "imported" not in done.stdout
    error = done.stderr.splitlines()[-1]
    assert error.startswith("TypeError: ")
    assert "ABI 2: this hcsrt is too new for the package, compile it again" in error


def test_a_package_of_another_abi_is_refused_at_its_first_call(
    environment: Path, package: Path, tmp_path: Path
) -> None:
    include = Path(shutil.copytree(package / "include", tmp_path / "include"))
    header = include / "hcsrt.h"
    assert header.read_text().count("#define HCSRT_ABI 2\n") == 1
    header.write_text(header.read_text().replace("#define HCSRT_ABI 2\n", "#define HCSRT_ABI 3\n"))
    folder = compiled(tmp_path / "consumer", environment, CONSUMER, include, package.parent)
    done = asked(folder, environment, "consumer.size()")
    assert "ImportError: a module was compiled for ABI 3 of hcsrt" in done.stderr
    (level,) = re.findall(r"^#define HCSRT_LEVEL (\d+)$", (include / "hcsapi.h").read_text(), re.MULTILINE)
    assert f"this hcsrt has ABI 2, level {level}, " in done.stderr


def test_a_package_works_on_a_table_that_has_grown(
    environment: Path, package: Path, grown: Path, tmp_path: Path
) -> None:
    folder = compiled(tmp_path / "consumer", environment, CONSUMER, package / "include", package.parent)
    code = "print(consumer.size() - consumer.known(), consumer.has_wait(), hcsrt.__file__)"
    program = f"import sys; sys.path[:0] = [{str(grown)!r}, {str(folder)!r}]; import consumer, hcsrt; {code}"
    out = run(environment, "-W", "error", "-c", program, cwd=tmp_path)
    difference, has_wait, where = out.split()
    assert Path(where).is_relative_to(grown)
    assert (int(difference), has_wait) == (8, "True")


def test_a_package_finds_an_entry_missing_in_an_older_table(environment: Path, grown: Path, tmp_path: Path) -> None:
    folder = compiled(tmp_path / "consumer", environment, CONSUMER_OF_TOY, grown / "hcsrt/include", grown)
    done = asked(
        folder, environment, "print(consumer.known() - consumer.size(), consumer.has_toy(), consumer.has_wait())"
    )
    assert (done.stdout, done.stderr) == ("8 False True\n", "")
