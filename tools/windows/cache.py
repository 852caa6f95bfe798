"""A folder outside the tree that keeps what takes long to make, and the running of the commands that make it."""

import fcntl
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Failed(Exception):
    """The failure of a step, in words for the user of the script."""


def say(name: str, text: str) -> None:
    print(f"[{name}] {text}", flush=True)


def call(*command: str | Path, cwd: Path | None = None, **variables: str | Path) -> str:
    """Run a command and return its output, shown only if it fails. Variables are added to the environment."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}\nfailed with {done.returncode}")
    return done.stdout


def folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(os.environ.get("HCSRT_TESTBED") or Path(home) / "hcsrt" / "testbed").absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def temporary() -> Iterator[Path]:
    """Yield a folder on the file system of what is kept, so that files of the one can be linked into the other."""
    with tempfile.TemporaryDirectory(prefix="temporary-", dir=folder()) as path:
        yield Path(path)


def key(*parts: object) -> str:
    """Return a name for everything that a made thing depends on. Files count with their content."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def kept(name: str, stamp: str, make: Callable[[Path], None]) -> Path:
    """Return the kept folder of that name and stamp; `make` fills it if it is not there.

    It appears under its name only when it is complete, and one process makes it while others wait.
    """
    path = folder() / f"{name}-{stamp}"
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        start = time.monotonic()
        with temporary() as new:
            (new / name).mkdir()
            make(new / name)
            (new / name).rename(path)
        say(name, f"made in {time.monotonic() - start:.0f} s: {path}")
    return path
