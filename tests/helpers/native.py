"""Native sources compiled alone, as they are or with a step of theirs mutated."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from .once import made_once

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "hcsrt"
NATIVE = ROOT / "tests/native"
FAKE = ROOT / "tests/helpers/fake_hcs"


def _with_sanitizers(compiler: str | None) -> str | None:
    """Return the compiler, clang, if the libraries of its sanitizers are there: their package is one of its own."""
    if compiler is None:
        return None
    asked = subprocess.run([compiler, "-print-runtime-dir"], capture_output=True, text=True, check=True)
    # One of the folders beside it has them, by the name of a system or by that of a target.
    return compiler if any(Path(asked.stdout.strip()).parent.glob("*/libclang_rt.tsan*")) else None


COMPILER = (
    os.environ.get("CXX") or _with_sanitizers(shutil.which("clang++-19")) or shutil.which("g++") or shutil.which("c++")
)


def build(program: Path, sources: list[Path], *flags: str, headers: Path = PACKAGE / "native") -> Path:
    if headers == PACKAGE / "native":
        sources = [_object(source, flags) if source.is_relative_to(ROOT) else source for source in sources]
    subprocess.run([*_compiler(flags, headers), *map(str, sources), "-o", str(program)], check=True)
    return program


def _compiler(flags: tuple[str, ...], headers: Path) -> list[str]:
    assert COMPILER is not None
    folders = dict.fromkeys([headers, PACKAGE / "native", PACKAGE / "include", NATIVE, FAKE])
    return [COMPILER, "-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-pthread", *(f"-I{it}" for it in folders), *flags]


@cache
def _object(source: Path, flags: tuple[str, ...]) -> Path:
    """Compile a source of this tree, once in this process: most mutations leave most sources as they are."""
    made = _objects() / f"{len(list(_objects().iterdir()))}-{source.stem}.o"
    subprocess.run([*_compiler(flags, PACKAGE / "native"), "-c", str(source), "-o", str(made)], check=True)
    return made


@cache
def _objects() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="hcsrt-objects-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TSAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=240, env=environment, check=False
    )


def fake_hcs(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the module of the fake HCS."""

    def make(folder: Path) -> None:
        folders = ["--build-lib", str(folder), "--build-temp", str(folder / "temporary")]
        command = [sys.executable, str(FAKE / "setup.py"), "--quiet", "build_ext", *folders]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(factory, "fake_hcs", make)


@dataclass(frozen=True)
class Mutation:
    name: str
    before: str
    after: str
    source: str = "core/state.h"

    def apply(self, folder: Path) -> Path:
        """Put the mutated source into a folder; several mutations of it add up."""
        mutated = folder / self.source
        text = (mutated if mutated.exists() else PACKAGE / "native" / self.source).read_text()
        found = text.count(self.before)
        assert found == 1, f"{self.source} has changed: the mutation {self.name!r} finds its line {found} times"
        mutated.parent.mkdir(exist_ok=True)
        mutated.write_text(text.replace(self.before, self.after))
        return folder


def named(mutation: Mutation) -> str:
    return mutation.name.replace(" ", "-")
