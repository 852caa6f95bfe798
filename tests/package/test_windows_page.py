"""The programs of docs/how-to/windows-from-nothing.md, on the emulator as far as that goes."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hcsrt

from ..helpers.pages import DOCS, blocks_of
from ..helpers.platforms import posix_shell

PAGE = DOCS / "how-to" / "windows-from-nothing.md"
ID = "7c936f90-3131-5f18-ad64-69ffca88a11c"


def program(name: str) -> dict[str, Any]:
    """A program of the page as a module that nobody has run yet."""
    programs = {block.name: block.text for block in blocks_of(PAGE)}
    assert programs.keys() == {"machine.py", "container.py"}
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(programs[name], str(PAGE), "exec"), names)
    return names


def test_the_machine_with_a_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = program("machine.py")
    names["time"] = SimpleNamespace(sleep=lambda seconds: None)
    disk = tmp_path / "disk.vhdx"
    disk.touch()
    names["main"](str(disk))
    assert re.match(
        r"started; its console is the pipe .*\n\{'Id': 'first-machine', .*\nstopped by ", capsys.readouterr().out
    )


@posix_shell
def test_the_container_in_a_machine(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    asked: list[Any] = []

    class Machine(hcsrt.ComputeSystem):
        """A system whose guest takes what it is asked, which the emulator's does not."""

        def modify(self, resource_path: str, request_type: Any, settings: Any = None, **options: Any) -> None:
            if request := options.pop("guest_request", None):
                asked.append(request)
            if resource_path:
                super().modify(resource_path, request_type, settings, **options)

    layers = tmp_path / "top", tmp_path / "base"
    for layer in layers:
        (layer / "UtilityVM" / "Files").mkdir(parents=True)
        (layer / "UtilityVM" / "SystemTemplate.vhdx").touch()
        (layer / "blank.vhdx").touch()
    (layers[0] / "layerchain.json").write_text(json.dumps([str(layers[1])]))
    names = program("container.py")
    names["hcsrt"] = SimpleNamespace(ComputeSystem=Machine, service=hcsrt.service, HcsError=hcsrt.HcsError)
    names["layer_id"] = lambda layer: ID
    assert names["main"](str(layers[0]), "sh", "-c", "echo hello; exit 3") == 3
    assert capfdbinary.readouterr().out == b"hello\n"
    disk, combined = asked
    root = r"c:\mounts\scsi\m0"
    settings = {"ContainerPath": root, "Lun": 1}
    assert disk == {"ResourceType": "MappedVirtualDisk", "RequestType": "Add", "Settings": settings}
    assert (combined["ResourceType"], combined["RequestType"]) == ("CombinedLayers", "Add")
    shares = [rf"\\?\VMSMB\VSMB-{{dcc079ae-60ba-4d07-847c-3493609c0870}}\s{number}" for number in range(2)]
    seen = [{"Id": ID, "Path": share} for share in shares]
    assert combined["Settings"] == {"ContainerRootPath": root, "Layers": seen}
