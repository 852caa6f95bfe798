"""What a check says of each kind of mistake: the place, the kind, and what to do about it."""

import json
import math
import types
import uuid
from collections import OrderedDict, UserDict
from typing import Any

import pytest

from hcsrt.documents import Problem, check
from hcsrt.documents.problems import KINDS
from hcsrt.documents.rules import Look, rule

VOLUME = "\\\\?\\Volume{26a90000-0000-0000-0000-100000000000}\\"
LAYER = {"Id": "7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "Path": "C:\\layers\\base"}


def container(**members: Any) -> dict[str, Any]:
    return {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "Container": {"Storage": {"Layers": [LAYER], "Path": VOLUME}, **members},
    }


def machine(**members: Any) -> dict[str, Any]:
    needed = {"Chipset": {"Uefi": {}}, "ComputeTopology": {"Memory": {"SizeInMB": 512}}}
    return {"SchemaVersion": {"Major": 2, "Minor": 1}, "VirtualMachine": {**needed, **members}}


def found(document: Any, type: str = "ComputeSystem", **options: Any) -> list[tuple[str, str]]:
    """The places and kinds of what is wrong."""
    return [(problem.path, problem.kind) for problem in check(document, type, **options)]


def only(document: Any, type: str = "ComputeSystem", **options: Any) -> Problem:
    [problem] = check(document, type, **options)
    assert problem.kind in KINDS
    assert str(problem) == f"{problem.path}: {problem.text}"
    return problem


def test_nothing_is_wrong() -> None:
    assert check(container()) == []
    assert check(json.dumps(container())) == []


# --- the kinds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        (container(Memoryy={"SizeInMB": 5}), "$.Container.Memoryy", "has no member 'Memoryy': did you mean 'Memory'?"),
        (container(memory={"SizeInMB": 5}), "$.Container.memory", "write it as 'Memory'"),
        (container(SizeInMB=5), "$.Container.SizeInMB", "it belongs in the object 'Memory'"),
        (container(Memory={"Owner": "me"}), "$.Container.Memory.Owner", "it belongs in the ComputeSystem at $"),
        (container(Memory={"Processor": {}}), "$.Container.Memory.Processor", "it belongs in the Container at"),
        (container(Memory={"Colour": 5}), "$.Container.Memory.Colour", "it has SizeInMB"),
        (
            machine(Services={"Timesync": {"Colour": 5}}),
            "$.VirtualMachine.Services.Timesync.Colour",
            "has no members at all, leave it out",
        ),
        (machine(Xyz=5), "$.VirtualMachine.Xyz", "`hcsrt schema VirtualMachine`"),
        (container(**{"": 5}), "$.Container['']", "no member ''"),
        (container(**{"it's": 5}), r"$.Container['it\'s']", "no member"),
        (container(**{"x" * 1000: 5}), f"$.Container.{'x' * 1000}", "a text of 1000 characters"),
    ],
)  # fmt: skip
def test_unknown(document: Any, path: str, words: str) -> None:
    problem = only(document)
    assert (problem.path, problem.kind, problem.severity) == (path, "unknown", "error")
    assert words in problem.text


