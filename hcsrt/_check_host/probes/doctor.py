"""Whether the signs that the doctor goes by mean on this host what it takes them for.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from ... import doctor
from ...doctor import Finding, windows
from .. import accounts, experiments, processes
from ..bench import Bench
from ..probe import probe


def findings(at: Bench) -> dict[str, Finding]:
    """Return what the doctor finds, by name; skip the probe where that is not about Windows."""
    found = {found.name: found for found in doctor.examine(timeout=60)}
    if "account" not in found:
        at.skip("the doctor examines no Windows here")
    return found


def state_of(at: Bench, feature: str) -> str:
    """Return what the servicing stack says of a Windows feature."""
    command = ["dism", "/online", "/english", "/get-featureinfo", f"/featurename:{feature}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        at.skip("this Windows has no dism to compare with")
    states = [line.partition(":")[2].strip() for line in done.stdout.splitlines() if line.startswith("State :")]
    return states[0] if states else f"dism ends with {done.returncode}"


def read(at: Bench) -> windows.Readings:
    if sys.platform != "win32":
        at.skip("the doctor examines no Windows here")
    return windows.read()


@probe(cases={"Containers": "feature.containers", "Hyper-V": "feature.hyper-v"})
def features(at: Bench, name: str) -> None:
    found = findings(at)[name]
    feature = windows.FEATURES["Containers" if name == "feature.containers" else "Hyper-V"]
    state = state_of(at, feature)
    readings = read(at)
    told = {
        "dism": state,
        "chosen last": str(readings.features[feature]),
        "services": {service: str(reading) for service, reading in readings.services.items()},
        "the doctor": vars(found),
    }
    at.seen(f"the Windows feature {feature}", told)
    expected = ("ok", "unknown") if state == "Enabled" else ("warning", "unknown")
    assert found.status in expected, "the doctor says otherwise"


@probe()
def hypervisor(at: Bench) -> None:
    found = findings(at)["hypervisor"]
    why_no_vm = at.shared.why_no_vm
    told = {"reading": str(read(at).hypervisor), "the doctor": vars(found), "why no machine runs": why_no_vm}
    at.seen("the hypervisor, and whether a virtual machine runs", told)
    if why_no_vm is None and at.settings.backend == "windows":
        assert found.status in ("ok", "unknown"), "the doctor says otherwise"


@probe()
def stopped_service(at: Bench) -> None:
    at.may_restart()
    findings(at)
    subprocess.run(["sc.exe", "stop", "vmcompute"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    end = time.monotonic() + 60
    while read(at).services["vmcompute"] != windows.Service("stopped", is_disabled=False):
        if time.monotonic() > end:
            at.skip("vmcompute does not stop")
        time.sleep(0.5)
    found = findings(at)  # the service is read before HCS is asked, or after
    after = read(at).services["vmcompute"]
    told = {name: vars(found[name]) for name in ("service.vmcompute", "hcs")} | {"vmcompute then": str(after)}
    at.seen("a question to HCS while vmcompute does not run", told)
    assert found["service.vmcompute"].status == "ok", "the doctor takes the stopped service for an obstacle"
    assert found["hcs"].status == "ok", "the question does not start the service"


@probe()
def account(at: Bench) -> None:
    findings(at)
    output = Path(at.settings.folder, "account.txt")
    command = experiments.command(experiments.account)
    try:
        code = accounts.run_as_normal_user(command, processes.environment(), output)
    except OSError as error:
        at.skip(f"no process can be run with fewer rights: {error}")
    printed = output.read_text("utf-8", "replace")
    assert code == 0, printed
    told = json.loads(printed.splitlines()[-1])
    at.seen("HCS and the doctor to an account that is no administrator", told)
    if at.settings.backend == "windows":
        status = told["account"]["status"]
        assert status in ("ok", "error"), "the doctor does not know what the account may do"
        # Whoever is told that the rights are enough is answered.
        if status == "ok":
            assert told["HcsEnumerateComputeSystems"] == "S_OK (0x00000000)", "the rights are not enough"
