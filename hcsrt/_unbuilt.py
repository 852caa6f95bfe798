"""What to tell whose hcsrt has no extension modules that this Python could load."""

from __future__ import annotations

import os
import sys


def explain(error: ModuleNotFoundError) -> ImportError:
    """Return what to raise for a module that an import of hcsrt did not find: the error itself for those of others."""
    if not (error.name or "").startswith("hcsrt."):
        return error
    from importlib.machinery import EXTENSION_SUFFIXES

    package = os.path.dirname(os.path.abspath(__file__))
    above = os.path.dirname(package)
    names = [name.partition(".") for name in os.listdir(package)]
    others = sorted(
        {f".{suffix}" for module, _, suffix in names if module == "_handles" and suffix[-3:] in (".so", "pyd")}
    )
    if os.path.exists(os.path.join(above, "setup.py")):
        what = f"{above} is a source tree of hcsrt without extension modules"
        remedy = "run `pip install -e .` there, or start Python in another folder if hcsrt is installed"
    else:
        what = f"hcsrt in {package} has no extension modules"
        remedy = f"install it with this one: {sys.executable} -m pip install --force-reinstall hcsrt"
    wanted = f" for this Python, which takes {EXTENSION_SUFFIXES[0]}" if others else ""
    found = f"; those that it has end in {', '.join(others)}" if others else ""
    return ImportError(f"{what}{wanted}{found} ({error}): {remedy}", name=error.name)
