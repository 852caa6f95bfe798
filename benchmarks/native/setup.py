"""Builds the module `instant`: python benchmarks/native/setup.py build_ext --build-lib FOLDER."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import hcsrt

HERE = Path(__file__).parent
INCLUDE = Path(hcsrt.get_include())

setup(
    name="instant",
    ext_modules=cythonize(
        [
            Extension(
                "instant",
                [str(HERE / "instant.pyx"), str(HERE / "instant.cpp")],
                include_dirs=[str(HERE), str(INCLUDE), str(INCLUDE.parent / "native")],
                depends=[str(HERE / "instant.h")],
                language="c++",
                extra_compile_args=["-std=c++17", "-O2", "-pthread"],
                extra_link_args=["-pthread"],
            )
        ],
        build_dir="build/benchmarks/cython",
        language_level=3,
    ),
)
