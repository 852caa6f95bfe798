"""Builds the module `slow_hcs`: python tests/helpers/slow_hcs/setup.py build_ext --build-lib FOLDER."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import hcsrt

HERE = Path(__file__).parent
INCLUDE = Path(hcsrt.get_include())

setup(
    name="slow_hcs",
    ext_modules=cythonize(
        [
            Extension(
                "slow_hcs",
                [str(HERE / "slow_hcs.pyx"), str(HERE / "slow_hcs.cpp")],
                include_dirs=[str(HERE), str(INCLUDE), str(INCLUDE.parent / "native")],
                depends=[str(HERE / "slow_hcs.h")],
                language="c++",
                extra_compile_args=["-std=c++17", "-pthread"],
                extra_link_args=["-pthread"],
            )
        ],
        build_dir="cython",
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    ),
)
