"""Comparison of a document with the table, and with the rules.

The walk through a document keeps its own stack, and so depth has no limit. It looks at each value once. Places are kept
as a chain of nodes, and are written only where something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

from ._models import Endless, converted, is_foreign
from .forms import Fault, finite, is_array, is_object, nearest, newer, not_, shown
from .problems import Problem, member, without_value
from .reading import loaded
from .rules import Place
from .table import table
from .types import ANY, ARRAY, BUILT_IN, MAP, SCALAR, STRUCT, UNION, Slot, Type, Types, Version, types

HOSTS = ("windows", "emulator")

# Names that are as good as none: nearest ones are not looked for any more after so many.
_ENOUGH_HINTS = 100
# A spelling of more characters is that of no type; types in types without end would be read for as long.
_LONGEST_TYPE = 200
# Larger integers are not written as keys.
_MOST_BITS = 64
# Members that are listed for want of a better advice.
_FEW_MEMBERS = 12


def check(
    document: object,
    type: str = "ComputeSystem",
    *,
    schema: str | Version | None = None,
    host: str = "windows",
) -> list[Problem]:
    """Return what is wrong with a document, or does not have the effect that it seems to have.

    Members, types, enum values, ranges and forms are those of the same table that the TypedDicts are made of. Rules
    that no schema has are added, each with the fact that it is known from. A document without any problem may still
    be refused: by a host that is older than the document, or that lacks what it names.

    Args:
        document: A mapping, JSON text, or an object of a class of pydantic, attrs or dataclasses.
        type: The type that it is to have, by the name in the reference: "ComputeSystem", "ProcessParameters",
            "HostComputeNetwork"; or "<Layer> array" and the like.
        schema: The schema version whose members and values it is to keep to, as (2, 1) or "2.1"; by default those of
            any version are right. The document's own SchemaVersion does not count.
        host: "windows", or "emulator", where paths of the host are those of this machine.

    Returns:
        The problems: first those of the structure, then those that rules find, each in the order of their places. A
        document with warnings only is accepted by the emulator, and by HCS as far as is known; the text of a warning
        says where it may not be.

    Raises:
        ValueError: There is no such type, schema version or host. The message names the nearest type.
        TypeError: An argument is of a wrong type.
    """
    version = _version(schema)
    if host not in HOSTS:
        raise ValueError(f"host has to be {' or '.join(map(repr, HOSTS))}, not {host!r}")
    slot = _slot(types(version), type)
    if isinstance(document, str):
        value, found = loaded(document)
        if found and found[0].severity == "error":
            return found
    else:
        value, found = _given(document), []
    return _compared(value, slot, host, version) + found


def problems(value: object, type: str, *, host: str = "windows") -> list[Problem]:
    """Return what is wrong with a value of parsed JSON, even if it is a text; arguments as in `check`."""
    return _compared(value, _slot(types(None), type), host, None)


def _compared(value: object, slot: Slot, host: str, schema: Version | None) -> list[Problem]:
    """Return what is wrong with a value, in the structure and by the rules."""
    kinds = types(schema)
    checking = _Checking(kinds, host, schema)
    try:
        try:
            checking.walk(_root(), value, slot)
        except _Foreign:
            value = converted(value)
            checking = _Checking(kinds, host, schema)
            checking.walk(_root(), value, slot)
    except Endless as endless:
        return [endless.problem]
    checking.follow_rules()
    return checking.problems


class _Foreign(Exception):
    """A value is a mapping, an array or a model of some other class than JSON makes."""


class _Node:
    """An object or array of the document, and the way to it."""

    __slots__ = ("_place", "key", "owned", "parent", "rest", "type", "value", "view", "wrong")

    def __init__(self, parent: _Node | None, key: str | int | None, value: Any, type: Type) -> None:
        self.parent = parent
        self.key = key
        self.value = value
        self.type = type
        # What rules get: the value, or a copy without what is wrong in it.
        self.view = value
        self.owned = False
        self.rest: Iterator[tuple[Any, Any]] = _NOTHING
        # The part of the tree of what is wrong that belongs to it; None until something in it is.
        self.wrong: dict[Any, Any] | None = None
        self._place: str | None = None

    def place(self) -> str:
        """Return the way to it as problems have it. It is kept: thousands of them may be in one object deep inside."""
        if self._place is None:
            above = "$"
            keys: list[str | int] = []
            node: _Node | None = self
            while node is not None:
                if node._place is not None:
                    above = node._place
                    break
                if node.key is not None:
                    keys.append(node.key)
                node = node.parent
            self._place = above + "".join(member("", key) for key in reversed(keys))
        return self._place

    def keys(self) -> list[str | int]:
        """Return the members and indexes that lead to it."""
        keys: list[str | int] = []
        node: _Node | None = self
        while node is not None:
            if node.key is not None:
                keys.append(node.key)
            node = node.parent
        keys.reverse()
        return keys


_NOTHING: Iterator[Any] = iter(())
_PART = Type("Any", ANY)


def _root() -> _Node:
    """Return what a document is in: nothing."""
    return _Node(None, None, None, _PART)


class _Checking:
    """One comparison."""

    def __init__(self, kinds: Types, host: str, schema: Version | None) -> None:
        self.kinds = kinds
        self.host = host
        self.schema = schema
        self.problems: list[Problem] = []
        # Objects with rules, in the order of their places.
        self._ruled: list[_Node] = []
        # What rules do not get, as they would not expect it: (object or array, member or index).
        self._wrong: list[tuple[_Node, Any]] = []
        # The same as a tree of keys; _END as a key marks the end.
        self._wrong_keys: dict[Any, Any] = {}
        self._hints: dict[tuple[str, str], tuple[str, str | None]] = {}

    # --- the structure ------------------------------------------------------------------------------------------------

    def walk(self, parent: _Node, value: object, slot: Slot, key: str | int | None = None) -> None:
        """Compare a value, and whatever is in it."""
        if value.__class__ is slot.exact:
            return
        if slot.test is not None:
            if fault := slot.test(value):
                self._fault(parent, key, fault)
            return
        first = self._enter(parent, key, value, slot.type)
        if first is None:
            return
        stack = [first]
        inside = {id(value)}
        while stack:
            node = stack[-1]
            shape = node.type.shape
            child = (
                self._members(node) if shape == STRUCT else self._entries(node) if shape == MAP else self._items(node)
            )
            if child is None:
                inside.discard(id(node.value))
                stack.pop()
                continue
            identity = id(child.value)
            if identity in inside:
                raise Endless(Problem(_written(child), "type", "it contains itself, and JSON has no form for that"))
            inside.add(identity)
            stack.append(child)

    def _members(self, node: _Node) -> _Node | None:
        """Compare what is left of an object's members; stop at one that is to be entered, and return it."""
        struct = node.type
        members, later_ones = struct.members, struct.newer
        for name, value in node.rest:
            slot = members.get(name) if name.__class__ is str else None
            if slot is None:
                slot = self._member(node, name)
                if slot is None:
                    continue
            if later_ones and name in later_ones:
                # What is in it is as new, and need not be told; nor do rules get it, as nobody looks at its type.
                kind, words = newer(name, later_ones[name])
                self._report(node, name, kind, words, wrong=True)
                continue
            if value.__class__ is slot.exact:
                continue
            if slot.test is not None:
                if fault := slot.test(value):
                    self._fault(node, name, fault)
                continue
            child = self._enter(node, name, value, slot.type)
            if child is not None:
                return child
        return None

    def _member(self, node: _Node, name: object) -> Slot | None:
        """Return what is wanted of a member that no document had yet, or say that there is no such member."""
        if not isinstance(name, str):
            self._no_key(node, name)
            return None
        slot = node.type.make(name)
        if slot is None:
            self._unknown(node, name)
        return slot

    def _entries(self, node: _Node) -> _Node | None:
        """Compare what is left of a map's entries; stop at one that is to be entered, and return it."""
        exact, test, type = node.type.item
        of_key = node.type.key
        for key, value in node.rest:
            if key.__class__ is not str and not isinstance(key, str):
                self._no_key(node, key)
                continue
            if of_key is not None and (fault := of_key(key)):
                kind, words = fault
                self._fault(node, key, (kind, f"as a key, {words}"))
            if value.__class__ is exact:
                continue
            if test is not None:
                if fault := test(value):
                    self._fault(node, key, fault)
                continue
            child = self._enter(node, key, value, type)
            if child is not None:
                return child
        return None

    def _items(self, node: _Node) -> _Node | None:
        """Compare what is left of an array's items; stop at one that is to be entered, and return it."""
        exact, test, type = node.type.item
        for index, value in node.rest:
            if value.__class__ is exact:
                continue
            if test is not None:
                if fault := test(value):
                    self._fault(node, index, fault)
                continue
            child = self._enter(node, index, value, type)
            if child is not None:
                return child
        return None

    def _enter(self, parent: _Node, key: str | int | None, value: Any, type: Type) -> _Node | None:
        """Return the node of an object or array to look into; None if there is nothing in it, or it is no such."""
        if type.shape == UNION:
            chosen = self._chosen(parent, key, value, type)
            if chosen is None or chosen.shape == SCALAR:
                return None
            type = chosen
        shape = type.shape
        if is_object(value):
            if shape == ANY:
                type = _ANY_OBJECT
            elif shape == ARRAY:
                return self._fault(parent, key, not_(type.called, value))
            node = _Node(parent, key, value, type)
            if shape == STRUCT:
                for name in type.required:
                    if name not in value and not _has_misspelt(value, name):
                        self._report(node, name, "missing", f"{type.spelling} needs the member {name}", wrong=True)
                if type.rules:
                    self._ruled.append(node)
            node.rest = iter(value.items())
            return node
        if is_array(value):
            if shape == ANY:
                type = _ANY_ARRAY
            elif shape != ARRAY:
                return self._fault(parent, key, not_(type.called, value))
            node = _Node(parent, key, value, type)
            if type.length is not None and len(value) != type.length:
                return self._fault(parent, key, ("range", f"{type.length} items are expected, not {len(value)}"))
            node.rest = enumerate(value)
            return node
        if is_foreign(value):
            raise _Foreign
        fault = finite(value) if shape == ANY else not_(type.called, value)
        return self._fault(parent, key, fault) if fault else None

    def _chosen(self, parent: _Node, key: str | int | None, value: Any, union: Type) -> Type | None:
        """Return the alternative that a value is, or say that it is none."""
        if is_foreign(value):
            raise _Foreign
        for slot in union.alternatives:
            if slot.type.shape == ANY:
                return slot.type
        wanted = MAP if is_object(value) else ARRAY if is_array(value) else SCALAR
        fitting = [slot for slot in union.alternatives if _shape(slot.type) == wanted]
        if wanted != SCALAR and len(fitting) == 1:
            return fitting[0].type
        near: list[tuple[Slot, Fault]] = []
        for slot in fitting:
            if slot.test is None:
                trial = _Checking(self.kinds, self.host, self.schema)
                trial.walk(_root(), value, slot)
                if not trial.problems:
                    return slot.type
                continue
            fault = slot.test(value)
            if fault is None:
                return slot.type
            if fault[0] != "type":
                near.append((slot, fault))
        if len(near) == 1:
            # What is of the right type but for its value tells more than all that it might be.
            ((slot, (kind, words)),) = near
            others = " or ".join(other.type.called for other in union.alternatives if other is not slot)
            self._fault(parent, key, (kind, f"{words}; or give {others}"))
        else:
            self._fault(parent, key, not_(union.called, value))
        return None

    def _no_key(self, node: _Node, key: Any) -> None:
        name = type(key).__name__
        words = f"keys in JSON are strings, and this is a Python object of type {name}"
        # Of other objects str() may raise, tell a secret, or make megabytes.
        is_short = key is None or isinstance(key, float) or (isinstance(key, int) and key.bit_length() <= _MOST_BITS)
        place = str(key) if is_short else f"<{name}>"
        self._report(node, place, "type", words)
        self._mark(node, key)

    def _unknown(self, node: _Node, name: str) -> None:
        struct = node.type
        hint = self._hints.get((struct.spelling, name))
        if hint is None:
            hint = self._hint(node, name) if len(self._hints) < _ENOUGH_HINTS else ("", None)
            self._hints[struct.spelling, name] = hint
        advice, meant = hint
        self._report(node, name, "unknown", f"{struct.spelling} has no member {shown(without_value(name))}{advice}")
        if meant is not None and meant not in node.value:
            self._mark(node, meant)

    def _hint(self, node: _Node, name: str) -> tuple[str, str | None]:
        """Return what to do about an unknown member, and the one of the same object that is meant."""
        struct = node.type
        lowered = name.lower()
        for known in struct.names:
            if known.lower() == lowered:
                return f": write it as {known!r}", known
        structs = table().structs
        for inner, (type, _) in structs[struct.spelling].members.items():
            if type in structs and name in structs[type].members:
                return f": it belongs in the object {inner!r}", None
        above = node.parent
        while above is not None:
            if above.type.shape == STRUCT and name in above.type.names:
                return f": it belongs in the {above.type.spelling} at {_written(above)}", None
            above = above.parent
        known = nearest(name, struct.names)
        if known is not None:
            return f": did you mean {known!r}?", known
        names = list(struct.names)
        if not names:
            return f": {struct.spelling} has no members at all, leave it out", None
        if len(names) <= _FEW_MEMBERS:
            return f": it has {', '.join(names)}", None
        return f": `hcsrt schema {struct.spelling}` lists those it has", None

    # --- what is found ------------------------------------------------------------------------------------------------

    def _fault(self, parent: _Node, key: str | int | None, fault: Fault) -> None:
        kind, words = fault
        self._report(parent, key, kind, words, wrong=kind != "newer")

    def _report(self, parent: _Node, key: str | int | None, kind: str, words: str, wrong: bool = False) -> None:
        self.problems.append(Problem(_written(parent, key), kind, words))
        if wrong and key is not None:
            self._mark(parent, key)

    def _mark(self, parent: _Node, key: Any) -> None:
        self._wrong.append((parent, key))

    # --- the rules ----------------------------------------------------------------------------------------------------

    def follow_rules(self) -> None:
        """Call the rules of each object that has some."""
        self._leave_out()
        # Rules may have parts of type Any compared, which adds objects.
        for node in self._ruled:
            look = _Look(self, node)
            for look_at, look.fact in node.type.rules:
                look_at(look, node.view)

    def _leave_out(self) -> None:
        """Take what is wrong out of what rules get."""
        for node, key in self._wrong:
            # An array with something wrong in it is left out as a whole: indexes would no longer be right.
            while is_array(node.value) and node.parent is not None and node.key is not None:
                key, node = node.key, node.parent
            _own(node)
            if is_object(node.view):
                node.view.pop(key, None)
            self._wrong_in(node).setdefault(key, {})[_END] = {}
        self._wrong.clear()

    def _wrong_in(self, node: _Node) -> dict[Any, Any]:
        """Return the part of the tree of what is wrong that belongs to an object or array."""
        way: list[_Node] = []
        above: _Node | None = node
        while above is not None and above.wrong is None:
            way.append(above)
            above = above.parent
        tree = self._wrong_keys if above is None or above.wrong is None else above.wrong
        for below in reversed(way):
            if below.key is not None:
                tree = tree.setdefault(below.key, {})
            below.wrong = tree
        return tree

    def is_wrong(self, keys: list[str | int]) -> bool:
        """Return whether a place, one above it or a member right below it is left out of what rules get."""
        tree = self._wrong_keys
        for key in keys:
            if _END in tree:
                return True
            tree = tree.get(key)
            if tree is None:
                return False
        return _END in tree or any(_END in below for below in tree.values())

    def _is_wrong_inside(self, keys: list[str | int]) -> bool:
        """Return whether anything at a place, above it or in it is left out of what rules get."""
        tree = self._wrong_keys
        for key in keys:
            if _END in tree:
                return True
            tree = tree.get(key)
            if tree is None:
                return False
        return bool(tree)

    def later(self, node: _Node, at: tuple[str | int, ...], type: str) -> bool:
        """Compare a part of an object, of type Any in the table, with a type; its rules are called later."""
        *way, last = at
        parent, value = node, node.value
        for key in way:
            value = _part(value, key)
            parent = _Node(parent, key, value, _PART)
        value = _part(value, last)
        if value is _MISSING:
            return True
        if self._is_wrong_inside([*node.keys(), *at]):
            return False
        before = len(self.problems)
        self.walk(parent, value, self.kinds.slot(type), last)
        self._leave_out()
        return len(self.problems) == before


