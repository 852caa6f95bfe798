"""The programs of docs/how-to/windows-from-nothing.md, on the emulator as far as that goes."""

import json
import os
import re
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hcsrt

from ..helpers.pages import DOCS, blocks_of
from ..helpers.platforms import posix_shell

PAGE = DOCS / "how-to" / "windows-from-nothing.md"


def layer_id(layer: Path) -> str:
    """An id of a layer, another one for each."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, layer.name))


def program(name: str) -> dict[str, Any]:
    """A program of the page as a module that nobody has run yet."""
    (block,) = (block for block in blocks_of(PAGE) if block.file == name)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(block.text, str(PAGE), "exec"), names)
    return names


def test_the_machine_with_a_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = program("machine.py")
    names["time"] = SimpleNamespace(sleep=lambda seconds: None)
    disk = tmp_path / "disk.vhdx"
    disk.touch()
    names["main"](str(disk))
    assert re.match(
        r"started; its console is the pipe .*\nUsage\(uptime=[\d.]+, .*\nstopped by ", capsys.readouterr().out
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
    names = program("hyperv_container.py")
    names["hcsrt"] = SimpleNamespace(ComputeSystem=Machine, service=hcsrt.service, HcsError=hcsrt.HcsError)
    names["layer_id"] = layer_id
    assert names["main"](str(layers[0]), "sh", "-c", "echo hello; exit 3") == 3
    assert capfdbinary.readouterr().out == b"hello\n"
    disk, combined = asked
    root = r"c:\mounts\scsi\m0"
    settings = {"ContainerPath": root, "Lun": 1}
    assert disk == {"ResourceType": "MappedVirtualDisk", "RequestType": "Add", "Settings": settings}
    assert (combined["ResourceType"], combined["RequestType"]) == ("CombinedLayers", "Add")
    shares = [rf"\\?\VMSMB\VSMB-{{dcc079ae-60ba-4d07-847c-3493609c0870}}\s{number}" for number in range(2)]
    seen = [{"Id": layer_id(layer), "Path": share} for layer, share in zip(layers, shares, strict=True)]
    assert combined["Settings"] == {"ContainerRootPath": root, "Layers": seen}


VOLUME = "\\\\?\\Volume{8c0f6f4e-2d1b-4f0a-b6a7-3e5d9c7b1a20}"
WCLAYER = f"""#!/bin/sh
echo "$*" >>"$CALLS"
[ "$1" != mount ] || printf '%s\\n' '{VOLUME}'
"""


@posix_shell
def test_the_document_of_a_process_isolated_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, tool, scratch = tmp_path / "calls", tmp_path / "bin" / "wclayer", tmp_path / "scratch" / "one"
    tool.parent.mkdir()
    tool.write_text(WCLAYER)
    tool.chmod(0o755)
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    top, base = tmp_path / "top", tmp_path / "base"
    top.mkdir()
    (top / "layerchain.json").write_text(json.dumps([str(base)]))
    other = SimpleNamespace(layer_id=layer_id, layers_of=program("hyperv_container.py")["layers_of"])
    monkeypatch.setitem(sys.modules, "hyperv_container", other)
    file = tmp_path / "container.json"
    program("process_container.py")["main"](str(top), str(scratch), str(file))
    layers = f"--layer {top} --layer {base}"
    assert calls.read_text().splitlines() == [f"create {layers} {scratch}", f"mount {layers} {scratch}"]
    assert scratch.parent.is_dir()
    document = json.loads(file.read_text("utf-8"))
    assert document["Container"]["Storage"] == {
        "Layers": [{"Id": layer_id(layer), "Path": str(layer)} for layer in (top, base)],
        "Path": VOLUME + "\\",
    }
    assert hcsrt.run(["echo", "hello"], document=document, timeout=10, isolation="none").stdout == b"hello\n"
