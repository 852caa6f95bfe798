"""A client that knows nothing of hcsrt works with the stand-in computecore.dll, and leaves nothing behind."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).with_name("client.py")


@pytest.mark.skipif(sys.platform != "win32", reason="win32more's bindings are for Windows")
def test_a_client_of_other_bindings(tmp_path: Path) -> None:
    if importlib.util.find_spec("hcsrt_stand_in") is None:
        pytest.skip("computecore.dll is not the test bed's stand-in: it would take the container for real")
    done = subprocess.run(
        [sys.executable, CLIENT], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert not any(seen.pop("live").values())
    assert seen.pop("misuses") == []

    properties = seen.pop("properties")
    assert (properties["Id"], properties["Owner"]) == ("win32more-client", "win32more")
    assert (properties["State"], properties["SystemType"]) == ("Running", "Container")
    assert "Status" in seen.pop("event")

    talk = seen.pop("talk")
    assert (talk["out"], talk["err"]) == ("käse und brot über\r\n", "done\r\n")
    assert talk["event"] == talk["status"]
    assert talk["event"] == {"ProcessId": talk["id"], "Exited": True, "ExitCode": 7, "LastWaitResult": 0}

    kill = seen.pop("kill")
    assert kill["handles"] == [None, None, None]
    assert kill["event"]["Exited"] is True
    assert seen == {"enumerated": ["win32more-client"]}