class _Look:
    """What a rule sees; see `hcsrt.documents.rules.Look`."""

    __slots__ = ("_checking", "_node", "fact", "host")

    def __init__(self, checking: _Checking, node: _Node) -> None:
        self._checking = checking
        self._node = node
        self.host = checking.host
        self.fact = ""  # that of the rule which is called

    @property
    def schema(self) -> Version | None:
        return self._checking.schema

    @property
    def key(self) -> str | int | None:
        return self._node.key

    @property
    def parents(self) -> tuple[dict[str, Any], ...]:
        return tuple(node.view for node in self._structs())

    def of(self, struct: str) -> dict[str, Any] | None:
        for node in self._structs():
            if node.type.spelling == struct:
                return cast("dict[str, Any]", node.view)
        return None

    def text(self, value: object, *keys: str | int) -> str:
        for key in keys:
            value = _part(value, key)
        return value if isinstance(value, str) else ""

    def error(self, at: Place, text: str) -> None:
        self._say(at, "rule", text, "error")

    def warning(self, at: Place, text: str) -> None:
        self._say(at, "rule", text, "warning")

    def ignored(self, at: Place, reason: str) -> None:
        self._say(at, "ignored", f"accepted, and has no effect: {reason}", "warning")

    def check(self, at: Place, type: str) -> bool:
        return self._checking.later(self._node, _keys(at), type)

    def _structs(self) -> Iterator[_Node]:
        node = self._node.parent
        while node is not None:
            if node.type.shape == STRUCT:
                yield node
            node = node.parent

    def _say(self, at: Place, kind: str, words: str, severity: str) -> None:
        below = _keys(at)
        if not self._checking.is_wrong([*self._node.keys(), *below]):
            place = self._node.place() + "".join(member("", key) for key in below)
            self._checking.problems.append(Problem(place, kind, words, severity, self.fact))


