"""What docs/unverified.md promises to settle on a real Windows: the tests are there, and they run."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.platforms import WINDOWS

TESTS = Path(__file__).parents[1]
SUITE = TESTS / "real_windows"
DOCUMENT = TESTS.parent / "docs" / "unverified.md"


def names_in_suite():
    return {
        f"{path.name}::{node.name}"
        for path in SUITE.glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_point_has_its_test_and_each_test_its_point():
    named = set(re.findall(r"`(test_\w+\.py::\w+)`", DOCUMENT.read_text("utf-8")))
    assert named == names_in_suite()


def has_stand_in():
    return importlib.util.find_spec("hcsrt_stand_in") is not None


def run_suite(folder, **environment):
    """Run the suite as its users do, from a folder that takes its report."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", str(SUITE)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.skipif(WINDOWS, reason="there may be a real HCS here, or a stand-in")
def test_nothing_is_settled_without_a_real_windows(tmp_path):
    done = run_suite(tmp_path, HCSRT_REAL_WINDOWS="")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = done.stdout.splitlines()[-1]
    assert " skipped" in summary
    assert "passed" not in summary
    assert "needs a real Windows" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(WINDOWS and not has_stand_in(), reason="needs an HCS that is not Windows' own")
def test_the_suite_runs_against_a_stand_in(tmp_path):
    stand_in = {"HCSRT_REAL_WINDOWS": "stand-in", "HCSRT_TEST_LAYERS": "layer", "HCSRT_TEST_SCRATCH": "scratch"}
    done = run_suite(tmp_path, **stand_in)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "real-windows-facts.json").read_text("utf-8"))
    assert report["host"]["stand-in"] is True
    settled = {fact["test"].partition("[")[0] for fact in report["facts"]}
    unsettled = {name.partition("[")[0] for name in report["unsettled"]}
    assert settled | unsettled == names_in_suite()
    # Nothing was left out but for these reasons.
    for reason in report["unsettled"].values():
        assert any(word in reason for word in ("Windows", "HCSRT_TEST_RESTART", "no console", "fewer rights"))
