"""Rules of layers, wherever they are listed."""

from __future__ import annotations

from typing import Any

from . import Look, rule
from .texts import absolute, absolute_in_guest, guid_key, in_guest


@rule("Layer", fact="hcsshim, ZLayer and AspireHcs: every known client gives it")
def layer_has_a_path(look: Look, layer: dict[str, Any]) -> None:
    """The path of a layer is not empty."""
    if layer.get("Path") == "":
        look.error("Path", "a layer needs a path: give the absolute path of its folder")


@rule("Layer", fact="hcsshim, layer.go: the ids that it sends have no braces")
def layer_id_has_no_braces(look: Look, layer: dict[str, Any]) -> None:
    """The id of a layer has no braces."""
    if layer.get("Id", "").startswith("{"):
        look.warning("Id", "every known client gives the id of a layer without braces: leave them out")


@rule("Layer", fact="Microsoft's schema reference, PathType: an AbsolutePath is passed to Windows as it is")
def layer_path_is_absolute(look: Look, layer: dict[str, Any]) -> None:
    """The path of a layer is absolute."""
    path = layer.get("Path")
    if not path or layer.get("PathType") == "VirtualSmbShareName" or absolute(look, path):
        return
    if not (in_guest(look) and absolute_in_guest(path)):
        look.error("Path", r"the path of a layer has to be absolute, as in C:\layers\base")


@rule("Storage", "LayerData", "CombinedLayers", fact="hcsshim issue 1072: equal ids make the start of a container fail")
def layers_have_ids_of_their_own(look: Look, storage: dict[str, Any]) -> None:
    """No two layers have the same id."""
    layers = storage.get("Layers", ())
    if len(layers) < 2:
        return
    seen: set[str] = set()
    for index, layer in enumerate(layers):
        id = guid_key(layer.get("Id", ""))
        if id in seen:
            look.error(
                ("Layers", index, "Id"),
                "another layer here has this id, as layers in folders of the same name get: give the folder another "
                "name, and import the layer again",
            )
        elif id:
            seen.add(id)


@rule(
    "Storage",
    "LayerData",
    "CombinedLayers",
    fact="hcsshim issue 598, of two images: a folder used under two ids makes starts fail until the host restarts",
)
def layers_have_folders_of_their_own(look: Look, storage: dict[str, Any]) -> None:
    """No two layers are the same folder."""
    layers = storage.get("Layers", ())
    if len(layers) < 2:
        return
    seen: set[str] = set()
    for index, layer in enumerate(layers):
        path = layer.get("Path", "").rstrip("\\/").lower()
        if path in seen:
            look.warning(
                ("Layers", index, "Path"), "another layer here is in the same folder: leave one of the two out"
            )
        elif path:
            seen.add(path)


@rule("LayerData", fact="hcsshim, computestorage/storage.go: without parents it leaves the member out")
def layers_are_left_out_or_given(look: Look, data: dict[str, Any]) -> None:
    """Layers are left out where there is none."""
    if "Layers" in data and not data["Layers"]:
        look.warning("Layers", "every known client leaves this out if there is no layer below: leave it out")


@rule("OsLayerOptions", fact="hcsshim, SetupContainerBaseLayer and SetupUtilityVMBaseLayer: it always sends one")
def base_layer_has_a_type(look: Look, options: dict[str, Any]) -> None:
    """A base layer is said to be for a container or for a virtual machine."""
    if "Type" not in options:
        look.warning("Type", 'every known client says what the layer is for: give "Container" or "Vm"')
