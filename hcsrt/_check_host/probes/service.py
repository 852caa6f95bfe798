"""What becomes of handles when the service goes away and comes back.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

import subprocess
import time
from typing import Any

import hcsrt

from ... import ComputeSystem, HcsError, ServiceDisconnectedError, _watch
from ..bench import Bench
from ..probe import probe
from ..raw_calls import OPERATION, call


@probe(both_kinds=True)
def restart(at: Bench) -> None:
    at.may_restart()
    running = at.start()
    table = at.table
    handle = int(running.handle.as_raw())
    killed = subprocess.run(["taskkill", "/f", "/im", "vmcompute.exe"], capture_output=True, text=True, check=False)
    if killed.returncode:
        at.skip(f"vmcompute cannot be killed: {killed.stderr.strip()}")
    gone = time.monotonic()
    told: dict[str, Any] = {}
    told["call at once"] = call(table, "HcsGetComputeSystemProperties", handle, OPERATION, None).told()
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
            told["systems of the check that are left"] = len(hcsrt.systems(owner=at.settings.owner, timeout=10))
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
    at.seen("handles across a crash of the service", told)
    assert "systems of the check that are left" in told, "vmcompute does not answer again"
