"""Rules of what documents of several families have in common: the registry and Hyper-V sockets."""

from __future__ import annotations

from typing import Any

from . import Look, rule
from .texts import sddl

_VALUES = ("StringValue", "BinaryValue", "DWordValue", "QWordValue")
_VALUE_OF = {
    "String": "StringValue",
    "ExpandedString": "StringValue",
    "MultiString": "StringValue",
    "Binary": "BinaryValue",
    "DWord": "DWordValue",
    "QWord": "QWordValue",
    "CustomType": "BinaryValue",
}
_HIVES = ("HKEY_LOCAL_MACHINE\\", "HKLM\\", "SYSTEM\\", "SOFTWARE\\", "SECURITY\\", "SAM\\")


@rule("RegistryValue", fact="Microsoft's schema reference, RegistryValue.StringValue")
def one_registry_value(look: Look, value: dict[str, Any]) -> None:
    """A value of the registry has one value."""
    given = [name for name in _VALUES if name in value]
    if len(given) > 1:
        look.error((), f"{' and '.join(given)} exclude each other: give the one of the value's Type")


@rule("RegistryValue", fact="Microsoft's schema reference, RegistryValue; hcsshim sends each value with its type")
def registry_value_is_of_its_type(look: Look, value: dict[str, Any]) -> None:
    """A value of the registry is in the member of its type."""
    type = value.get("Type")
    expected = _VALUE_OF.get(type) if type is not None else None
    given = [name for name in _VALUES if name in value]
    if expected is None or len(given) > 1 or expected in given:
        return
    if given:
        look.warning(given[0], f"a value of the Type {type} is in {expected} in every known document: move it there")
    elif type == "CustomType":
        look.error("BinaryValue", "a value of the Type CustomType needs its data here: add it")


@rule("RegistryValue", fact="Microsoft's schema reference, RegistryValue.CustomType")
def custom_type_is_of_custom_values(look: Look, value: dict[str, Any]) -> None:
    """CustomType is that of a value whose Type is "CustomType"."""
    if "CustomType" in value and value.get("Type") != "CustomType":
        look.ignored("CustomType", 'HCS reads it only if Type is "CustomType"')


@rule("RegistryKey", fact="hcsshim, prepareCommonConfigDoc: names of keys are below their hive")
def registry_key_is_below_its_hive(look: Look, key: dict[str, Any]) -> None:
    """The name of a key begins below its hive."""
    name = key.get("Name", "")
    if name.startswith("\\"):
        look.warning("Name", "the name of a key begins below its hive: leave out the backslash at its start")
    elif name.upper().startswith(_HIVES):
        look.warning("Name", "the name of a key begins below its hive: give the hive in Hive, and leave it out here")


@rule(
    "HvSocketServiceConfig",
    "HvSocketSystemConfig",
    fact="Microsoft's schema reference, HvSocketServiceConfig and HvSocketSystemConfig: texts in SDDL",
)
def descriptors_are_sddl(look: Look, config: dict[str, Any]) -> None:
    """Security descriptors are in SDDL."""
    for member, text in config.items():
        if member.endswith("SecurityDescriptor") and text and not sddl(text):
            look.error(member, 'a security descriptor in SDDL is expected, as in "D:P(A;;FA;;;SY)(A;;FA;;;BA)"')


@rule(
    "HvSocketSystemConfig", fact="Microsoft's schema reference, the pattern of a Guid; hcsshim sends none with braces"
)
def services_have_no_braces(look: Look, config: dict[str, Any]) -> None:
    """Services are named by GUIDs without braces."""
    for service in config.get("ServiceTable", ()):
        if service.startswith("{"):
            look.warning(("ServiceTable", service), "every known client names services without braces: leave them out")


@rule("HvSocketServiceConfig", fact="hcsshim, HvSocketServiceConfig.Disabled")
def disabled_service_allows_nothing(look: Look, service: dict[str, Any]) -> None:
    """A disabled service allows nothing."""
    if service.get("Disabled") and service.get("AllowWildcardBinds"):
        look.warning("AllowWildcardBinds", "a disabled service lets nobody bind to it: leave out this or Disabled")
