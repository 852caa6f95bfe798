"""The workflows that publish the site, and keep what the browser has seen of it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

WORKFLOWS = Path(__file__).resolve().parents[2] / ".github" / "workflows"

pytestmark = [
    pytest.mark.slow,  # so that they run where the extra is installed
    pytest.mark.skipif(find_spec("yaml") is None, reason="needs the extra docs, which brings PyYAML"),
]


def workflow(name: str) -> dict[Any, Any]:
    import yaml

    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text("utf-8"))
    return found


def test_the_site_waits_for_ci_and_is_that_of_its_commit() -> None:
    site, ci = workflow("site"), workflow("ci")
    # YAML takes the word `on` for true.
    assert site[True] == {"workflow_run": {"workflows": [ci["name"]], "branches": ["main"], "types": ["completed"]}}
    assert ci[True]["push"] == {"branches": ["main"]}
    build, publish = (site["jobs"][name] for name in ("build", "publish"))
    assert set(build["if"].split(" && ")) == {
        "github.event.workflow_run.conclusion == 'success'",
        "github.event.workflow_run.event == 'push'",
    }
    assert publish["needs"] == "build"
    (checkout,) = [step["with"] for step in build["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert checkout["ref"] == "${{ github.event.workflow_run.head_sha }}"


def test_ci_keeps_the_screenshots() -> None:
    (kept,) = [
        (step["with"]["path"], step["if"])
        for step in workflow("ci")["jobs"]["linux"]["steps"]
        if "actions/upload-artifact@" in step.get("uses", "")
    ]
    assert kept == ("screenshots", "always()")
    commands = [step["run"] for step in workflow("ci")["jobs"]["linux"]["steps"] if ".ci/run" in step.get("run", "")]
    assert commands == ['HCSRT_SCREENSHOTS="$PWD/screenshots" .ci/run']