@pytest.mark.parametrize(
    ("document", "path", "text"),
    [
        (container(Memory={"SizeInMB": "5"}), "$.Container.Memory.SizeInMB", "an integer is expected, not a string"),
        (
            container(Memory={"SizeInMB": 5.0}),
            "$.Container.Memory.SizeInMB",
            "an integer is expected, not a number with a decimal point",
        ),
        (container(Memory={"SizeInMB": True}), "$.Container.Memory.SizeInMB", "an integer is expected, not a boolean"),
        (container(Memory=[]), "$.Container.Memory", "an object (Container_Memory) is expected, not an array"),
        (container(Memory=None), "$.Container.Memory", "an object (Container_Memory) is expected, not null"),
        (container(MappedPipes={}), "$.Container.MappedPipes", "an array is expected, not an object"),
        (container(MappedPipes=5), "$.Container.MappedPipes", "an array is expected, not a number"),
        (container(MappedPipes=[5]), "$.Container.MappedPipes[0]", "an object (MappedPipe) is expected, not a number"),
        (machine(StopOnReset=1), "$.VirtualMachine.StopOnReset", "true or false is expected, not a number"),
        (machine(Devices={"Scsi": []}), "$.VirtualMachine.Devices.Scsi", "an object is expected, not an array"),
        (machine(RestoreState={"SaveStateFilePath": uuid.UUID(int=1)}),
         "$.VirtualMachine.RestoreState.SaveStateFilePath", "a string is expected, not a Python object of type UUID"),
        (container(GuestOs={"HostName": b"x"}), "$.Container.GuestOs.HostName",
         "a string is expected, not a Python object of type bytes"),
        ({**container(), 5: "x"}, "$['5']", "keys in JSON are strings, and this is a Python object of type int"),
        (machine(Devices={"Scsi": {5: {}}}), "$.VirtualMachine.Devices.Scsi['5']",
         "keys in JSON are strings, and this is a Python object of type int"),
    ],
)  # fmt: skip
def test_type(document: Any, path: str, text: str) -> None:
    problem = only(document)
    assert (problem.path, problem.kind, problem.text) == (path, "type", text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            "VirtualDsk",
            "'VirtualDsk' is not a value of AttachmentType: did you mean 'VirtualDisk'? The values are VirtualDisk",
        ),
        ("iso", "did you mean 'Iso'?"),
        ("Tape", "'Tape' is not a value of AttachmentType: the values are VirtualDisk, Iso, PassThru"),
        ("x" * 500, "a text of 500 characters is not a value of AttachmentType"),
    ],
)
def test_value(value: str, words: str) -> None:
    problem = only(machine(Devices={"Scsi": {"a": {"Attachments": {"0": {"Type": value, "Path": "C:\\d.vhdx"}}}}}))
    assert problem.path == "$.VirtualMachine.Devices.Scsi.a.Attachments['0'].Type"
    assert problem.kind == "value"
    assert words in problem.text


@pytest.mark.parametrize(
    ("document", "type", "path", "text"),
    [
        ({"Major": -1}, "Version", "$.Major", "-1 is out of range: give 0 to 4294967295"),
        ({"Major": 1 << 32}, "Version", "$.Major", "4294967296 is out of range: give 0 to 4294967295"),
        ({"Major": 1 << 1000}, "Version", "$.Major",
         "an integer of so many digits is out of range: give 0 to 4294967295"),
        ({"Weight": 10_001}, "Container_Processor", "$.Weight", "10001 is out of range: give 0 to 10000"),
        ({"CommandLine": "x", "ConsoleSize": [2]}, "ProcessParameters", "$.ConsoleSize", "2 items are expected, not 1"),
        ({"CommandLine": "x", "ConsoleSize": [24, 1 << 16]}, "ProcessParameters", "$.ConsoleSize[1]",
         "65536 is out of range: give 0 to 65535"),
    ],
)  # fmt: skip
def test_range(document: Any, type: str, path: str, text: str) -> None:
    problem = only(document, type)
    assert (problem.path, problem.kind, problem.text) == (path, "range", text)


