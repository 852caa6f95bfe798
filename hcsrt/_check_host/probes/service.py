"""What becomes of handles when the service goes away and comes back."""

import subprocess
import time

import pytest
from raw_calls import OPERATION, call

import hcsrt
from hcsrt import ComputeSystem, HcsError, ServiceDisconnectedError, _watch


def test_restart(may_restart, running, table, seen):
    handle = int(running.handle.as_raw())
    killed = subprocess.run(["taskkill", "/f", "/im", "vmcompute.exe"], capture_output=True, text=True, check=False)
    if killed.returncode:
        pytest.skip(f"vmcompute cannot be killed: {killed.stderr.strip()}")
    gone = time.monotonic()
    told = {"call at once": call(table, "HcsGetComputeSystemProperties", handle, OPERATION, None).told()}
    told["exit latch set"] = _watch.wait_exit(running.handle, 30)
    told["how, and the document"] = _watch.exit_status(running.handle)
    told["seconds until then"] = round(time.monotonic() - gone, 2)
    try:
        told["wait()"] = running.wait(30)
    except (ServiceDisconnectedError, TimeoutError) as error:
        told["wait()"] = str(error)
    subprocess.run(["net", "start", "vmcompute"], check=False, capture_output=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            told["systems that are left"] = [item.get("Id") for item in hcsrt.systems(timeout=10)]
            break
        except HcsError:
            time.sleep(0.5)
    told["call on the old handle"] = call(table, "HcsGetComputeSystemProperties", handle, OPERATION, None).told()
    try:
        with ComputeSystem.open(running.id) as again:
            told["opened again"] = again.properties()
            again.stop(grace=0)
    except HcsError as error:
        told["opened again"] = str(error)
    seen("handles across a crash of the service", told)
    assert "systems that are left" in told
