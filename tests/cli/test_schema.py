"""``hcsrt schema``: what it tells of each type, and the JSON Schema that editors get."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hcsrt import cli
from hcsrt.cli.types import FAMILIES, better_type, json_schema, reached, type_names, type_of
from hcsrt.documents.table import table

from ..helpers.platforms import pseudo_terminal
from .program import hcsrt, lines

DATA = Path(__file__).resolve().parents[2] / "hcsrt" / "documents" / "data"


def schema(*args: str) -> Result:
    return CliRunner().invoke(cli.command_line, ["schema", *args])


def shown(*args: str) -> list[str]:
    done = schema(*args)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.splitlines()


def document(*args: str) -> Any:
    done = schema("--json", *args)
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


# One type


def test_a_struct_has_its_members_with_what_is_known_of_each(tmp_path: Path) -> None:
    done = hcsrt("schema", "Attachment", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    title, empty, head, *rows = lines(done.stdout)
    assert title.startswith("Attachment: ")
    assert not empty
    assert head.split() == ["name", "type", "since", "facts", "description"]
    assert [row.split()[0] for row in rows] == list(table().structs["Attachment"].members)
    cached = next(row for row in rows if row.startswith("CachingMode "))
    assert re.fullmatch(r"CachingMode +CachingMode +2\.1 +default Uncached +\w.*", cached)
    newer = next(row for row in rows if row.startswith("IgnoreFlushes "))
    assert re.fullmatch(r"IgnoreFlushes +bool {10,}\w.*", newer)


def test_an_enum_has_its_values() -> None:
    title, _, head, *rows = shown("CachingMode")
    assert title.startswith("CachingMode: ")
    assert head.split() == ["name", "since", "description"]
    assert [row.split()[0] for row in rows] == list(table().enums["CachingMode"].values)


@pytest.mark.parametrize("spelling", ["attachment", "ATTACHMENT", "Attachment"])
def test_case_does_not_matter(spelling: str) -> None:
    assert shown(spelling) == shown("Attachment")
    assert shown(f"{spelling}.path") == shown("Attachment.Path")


def test_members_lead_on_to_their_types() -> None:
    head, member, _, title, *_ = shown("ComputeSystem.VirtualMachine.Devices.Scsi")
    assert head.split() == ["name", "type", "since", "description"]
    assert re.match(r"Devices\.Scsi +Map<string, Scsi> +2\.0 ", member)
    assert title.startswith("Scsi: ")
    assert any(row.startswith("AlwaysAllowSparseFiles ") for row in shown("Scsi.Attachments"))
    assert any(row.startswith("Path ") for row in shown("Container.Storage.Layers"))


def test_a_member_without_members_of_its_own() -> None:
    head, row = shown("VirtualMachine_Memory.SizeInMB")
    assert head.split() == ["name", "type", "since", "facts", "description"]
    assert re.match(r"VirtualMachine_Memory\.SizeInMB +uint64 +2\.1 +in MB +\w", row)
    assert "required" in shown("Layer.Id")[1]
    assert "0 to 10000" in shown("Container_Processor.Weight")[1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Attachmnt", "no type is called 'Attachmnt'; did you mean Attachment or "),
        ("Attachment.Pth", "no member of Attachment is called 'Pth'; did you mean Path?"),
        ("CachingMode.Cachd", "no value of CachingMode is called 'Cachd'; did you mean Cached"),
        ("CachingMode.Cached.x", "CachingMode.Cached is a value, which has no members"),
        ("Attachment.Path.Length", "Attachment.Path is string, which has no members"),
        ("Xyzzy", "no type is called 'Xyzzy'\n"),
        ("", "no type is called ''"),
        ("Attachment.", "no member of Attachment is called ''"),
        (".", "no type is called ''"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, said: str) -> None:
    for option in ([], ["--json"], ["--json-schema"], ["--search", "a"]):
        done = schema(name, *option)
        assert (done.exit_code, done.stdout) == (1, "")
        assert said in done.stderr


def test_json_has_the_same() -> None:
    found = document("Attachment")
    assert found["member"] is None
    assert list(found["type"]) == ["name", "kind", "family", "description", "members"]
    assert found["type"]["members"][0] == {
        "name": "Type",
        "type": "AttachmentType",
        "since": "2.0",
        "description": json_schema()["$defs"]["Attachment"]["properties"]["Type"]["description"].splitlines()[0],
    }
    found = document("Scsi.Attachments")
    assert (found["member"]["name"], found["member"]["type"]) == ("Attachments", "Map<uint32, Attachment>")
    assert found["type"]["name"] == "Attachment"
    found = document("VirtualMachine_Memory.SizeInMB")
    assert (found["member"]["unit"], found["type"]) == ("MB", None)
    found = document("CachingMode.Cached")
    assert (found["member"]["name"], found["type"]) == ("Cached", None)
    assert [value["name"] for value in document("CachingMode")["type"]["values"]] == list(
        table().enums["CachingMode"].values
    )


# All types


def test_the_list_has_each_type_once_by_families() -> None:
    rows = shown()
    families = [row.partition(":")[0] for row in rows if row.partition(":")[0] in FAMILIES]
    assert families == list(FAMILIES)
    told = [row.split()[0] for row in rows if re.match(r"\w+ +(struct|enum)\b", row)]
    assert sorted(told) == sorted(type_names())
    types = document()["types"]
    assert [each["name"] for each in types] == type_names()
    assert {each["family"] for each in types} == set(FAMILIES)


def test_every_type_has_words_and_the_limits_that_are_known() -> None:
    limits = json.loads((DATA / "limits.json").read_text("utf-8"))
    structs: dict[str, Any] = {}
    for name in type_names():
        type_ = type_of(name)
        assert type_.description, name
        assert "\n" not in type_.description
        for row in type_.rows:
            assert not re.search(r"\n|Schema \d|In no published schema", row.description), row
        if known := {row.name: row.facts for row in type_.rows if row.facts}:
            structs[name] = known
    assert structs == {
        name: {member: limit for member, limit in members.items() if limit} for name, members in limits.items()
    }


def test_the_words_are_those_that_are_written() -> None:
    for file in (DATA / "words").glob("*.json"):
        for name, words in json.loads(file.read_text("utf-8")).items():
            type_ = type_of(name)
            assert type_.description == words[""], name
            assert {row.name: row.description for row in type_.rows if row.description} == {
                member: text for member, text in words.items() if member
            }, name


# The search


def test_a_search_finds_names_and_descriptions() -> None:
    head, *rows = shown("--search", "overcommit")
    assert head.split() == ["name", "type", "since", "description"]
    assert any(row.startswith("VirtualMachine_Memory.AllowOvercommit ") for row in rows)
    names = [item["name"] for item in document("--search", "OVERCOMMIT")["found"]]
    assert names == [row.split()[0] for row in rows]
    names = [item["name"] for item in document("--search", "caching")["found"]]
    assert {"CachingMode", "Attachment.CachingMode"} <= set(names)
    (found,) = document("--search", "without the cache of")["found"]
    assert found["name"] == "CachingMode.Uncached"


def test_a_search_tells_first_what_has_the_text_at_the_beginning_of_a_word() -> None:
    names = [item["name"] for item in document("--search", "nat")["found"]]
    assert names.index("OutboundNatPolicySetting") < names.index("HostComputeNetwork.Type")
    assert names.index("HostComputeNetwork.Type") < names.index("CommonL4ProxyPolicySetting.Destination")


def test_a_search_below_a_type() -> None:
    everywhere = [item["name"] for item in document("--search", "processor")["found"]]
    below = [item["name"] for item in document("Container", "--search", "processor")["found"]]
    assert 0 < len(below) < len(everywhere)
    assert set(below) < set(everywhere)
    assert {name.partition(".")[0] for name in below} <= set(reached(["Container"]))


def test_1_if_nothing_is_found() -> None:
    done = schema("--search", "xyzzy")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "nothing has 'xyzzy' in its name or description" in done.stderr
    done = schema("--search", "xyzzy", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"found": []})


@pytest.mark.parametrize(
    "arguments",
    [["--search", ""], ["--json-schema", "--json"], ["--json-schema", "--search", "a"], ["a", "b"], ["--no-such"]],
)
def test_2_for_wrong_usage(arguments: list[str]) -> None:
    done = schema(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage: " in done.stderr


# The JSON Schema


def references(schema: Any) -> set[str]:
    return set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)))


def test_without_a_type_it_is_the_whole_one() -> None:
    done = schema("--json-schema")
    assert json.loads(done.stdout) == json.loads((DATA / "schema.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "name",
    ["ComputeSystem", "Attachment", "CachingMode", "Attachment.Path", "Container.Storage.Layers", "CachingMode.Cached"],
)
def test_that_of_a_type_has_what_it_needs_and_no_more(name: str) -> None:
    whole = json.loads(schema("--json-schema", name).stdout)
    assert whole["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    definitions = whole.get("$defs", {})
    assert references(whole) == set(definitions)
    assert all(definition == json_schema()["$defs"][type_] for type_, definition in definitions.items())


@pytest.mark.parametrize(
    ("name", "value", "is_right"),
    [
        ("Attachment", {"Type": "Iso", "Path": "a.iso"}, True),
        ("Attachment", {"Typ": "Iso"}, False),
        ("AttachmentType", "Iso", True),
        ("AttachmentType", "iso", False),
        ("AttachmentType.Iso", "Iso", True),
        ("AttachmentType.Iso", "VirtualDisk", False),
        ("Scsi.Attachments", {"0": {"Type": "Iso"}}, True),
        ("Scsi.Attachments", {"a": {"Type": "Iso"}}, False),
        ("Scsi.Attachments", {"0": {"Type": "iso"}}, False),
        ("ProcessParameters", {"CommandLine": "cmd"}, True),
        ("ProcessParameters", {"CommandLine": 1}, False),
    ],
)
def test_it_finds_mistakes(name: str, value: Any, is_right: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = json.loads(schema("--json-schema", name).stdout)
    jsonschema.Draft202012Validator.check_schema(found)
    assert jsonschema.Draft202012Validator(found).is_valid(value) == is_right


# Where it is printed


@pseudo_terminal
def test_a_terminal_gets_a_table_that_fits(terminals: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal = terminals("schema", "Attachment", size=(40, 100))
    assert terminal.finish() == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", terminal.seen.decode()).splitlines()
    assert max(map(len, plain)) <= 100
    assert "\x1b[1m" in terminal.seen.decode()
    text = " ".join(" ".join(plain).split())
    assert "CaptureIoAttributionContext" in text
    assert "HcsGrantVmAccess" in text


def test_every_type_can_be_shown(tmp_path: Path) -> None:
    for name in type_names():
        assert shown(name)[0].startswith(f"{name}: ")
        assert json.loads(schema("--json-schema", name).stdout)["title"] == name


def test_no_type_is_offered_that_is_none() -> None:
    assert better_type({"CommandLine": ""}, "NoSuch") is None
    assert better_type({"CommandLine": ""}, "ComputeSystem") == "ProcessParameters"
    assert better_type([], "ComputeSystem") is None


def test_a_type_that_is_a_value_is_told() -> None:
    spellings = {spelling for struct in table().structs.values() for spelling, _ in struct.members.values()}
    names = {name for spelling in spellings for name in re.findall(r"[A-Za-z_]\w*", spelling)}
    for name in sorted(names - {*type_names(), "Map", "array"}):
        done = schema(name)
        assert done.exit_code == 1
        assert done.output.startswith(f"Error: {name} has no members: it is "), name