class _Missing:
    pass


_MISSING = _Missing()
_END = _Missing()  # no key of any dict


def _part(value: Any, key: str | int | None) -> Any:
    """Return a member or an item; _MISSING if there is none."""
    if is_object(value):
        return value.get(key, _MISSING)
    if is_array(value) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    return _MISSING


def _keys(at: Place) -> tuple[str | int, ...]:
    return (at,) if isinstance(at, str) else at


def _own(node: _Node) -> None:
    """Make what rules get of an object a copy, and so of all that it is in."""
    child: _Node | None = None
    above: _Node | None = node
    while above is not None:
        first = not above.owned
        if first:
            above.owned = True
            value = above.value
            above.view = dict(value) if is_object(value) else list(value) if is_array(value) else value
        if child is not None and _part(above.view, child.key) is not _MISSING:
            cast("dict[Any, Any]", above.view)[child.key] = child.view
        if not first:
            return
        child, above = above, above.parent


def _written(node: _Node, key: str | int | None = None) -> str:
    return node.place() if key is None else member(node.place(), key)


def _object_of_any() -> Type:
    anything = Type("Any", MAP)
    anything.item = Slot(str, None, _PART)
    return anything


def _array_of_any() -> Type:
    anything = Type("Any", ARRAY)
    anything.item = Slot(str, None, _PART)
    return anything


