"""The extension modules of hcsrt; everything else about the package is in pyproject.toml."""

import os
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

WINDOWS = sys.platform == "win32"

# Each module with the native sources that are linked into it.
MODULES = {
    "hcsrt._library": ["hcsrt/_library.pyx", "hcsrt/native/computecore.cpp"],
    "hcsrt._handles": ["hcsrt/_handles.pyx", "hcsrt/native/reaper.cpp"],
    "hcsrt._calls": ["hcsrt/_calls.pyx", "hcsrt/native/events.cpp"],
    "hcsrt._streams": ["hcsrt/_streams.pyx", f"hcsrt/native/streams_{'windows' if WINDOWS else 'posix'}.cpp"],
    "hcsrt.emulator._native": [
        "hcsrt/emulator/_native.pyx",
        "hcsrt/native/emulator.cpp",
        f"hcsrt/native/emulator_{'windows' if WINDOWS else 'posix'}.cpp",
    ],
}

HEADERS = sorted(glob("hcsrt/include/*.h") + glob("hcsrt/native/*.h"))

DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "auto_pickle": False,
    "autotestdict": False,
    "embedsignature": False,
    "freethreading_compatible": True,
}

if WINDOWS:
    COMPILE_ARGS = ["/std:c++17", "/utf-8"]
    LINK_ARGS = ["synchronization.lib"]
else:
    # Without exceptions: where CPython ends a daemon thread by unwinding it, no frame of ours may stop that.
    COMPILE_ARGS = ["-std=c++17", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-pthread"]
    LINK_ARGS = ["-pthread"]


class ParallelBuild(build_ext):
    """build_ext that compiles as many modules at once as there are processors, unless told otherwise."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count() or 1


setup(
    ext_modules=cythonize(
        [
            Extension(
                name,
                sources,
                include_dirs=["hcsrt/include", "hcsrt/native"],
                depends=HEADERS,
                language="c++",
                extra_compile_args=COMPILE_ARGS,
                extra_link_args=LINK_ARGS,
            )
            for name, sources in MODULES.items()
        ],
        # The generated C++ stays out of the source folders, and so out of wheel and sdist.
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
    ),
    cmdclass={"build_ext": ParallelBuild},
)
