"""What of hcsrt is computed: its extension modules, its description and its URLs. All else is in pyproject.toml."""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.errors import PlatformError

# The platform that is built for. tools/windows/wheels.py builds for Windows elsewhere, and names it as cross builds of
# CPython do: _PYTHON_HOST_PLATFORM, with compilers and file names in the module _PYTHON_SYSCONFIGDATA_NAME.
WINDOWS = sysconfig.get_platform().startswith("win")


def native(*rooms: str) -> list[str]:
    """Return the sources of rooms of hcsrt/native, those of the other system left out."""
    other = "posix" if WINDOWS else "windows"
    sources = [path.replace(os.sep, "/") for room in rooms for path in sorted(glob(f"hcsrt/native/{room}/*.cpp"))]
    return [path for path in sources if not path.endswith(f"{other}.cpp")]


# Each module with the native sources that are linked into it: all others get the addresses of the functions from _core.
# The two with most of them come first, so that no processor has one to build while others have nothing left.
MODULES = {
    "hcsrt._core": ["hcsrt/native/exports.cpp", *native("core", "backends", "engine", "interpose")],
    "hcsrt.emulator._native": native("emulator"),
    "hcsrt._engine": [],
    "hcsrt._library": [],
    "hcsrt._interpose": [],
    "hcsrt._handles": [],
    "hcsrt._functions": [],
    "hcsrt._answers": [],
    "hcsrt._streams": [],
    "hcsrt._watch": [],
    "hcsrt._calls": [],
    "hcsrt.operations": [],
    "hcsrt.engine": [],
}

HEADERS = sorted(glob("hcsrt/include/*.h") + glob("hcsrt/native/**/*.h", recursive=True))

DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "auto_pickle": False,
    "autotestdict": False,
    "embedsignature": False,
    "freethreading_compatible": True,
}

# The C++ runtime goes into the module itself, since CPython does not bring msvcp140.dll; the C runtime stays that of
# Windows, which is kept up to date.
MSVC_ARGS = ["/std:c++17", "/utf-8", "/EHsc", "/GR-", "/MT", "/guard:cf"]
MSVC_LINK_ARGS = ["/NODEFAULTLIB:libucrt.lib", "/DEFAULTLIB:ucrt.lib", "/guard:cf"]
# Without exceptions: CPython may end a daemon thread by unwinding it, and no frame of ours may stop that. With -O3:
# only there GCC before 12 makes vectors of the loops of native/core/text.h.
GNU_ARGS = ["-std=c++17", "-O3", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-pthread"]
# CPython's own flags ask for debug information, which is most of what a module weighs. Apple's linker knows no -s.
STRIP = [] if os.environ.get("HCSRT_DEBUG_BUILD") else ["-Wl,-x" if sys.platform == "darwin" else "-Wl,-s"]
# Exceptions tell the emulator that there is no memory. No thread is in Python in the middle of one of its functions.
GNU_ARGS_OF = {"hcsrt.emulator._native": ["-fexceptions"]}
GNU_LINK_ARGS = ["-pthread", *STRIP]


# By the ID of a system in os-release, or what it says that it is like: how to install a compiler and Python's headers.
INSTALL = {
    "alpine": "sudo apk add g++ python3-dev",
    "arch": "sudo pacman -S gcc python",
    "debian": "sudo apt-get install g++ python3-dev",
    "fedora": "sudo dnf install gcc-c++ python3-devel",
    "rhel": "sudo dnf install gcc-c++ python3-devel",
    "suse": "sudo zypper install gcc-c++ python3-devel",
}


def how_to_install(what: str) -> str:
    """Return the command that installs a compiler on this system, or words to the same end."""
    if sys.platform == "darwin":
        return "xcode-select --install"
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    for name in (system.get("ID", ""), *system.get("ID_LIKE", "").split()):
        if command := INSTALL.get(name.partition("-")[0]):
            return command
    return f"install {what}"


def check_compiler(command: list[str], includes: list[str]) -> None:
    """Raise PlatformError, in one line, if the command does not compile C++17 with the headers of Python."""
    compiler = command[0]
    if shutil.which(compiler) is None:
        raise PlatformError(
            f"hcsrt is built by a C++17 compiler, and there is no {compiler} here: {how_to_install('one')}"
        )
    paths = [f"-I{path}" for path in includes]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "trial.cpp")
        program.write_text("#include <Python.h>\nstatic_assert(__cplusplus >= 201703L);\n")
        # Compiled to an object, as the modules are: Zig's compiler fails with -fsyntax-only, for want of the object.
        tried = subprocess.run(
            [*command, "-std=c++17", *paths, "-c", program, "-o", program.with_suffix(".o")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    if tried.returncode == 0:
        return
    if "Python.h" in tried.stderr:
        raise PlatformError(
            f"hcsrt is built with the headers of Python, and Python.h is not in {' or '.join(includes)}: "
            f"{how_to_install('the development package of this Python')}"
        )
    lines = [line for line in tried.stderr.splitlines() if "error" in line] or tried.stderr.splitlines() or ["nothing"]
    raise PlatformError(f"hcsrt is built by a C++17 compiler, and {compiler} fails with: {lines[0]}")


class Build(build):
    """A build that begins with what may fail, so that no list of copied files stands before the reason."""

    sub_commands = sorted(build.sub_commands, key=lambda command: command[0] != "build_ext")


class BuildModules(build_ext):
    """A build_ext with the options of the compiler in use, which builds a module on each processor at the same time."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count() or 1

    def build_extensions(self) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        # Before Cython, which takes most of a minute.
        if msvc:
            self.compiler.initialize()
        else:
            check_compiler(self.compiler.compiler_so_cxx, self.compiler.include_dirs)
        made = cythonize(
            self.extensions,
            # The generated C++ stays out of the source folders, and so out of wheel and sdist.
            build_dir="build/cython",
            compiler_directives=DIRECTIVES,
            nthreads=os.cpu_count() or 1,
        )
        sources = {extension.name: extension.sources for extension in made}
        for extension in self.extensions:
            extension.sources = sources[extension.name]
            extension.extra_compile_args = MSVC_ARGS if msvc else GNU_ARGS + GNU_ARGS_OF.get(extension.name, [])
            extension.extra_link_args = MSVC_LINK_ARGS if msvc else GNU_LINK_ARGS
        super().build_extensions()


# Cython's processes may import this file.
if __name__ == "__main__":
    # No build has the folder of its project on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from tools import addresses

    where = addresses.read()
    setup(
        long_description=addresses.description(Path("README.md").read_text("utf-8"), where),
        long_description_content_type="text/markdown",
        project_urls=where.project_urls(),
        ext_modules=[
            Extension(
                name,
                [f"{name.replace('.', '/')}.pyx", *sources],
                include_dirs=["hcsrt/include", "hcsrt/native"],
                depends=HEADERS,
                language="c++",
                libraries=["synchronization", "advapi32"] if WINDOWS else [],
            )
            for name, sources in MODULES.items()
        ],
        cmdclass={"build": Build, "build_ext": BuildModules},
    )
