"""The processes that measure, one after the other: of one tree, or of two in turns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from time import monotonic
from typing import Any

from .build import HERE, ROOT
from .measure import EFFORTS
from .worker import KINDS

Tell = Callable[[str], object]
"""Shows what is being measured."""
Collected = dict[tuple[str, str], dict[str, Any]]
"""Series as JSON, by work and contestant."""


@dataclass
class Tree:
    """A source tree whose hcsrt is measured."""

    root: Path
    notes: list[str] = field(default_factory=list)
    """What is left out, and why."""
    collected: Collected = field(default_factory=dict)

    def note(self, lines: Iterable[str]) -> None:
        self.notes += [line for line in lines if line not in self.notes]

    def measure(self, kind: str, effort: str, condition: str) -> None:
        """Let a process of its own measure one kind. Raises RuntimeError, with what it wrote, if that failed."""
        # For the processes that it starts elsewhere, too: the environment has only one hcsrt installed.
        path = os.pathsep.join(filter(None, [str(self.root), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.harness.worker", kind, effort, condition],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{kind} failed:\n{done.stderr}")
        self.note(done.stderr.splitlines())
        for one in json.loads(done.stdout):
            known = self.collected.setdefault((one["work"], one["contestant"]), one | {"values": []})
            known["values"] += one["values"]


def chosen(only: Iterable[str] | None, effort: str) -> tuple[list[str], list[str]]:
    """Return the kinds of work of a run, and what a quick run leaves out."""
    if only:
        return list(only), []
    left_out = [kind for kind, of in KINDS.items() if of.not_quick and effort == "quick"]
    reasons = [f"{KINDS[kind].not_quick}: not in a quick run, measure them with --only {kind}" for kind in left_out]
    return [kind for kind in KINDS if kind not in left_out], reasons


def measure(tree: Tree, kinds: Iterable[str], effort: str, condition: str, tell: Tell) -> dict[str, float]:
    """Measure a tree; return how many seconds each kind of work took."""
    seconds = dict.fromkeys(kinds, 0.0)
    for number in range(EFFORTS[effort].processes):
        for kind in seconds:
            if number and not KINDS[kind].repeated:
                continue
            processes = EFFORTS[effort].processes if KINDS[kind].repeated else 1
            tell(f"{kind}, process {number + 1} of {processes}")
            begin = monotonic()
            try:
                tree.measure(kind, effort, condition)
            except RuntimeError as error:
                sys.exit(str(error))
            seconds[kind] += monotonic() - begin
    return seconds


# --- two trees ------------------------------------------------------------------------------------------------------


def beside(other: Path) -> Tree:
    """Return a tree in which these benchmarks measure the hcsrt of another one.

    Raises FileNotFoundError if that is not built for this interpreter.
    """
    package = other.resolve() / "hcsrt"
    if not (package / f"_core{EXTENSION_SUFFIXES[0]}").exists():
        raise FileNotFoundError(f"{package} is not built for this interpreter")
    root = ROOT / "build" / "against" / package.parent.name
    root.mkdir(parents=True, exist_ok=True)
    link = root / "hcsrt"
    link.unlink(missing_ok=True)
    link.symlink_to(package)
    shutil.rmtree(root / "benchmarks", ignore_errors=True)
    shutil.copytree(HERE, root / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    return Tree(root)


def compile_in(tree: Tree) -> None:
    """Compile the contestants against the hcsrt of a tree."""
    script = "import json; from benchmarks.harness.build import build; print(json.dumps(build()))"
    done = subprocess.run([sys.executable, "-c", script], cwd=tree.root, stdout=subprocess.PIPE, text=True, check=True)
    tree.note(json.loads(done.stdout.splitlines()[-1]))


def revision(root: Path) -> str:
    """Return the commit of a tree, with a + if it has been changed since."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "-uno", "hcsrt") else "")


def measure_in_turns(
    before: Tree, after: Tree, kinds: Iterable[str], effort: str, condition: str, tell: Tell
) -> dict[str, float]:
    """Measure two trees, a process of each in turn; return how many seconds each kind of work took.

    Each kind gets as many pairs of processes as the effort has processes. A kind that fails in the other tree, which
    may be older than what is measured here, is left out.
    """
    seconds = dict.fromkeys(kinds, 0.0)
    pairs = EFFORTS[effort].processes
    for number in range(pairs):
        for kind in list(seconds):
            tell(f"{kind}, pair {number + 1} of {pairs}")
            begin = monotonic()
            for tree in (before, after) if number % 2 == 0 else (after, before):
                try:
                    tree.measure(kind, effort, condition)
                except RuntimeError as error:
                    if tree is after:
                        sys.exit(str(error))
                    last = str(error).strip().splitlines()[-1]
                    after.note([f"{kind}, which the other tree cannot measure: {last}"])
                    del seconds[kind]
                    break
            else:
                seconds[kind] += monotonic() - begin
    return seconds
