"""What is installed, what wheel and sdist carry, and what others can build on it."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Callable
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest

import hcsrt

from ..helpers.once import made_once
from ..helpers.pages import DOCS, REPOSITORY, Run, blocks_of
from ..helpers.platforms import WINDOWS, compiler, posix_shell

SOURCES = ("hcsrt", "tests", "benchmarks", "docs", "examples", "tools")
MODULES = {
    "_answers",
    "_calls",
    "_core",
    "_engine",
    "_functions",
    "_handles",
    "_interpose",
    "_library",
    "_streams",
    "_watch",
    "emulator/_native",
    "engine",
    "operations",
}
CYTHON_PAGE = DOCS / "how-to" / "cython-package.md"
FROZEN = {"__init__", "_api", "_engine_types", "_handles", "_library", "_types", "engine"}


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command} failed with {done.returncode}:\n{done.stdout}"
    return done.stdout


# What is installed here


def test_the_core_needs_nothing_but_the_standard_library() -> None:
    requirements = metadata.requires("hcsrt") or []
    assert [requirement for requirement in requirements if "extra ==" not in requirement] == []


def test_the_version_is_said_once() -> None:
    assert metadata.version("hcsrt") == hcsrt.__version__


def test_importing_it_loads_no_extra(tmp_path: Path) -> None:
    script = """
import sys
from hcsrt import *
print(sorted({"click", "rich", "psutil", "asyncio", "pytest", "subprocess"} & set(sys.modules)))
"""
    assert run(sys.executable, "-c", script, cwd=tmp_path) == "[]\n"


def test_the_include_folder_has_what_a_consumer_includes() -> None:
    include = Path(hcsrt.get_include())
    assert (include / "hcsrt.h").is_file()
    assert (include / "hcsapi.h").is_file()


@compiler
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_public_header_compiles_alone(tmp_path: Path, language: str) -> None:
    command = sysconfig.get_config_var("CXX" if language == "c++" else "CC").split()[0]
    source = tmp_path / "source"
    source.write_text("#include <hcsrt.h>\nint size = (int)sizeof(HcsApi);\n")
    standard = "-std=c++17" if language == "c++" else "-std=c11"
    run(command, "-x", language, standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only",
        f"-I{hcsrt.get_include()}", source, cwd=tmp_path)  # fmt: skip


# The artefacts


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel built from it; HCSRT_DIST names one that is there already."""
    if given := os.environ.get("HCSRT_DIST"):
        return Path(given)
    if WINDOWS:
        pytest.skip("builds nothing on Windows: HCSRT_DIST has to name what was built")

    def make(folder: Path) -> None:
        tree = folder / "hcsrt"
        for source in SOURCES:
            shutil.copytree(
                REPOSITORY / source,
                tree / source,
                ignore=shutil.ignore_patterns("build", "*.so", "__pycache__", "*.egg-info"),
            )
        for source in REPOSITORY.iterdir():
            if source.is_file():
                shutil.copy(source, tree)
        run(sys.executable, "-m", "build", "--no-isolation", cwd=tree)

    return made_once(tmp_path_factory, "sources", make) / "hcsrt" / "dist"


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    (found,) = dist.glob("*.tar.gz")
    return found


def installed_by_the_page_about_cython() -> list[str]:
    """Return what the page has its reader install before the build: the block that no test runs."""
    (block,) = (block for block in blocks_of(CYTHON_PAGE, "console") if block.is_not_run)
    dollar, pip, install, *requirements = shlex.split(block.text)
    assert (dollar, pip, install) == ("$", "pip", "install")
    return requirements


def test_a_package_against_hcsrt_is_built_with_what_builds_hcsrt() -> None:
    def required(text: str) -> list[str]:
        return list(tomllib.loads(text)["build-system"]["requires"])

    ours = required((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    (of_the_page,) = (block for block in blocks_of(CYTHON_PAGE) if block.file == "pyproject.toml")
    of_the_example = REPOSITORY / "examples" / "cython_consumer" / "pyproject.toml"
    assert installed_by_the_page_about_cython() == ours
    assert required(of_the_page.text) == required(of_the_example.read_text("utf-8")) == [*ours, "hcsrt"]


def headers_and_interfaces() -> set[str]:
    package = REPOSITORY / "hcsrt"
    return {
        path.relative_to(REPOSITORY).as_posix()
        for pattern in (
            "**/*.py",
            "**/*.pyi",
            "include/*.h",
            "**/py.typed",
            "documents/data/*.json",
            "**/points.json",
        )
        for path in package.glob(pattern)
    } | {f"hcsrt/{name}.pxd" for name in FROZEN}


@pytest.mark.slow
def test_the_wheel_has_everything_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    expected = headers_and_interfaces() | {f"hcsrt/{module}{suffix}" for module in MODULES}
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.slow
def test_the_sdist_has_the_sources_and_no_generated_code(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "hcsrt/native").rglob("*.*")}
    sources |= {f"hcsrt/{module}.pyx" for module in MODULES}
    assert headers_and_interfaces() | sources <= names
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "setup.py",
        "pyproject.toml",
        "tests/package/test_packaging.py",
    } <= names
    generated = {name for name in names if name.endswith((".so", ".c", ".pyc")) or name.startswith("build/")}
    assert generated == set()
    compiled = {name for name in names if name.startswith("hcsrt/") and name.endswith(".cpp")}
    assert compiled == {name for name in sources if name.endswith(".cpp")}


