"""The build of the module `fake_hcs`: python tests/helpers/fake_hcs/setup.py build_ext --build-lib FOLDER."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import hcsrt

HERE = Path(__file__).parent
INCLUDE = Path(hcsrt.get_include())

setup(
    name="fake_hcs",
    ext_modules=cythonize(
        [
            Extension(
                "fake_hcs",
                [str(HERE / "fake_hcs.pyx"), str(HERE / "fake_hcs.cpp")],
                include_dirs=[str(HERE), str(INCLUDE), str(INCLUDE.parent / "native")],
                depends=[str(HERE / "fake_hcs.h")],
                language="c++",
                extra_compile_args=["-std=c++17", "-pthread"],
                extra_link_args=["-pthread"],
            )
        ],
        build_dir="cython",
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    ),
)
