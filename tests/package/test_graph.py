"""The laws of the house, as `python -m tools.graph` reads them from the sources."""

import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.tools import load

REPOSITORY = Path(__file__).parents[2]


graph = load("graph")

SOUND = {
    "hcsrt/__init__.py": "from .system import ComputeSystem\n",
    "hcsrt/__init__.pxd": "from hcsrt._handles cimport Handle\n",
    "hcsrt/errors.py": "from ._codes import CODES\n",
    "hcsrt/_codes.py": "CODES = {}\n",
    "hcsrt/_library.pyx": '"""from .system import x"""\n# cimport hcsrt.system\nfrom .errors import error_from\n',
    "hcsrt/_library.pxd": "from libc.stdint cimport uint32_t\n",
    "hcsrt/_handles.pyx": "from hcsrt._library cimport (\n    hcs,\n    hcs_chosen,\n)\n",
    "hcsrt/_handles.pxd": "cimport cython\n",
    "hcsrt/_facade/__init__.py": "from .time import Deadline\nfrom .. import _handles\n",
    "hcsrt/_facade/time.py": "import time\n",
    "hcsrt/system.py": "from . import _facade\nfrom .process import Process\n",
    "hcsrt/process.py": "from ._facade.time import Deadline\n",
    "hcsrt/aio/__init__.py": "from .system import ComputeSystem\n",
    "hcsrt/aio/system.py": "from .. import _facade\nfrom .._facade.time import Deadline\n",
}


