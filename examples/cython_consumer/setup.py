"""The build of the example as C; with CONSUMER_LANGUAGE=c++ as C++."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

import hcsrt

setup(
    ext_modules=cythonize(
        [
            Extension(
                name,
                [f"{name}.pyx"],
                include_dirs=[hcsrt.get_include()],
                language=os.environ.get("CONSUMER_LANGUAGE", "c"),
            )
            for name in ("cython_consumer", "engine_consumer")
        ],
        build_dir="build",
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    )
)
