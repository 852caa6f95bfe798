"""The extension modules of hcsrt; everything else about the package is in pyproject.toml."""

import os
import sysconfig
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# The platform built for. tools/windows/wheels.py builds for Windows elsewhere, and names it the way cross builds of
# CPython do: _PYTHON_HOST_PLATFORM, with compilers and file names in a module of _PYTHON_SYSCONFIGDATA_NAME.
WINDOWS = sysconfig.get_platform().startswith("win")

# In the order of their names, so that a build does not depend on that of a folder.
ENGINE = sorted(glob("hcsrt/native/engine/*.cpp"))

# Each module with the native sources that are linked into it.
MODULES = {
    "hcsrt._library": ["hcsrt/_library.pyx", "hcsrt/native/backends/computecore.cpp"],
    "hcsrt._handles": ["hcsrt/_handles.pyx", "hcsrt/native/core/reaper.cpp"],
    "hcsrt._calls": ["hcsrt/_calls.pyx", "hcsrt/native/core/events.cpp"],
    "hcsrt._engine": ["hcsrt/_engine.pyx", *ENGINE, "hcsrt/native/core/events.cpp"],
    "hcsrt._streams": ["hcsrt/_streams.pyx", f"hcsrt/native/core/streams_{'windows' if WINDOWS else 'posix'}.cpp"],
    "hcsrt.emulator._native": [
        "hcsrt/emulator/_native.pyx",
        "hcsrt/native/emulator/emulator.cpp",
        f"hcsrt/native/emulator/{'windows' if WINDOWS else 'posix'}.cpp",
    ],
}

HEADERS = sorted(glob("hcsrt/include/*.h") + glob("hcsrt/native/**/*.h"))

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
# Without exceptions: where CPython ends a daemon thread by unwinding it, no frame of ours may stop that. GCC before 12
# makes vectors of the loops of native/core/text.h at -O3 only.
GNU_ARGS = ["-std=c++17", "-O3", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-pthread"]


class BuildModules(build_ext):
    """build_ext with the options of the compiler in use, as many modules at once as there are processors."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count() or 1

    def build_extensions(self) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            extension.extra_compile_args = MSVC_ARGS if msvc else GNU_ARGS
            extension.extra_link_args = MSVC_LINK_ARGS if msvc else ["-pthread"]
        super().build_extensions()


setup(
    ext_modules=cythonize(
        [
            Extension(
                name,
                sources,
                include_dirs=["hcsrt/include", "hcsrt/native"],
                depends=HEADERS,
                language="c++",
                libraries=["synchronization", "advapi32"] if WINDOWS else [],
            )
            for name, sources in MODULES.items()
        ],
        # The generated C++ stays out of the source folders, and so out of wheel and sdist.
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
    ),
    cmdclass={"build_ext": BuildModules},
)
