"""What docs/unverified.md promises to settle on a real Windows: the probes are there, and they run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hcsrt._check_host.catalogue import points, probes

from ..helpers.platforms import WINDOWS

TESTS = Path(__file__).parents[1]
SUITE = TESTS / "real_windows"
DOCUMENT = TESTS.parent / "docs" / "unverified.md"


def test_each_point_has_its_probe_and_each_probe_its_point() -> None:
    named = {name for point in points() for name in point.probes}
    assert named == {probe.point for probe in probes()}
    assert all(point.never for point in points() if not point.probes)


def test_no_two_probes_have_the_same_name() -> None:
    names = [probe.name for probe in probes()]
    assert len(set(names)) == len(names)


def test_the_page_has_the_points() -> None:
    rows = re.findall(r"^\| (.+) \| .+ \| .+ \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert [row for row in rows if row != "not known"] == [point.unknown for point in points()]
    assert len(rows) > 50


def run_suite(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the probes as tests, from another folder."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", str(SUITE), *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.skipif(WINDOWS, reason="there may be a real HCS here, or a stand-in")
@pytest.mark.slow
def test_nothing_is_settled_without_a_real_windows(tmp_path: Path) -> None:
    done = run_suite(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = done.stdout.splitlines()[-1]
    assert " skipped" in summary
    assert "passed" not in summary
    assert "needs a real Windows" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_suite_runs_against_a_stand_in(tmp_path: Path) -> None:
    # On other systems test_check_host runs them all.
    done = run_suite(tmp_path, "--stand-in", *(() if WINDOWS else ("-k", "operations or strings")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "facts seen" in done.stdout
    # Nothing was left out but for these reasons.
    for reason in re.findall(r"^SKIPPED \[\d+\] \S+ (.*)$", done.stdout, re.MULTILINE):
        assert any(word in reason for word in ("Windows", "--restart", "no console", "fewer rights"))
