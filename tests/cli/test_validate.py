"""``hcsrt validate``: what it says of documents that are wrong, and where."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from hcsrt import cli
from hcsrt.cli.places import Place, Places, steps_of
from hcsrt.documents.problems import written

from ..helpers.platforms import posix_shell, pseudo_terminal
from .program import HCSRT, hcsrt, lines

RIGHT: dict[str, Any] = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Owner": "tests",
    "VirtualMachine": {
        "Chipset": {"Uefi": {}},
        "ComputeTopology": {"Memory": {"SizeInMB": 512}, "Processor": {"Count": 1}},
    },
}

THREE_MISTAKES = """\
{
  "SchemaVersion": {"Major": 2, "Minor": 1},
  "VirtualMachine": {
    "ComputeTopology": {
      "Memory": {"SizeInMb": 2048},
      "Processor": {"Count": "2"}
    },
    "Chipset": {"Uefi": {}}, "Devices": {
      "Scsi": {"Primary disk": {"Attachments": {"0": {"Type": "VirtualDsk", "Path": "C:\\\\disk.vhdx"}}}}
    }
  }
}
"""


def validate(*args: str) -> Result:
    return CliRunner().invoke(cli.command_line, ["validate", *args])


def written_to(folder: Path, document: Any, name: str = "document.json") -> str:
    data = document if isinstance(document, bytes) else document.encode() if isinstance(document, str) else None
    (folder / name).write_bytes(json.dumps(document).encode() if data is None else data)
    return str(folder / name)


def problems(*args: str) -> list[dict[str, Any]]:
    return json.loads(validate("--json", *args).stdout)["problems"]


# What it says


def test_three_mistakes_are_all_told_with_their_place_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "vm.json").write_text(THREE_MISTAKES)
    done = hcsrt("validate", "vm.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"")
    memory, processor, disk, sum_ = lines(done.stdout)
    assert memory.startswith("vm.json:5:18: error: $.VirtualMachine.ComputeTopology.Memory.SizeInMb: ")
    assert "'SizeInMB'" in memory
    assert processor.startswith("vm.json:6:21: error: $.VirtualMachine.ComputeTopology.Processor.Count: ")
    assert "an integer is expected" in processor
    path = "$.VirtualMachine.Devices.Scsi['Primary disk'].Attachments['0'].Type"
    assert disk.startswith(f"vm.json:9:55: error: {path}: ")
    assert "'VirtualDisk'" in disk
    assert sum_ == "vm.json: 3 errors"


def test_json_is_one_document_with_the_same(tmp_path: Path) -> None:
    (tmp_path / "vm.json").write_text(THREE_MISTAKES)
    done = hcsrt("validate", "--json", "vm.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"")
    found = json.loads(done.stdout)["problems"]
    assert [(each["file"], each["line"], each["column"]) for each in found] == [
        ("vm.json", 5, 18),
        ("vm.json", 6, 21),
        ("vm.json", 9, 55),
    ]
    assert [(each["kind"], each["severity"]) for each in found] == [
        ("unknown", "error"),
        ("type", "error"),
        ("value", "error"),
    ]
    assert list(found[0]) == ["file", "line", "column", "path", "kind", "severity", "text", "fact"]
    told = lines(hcsrt("validate", "vm.json", folder=tmp_path).stdout)
    assert len(told) == len(found) + 1
    assert all(line.endswith(f"{each['path']}: {each['text']}") for line, each in zip(told[:-1], found, strict=True))


def test_a_document_that_is_right(tmp_path: Path) -> None:
    file = written_to(tmp_path, RIGHT)
    done = validate(file)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{file}: no problems\n", "")
    assert problems(file) == []


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    text = json.dumps(RIGHT).replace('"Owner": "tests"', '"Owner": "first",\n "Owner": "second"')
    file = written_to(tmp_path, text)
    done = validate(file)
    assert done.exit_code == 0
    warning, sum_ = done.stdout.splitlines()
    # The first of the two is the one without effect.
    column = text.index('"Owner"') + 1
    assert warning.startswith(f"{file}:1:{column}: warning: $.Owner: accepted, and has no effect: ")
    assert sum_ == f"{file}: 1 warning"


def test_a_rule_names_its_fact(tmp_path: Path) -> None:
    file = written_to(tmp_path, {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "tests"})
    (found,) = problems(file)
    assert (found["kind"], found["path"], found["line"], found["column"]) == ("rule", "$", 1, 1)
    assert found["fact"]
    assert validate(file).stdout.splitlines()[0].endswith(f"[{found['fact']}]")


def test_of_several_files_each_is_told(tmp_path: Path) -> None:
    right, wrong = written_to(tmp_path, RIGHT, "right.json"), written_to(tmp_path, {"Own": ""}, "wrong.json")
    done = validate(wrong, right)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == f"{right}: no problems"
    assert {each["file"] for each in problems(right, wrong)} == {wrong}
    assert validate(right, right).exit_code == 0


def test_stdin(tmp_path: Path) -> None:
    done = hcsrt("validate", "-", folder=tmp_path, input=THREE_MISTAKES.encode())
    assert done.returncode == 1
    assert done.stdout.startswith(b"stdin:5:18: error: ")
    found = json.loads(hcsrt("validate", "--json", "-", folder=tmp_path, input=b'{"Own": 1}').stdout)["problems"]
    assert ("stdin", "$.Own") in [(each["file"], each["path"]) for each in found]


# What it is asked


def test_another_type(tmp_path: Path) -> None:
    file = written_to(tmp_path, {"CommandLine": "cmd /c dir", "WorkingDirectory": "C:\\"})
    assert validate("--type", "ProcessParameters", file).exit_code == 0
    assert validate("--type", "processparameters", file).exit_code == 0


@pytest.mark.parametrize(
    ("document", "given", "better"),
    [
        ({"CommandLine": "cmd"}, "ComputeSystem", "ProcessParameters"),
        ({"ResourcePath": "a", "Settings": {}}, "ComputeSystem", "ModifySettingRequest"),
        ({"Name": "a", "Type": "NAT", "Ipams": []}, "ComputeSystem", "HostComputeNetwork"),
        (RIGHT, "ProcessParameters", "ComputeSystem"),
    ],
)
def test_a_document_of_another_type_is_told_so(tmp_path: Path, document: Any, given: str, better: str) -> None:
    file = written_to(tmp_path, document)
    done = validate("--type", given, file)
    assert done.exit_code == 1
    assert done.stderr == f"hcsrt: {file} looks like the type {better}: try --type {better}\n"
    assert "try --type" not in validate("--type", better, file).stderr


@pytest.mark.parametrize("document", [{"Own": ""}, {}, {"VirtualMachine": {}, "Kontainer": {}}])
def test_a_misspelt_compute_system_stays_one(tmp_path: Path, document: Any) -> None:
    assert "try --type" not in validate(written_to(tmp_path, document)).stderr


def test_a_schema_version(tmp_path: Path) -> None:
    topology = {
        "Memory": {"SizeInMB": 512},
        "Processor": {"Count": 1, "CpuGroup": {"Id": "26a90000-0000-0000-0000-100000000000"}},
    }
    file = written_to(tmp_path, {**RIGHT, "VirtualMachine": {"Chipset": {"Uefi": {}}, "ComputeTopology": topology}})
    assert validate(file).exit_code == 0
    assert [each["kind"] for each in problems("--schema", "2.1", file)] == ["newer"]
    assert problems("--schema", "2.6", file) == []


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "FILE"),
        (["--type", "ComputeSytem", "x"], "did you mean ComputeSystem"),
        (["--schema", "2", "x"], "expected a version such as 2.1"),
        (["--schema", "latest", "x"], "expected a version such as 2.1"),
        (["--host", "linux", "x"], "'windows'"),
        (["--no-such", "x"], "No such option"),
        (["-", "-"], "which can be read once only"),
    ],
)
def test_2_for_wrong_usage(arguments: list[str], said: str) -> None:
    done = validate(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_2_for_what_cannot_be_read_and_the_others_are_checked(tmp_path: Path) -> None:
    file = written_to(tmp_path, {"Own": ""})
    done = validate(str(tmp_path / "nowhere.json"), str(tmp_path), file)
    assert done.exit_code == 2
    assert f"{file}: 1 error" in done.stdout
    first, second = done.stderr.splitlines()
    assert first == f"hcsrt: {tmp_path / 'nowhere.json'}: {os.strerror(2)}"
    assert second.startswith(f"hcsrt: {tmp_path}: ")


# What is no JSON


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        (b"", (1, 1), "the file is empty"),
        (b" \r\n\t\n", (1, 1), "the file is empty"),
        (b"\xef\xbb\xbf", (1, 1), "the file is empty"),
        (b'{\n "Owner": }', (2, 11), "Expecting value"),
        (b'{"Owner": "a",\n}', None, ""),
        (b'{"Owner": "a"} x', (1, 16), "Extra data"),
        (b"\xef\xbb\xbf{", (1, 2), "Expecting property name"),
        ('{"Owner":\n "größe\udcff"}'.encode(errors="surrogateescape"), (2, 8), "UTF-8"),
        ('\ufeff"größe\udcff"'.encode(errors="surrogateescape"), (1, 7), "UTF-8"),
        (b"\xff{}", (1, 1), "UTF-8"),
        ('{"Owner": "a"}'.encode("utf-16"), (1, 1), "UTF-16"),
        ('{"Owner": "a"}'.encode("utf-16-be"), (1, 1), "UTF-16"),
        (b'{"Owner": NaN}', (1, 1), "NaN is not a JSON number"),
        (b'{"Owner": ' + b"1" * 5000 + b"}", (None, None), "more digits"),
        (b"[" * 100_000, None, "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, (None, None), "deep"),
        (b"[]", (1, 1), "an object"),
        (b"\n null", (2, 2), "an object"),
        (b'"vm.json"', (1, 1), "an object"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, bytes) else "",
)
def test_what_is_no_document_says_so(tmp_path: Path, data: bytes, place: Any, said: str) -> None:
    file = written_to(tmp_path, data)
    done = validate(file)
    assert (done.exit_code, done.stderr) == (1, "")
    (found,) = problems(file)
    assert said in found["text"]
    assert place is None or (found["line"], found["column"]) == place


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    plain = problems(written_to(tmp_path, THREE_MISTAKES, "plain.json"))
    marked = problems(written_to(tmp_path, b"\xef\xbb\xbf" + THREE_MISTAKES.encode(), "marked.json"))
    windows = problems(written_to(tmp_path, THREE_MISTAKES.replace("\n", "\r\n"), "windows.json"))
    assert [{**each, "file": ""} for each in plain] == [{**each, "file": ""} for each in marked]
    assert [{**each, "file": ""} for each in plain] == [{**each, "file": ""} for each in windows]


# Size, secrets and terminals


@pytest.mark.alone
def test_a_document_of_1_mb(tmp_path: Path) -> None:
    attachments: dict[str, dict[str, str]] = {
        str(number): {"Type": "VirtualDisk", "Path": f"C:\\{number:05}.vhdx"} for number in range(16_000)
    }
    attachments["15999"]["Typ"] = "Iso"
    machine = {**RIGHT["VirtualMachine"], "Devices": {"Scsi": {"a": {"Attachments": attachments}}}}
    file = written_to(tmp_path, json.dumps({**RIGHT, "VirtualMachine": machine}, indent=1))
    assert os.path.getsize(file) > 1_000_000
    started = time.monotonic()
    found = [each for each in problems(file) if each["kind"] == "unknown"]
    assert time.monotonic() - started < 10
    (wrong,) = found
    row = Path(file).read_text().splitlines()[int(wrong["line"]) - 1]
    assert row[int(wrong["column"]) - 1 :].startswith('"Typ"')


def test_no_value_of_the_environment_is_printed(tmp_path: Path) -> None:
    document = {
        "CommandLine": ["s3cret"],
        "Environment": {"PASSWORD": ["s3cret"], "TOKEN": 5, "s": {"s3cret": "s3cret"}},
        "ConsoleSize": "s3cret",
        "User": {"Password": "s3cret"},
    }
    file = written_to(tmp_path, document)
    for options in ([], ["--json"]):
        done = validate("--type", "ProcessParameters", *options, file)
        assert done.exit_code == 1
        assert "s3cret" not in done.stdout.replace("['s3cret']", "") + done.stderr


def test_a_variable_written_into_its_name_is_found_and_not_told(tmp_path: Path) -> None:
    file = written_to(tmp_path, '{"CommandLine": "cmd",\n "Environment": {"A": "",\n  "PASSWORD=s3cret": ""}}')
    done = validate("--type", "ProcessParameters", file)
    assert f"{file}:3:3: error: $.Environment['PASSWORD=...']: " in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_what_would_steer_a_terminal_is_escaped(tmp_path: Path) -> None:
    name = "evil\x1b[31m\x07\n.json" if os.name != "nt" else "evil.json"
    file = written_to(tmp_path, {**RIGHT, "\x1b]0;title\x07\n": 1, "Own\u202eer": 1}, name)
    done = validate(file)
    assert done.exit_code == 1
    assert not re.search(r"[^\n\x20-\x7e]", done.stdout)
    assert len(done.stdout.splitlines()) == 3
    assert all(line.startswith(str(tmp_path)) for line in done.stdout.splitlines())


@pseudo_terminal
def test_a_terminal_gets_colours_and_lines_that_fit(
    tmp_path: Path, terminals: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "vm.json").write_text(THREE_MISTAKES)
    terminal = terminals("validate", "vm.json", size=(30, 60))
    assert terminal.finish() == 1
    seen = terminal.seen.decode()
    assert "\x1b[1;31merror" in seen
    plain = re.sub(r"\x1b\[[\d;]*m", "", seen).splitlines()
    assert plain[0] == "vm.json:5:18: error: $.VirtualMachine.ComputeTopology.Memory.SizeInMb:"
    assert all(len(line) <= 60 for line in plain if line.startswith("    "))
    assert len([line for line in plain if line.startswith("    ")]) > 3


@posix_shell
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "vm.json").write_text(THREE_MISTAKES)
    with open("/dev/full", "wb") as device:
        done = subprocess.run([*HCSRT, "validate", "vm.json"], stdout=device, cwd=tmp_path, timeout=60)
    assert done.returncode == 125


# The places


TEXT = '{\n "A": [1, {"B": 2}, [3]],\n  "C": {"x y": "q\\"", "\\u0044": {}}, "A": [0,\n {"Z": 1}]\n}\n'


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("$", (1, 1)),
        ("$.A", (3, 38)),
        ("$.A[0]", (3, 44)),
        ("$.A[1].Z", (4, 3)),
        # What the first A has in it does not count.
        ("$.A[1].B", (4, 2)),
        ("$.A[2][0]", (3, 38)),
        ("$.C['x y']", (3, 9)),
        ("$.C.D", (3, 23)),
        ("$.C['D']", (3, 23)),
        ("$.C.D.E", (3, 23)),
        ("$.C.Missing", (3, 3)),
        ("$.Missing.Path", (1, 1)),
    ],
)
def test_the_place_of_a_path(path: str, place: tuple[int, int]) -> None:
    assert Places(TEXT, [path]).last(path) == place


def test_the_first_of_two_places() -> None:
    places = Places(TEXT, ["$.A", "$.C"])
    assert (places.first("$.A"), places.first("$.C")) == ((2, 2), (3, 3))


def paths_of(value: Any) -> Iterator[tuple[str | int, ...]]:
    yield ()
    if isinstance(value, dict):
        items = list(cast("dict[str | int, Any]", value).items())
    else:
        items = list(enumerate(cast("list[Any]", value))) if isinstance(value, list) else []
    for key, item in items:
        yield from ((key, *path) for path in paths_of(item))


# What follows an equals sign in a key is in no path.
KEYS = st.text().filter(lambda key: "=" not in key) | st.sampled_from(["a", "'", "\\", "0"])


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    ),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_each_place_has_what_its_path_leads_to(value: Any, indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    every = {written(keys): keys for keys in paths_of(value)}
    places = Places(text, every)
    rows = text.split("\n")
    decoder = json.JSONDecoder()
    for path, keys in every.items():
        assert steps_of(path) == list(keys)
        line, column = places.last(path)
        after = "\n".join([rows[line - 1][column - 1 :], *rows[line:]])
        found, _ = decoder.raw_decode(after)
        expected: Any = value
        for key in keys:
            expected = expected[key]
        assert found == (keys[-1] if keys and isinstance(keys[-1], str) else expected)


@pytest.mark.alone
def test_depth_and_length_are_no_matter() -> None:
    deep = "[" * 200_000 + "]" * 200_000
    path = "$" + "[0]" * 199_999
    started = time.monotonic()
    assert Places(deep, [path]).last(path) == Place(1, 200_000)
    twice = "{" + ",".join(['"a": {"b": 1}'] * 50_000) + "}"
    places = Places(twice, ["$.a.b"])
    assert (places.first("$.a.b"), places.last("$.a.b")) == ((1, len(twice) - 7), (1, len(twice) - 7))
    assert time.monotonic() - started < 10


def test_problems_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    # What rules find is found last, and stands first here.
    (tmp_path / "vm.json").write_text('{\n "VirtualMachine": {"Chipset": {}},\n "Owner": 5\n}\n')
    done = hcsrt("validate", "--json", "vm.json", folder=tmp_path)
    found = [(each["line"], each["kind"]) for each in json.loads(done.stdout)["problems"]]
    assert found == sorted(found, key=lambda each: each[0])
    assert found[-1] == (3, "type")
    assert len({line for line, _ in found}) > 1
