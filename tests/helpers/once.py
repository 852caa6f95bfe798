"""Things that take long to make, made once for all processes of a run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .turns import Turns


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of that name, which `make` fills for the process that comes first.

    The others wait for it. Where making fails, the next process tries again, in a folder of its own.
    """
    own = factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made = common / f"{name}.made"
    turns = Turns(common / f"{name}.lock")
    try:
        with turns.turn(alone=True):
            if not made.exists():
                folder = factory.mktemp(name)
                make(folder)
                made.write_text(str(folder), "utf-8")
            return Path(made.read_text("utf-8"))
    finally:
        turns.close()