@pytest.mark.parametrize(
    ("type", "right", "wrong"),
    [
        ("Guid", ["7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "{7BCF0CE8-8F5A-5B2E-9D6C-1A8FB5C3D1F1}"],
         ["", "7bcf0ce8", "{7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "7bcf0ce88f5a5b2e9d6c1a8fb5c3d1f1"]),
        ("MacAddress", ["00-15-5D-52-C0-00", "00:15:5d:52:c0:00", "00155D52C000"], ["", "00-15-5D-52-C0", "none"]),
        ("ByteArray", ["", "AAECAw==", "AAEC"], ["?", "AAEC=AAE"]),
        ("DateTime", ["2026-04-21T12:34:56Z", "2026-04-21T12:34:56.1234567+02:00"], ["", "yesterday", "2026-04-21"]),
    ],
)  # fmt: skip
def test_form(type: str, right: list[str], wrong: list[str]) -> None:
    assert found(right, f"<{type}> array") == []
    assert found(wrong, f"<{type}> array") == [(f"$[{index}]", "form") for index in range(len(wrong))]
    for problem in check(wrong, f"<{type}> array"):
        assert "give " in problem.text


@pytest.mark.parametrize(
    ("key", "kind"), [("0", None), ("007", None), ("4294967295", None), ("4294967296", "range"), ("9" * 50, "form"),
                      ("-1", "form"), ("", "form"), ("٣", "form"), ("0x1", "form")],
)  # fmt: skip
def test_keys_that_are_numbers(key: str, kind: str | None) -> None:
    problems = check({key: {}}, "Map<uint32, ComPort>")
    assert [problem.kind for problem in problems] == ([kind] if kind else [])
    assert all(problem.text.startswith("as a key, ") for problem in problems)


def test_keys_that_are_guids() -> None:
    table = {"ServiceTable": {"7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1": {}, "ssh": {}}}
    assert found(table, "HvSocketSystemConfig") == [("$.ServiceTable.ssh", "form")]


def test_missing() -> None:
    assert found({"Path": "C:\\x"}, "Layer") == [("$.Id", "missing")]
    assert only({"Path": "C:\\x"}, "Layer").text == "Layer needs the member Id"


def test_newer() -> None:
    document = {"Type": "Shutdown"}
    assert check(document, "ShutdownOptions", schema=(2, 5)) == []
    problem = only(document, "ShutdownOptions", schema="2.4")
    assert (problem.path, problem.kind) == ("$.Type", "newer")
    assert "leave it out" in problem.text
    assert check(document, "ShutdownOptions", schema=(2, 10)) == []
    # A value, and what no source tells the version of.
    assert found({"Handle": "All"}, "CloseHandle", schema=(2, 0)) == [("$.Handle", "newer")]
    assert found({"Handle": "All"}, "CloseHandle", schema=(2, 1)) == []
    assert found(machine(DebugOptions={}), schema=(2, 1)) == []


def test_a_newer_member_is_not_missing_to_rules() -> None:
    document = container(Processor={"Count": 1, "Weight": 5})
    assert ("$.Container.Processor", "rule") in found(document, schema=(2, 0))


def test_json() -> None:
    assert only("").text == "not JSON: Expecting value at line 1, column 1"
    assert only('{"Owner":\n "x",}').text.startswith("not JSON: ")
    assert "line 2, column" in only('{"Owner":\n "x",}').text
    assert only("vm.json").text.endswith("give the text of a file, not its name")
    assert only('{"Owner": NaN}').text == "not JSON: NaN is not a JSON number"
    assert only('{"SchemaVersion": {"Major": ' + "1" * 5000 + "}}").text.endswith("more digits than Python reads")
    assert {problem.kind for text in ("", "{", "nul", "\ufeff{}") for problem in check(text)} == {"json"}
    assert found("5") == [("$", "type")]
    assert found("[]") == [("$", "type")]
    assert found("null") == [("$", "type")]


def test_ignored() -> None:
    system = json.dumps(container()["Container"])
    text = f'{{"Container": {system}, "Owner": "a", "Owner": "b", "SchemaVersion": {{"Major": 1, "Major": 2}}}}'
    problems = check(text)
    assert [(problem.path, problem.kind, problem.severity) for problem in problems] == [
        ("$.Owner", "ignored", "warning"),
        ("$.SchemaVersion.Major", "ignored", "warning"),
    ]
    assert all(problem.text.startswith("accepted, and has no effect: ") for problem in problems)
    # The same text twice, in two objects.
    assert [path for path, _ in found('{"a": {}, "b": {"Name": "x", "Name": "x"}}', "Map<string, Any>")] == ["$.b.Name"]


def test_rule() -> None:
    problem = only(container(Processor={"Count": 1, "Weight": 5}))
    assert (problem.path, problem.kind, problem.severity) == ("$.Container.Processor", "rule", "error")
    assert problem.fact


# --- alternatives -----------------------------------------------------------------------------------------------------


def test_one_of_the_alternatives_fits() -> None:
    kind = "uint32 | AttachmentType"
    assert check([5, "Iso", 0], f"<{kind}> array") == []
    far = check([1 << 40, "Tape", None, {}, True], f"<{kind}> array")
    assert [problem.kind for problem in far] == ["range", "value", "type", "type", "type"]
    assert far[0].text == "1099511627776 is out of range: give 0 to 4294967295; or give a value of AttachmentType"
    assert far[1].text.endswith("the values are VirtualDisk, Iso, PassThru; or give an integer (uint32)")
    assert far[2].text == "an integer (uint32) or a value of AttachmentType is expected, not null"


def test_alternatives_with_objects_and_arrays() -> None:
    kind = "Version | <Version> array | Layer | string"
    assert check({"a": {"Major": 2}, "b": [{"Major": 2}], "c": LAYER, "d": "x"}, f"Map<string, {kind}>") == []
    wrong = {"a": {"Colour": 2}, "b": [{"Major": "x"}], "c": 5}
    assert found(wrong, f"Map<string, {kind}>") == [("$.a", "type"), ("$.b[0].Major", "type"), ("$.c", "type")]
    assert "Version" in check(wrong, f"Map<string, {kind}>")[0].text
    assert found({"a": {"Colour": 2}}, "Map<string, Any | Version>") == []


# --- what a document may be -------------------------------------------------------------------------------------------


def test_mappings_and_tuples_are_documents() -> None:
    document = OrderedDict(container(MappedDirectories=({"HostPath": "C:\\a", "ContainerPath": "C:\\a", "X": 1},)))
    for given in (document, UserDict(document), types.MappingProxyType(document)):
        assert found(given) == [("$.Container.MappedDirectories[0].X", "unknown")]
    assert found({"VirtualMachine": UserDict({"Colour": 1})})[0] == ("$.VirtualMachine.Colour", "unknown")


def test_what_contains_itself_is_noticed() -> None:
    endless: dict[str, Any] = container()
    endless["HostedSystem"] = endless
    assert found(endless) == [("$.HostedSystem", "type")]
    assert "contains itself" in check(endless)[0].text
    items: list[Any] = []
    items.append((items,))
    assert found({"VirtualMachine": {}, "HostedSystem": items})[0] == ("$.HostedSystem[0][0]", "type")
    # The same object twice, side by side.
    same: dict[str, Any] = {"Major": 2}
    assert check([same, same], "<Version> array") == []


def test_members_of_any_type_hold_what_json_has() -> None:
    document = {"Settings": {"a": [None, True, 1, 1.5, "x", {"b": []}], "n": math.nan, "i": [math.inf], "o": object()}}
    assert found({"PropertyTypes": ["Basic"], "PropertyQueries": {"Basic": document}}, "Service_PropertyQuery") == [
        (f"$.PropertyQueries.Basic.Settings.{place}", "type") for place in ("n", "i[0]", "o")
    ]


def test_a_variable_of_the_environment_stays_secret() -> None:
    for value in (42424242, 4242.4242, True, ["42424242"], {"x": "42424242"}):
        problem = only({"CommandLine": "x", "Environment": {"PASSWORD": value}}, "ProcessParameters")
        assert problem.path == "$.Environment.PASSWORD"
        assert "4242" not in str(problem)


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "words"),
    [
        ("ComputSystem", "there is no type 'ComputSystem': did you mean 'ComputeSystem'?"),
        ("computesystem", "did you mean 'ComputeSystem'?"),
        ("<Layr> array", "there is no type 'Layr' in '<Layr> array': did you mean 'Layer'?"),
        ("Map<string, Nonesuch>", "there is no type 'Nonesuch'"),
        ("", "there is no type ''"),
        ("Qqqqqq", "`hcsrt schema` lists them"),
    ],
)
def test_no_such_type(type: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^type: ") as caught:
        check({}, type)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "schema", ["", "2", "2.x", "two", ".1", "2.1.1", "-2.1", (2,), (2, 1, 0), ("2", "1"), (2, True)]
)
def test_no_such_schema(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"^schema has to be a version such as .*2\.1"):
        check({}, schema=schema)


def test_arguments_of_wrong_types() -> None:
    wrong: Any
    for wrong in (b"{}", 5, None, object(), {1}):
        with pytest.raises(TypeError, match=r"^document has to be a mapping, JSON text or a model, not "):
            check(wrong)
    wrong = 2.1
    with pytest.raises(TypeError, match=r"^schema has to be a version such as .*, not float"):
        check({}, schema=wrong)
    wrong = None
    with pytest.raises(TypeError, match=r"^type has to be the name of a type"):
        check({}, wrong)
    with pytest.raises(ValueError, match=r"^host has to be 'windows' or 'emulator', not 'linux'"):
        check({}, host="linux")


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Have a rule for containers say what it sees."""
    from hcsrt.documents import checking, rulebook, rules, types

    seen: list[tuple[Any, ...]] = []
    table: dict[str, list[rules.Rule]] = {}
    monkeypatch.setattr(rules, "_rules", table)
    monkeypatch.setattr(types, "_made", {})

    @rule("Container_Processor", "Layer", "Version", fact="a test")
    def tell(look: Look, value: dict[str, Any]) -> None:
        seen.append((look.key, dict(value), len(look.parents), look.of("Container") is not None))
        look.warning("Count", "seen")

    assert rulebook.rules("Layer")
    assert checking.check({}) == []
    return seen


def test_a_rule_sees_what_is_right(looks: list[tuple[Any, ...]]) -> None:
    document = container(Processor={"Count": "x", "Weight": 5, "Colour": 1})
    document["SchemaVersion"] = {"Major": 2, "Minor": -1}
    document["Container"]["Storage"]["Layers"].append({**LAYER, "Path": None})
    problems = check(document)
    assert looks == [
        ("SchemaVersion", {"Major": 2}, 1, False),
        (0, LAYER, 3, True),
        (1, {"Id": LAYER["Id"]}, 3, True),
        ("Processor", {"Weight": 5, "Colour": 1}, 2, True),
    ]
    # A rule says nothing of a place that is wrong already.
    assert [problem.path for problem in problems if problem.severity == "warning"] == [
        "$.SchemaVersion.Count",
        "$.Container.Storage.Layers[0].Count",
        "$.Container.Storage.Layers[1].Count",
    ]
    assert {problem.fact for problem in problems} == {"", "a test"}


def test_a_rule_looks_around_and_has_parts_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from hcsrt.documents import rules, types

    monkeypatch.setattr(rules, "_rules", {})
    monkeypatch.setattr(types, "_made", {})
    seen: list[Any] = []

    @rule("ModifySettingRequest", fact="one")
    def of_request(look: Look, request: dict[str, Any]) -> None:
        seen.append([look.host, look.schema, look.key, look.parents])
        seen.append([look.check(("Settings", "list", 1), "Version"), look.check(("Settings", "list", 2), "Version")])
        seen.append([look.check("Nothing", "Version"), look.check(("Settings", "list", 9), "Version")])
        seen.append(
            [look.text(request, "Settings", "list", 0), look.text(request, "Settings", 5), look.text(None, "x")]
        )
        look.ignored(("Settings", "list"), "nobody reads it")

    @rule("Version", fact="two")
    def of_version(look: Look, version: dict[str, Any]) -> None:
        seen.append([look.key, version, look.of("ModifySettingRequest") is look.parents[0], look.of("Layer")])
        look.error("Minor", "is odd")

    request = {"Settings": {"list": ["x", {"Major": 2}, {"Major": "2", "Minor": 1}]}}
    before = json.dumps(request)
    found = check(request, "ModifySettingRequest", schema="2.1", host="emulator")
    assert json.dumps(request) == before
    assert seen == [
        ["emulator", (2, 1), None, ()],
        [True, False],
        [True, True],
        ["x", "", ""],
        [1, {"Major": 2}, True, None],
        [2, {"Minor": 1}, True, None],
    ]
    assert found == [
        Problem("$.Settings.list[2].Major", "type", "an integer is expected, not a string"),
        Problem("$.Settings.list", "ignored", "accepted, and has no effect: nobody reads it", "warning", "one"),
        Problem("$.Settings.list[1].Minor", "rule", "is odd", "error", "two"),
        Problem("$.Settings.list[2].Minor", "rule", "is odd", "error", "two"),
    ]


# --- hostile input ----------------------------------------------------------------------------------------------------


class Speechless:
    """A key that nobody can write."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (10**5000, "$.Environment['<int>']"),
        (5, "$.Environment['5']"),
        (None, "$.Environment.None"),
        (b"hunter2", "$.Environment['<bytes>']"),
        (("hunter2",), "$.Environment['<tuple>']"),
        (Speechless(), "$.Environment['<Speechless>']"),
    ],
    ids=["huge", "int", "none", "bytes", "tuple", "speechless"],
)
def test_keys_that_are_no_strings_are_told_and_kept_from_rules(key: object, place: str) -> None:
    document = {"CommandLine": "cmd", "Environment": {key: "x", "a=b": "y"}}
    found = check(document, "ProcessParameters")
    assert [(problem.path, problem.kind) for problem in found] == [
        (place, "type"),
        ("$.Environment['a=...']", "rule"),
    ]
    assert "hunter2" not in repr(found)