_ANY_OBJECT = _object_of_any()
_ANY_ARRAY = _array_of_any()


def _has_misspelt(value: dict[Any, Any], name: str) -> bool:
    """Return whether an object has a member but for the case of its name, which is told by itself."""
    lowered = name.lower()
    return any(isinstance(key, str) and key.lower() == lowered for key in value)


def _shape(type: Type) -> int:
    return MAP if type.shape == STRUCT else type.shape


# --- arguments --------------------------------------------------------------------------------------------------------


def _version(schema: str | Version | None) -> Version | None:
    if schema is None:
        return None
    if isinstance(schema, str):
        major, dot, minor = schema.partition(".")
        if dot and major.isascii() and minor.isascii() and major.isdigit() and minor.isdigit() and len(schema) < 12:
            return int(major), int(minor)
        raise ValueError(f'schema has to be a version such as "2.1", not {shown(schema)}')
    parts = cast("object", schema)
    if isinstance(parts, tuple):
        numbers = cast("tuple[Any, ...]", parts)
        if len(numbers) == 2 and all(isinstance(part, int) and not isinstance(part, bool) for part in numbers):
            return numbers
        raise ValueError(f'schema has to be a version such as (2, 1) or "2.1", not {numbers!r}')
    raise TypeError(f'schema has to be a version such as (2, 1) or "2.1", not {type(parts).__name__}')


def _slot(kinds: Types, name: str) -> Slot:
    if not isinstance(cast("object", name), str):
        raise TypeError(f'type has to be the name of a type such as "ComputeSystem", not {name.__class__.__name__}')
    if len(name) > _LONGEST_TYPE:
        _no_type(name, name)
    try:
        return kinds.slot(name)
    except LookupError as error:
        _no_type(name, error.args[0])


def _no_type(spelling: str, name: str) -> NoReturn:
    near = nearest(name, [*table().structs, *table().enums, *sorted(BUILT_IN)])
    advice = f"did you mean {near!r}?" if near else "`hcsrt schema` lists them"
    inside = "" if spelling == name else f" in {shown(spelling)}"
    raise ValueError(f"type: there is no type {shown(name)}{inside}: {advice}")


def _given(document: object) -> object:
    if isinstance(document, (Mapping, list, tuple)) or is_foreign(document):
        return cast("object", document)
    raise TypeError(f"document has to be a mapping, JSON text or a model, not {document.__class__.__name__}")
