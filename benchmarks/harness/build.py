"""The build of the native library and of the compiled contestants, when they are missing or have changed.

They go into a folder of their own per interpreter, below build/, and never into the wheel. One that cannot be built
here is left out with a word.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parent
FOLDER = ROOT / "build" / "benchmarks" / f"{sysconfig.get_config_var('SOABI')}"
LIBRARY = FOLDER / "libhcsbench.so"
BARE = FOLDER / "libbare.so"
CONTESTANTS = HERE / "contestants"
INCLUDES = [ROOT / "hcsrt" / "include", ROOT / "hcsrt" / "native", HERE / "native", CONTESTANTS]

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
MODULES = ("hcsrt_cython", "gil_callback", "cffi_handles", "pybind11_handles", "nanobind_handles", "pyo3_handles")
# A loop over a document that happens to lie across two lines of the cache takes 1.7 times as long: an accident of the
# build, which nobody who is compared here can help.
ALIGNED = "-falign-loops=32"
CXX_FLAGS = ["-std=c++17", "-O3", ALIGNED, "-fvisibility=hidden", "-pthread"]


def reason_file(name: str) -> Path:
    return FOLDER / f"{name}.missing"


def module_file(name: str) -> Path:
    # Cargo names its library without the tag of the interpreter, whose folder this is anyway.
    return FOLDER / (f"{name}.so" if name == "pyo3_handles" else name + EXTENSION_SUFFIXES[0])


def built(name: str) -> ModuleType:
    """Import a module of the build folder. Raises ImportError, with the reason, if it could not be built."""
    path = module_file(name)
    if not path.exists():
        reason = reason_file(name)
        raise ImportError(reason.read_text().strip() if reason.exists() else f"{name} has not been built")
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def compiler() -> list[str]:
    return (os.environ.get("CXX") or str(sysconfig.get_config_var("CXX"))).split()


def fingerprint() -> str:
    """Return a digest of everything that a build depends on."""
    digest = hashlib.sha256(" ".join([sys.version, *compiler(), *CXX_FLAGS]).encode())
    for package in ("cython", "cffi", "pybind11", "nanobind"):
        try:
            digest.update(f"{package} {metadata.version(package)}".encode())
        except metadata.PackageNotFoundError:
            digest.update(package.encode())
    patterns = ("hcsrt/**/*.h", "hcsrt/*.pxd", "benchmarks/native/*", "benchmarks/harness/build.py")
    sources = {path for pattern in patterns for path in ROOT.glob(pattern)}
    kinds = {".cpp", ".h", ".pyx", ".rs", ".toml", ".lock"}
    sources |= {path for path in CONTESTANTS.rglob("*") if path.suffix in kinds}
    sources.add(CONTESTANTS / "cffi_declarations.py")
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def build() -> list[str]:
    """Build what is missing or has changed; return why contestants are left out."""
    stamp = FOLDER / "stamp"
    print_ = fingerprint()
    if not stamp.exists() or stamp.read_text() != print_:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        includes = [f"-I{folder}" for folder in INCLUDES]
        shared = [*compiler(), *CXX_FLAGS, "-fvisibility=default", "-fPIC", "-shared", *includes]
        subprocess.run([*shared, str(HERE / "native" / "hcsbench.cpp"), "-o", str(LIBRARY)], check=True)
        link = [f"-L{FOLDER}", "-lhcsbench", f"-Wl,-rpath,{FOLDER}"]
        subprocess.run([*shared, str(CONTESTANTS / "bare.cpp"), "-o", str(BARE), *link], check=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(build_module, MODULES))
        stamp.write_text(print_)
    return [path.read_text().strip() for path in sorted(FOLDER.glob("*.missing"))]


def build_module(name: str) -> None:
    """Build one module in a process of its own; if that fails, leave the reason."""
    missing = missing_tool(name)
    log = FOLDER / f"{name}.log"
    if not missing:
        with log.open("wb") as output:
            command = [sys.executable, "-m", "benchmarks.harness.build", name]
            done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
        if done.returncode or not module_file(name).exists():
            missing = f"could not be built, see {log.relative_to(ROOT)}"
    if missing:
        reason_file(name).write_text(f"{name}: {missing}\n")


def missing_tool(name: str) -> str | None:
    if name in ("pyo3_handles", "cffi_handles") and FREE_THREADED and sys.version_info < (3, 14):
        return "supports no free-threaded CPython before 3.14"
    if name == "pyo3_handles":
        return None if shutil.which("cargo") else "no Rust toolchain here (cargo)"
    package = "Cython" if (CONTESTANTS / f"{name}.pyx").exists() else name.removesuffix("_handles")
    return None if importlib.util.find_spec(package) else f"no {package} here (pip install -e '.[bench]')"


def build_here(name: str) -> None:
    """Build a module, as the process that was started for it."""
    if name == "pyo3_handles":
        return build_rust(name)
    from setuptools import Extension, setup

    options = {
        "include_dirs": [str(folder) for folder in INCLUDES],
        "library_dirs": [str(FOLDER)],
        "libraries": ["hcsbench"],
        "extra_compile_args": CXX_FLAGS,
        "extra_link_args": [f"-Wl,-rpath,{FOLDER}"],
        "language": "c++",
    }
    temporary = FOLDER / "temporary" / name
    source = str(CONTESTANTS / f"{name}.cpp")
    if (CONTESTANTS / f"{name}.pyx").exists():
        from Cython.Build import cythonize

        # A downstream module calls HCS through the table alone, and links no library for it.
        options["libraries"] = []
        pyx = str(CONTESTANTS / f"{name}.pyx")
        directives = {"language_level": 3, "freethreading_compatible": True}
        extensions = cythonize(
            [Extension(name, [pyx], **options)], build_dir=str(temporary), compiler_directives=directives
        )
    elif name == "cffi_handles":
        import cffi

        from benchmarks.contestants.cffi_declarations import DECLARATIONS

        ffi = cffi.FFI()
        ffi.cdef(DECLARATIONS)
        options |= {"language": "c", "extra_compile_args": ["-O3", ALIGNED]}
        ffi.set_source(name, "#include <stdint.h>\n#include <uchar.h>\n" + DECLARATIONS, **options)
        extensions = [ffi.distutils_extension(tmpdir=str(temporary))]
    elif name == "pybind11_handles":
        import pybind11

        options["include_dirs"].append(pybind11.get_include())
        # PYBIND11_SIMPLE_GIL_MANAGEMENT and optimisation at link time make it no faster here.
        extensions = [Extension(name, [source], **options)]
    else:
        import nanobind

        package = Path(nanobind.__file__).parent
        options["include_dirs"] += [str(package / "include"), str(package / "ext" / "robin_map" / "include")]
        options["define_macros"] = [("NDEBUG", None), ("NB_COMPACT_ASSERTIONS", None)]
        if FREE_THREADED:
            options["define_macros"].append(("NB_FREE_THREADED", None))
        # nanobind's own build would optimise for size.
        options["extra_compile_args"] = [*CXX_FLAGS, "-fno-strict-aliasing", "-flto=auto"]
        options["extra_link_args"] += ["-flto=auto", "-O3"]
        extensions = [Extension(name, [source, str(package / "src" / "nb_combined.cpp")], **options)]
    # Away from the pyproject.toml of hcsrt, which is not about this module, and which setuptools would read.
    os.chdir(FOLDER)
    setup(
        name=name,
        packages=[],
        ext_modules=extensions,
        script_args=["--quiet", "build_ext", "--build-lib", str(FOLDER), "--build-temp", str(temporary)],
    )


def build_rust(name: str) -> None:
    target = FOLDER / "temporary" / name
    variables = {"HCSBENCH_FOLDER": str(FOLDER), "CARGO_TARGET_DIR": str(target), "PYO3_PYTHON": sys.executable}
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--manifest-path", str(CONTESTANTS / "pyo3" / "Cargo.toml")],
        env={**os.environ, **variables},
        check=True,
    )
    shutil.copy(target / "release" / f"lib{name}.so", module_file(name))


if __name__ == "__main__":
    build_here(sys.argv[1])
