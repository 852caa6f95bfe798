"""The parts of the test bed: each thing that is downloaded, with its version and its SHA-256."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


@dataclass(frozen=True)
class Source:
    """The upstream tarball of a Debian source package."""

    package: str
    suite: str
    tarball: str
    sha256: str


@dataclass(frozen=True)
class Python:
    """A CPython for Windows.

    Its DLLs are those of python.org: the Windows wheels of panda3d carry them. Library and headers are from Debian's
    source package, of the same minor version.
    """

    version: str
    nodot: str
    abi: str
    source: Source
    free_threaded: bool = False
    # The folders of tests that are run there, if no others are named.
    tests: tuple[str, ...] = ("tests",)

    @property
    def library(self) -> str:
        """The name of its DLL, without suffix."""
        return f"python{self.nodot}{'t' if self.free_threaded else ''}"

    @property
    def pip_target(self) -> list[str]:
        """The options with which pip chooses wheels for it."""
        return [
            "--platform=win_amd64", "--implementation=cp", f"--python-version={self.version.rstrip('t')}",
            *([f"--abi={self.abi}"] if self.free_threaded else []), "--only-binary=:all:",
        ]  # fmt: skip

    @property
    def packages(self) -> Path:
        """The requirements file of its site-packages."""
        return HERE / "requirements" / f"packages-{self.version}.txt"


PYTHONS = {
    python.version: python
    for python in (
        Python(
            "3.11",
            "311",
            "cp311",
            Source(
                "python3.11",
                "bookworm",
                "python3.11_3.11.2.orig.tar.gz",
                "2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849",
            ),
        ),
        Python(
            "3.13t",
            "313",
            "cp313t",
            Source(
                "python3.13",
                "trixie",
                "python3.13_3.13.5.orig.tar.xz",
                "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
            ),
            free_threaded=True,
            # What threads may do differently; the rest is the same as on the other CPython, on the same Windows.
            tests=("tests/aio", "tests/core", "tests/facade", "tests/windows"),
        ),
    )
}

# panda3d, the wheels with CPython's DLLs.
RUNTIME = HERE / "requirements" / "runtime.txt"
# What builds and checks the wheels here.
TOOLS = HERE / "requirements" / "tools.txt"
# The compiler for arm64.
ARM64 = HERE / "requirements" / "arm64.txt"

# Commands that must be there, with the Debian packages that have them.
COMMANDS = {
    "wine": "wine",
    "wineserver": "wine",
    "x86_64-w64-mingw32-g++-posix": "g++-mingw-w64-x86-64-posix",
    "x86_64-w64-mingw32-objdump": "binutils-mingw-w64-x86-64",
    "apt-get": "apt",
}
