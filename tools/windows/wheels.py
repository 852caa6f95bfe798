"""Windows wheels built elsewhere: the project's own setup.py, told of another compiler and another CPython.

This is how CPython's ecosystem builds for another platform: _PYTHON_HOST_PLATFORM names it, and a module named by
_PYTHON_SYSCONFIGDATA_NAME has the variables that setuptools asks sysconfig for.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pins
from bed import MINGW, bed, tools
from cache import call, folder, say
from pins import Python


@dataclass(frozen=True)
class Target:
    """A Windows and a compiler for it.

    libraries is the folder with the import library of Python.
    """

    platform: str
    compiler: str
    linker: str
    libraries: Path


def amd64(python: Python) -> Target:
    return Target("win-amd64", f"{MINGW}-g++-posix", "-shared -static -s", bed(python) / "libs")


def arm64(python: Python) -> Target:
    """Return the target of Zig's compiler, which has for WaitOnAddress only the list of a library's contents."""
    zig = tools(pins.ARM64)
    (api_sets,) = zig.parents[1].glob("lib/*/site-packages/ziglang/lib/libc/mingw/lib-common")
    libraries = work_folder(python, "win-arm64") / "import"
    libraries.mkdir(parents=True, exist_ok=True)
    for name, definitions in (
        (python.library, bed(python) / "libs" / f"{python.library}.def"),
        ("synchronization", api_sets / "api-ms-win-core-synch-l1-2-0.def"),
    ):
        call(zig, "-m", "ziglang", "dlltool", "-m", "arm64", "-d", definitions, "-l", libraries / f"lib{name}.a")
    return Target("win-arm64", f"{zig} -m ziglang c++ -target aarch64-windows-gnu", "-shared -s", libraries)


def work_folder(python: Python, platform: str) -> Path:
    return pins.REPOSITORY / "build" / "windows" / f"{python.version}-{platform}"


def variables(python: Python, target: Target) -> dict[str, object]:
    """Return the build variables of a Windows CPython, under the names that setuptools knows from Unix."""
    include = str(bed(python) / "include")
    # The headers take these from Microsoft's compiler, or not at all.
    defines = "-DMS_WIN64" + (" -DPy_GIL_DISABLED=1" if python.free_threaded else "")
    soabi = f"{python.abi}-{target.platform.replace('-', '_')}"
    return {
        "VERSION": python.nodot,
        "SOABI": soabi,
        "EXT_SUFFIX": f".{soabi}.pyd",
        "SHLIB_SUFFIX": ".pyd",
        "Py_DEBUG": 0,
        "Py_GIL_DISABLED": int(python.free_threaded),
        "SIZEOF_VOID_P": 8,
        "INCLUDEPY": include,
        "CONFINCLUDEPY": include,
        # Extension modules are linked with the library of Python.
        "Py_ENABLE_SHARED": 1,
        "LIBDIR": str(target.libraries),
        "LDVERSION": python.library.removeprefix("python"),
        "CC": target.compiler,
        "CXX": target.compiler,
        "CFLAGS": f"-O2 -DNDEBUG {defines}",
        "CCSHARED": "",
        "LDSHARED": f"{target.compiler} {target.linker}",
        "LDCXXSHARED": f"{target.compiler} {target.linker}",
        "AR": f"{MINGW}-ar",
        "ARFLAGS": "rcs",
    }


def build(python: Python, target: Target, dist: Path) -> Path:
    """Build the wheel of this tree into the folder `dist`, and check what its modules import."""
    interpreter = tools(pins.TOOLS)
    work = work_folder(python, target.platform)
    shutil.rmtree(work / "wheel", ignore_errors=True)
    (work / "wheel").mkdir(parents=True)
    # setuptools packs whatever lies there; compiled modules that are up to date may stay.
    for file in work.glob("lib.*/**/*"):
        if file.is_file() and file.suffix != ".pyd":
            file.unlink()
    (work / "_sysconfigdata_windows.py").write_text(f"build_time_vars = {variables(python, target)!r}\n")
    (work / "build.cfg").write_text(f"[build]\nbuild_base = {work}\n")
    call(
        interpreter, "-c", "import setuptools.build_meta as setuptools, sys; setuptools.build_wheel(sys.argv[1])",
        work / "wheel", cwd=pins.REPOSITORY, PYTHONPATH=work, _PYTHON_HOST_PLATFORM=target.platform,
        _PYTHON_SYSCONFIGDATA_NAME="_sysconfigdata_windows", DIST_EXTRA_CONFIG=work / "build.cfg",
        ZIG_GLOBAL_CACHE_DIR=folder() / "zig",
    )  # fmt: skip
    (wheel,) = (work / "wheel").glob("*.whl")
    say(python.version, call(interpreter, pins.HERE / "check_imports.py", wheel).strip())
    dist.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(wheel, dist))
