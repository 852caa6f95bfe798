"""A user's own models are documents: those of pydantic, attrs and dataclasses, and whatever looks like them."""

import asyncio
import collections
import dataclasses
import json
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

import hcsrt
import hcsrt.aio
from hcsrt import emulator
from hcsrt.documents import check, dumps, plain

LAYER = {"Id": "7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "Path": "C:\\layers\\base"}
VOLUME = "\\\\?\\Volume{26a90000-0000-0000-0000-100000000000}\\"
EXPECTED = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Container": {"Storage": {"Layers": [LAYER], "Path": VOLUME}},
}

Make = Callable[[Any], Any]


def of_dataclasses(layers: Any) -> Any:
    storage = dataclasses.make_dataclass("storage", ["Layers", "Path", ("QoS", Any, None)])
    container = dataclasses.make_dataclass("container", ["Storage", ("Memory", Any, None)], frozen=True, slots=True)
    system = dataclasses.make_dataclass("system", ["SchemaVersion", "Container", ("Owner", Any, None)])
    version = dataclasses.make_dataclass("version", [("Major", int, 2), ("Minor", int, 1)])
    return system(version(), container(storage(layers, VOLUME)))


def of_attrs(layers: Any) -> Any:
    attrs = pytest.importorskip("attrs")
    storage = attrs.make_class(
        "storage", {"Layers": attrs.field(), "Path": attrs.field(), "QoS": attrs.field(default=None)}
    )
    container = attrs.make_class(
        "container", {"Storage": attrs.field(), "Memory": attrs.field(default=None)}, frozen=True
    )
    system = attrs.make_class("system", {"SchemaVersion": attrs.field(), "Container": attrs.field()}, slots=True)
    return system({"Major": 2, "Minor": 1}, container(storage(layers, VOLUME)))


def of_pydantic(layers: Any) -> Any:
    pydantic = pytest.importorskip("pydantic")
    storage = pydantic.create_model("storage", Layers=(list[Any], ...), Path=(str, ...), QoS=(Any, None))
    container = pydantic.create_model(
        "container", storage=(storage, pydantic.Field(alias="Storage")), Memory=(Any, None)
    )
    system = pydantic.create_model("system", SchemaVersion=(dict[str, int], ...), Container=(container, ...))
    return system(
        SchemaVersion={"Major": 2, "Minor": 1},
        Container=container(Storage=storage(Layers=list(layers), Path=VOLUME)),
    )


class Dumped:
    """Looks like a model of pydantic."""

    def __init__(self, members: Any) -> None:
        self.members = members

    def model_dump(self, *, mode: str, by_alias: bool, exclude_none: bool) -> Any:
        assert (mode, by_alias, exclude_none) == ("json", True, True)
        return self.members


class Attribute:
    def __init__(self, name: str) -> None:
        self.name = name


class Slotted:
    """Looks like a class of attrs, and is in a mapping that is no dict."""

    __slots__ = ("Path", "Storage")
    __attrs_attrs__ = (Attribute("Storage"), Attribute("Path"), Attribute("Gone"))


def of_stand_ins(layers: Any) -> Any:
    container = Slotted()
    container.Storage = collections.UserDict({"Layers": layers, "Path": VOLUME})
    container.Path = None
    return Dumped({"SchemaVersion": {"Major": 2, "Minor": 1}, "Container": container})


@pytest.fixture(params=[of_dataclasses, of_attrs, of_pydantic, of_stand_ins], ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


def test_a_model_is_a_document(make: Make) -> None:
    model = make((LAYER,))
    assert json.loads(dumps(model)) == EXPECTED
    assert plain(model, "document") == EXPECTED
    assert plain([model], "documents") == [EXPECTED]
    assert check(model) == []
    assert check([model, {**EXPECTED}], "<ComputeSystem> array") == []


def test_what_is_wrong_in_a_model_is_found(make: Make) -> None:
    found = [(problem.path, problem.kind) for problem in check(make([{"Id": "x", "Path": 5}]))]
    assert found == [
        ("$.Container.Storage.Layers[0].Id", "form"),
        ("$.Container.Storage.Layers[0].Path", "type"),
    ]


def test_both_faces_take_models(make: Make) -> None:
    with hcsrt.ComputeSystem.create("blocking", make([LAYER])) as system:
        system.terminate()

    async def main() -> None:
        async with await hcsrt.aio.ComputeSystem.create("awaited", make([LAYER])) as system:
            await system.terminate()

    asyncio.run(main())


def test_settings_may_be_a_model() -> None:
    @dataclasses.dataclass
    class Processor:
        Maximum: int
        Count: int | None = None

    with hcsrt.ComputeSystem.create("box", emulator.container_document()) as system:
        system.start()
        system.modify("Container/Processor", "Update", Processor(5000))
        system.terminate()


def test_a_class_is_no_model() -> None:
    @dataclasses.dataclass
    class Empty:
        pass

    assert dumps(Empty()) == "{}"  # type: ignore[arg-type]
    for document in (Empty, Dumped, Slotted, dict, object()):
        with pytest.raises(TypeError, match=r"^document has to be a mapping"):
            dumps(document)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^document has to be a mapping"):
            check(document)


def test_an_error_of_a_model_is_not_hidden() -> None:
    class Failing:
        def model_dump(self, **options: Any) -> Any:
            raise ZeroDivisionError

    for call in (check, dumps):
        with pytest.raises(ZeroDivisionError):
            call(Failing())  # type: ignore[arg-type]


def test_what_json_has_no_form_for_is_named() -> None:
    @dataclasses.dataclass
    class System:
        Owner: Any

    with pytest.raises(TypeError, match=r"^document\['Owner'\] is of type object, which JSON has no form for"):
        dumps(System(object()))  # type: ignore[arg-type]
    found = check({"VirtualMachine": {}, "HostedSystem": System(object())})
    assert str(found[0]) == ("$.HostedSystem.Owner: a value of JSON is expected, not a Python object of type object")


def test_a_model_that_contains_itself_is_noticed() -> None:
    @dataclasses.dataclass
    class Node:
        Owner: Any = None

    node = Node()
    node.Owner = types.MappingProxyType({"x": (node,)})
    [problem] = check(node)
    assert (problem.path, problem.kind) == ("$.Owner.x[0]", "type")


def test_no_library_of_models_is_imported() -> None:
    code = (
        "import sys, hcsrt.documents as d; d.check({'VirtualMachine': {}}); d.dumps({}); "
        "print([name for name in ('pydantic', 'attr', 'attrs', 'dataclasses') if name in sys.modules])"
    )
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("value", [None, Dumped({})])
def test_what_a_model_is_not_dumped_to_is_said(value: object) -> None:
    for give in (check, dumps):
        for document in (Dumped(value), {"VirtualMachine": Dumped(value)}):
            with pytest.raises(TypeError, match=r"Dumped.model_dump\(\) has to return a value of JSON"):
                give(document)


def test_a_model_of_an_array_is_one_and_no_document() -> None:
    layers = Dumped([{"Id": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "Path": "C:\\l"}])
    assert check(layers, "<Layer> array") == []
    assert check({"Layers": layers}, "LayerData") == check({"Layers": layers.members}, "LayerData")
    assert json.loads(dumps({"Layers": layers})) == {"Layers": layers.members}
    with pytest.raises(TypeError, match="document has to be a mapping or JSON text, not Dumped"):
        dumps(layers)
