"""A writable layer on the layers of an image: what a process-isolated container needs to run.

Docker and containerd leave this to the same functions of vmcompute.dll, which Microsoft's hcsshim declares.
"""

import ctypes
import json
import os
import sys
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from ctypes import byref, c_int, c_size_t, c_uint32, c_wchar_p
from pathlib import Path
from typing import Any

from .raw_calls import failed, spell

_SYSTEM32 = 0x800  # LOAD_LIBRARY_SEARCH_SYSTEM32
_FILTER_DRIVER = 1


class LayerError(Exception):
    """No layer can be had, and why."""


class _Driver(ctypes.Structure):
    _fields_ = (("flavour", c_int), ("home", c_wchar_p))


class _Layer(ctypes.Structure):
    _fields_ = (("id", ctypes.c_ubyte * 16), ("flags", c_uint32), ("path", c_wchar_p))


def images() -> list[list[Path]]:
    """Return the images of this machine, the smallest first: of each its layers, the uppermost first."""
    data = Path(os.environ["PROGRAMDATA"])
    snapshots = data / "containerd" / "root" / "io.containerd.snapshotter.v1.windows" / "snapshots"
    found = [[layer, *_parents(layer)] for layer in _read_only(data / "docker" / "windowsfilter")]
    # containerd has the order of its layers in a database; a base layer needs none.
    found += [[layer] for layer in _read_only(snapshots)]
    return sorted((layers for layers in found if _is_base(layers[-1])), key=len)


def _read_only(folder: Path) -> list[Path]:
    try:
        layers = list(folder.iterdir())
    except FileNotFoundError:
        return []
    return [layer for layer in layers if (layer / "Files").is_dir() and not (layer / "sandbox.vhdx").exists()]


def _parents(layer: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        chain: list[str] | None = json.loads((layer / "layerchain.json").read_text("utf-8"))
        return [Path(path) for path in chain or []]
    return []


def _is_base(layer: Path) -> bool:
    return any((layer / "Hives").glob("*_Base"))


def _call(function: str, *arguments: Any) -> None:
    if sys.platform != "win32":
        raise LayerError("image layers are Windows'")
    try:
        code = getattr(ctypes.WinDLL("vmcompute.dll", winmode=_SYSTEM32), function)(*arguments)
    except (OSError, AttributeError) as error:
        raise LayerError(f"vmcompute.dll: {function}: {error}") from None
    if failed(code & 0xFFFFFFFF):
        raise LayerError(f"vmcompute.dll: {function}: {spell(code & 0xFFFFFFFF)}")


def _id(layer: Path) -> uuid.UUID:
    guid = (ctypes.c_ubyte * 16)()
    _call("NameToGuid", c_wchar_p(layer.name), byref(guid))
    return uuid.UUID(bytes_le=bytes(guid))


def storage(layers: Sequence[Path], volume: str, ids: Sequence[uuid.UUID]) -> dict[str, Any]:
    """Return the Storage of a container's document."""
    return {
        "Layers": [{"Id": str(id), "Path": str(layer)} for layer, id in zip(layers, ids, strict=True)],
        "Path": volume if volume.endswith("\\") else volume + "\\",
    }


def storage_on(layers: Sequence[Path], volume: str) -> dict[str, Any]:
    """Return the Storage of a container whose writable layer is there and prepared."""
    return storage(layers, volume, [_id(layer) for layer in layers])


@contextmanager
def writable_layer(layers: Sequence[Path], folder: Path) -> Generator[dict[str, Any]]:
    """Make a writable layer in a folder that does not exist yet, and give the Storage of a container on it."""
    ids = [_id(layer) for layer in layers]
    below = (_Layer * len(layers))(
        *[_Layer((ctypes.c_ubyte * 16)(*id.bytes_le), 0, str(layer)) for layer, id in zip(layers, ids, strict=True)]
    )
    driver = byref(_Driver(_FILTER_DRIVER, ""))
    path = c_wchar_p(str(folder))
    _call("CreateSandboxLayer", driver, path, None, below, c_size_t(len(layers)))
    try:
        _call("ActivateLayer", driver, path)
        try:
            _call("PrepareLayer", driver, path, below, c_size_t(len(layers)))
            try:
                yield storage(layers, _mount_path(driver, path), ids)
            finally:
                _call("UnprepareLayer", driver, path)
        finally:
            _call("DeactivateLayer", driver, path)
    finally:
        _call("DestroyLayer", driver, path)


def remove(folder: Path) -> list[str]:
    """Remove a writable layer that a process has left behind at any point; return what failed, as text."""
    failures: list[str] = []
    for function in ("UnprepareLayer", "DeactivateLayer", "DestroyLayer"):
        try:
            _call(function, byref(_Driver(_FILTER_DRIVER, "")), c_wchar_p(str(folder)))
        except LayerError as error:
            failures.append(str(error))
    # A layer that was not prepared any more fails in the first, and is gone all the same.
    return failures if folder.exists() else []


def _mount_path(driver: Any, path: c_wchar_p) -> str:
    length = c_size_t()
    _call("GetLayerMountPath", driver, path, byref(length), None)
    buffer = ctypes.create_unicode_buffer(length.value + 1)
    _call("GetLayerMountPath", driver, path, byref(length), buffer)
    return buffer.value
