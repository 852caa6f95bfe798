"""Arguments that have crashed Python or hung: each raises, and harms nobody."""

from collections.abc import Callable
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, _arguments, _calls, _engine, _interpose, _library, _streams, operations
from hcsrt.emulator import _native

from ..helpers.programs import guest


@pytest.mark.parametrize("other", [None, object(), [], _calls.Limit(1)])
def test_wait_first_refuses_what_is_no_operation(other: Any) -> None:
    with (
        operations.create_operation() as operation,
        pytest.raises(TypeError, match=r"operations\[1\] must be an OwnedOperation, not "),
    ):
        operations.wait_first([operation, other], 0)


USES: dict[type, list[Callable[[Any], object]]] = {
    _streams.StdioReader: [
        lambda stream: stream.readinto(bytearray(1)),
        lambda stream: stream.read(1),
        lambda stream: stream.readall(),
        lambda stream: stream.readline(),
        lambda stream: stream.readlines(),
        lambda stream: next(stream),
        lambda stream: stream.handle,
    ],
    _streams.StdioWriter: [
        lambda stream: stream.write(b"x"),
        lambda stream: stream.writelines([b"x"]),
        lambda stream: stream.handle,
    ],
}


@pytest.mark.parametrize("kind", USES)
@pytest.mark.parametrize("make", [lambda kind: kind.__new__(kind), lambda kind: half_subclass(kind)()])
def test_a_stream_without_a_handle_is_harmless(kind: Any, make: Callable[[Any], Any]) -> None:
    made = make(kind)
    for use in USES[kind]:
        with pytest.raises(ValueError, match=r"has no handle: call super\(\).__init__"):
            use(made)
    assert "None" in repr(made)
    made.close()
    made.close()
    assert made.closed
    other = make(kind)
    other._handle = "no handle"
    with pytest.raises(TypeError):
        other.close()


def half_subclass(kind: type) -> type:
    """Return a subclass that does not call the __init__ of its base."""
    return type("Half", (kind,), {"__init__": lambda self: None})


def test_a_read_of_an_endless_output_can_be_interrupted(system: hcsrt.ComputeSystem, interrupted: Any) -> None:
    with system.popen(guest("while True: write(b'x' * 4096)"), stdout=PIPE, bufsize=0) as process:
        assert process.stdout is not None
        for block in interrupted(0.15):
            with block:
                process.stdout.read()
        process.kill()


def test_nothing_is_terminated_but_by_what_does_it(system: hcsrt.ComputeSystem) -> None:
    with operations.create_operation() as operation:
        with pytest.raises(TypeError, match="HcsTerminateProcess is called on an OwnedProcess, not on OwnedOperation"):
            _engine.terminate(operation, "HcsTerminateProcess")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="HcsCreateComputeSystem is not called with a handle and one text"):
            _engine.terminate(system.handle, "HcsCreateComputeSystem")
        assert not operation.closed
    assert system.properties()["State"] == "Running"


def test_an_empty_port_wakes_nobody() -> None:
    with pytest.raises(ValueError, match="Port is empty"):
        _engine._wake(_engine.Port())  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="port"):
        _engine._wake(None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("resource", "message"), [((1, None, 5), "uri must be"), ((1, "hcs:/x", None), "handle must")])
def test_nothing_of_a_resource_is_none(system: hcsrt.ComputeSystem, resource: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        _calls.call(system.handle, "HcsStartComputeSystem", resources=[resource])


def test_a_function_of_the_service_gets_no_null_for_a_text() -> None:
    for texts in (
        ("HcsGrantVmAccess", "x", None),
        ("HcsRevokeVmAccess", None, "x"),
        ("HcsCreateEmptyGuestStateFile", None),
    ):
        with pytest.raises(TypeError, match="takes a str, not NoneType"):
            _calls.service(*texts)  # type: ignore[arg-type]
    assert _calls.service("HcsGetServiceProperties", None)


def test_a_backend_is_named_by_a_plain_str() -> None:
    class Name(str):
        pass

    # It is compared inside a lock, where its comparison would wait for that lock if it used hcsrt.
    for name in Name("emulator"), None, 5:
        with pytest.raises(TypeError, match="name"):
            _library.choose(name)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="name"):
            _library.register_backend(name, lambda: None)  # type: ignore[arg-type]


def test_counts_are_one_block_at_a_time() -> None:
    counts = _interpose.counting()
    for use in (counts.__exit__, counts.called, lambda: counts["HcsCreateOperation"]):
        with pytest.raises(RuntimeError, match="enter their block first"):
            use()
    with counts:
        with pytest.raises(RuntimeError, match="in use already"):
            counts.__enter__()
        operations.create_operation().close()
    with pytest.raises(RuntimeError, match="enter their block first"):
        counts.__exit__()
    with _interpose.counting() as others:
        operations.create_operation().close()
        assert others["HcsCreateOperation"] == 1
    assert counts["HcsCreateOperation"] == 2


@pytest.mark.parametrize("seconds", ["1" * 1000, [1], float("nan"), -1])
def test_a_call_waits_for_seconds(seconds: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="seconds must be"):
        _interpose.waiting("HcsGetServiceProperties", seconds)


def test_a_program_has_a_name() -> None:
    with pytest.raises(ValueError, match="argv must not be empty"):
        _native.spawn(1, [], [], None, False, False, False)
    for argv, environment in ((None, []), ([b"x"], None), ([b"x", None], []), (["x"], []), ([b"x"], [b"x", None])):
        with pytest.raises(TypeError):
            _native.spawn(1, argv, environment, None, False, False, False)  # type: ignore[arg-type]


def test_a_timeout_that_lies_is_refused() -> None:
    class Lies(float):
        def __ge__(self, other: object) -> bool:
            return True

    lie = Lies("nan")
    with pytest.raises(ValueError, match="timeout must be zero or more seconds"):
        _arguments.seconds(lie)
    with operations.create_operation() as operation, pytest.raises(ValueError, match="timeout must be zero or more"):
        operations.wait_first([operation], lie)