def judged(folder, changes=(), listed=None):
    """Write the sound house with changes to the folder, and return what is broken in it."""
    for name, text in {**SOUND, **dict(changes)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    listed = listed or {}
    return graph.judge(graph.House.read(folder, listed), listed)


def names(arrows):
    return [(arrow.source, arrow.target, arrow.kind) for arrow in arrows]


def test_the_house_is_sound():
    broken = graph.judge(graph.House.read(REPOSITORY))
    assert not broken, "\n".join(graph.told(broken))


def test_nothing_is_found_in_a_sound_house(tmp_path):
    assert not judged(tmp_path)


UP = {
    "an import": ("hcsrt/errors.py", "from .system import ComputeSystem\n", ("errors", "system", "import")),
    "an import of a module": ("hcsrt/errors.py", "import hcsrt.system\n", ("errors", "system", "import")),
    "an import of several": ("hcsrt/errors.py", "from . import (_codes,\n system)\n", ("errors", "system", "import")),
    "an import of the package": ("hcsrt/errors.py", "import hcsrt\n", ("errors", "", "import")),
    "an import of its name": ("hcsrt/errors.py", "from . import ComputeSystem\n", ("errors", "", "import")),
    "a lazy import": ("hcsrt/errors.py", "def f():\n    from . import process\n", ("errors", "process", "lazy")),
    "a lazy import in a method": (
        "hcsrt/errors.py",
        "class C:\n    async def f(self):\n        if self:\n            import hcsrt.process\n",
        ("errors", "process", "lazy"),
    ),
    "import_module()": (
        "hcsrt/errors.py",
        'import importlib\ndef f():\n    importlib.import_module(".system", "hcsrt")\n',
        ("errors", "system", "lazy"),
    ),
    "an import for type checkers": (
        "hcsrt/errors.py",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from .process import Process\n",
        ("errors", "process", "types"),
    ),
    "an import in a stub": ("hcsrt/_handles.pyi", "from .process import Process\n", ("_handles", "process", "types")),
    "an import in a package": (
        "hcsrt/_facade/time.py",
        "from ..process import x\n",
        ("_facade.time", "process", "import"),
    ),
    "an import in a .pyx": (
        "hcsrt/_library.pyx",
        "import os\nfrom .process import x\n",
        ("_library", "process", "import"),
    ),
    "a lazy import in a .pyx": (
        "hcsrt/_library.pyx",
        'cdef int f(int a,\n           int b) except -1:\n    """\'"""\n    if a: from .process import x\n',
        ("_library", "process", "lazy"),
    ),
    "a lazy import in a nogil function": (
        "hcsrt/_library.pyx",
        "cdef void f() noexcept nogil:\n    with gil:\n        from .process import x\n",
        ("_library", "process", "lazy"),
    ),
    "an import for type checkers in a .pyx": (
        "hcsrt/_library.pyx",
        "if TYPE_CHECKING:\n    from .process import x\n",
        ("_library", "process", "types"),
    ),
    "a cimport in a .pyx": (
        "hcsrt/_library.pyx",
        "from hcsrt._handles cimport (\n    Handle,  # )\n    hcs,\n)\n",
        ("_library", "_handles", "cimport"),
    ),
    "a cimport in a .pxd": ("hcsrt/_library.pxd", "cimport hcsrt._handles\n", ("_library", "_handles", "cimport")),
    "a cimport of a module": ("hcsrt/_library.pxd", "from . cimport _handles\n", ("_library", "_handles", "cimport")),
}


@pytest.mark.parametrize("case", UP)
def test_an_arrow_up_is_found(case, tmp_path):
    file, text, arrow = UP[case]
    assert arrow in names(judged(tmp_path, {file: text}).up)


@pytest.mark.parametrize(
    ("file", "text", "arrow"),
    [
        ("hcsrt/aio/system.py", "from .. import system as blocking\n", ("aio.system", "system", "import")),
        ("hcsrt/aio/system.py", "def f():\n    from ..process import PIPE\n", ("aio.system", "process", "lazy")),
        (
            "hcsrt/aio/system.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..process import Command\n",
            ("aio.system", "process", "types"),
        ),
        ("hcsrt/process.py", "from . import aio\n", ("process", "aio", "import")),
        ("hcsrt/process.py", "from .aio.system import ComputeSystem\n", ("process", "aio.system", "import")),
    ],
)
def test_an_arrow_between_the_faces_is_found(file, text, arrow, tmp_path):
    broken = judged(tmp_path, {file: text})
    assert names(broken.across) == [arrow]
    assert broken.up == []


@pytest.mark.parametrize(
    "text",
    [
        "from .system import x\n",
        "def f():\n    from .system import x\n",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from .system import x\n",
    ],
)
def test_a_circle_in_a_room_is_found(text, tmp_path):
    broken = judged(tmp_path, {"hcsrt/process.py": text})
    assert broken.circles == [["process", "system"]]
    assert broken.up == []
    assert broken.across == []


def test_a_circle_of_a_package_and_its_module_is_found(tmp_path):
    broken = judged(tmp_path, {"hcsrt/_facade/time.py": "from . import Deadline\n"})
    assert broken.circles == [["_facade", "_facade.time"]]


def test_a_module_without_a_room_is_found(tmp_path):
    assert judged(tmp_path, {"hcsrt/shed.py": ""}).homeless == ["shed"]


COMPUTED = {
    "__import__()": ("hcsrt/errors.py", 'def f(name):\n    __import__(f"hcsrt.{name}")\n', 2),
    "import_module()": ("hcsrt/errors.py", "from importlib import import_module\nimport_module(NAME)\n", 2),
    "an import in a .pyx": ("hcsrt/errors.pyx", 'def f():\n    import_module("hcsrt.process")\n', 2),
}


@pytest.mark.parametrize("case", COMPUTED)
def test_an_import_of_what_is_computed_has_to_be_listed(case, tmp_path):
    file, text, line = COMPUTED[case]
    broken = judged(tmp_path, {file: text})
    assert broken.unread == [f"errors  {file}:{line}"]
    assert broken.up == []
    # Listed, it is an arrow like any other.
    broken = judged(tmp_path, {file: text}, {"errors": (["_codes", "process"], "the test")})
    assert broken.unread == broken.unneeded == []
    assert [(arrow.source, arrow.target) for arrow in broken.up] == [("errors", "process")]


def test_what_is_listed_and_not_there_is_found(tmp_path):
    broken = judged(tmp_path, listed={"errors": (["_codes"], "nothing is computed")})
    assert broken.unneeded == ["errors -> _codes"]
    text = "from importlib import import_module\nimport_module(NAME)\n"
    broken = judged(tmp_path, {"hcsrt/errors.py": text}, {"errors": (["_codes", "gone"], "the test")})
    assert broken.unneeded == ["errors -> gone"]


def test_the_tool_says_what_is_broken(tmp_path):
    judged(tmp_path, {"hcsrt/process.py": "from .system import x\n", "hcsrt/_library.pxd": "cimport hcsrt._handles\n"})
    command = [sys.executable, "-m", "tools.graph", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "1 arrows up\n    _library -> _handles (cimport)  hcsrt/_library.pxd:1\n" in done.stdout
    assert "    process <-> system\n" in done.stdout