@pytest.mark.slow
def test_the_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        fields = Parser().parsestr(archive.read(name).decode())
    assert (fields["Name"], fields["Version"]) == ("hcsrt", hcsrt.__version__)
    assert fields["Requires-Python"] == ">=3.11"
    assert fields["License-Expression"] == "MIT"
    assert set(fields.get_all("Provides-Extra") or ()) >= {"cli", "emulator", "test"}
    assert all("extra ==" in requirement for requirement in fields.get_all("Requires-Dist") or ())


# Packages of others, against the wheel


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheel, and what the page about Cython installs for a build."""

    def make(folder: Path) -> None:
        venv.create(folder, with_pip=True)
        requirements = [wheel, *installed_by_the_page_about_cython()]
        run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements, cwd=folder)

    return made_once(tmp_path_factory, "environment", make) / "bin" / "python"


@pytest.fixture
def install(environment: Path, tmp_path: Path) -> Callable[[Path, str], None]:
    def install(project: Path, language: str) -> None:
        # Building writes beside the sources.
        copy = shutil.copytree(project, tmp_path / language.replace("+", "p"))
        options = ["--quiet", "--no-build-isolation", "--no-deps", "--force-reinstall"]
        run(environment, "-m", "pip", "install", *options, copy, cwd=tmp_path, CONSUMER_LANGUAGE=language)
        assert (copy / "build" / f"cython_consumer.{'cpp' if language == 'c++' else 'c'}").is_file()

    return install


CONSUMER_PROGRAM = """
import sys, warnings
import hcsrt
import cython_consumer

warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
with hcsrt.ComputeSystem.create("consumed", hcsrt.emulator.container_document(owner="consumer")) as system:
    system.start()
    properties = cython_consumer.properties(system.handle)
    assert (properties["Id"], properties["Owner"]) == ("consumed", "consumer"), properties

    watch = cython_consumer.ExitWatch("consumed")
    dropped = cython_consumer.ExitWatch("consumed")
    assert watch.wait(0.2) is None
    system.terminate()
    for _ in range(2):
        document = watch.wait(10)
        assert "Status" in document, document
    watch.close()
    watch.close()
    try:
        watch.wait(1)
    except hcsrt.HandleClosedError:
        pass
    else:
        raise AssertionError("waited on a closed handle")
    del dropped

handle = system.handle
try:
    cython_consumer.properties(handle)
except hcsrt.HandleClosedError:
    pass
else:
    raise AssertionError("called on a closed handle")
try:
    cython_consumer.ExitWatch("nobody")
except hcsrt.SystemNotFoundError as error:
    assert error.operation == "HcsOpenComputeSystem"
else:
    raise AssertionError("opened a system that does not exist")
assert not any(hcsrt.emulator.live().values()), hcsrt.emulator.live()
assert hcsrt.emulator.misuses() == [], hcsrt.emulator.misuses()
print(hcsrt.__file__)
"""


ENGINE_PROGRAM = """
import time, warnings
import hcsrt
import engine_consumer
from hcsrt import _interpose

warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
document = hcsrt.emulator.container_document()
systems = [hcsrt.ComputeSystem.create(f"asked-{number}", document) for number in range(3)]
handles = [system.handle for system in systems] * 20
assert [answer["Id"] for answer in engine_consumer.properties_of(handles)] == [system.id for system in systems] * 20
assert hcsrt.pending() == 0

with _interpose.silent("HcsGetComputeSystemProperties"):
    try:
        engine_consumer.properties_of(handles, 0.3)
    except TimeoutError:
        assert hcsrt.pending() == 60, hcsrt.pending()
    else:
        raise AssertionError("HCS has not answered")
