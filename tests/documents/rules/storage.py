"""Cases of the rules of layers."""

from __future__ import annotations

from .base import GUID, LAYER, SECOND, STORAGE, V2, Case, case, error, warning

CASES: list[Case] = [
    case(
        "layer_has_a_path",
        "Layer",
        {"Id": GUID, "Path": ""},
        LAYER,
        error("$.Path", "a layer needs a path: give the absolute path of its folder"),
    ),
    case(
        "layer_id_has_no_braces",
        "Layer",
        LAYER | {"Id": "{" + GUID + "}"},
        LAYER,
        warning("$.Id", "every known client gives the id of a layer without braces: leave them out"),
    ),
    case(
        "layer_path_is_absolute",
        "Layer",
        LAYER | {"Path": "layers\\base"},
        LAYER | {"Path": "s0", "PathType": "VirtualSmbShareName"},
        error("$.Path", "the path of a layer has to be absolute, as in C:\\layers\\base"),
    ),
    case(
        "layer_path_is_absolute",
        "Layer",
        LAYER | {"Path": "/layers"},
        LAYER | {"Path": "\\\\?\\C:\\layers"},
        error("$.Path", "the path of a layer has to be absolute, as in C:\\layers\\base"),
    ),
    case(
        "layer_path_is_absolute",
        "Layer",
        LAYER | {"Path": "layers"},
        LAYER | {"Path": "/layers"},
        error("$.Path", "the path of a layer has to be absolute, as in C:\\layers\\base"),
        host="emulator",
    ),
    case(
        "layers_have_ids_of_their_own",
        "Storage",
        STORAGE | {"Layers": [LAYER, SECOND | {"Id": GUID.upper()}]},
        STORAGE | {"Layers": [LAYER, SECOND]},
        error(
            "$.Layers[1].Id",
            (
                "another layer here has this id, as layers in folders of the same name get: give the folder "
                "another name, and import the layer again"
            ),
        ),
    ),
    case(
        "layers_have_folders_of_their_own",
        "LayerData",
        {"SchemaVersion": V2, "Layers": [LAYER, SECOND | {"Path": "c:\\LAYERS\\base\\"}]},
        {"SchemaVersion": V2, "Layers": [LAYER, SECOND]},
        warning("$.Layers[1].Path", "another layer here is in the same folder: leave one of the two out"),
    ),
    case(
        "layers_are_left_out_or_given",
        "LayerData",
        {"SchemaVersion": V2, "Layers": []},
        {"SchemaVersion": V2},
        warning("$.Layers", "every known client leaves this out if there is no layer below: leave it out"),
    ),
    case(
        "base_layer_has_a_type",
        "OsLayerOptions",
        {},
        {"Type": "Vm"},
        warning("$.Type", 'every known client says what the layer is for: give "Container" or "Vm"'),
    ),
]
