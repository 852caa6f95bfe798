"""What becomes of handles when the service goes away and comes back."""

import os
import subprocess
import time

import hcsrt
import pytest
from hcsrt import ComputeSystem, HcsError, ServiceDisconnectedError, _calls
from raw_calls import OPERATION, call

pytestmark = pytest.mark.skipif(
    os.environ.get("HCSRT_TEST_RESTART") != "1",
    reason="kills vmcompute, and with it whatever runs on this host: set HCSRT_TEST_RESTART=1 where that may be",
)


def test_restart(running, table, seen):
    handle = int(running.handle.as_raw())
    subprocess.run(["taskkill", "/f", "/im", "vmcompute.exe"], check=True, capture_output=True)
    gone = time.monotonic()
    told = {"call at once": call(table, "HcsGetComputeSystemProperties", handle, OPERATION, None).told()}
    told["exit latch set"] = _calls.wait_exit(running.handle, 30)
    told["how, and the document"] = _calls.exit_status(running.handle)
    told["seconds until then"] = round(time.monotonic() - gone, 2)
    try:
        told["wait()"] = running.wait(30)
    except HcsError as error:
        told["wait()"] = str(error)
        assert isinstance(error, ServiceDisconnectedError)
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
