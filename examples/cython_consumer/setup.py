"""Builds as C; with CONSUMER_LANGUAGE=c++ as C++."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

import hcsrt

setup(
    ext_modules=cythonize(
        [
            Extension(
                "cython_consumer",
                ["cython_consumer.pyx"],
                include_dirs=[hcsrt.get_include()],
                language=os.environ.get("CONSUMER_LANGUAGE", "c"),
            )
        ],
        build_dir="build",
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    )
)
