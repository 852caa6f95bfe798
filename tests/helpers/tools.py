"""The tools of the repository, as modules; a `tools` of somebody else may be on the path."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def load(name: str) -> ModuleType:
    """Return the module of a file of the folder tools."""
    specification = importlib.util.spec_from_file_location(f"hcsrt_tools_{name}", TOOLS / f"{name}.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    # Where dataclasses look for the names in annotations.
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module
