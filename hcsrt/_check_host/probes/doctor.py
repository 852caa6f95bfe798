"""Whether the signs that the doctor goes by mean on this host what it takes them for."""

import json
import subprocess
import sys
import time

import accounts
import experiments
import host
import pytest

from hcsrt import doctor

if sys.platform == "win32":
    from hcsrt.doctor import windows
else:
    pytestmark = pytest.mark.skip("the doctor reads Windows' own registry and services")


def findings():
    return {found.name: found for found in doctor.examine(timeout=60)}


def state_of(feature):
    """What the servicing stack says of a Windows feature."""
    command = ["dism", "/online", "/english", "/get-featureinfo", f"/featurename:{feature}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("this Windows has no dism to compare with")
    states = [line.partition(":")[2].strip() for line in done.stdout.splitlines() if line.startswith("State :")]
    return states[0] if states else f"dism ends with {done.returncode}"


@pytest.mark.parametrize(
    ("feature", "name"), [("Containers", "feature.containers"), ("Hyper-V", "feature.hyper-v")], ids=lambda value: value
)
def test_features(feature, name, seen):
    state = state_of(windows.FEATURES[feature])
    readings = windows.read()
    found = findings()[name]
    told = {
        "dism": state,
        "chosen last": str(readings.features[windows.FEATURES[feature]]),
        "services": {service: str(reading) for service, reading in readings.services.items()},
        "the doctor": vars(found),
    }
    seen(f"the Windows feature {feature}", told)
    if state == "Enabled":
        assert found.status in ("ok", "unknown")
    else:
        assert found.status in ("warning", "unknown")


def test_hypervisor(why_no_vm, seen):
    found = findings()["hypervisor"]
    told = {"reading": str(windows.read().hypervisor), "the doctor": vars(found), "why no machine runs": why_no_vm}
    seen("the hypervisor, and whether a virtual machine runs", told)
    if why_no_vm is None and not host.STAND_IN:
        assert found.status in ("ok", "unknown")


def test_stopped_service(may_restart, seen):
    subprocess.run(["sc.exe", "stop", "vmcompute"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    end = time.monotonic() + 60
    while windows.read().services["vmcompute"] != windows.Service("stopped", is_disabled=False):
        if time.monotonic() > end:
            pytest.skip("vmcompute does not stop")
        time.sleep(0.5)
    found = findings()  # the service is read before HCS is asked, or after
    after = windows.read().services["vmcompute"]
    told = {name: vars(found[name]) for name in ("service.vmcompute", "hcs")} | {"vmcompute then": str(after)}
    seen("a question to HCS while vmcompute does not run", told)
    assert found["service.vmcompute"].status == "ok"
    assert found["hcs"].status == "ok"


def test_account(tmp_path, seen):
    output = tmp_path / "seen.json"
    command = experiments.command(experiments.account)
    try:
        code = accounts.run_as_normal_user(command, experiments.environment(), output)
    except OSError as error:
        pytest.skip(f"no process can be run with fewer rights: {error}")
    assert code == 0, output.read_text()
    told = json.loads(output.read_text().splitlines()[-1])
    seen("HCS and the doctor to an account that is no administrator", told)
    if not host.STAND_IN:
        assert told["account"]["status"] in ("ok", "error")
        # Whoever is told that the rights are enough is answered.
        if told["account"]["status"] == "ok":
            assert told["HcsEnumerateComputeSystems"] == "S_OK (0x00000000)"
