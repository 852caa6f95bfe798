"""Cases of the rules of the registry and of Hyper-V sockets."""

from __future__ import annotations

from .base import GUID, Case, case, error, ignored, warning

CASES: list[Case] = [
    case(
        "one_registry_value",
        "RegistryValue",
        {"StringValue": "a", "DWordValue": 1},
        {"Type": "String", "StringValue": "a"},
        error("$", "StringValue and DWordValue exclude each other: give the one of the value's Type"),
    ),
    case(
        "registry_value_is_of_its_type",
        "RegistryValue",
        {"Type": "DWord", "StringValue": "1"},
        {"Type": "DWord", "DWordValue": 1},
        warning("$.StringValue", "a value of the Type DWord is in DWordValue in every known document: move it there"),
    ),
    case(
        "registry_value_is_of_its_type",
        "RegistryValue",
        {"Type": "CustomType", "CustomType": 77},
        {"Type": "CustomType", "CustomType": 77, "BinaryValue": "AA=="},
        error("$.BinaryValue", "a value of the Type CustomType needs its data here: add it"),
    ),
    case(
        "custom_type_is_of_custom_values",
        "RegistryValue",
        {"Type": "String", "StringValue": "a", "CustomType": 1},
        {"Type": "None"},
        ignored("$.CustomType", 'HCS reads it only if Type is "CustomType"'),
    ),
    case(
        "registry_key_is_below_its_hive",
        "RegistryKey",
        {"Hive": "System", "Name": "\\ControlSet001"},
        {"Hive": "System", "Name": "ControlSet001\\Control"},
        warning("$.Name", "the name of a key begins below its hive: leave out the backslash at its start"),
    ),
    case(
        "registry_key_is_below_its_hive",
        "RegistryKey",
        {"Hive": "System", "Name": "hklm\\System"},
        {"Hive": "System"},
        warning("$.Name", "the name of a key begins below its hive: give the hive in Hive, and leave it out here"),
    ),
    case(
        "descriptors_are_sddl",
        "HvSocketServiceConfig",
        {"BindSecurityDescriptor": "everybody"},
        {"BindSecurityDescriptor": "D:P(A;;FA;;;SY)", "ConnectSecurityDescriptor": ""},
        error(
            "$.BindSecurityDescriptor", 'a security descriptor in SDDL is expected, as in "D:P(A;;FA;;;SY)(A;;FA;;;BA)"'
        ),
    ),
    case(
        "descriptors_are_sddl",
        "HvSocketSystemConfig",
        {"DefaultConnectSecurityDescriptor": "(A;;FA;;;SY)"},
        {"DefaultConnectSecurityDescriptor": "O:BAD:(A;;FA;;;SY)"},
        error(
            "$.DefaultConnectSecurityDescriptor",
            'a security descriptor in SDDL is expected, as in "D:P(A;;FA;;;SY)(A;;FA;;;BA)"',
        ),
    ),
    case(
        "services_have_no_braces",
        "HvSocketSystemConfig",
        {"ServiceTable": {"{" + GUID + "}": {}}},
        {"ServiceTable": {GUID: {}}},
        warning(
            "$.ServiceTable['{0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11}']",
            "every known client names services without braces: leave them out",
        ),
    ),
    case(
        "disabled_service_allows_nothing",
        "HvSocketServiceConfig",
        {"Disabled": True, "AllowWildcardBinds": True},
        {"Disabled": True, "AllowWildcardBinds": False},
        warning("$.AllowWildcardBinds", "a disabled service lets nobody bind to it: leave out this or Disabled"),
    ),
]