hcsrt.emulator.reset()
for handle, expected in (handles[0], hcsrt.ServiceDisconnectedError), (None, TypeError), (1, TypeError):
    try:
        engine_consumer.properties_of([handle])
    except expected:
        pass
    else:
        raise AssertionError("asked with a handle of nobody")
for system in systems:
    system.close()
try:
    engine_consumer.properties_of(handles)
except hcsrt.HandleClosedError:
    pass
else:
    raise AssertionError("asked with a closed handle")
# A worker closes the operations of calls that are released.
end = time.monotonic() + 10
while (hcsrt.pending() or any(hcsrt.emulator.live().values())) and time.monotonic() < end:
    time.sleep(0.01)
assert hcsrt.pending() == 0, hcsrt.pending()
assert not any(hcsrt.emulator.live().values()), hcsrt.emulator.live()
assert hcsrt.emulator.misuses() == [], hcsrt.emulator.misuses()
print(hcsrt.__file__)
"""


@compiler
@pytest.mark.slow
@pytest.mark.parametrize("language", ["c", "c++"])
def test_a_downstream_package_builds_and_works(
    environment: Path, install: Callable[[Path, str], None], language: str, tmp_path: Path
) -> None:
    install(REPOSITORY / "examples" / "cython_consumer", language)
    for program in (CONSUMER_PROGRAM, ENGINE_PROGRAM):
        out = run(environment, "-W", "error", "-c", program, cwd=tmp_path)
        assert Path(out.strip()).is_relative_to(environment.parents[1])


@pytest.mark.slow
def test_a_wheel_is_enough_to_check_a_host(environment: Path, tmp_path: Path) -> None:
    command = ["-m", "hcsrt.check_host", "--emulator", "--only", "strings", "--output", "seen.json"]
    printed = run(environment, "-W", "error", *command, cwd=tmp_path)
    assert "2 seen" in printed
    told = json.loads((tmp_path / "seen.json").read_text("utf-8"))
    assert told["complete"]
    assert told["host"]["hcsrt"] == hcsrt.__version__


def code_of_the_readme(language: str) -> list[str]:
    return [block.text for block in blocks_of(REPOSITORY / "README.md", language)]


@compiler
@pytest.mark.slow
def test_the_cython_code_of_the_readme_works(
    environment: Path, install: Callable[[Path, str], None], tmp_path: Path
) -> None:
    (code,) = code_of_the_readme("cython")
    project = shutil.copytree(REPOSITORY / "examples" / "cython_consumer", tmp_path / "readme")
    (project / "cython_consumer.pyx").write_text(code, encoding="utf-8")
    install(project, "c")
    program = """
import hcsrt, cython_consumer
with hcsrt.ComputeSystem.create("readme", hcsrt.emulator.container_document()) as system:
    system.start()
    assert cython_consumer.wait_for_exit(system.handle, 10) < 0
    system.terminate()
    assert cython_consumer.wait_for_exit(system.handle, 10_000) == 0
"""
    run(environment, "-c", program, cwd=tmp_path)


@compiler
@pytest.mark.slow
def test_the_package_of_the_page_about_cython_builds_and_works(environment: Path, tmp_path: Path) -> None:
    Run(tmp_path, environment.parent).page(blocks_of(CYTHON_PAGE))


@posix_shell
def test_the_programs_of_the_readme_work(tmp_path: Path) -> None:
    first, one_call, awaited, test = code_of_the_readme("python")
    program = f"import warnings, hcsrt\nwarnings.simplefilter('ignore', hcsrt.NoIsolationWarning)\n{first}"
    assert run(sys.executable, "-W", "error", "-c", program, cwd=tmp_path) == "3 b'it is me\\n'\n"
    (tmp_path / "test_readme.py").write_text(test, encoding="utf-8")
    assert "1 passed" in run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_readme.py", cwd=tmp_path)
    printed = run(sys.executable, "-W", "error", "-c", one_call, cwd=tmp_path).splitlines()
    assert printed[0] == r"3 b'hello\n' b'' False"
    peak, seconds = printed[1].split()
    # The emulator may not have seen so short a program's memory.
    assert peak == "None" or int(peak) > 0
    assert float(seconds) >= 0
    program = f"import warnings, hcsrt\nwarnings.simplefilter('ignore', hcsrt.NoIsolationWarning)\n{awaited}"
    assert run(sys.executable, "-W", "error", "-c", program, cwd=tmp_path) == "b'hello\\n'\nshutdown\n"