def test_the_spelling_of_a_type_has_an_end() -> None:
    for spelling in ("<" * 3000 + "Layer" + "> array" * 3000, f"<Layer, {'9' * 5000}> array"):
        with pytest.raises(ValueError, match="there is no type a text of"):
            check({}, spelling)
    assert check([[{"Id": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "Path": "C:\\l"}]], "<<Layer> array> array") == []


def test_many_mistakes_deep_inside_do_not_cost_their_depth() -> None:
    document: dict[str, Any] = {}
    inner = document
    for _ in range(3000):
        inner["n"] = float("nan")
        inner["a"] = inner = {}
    found = check(document, "Any")
    assert len(found) == 3000
    assert found[2999].path == "$" + ".a" * 2999 + ".n"


@pytest.mark.parametrize("value", [True, 5, None, [], {}])
def test_rules_do_not_get_newer_members_of_any_type(value: object) -> None:
    port = {"Name": "a", "NamedPipe": value, "ConsoleSupport": True}
    assert {problem.kind for problem in check(port, "VirtioSerialPort", schema=(2, 1))} == {"newer"}
    assert [problem.kind for problem in check(port, "VirtioSerialPort")] == ["type"]


@pytest.mark.parametrize("secret", ["PASSWORD=hunter2", "Server=db;Password=hunter2", "A==hunter2", "é'=hunter2"])
def test_what_follows_an_equals_sign_in_a_key_is_not_told(secret: str) -> None:
    for document in (
        {"CommandLine": "x", "Environment": {secret: ""}},
        {"CommandLine": "x", "Environment": {secret: None}},
        {"CommandLine": "x", "Environment": {secret: "\0", secret.lower(): ""}},
        {"CommandLine": "x", secret: 1},
    ):
        found = check(document, "ProcessParameters")
        assert found
        assert "hunter2" not in "".join(map(repr, found))


def test_a_required_name_in_another_case_is_told_once() -> None:
    layer = {"ID": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "Path": "C:\\layers\\base"}
    [problem] = check(layer, "Layer")
    assert (problem.path, problem.kind, problem.text) == (
        "$.ID",
        "unknown",
        "Layer has no member 'ID': write it as 'Id'",
    )


def test_what_is_newer_names_the_version_that_it_came_with() -> None:
    [problem] = check({"Type": "Iso", "SupportCompressedVolumes": True}, "Attachment", schema=(2, 1))
    assert (problem.path, problem.kind, problem.text) == (
        "$.SupportCompressedVolumes",
        "newer",
        "SupportCompressedVolumes came with schema 2.3: leave it out, or ask for 2.3 or later",
    )
