"""What is not known of HCS, as named switches: a row says which answers are possible, and which one is the plain one.

Some are decided by the service, the others in native code, which has the same rows.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import _hresults
from .._arguments import did_you_mean


class Assumption(NamedTuple):
    """One thing that HCS leaves open.

    Args:
        name: Its name, a Python identifier.
        choices: What HCS may do; the first is the plain choice, which is made where nothing varies. A choice with the
            name of an HRESULT stands for that.
        about: What is chosen; completed by a choice it makes a sentence.
        one_in: A seed makes another than the plain choice once in so many times; None: each choice equally often.
        native: Whether native code decides it, in place of the service.
        probe: The probe that settles it on a real Windows, as `python -m hcsrt.check_host` names it.
    """

    name: str
    choices: tuple[str, ...]
    about: str
    one_in: int | None = None
    native: bool = False
    probe: str | None = None


_ROWS = (
    # --- calls and their callbacks ------------------------------------------------------------------------------------
    Assumption(
        "completion",
        ("later", "inside_the_call", "before_the_call_returns"),
        "the callback of a call comes",
        native=True,
        probe="operations.completions",
    ),
    Assumption("answers", ("at_once", "late"), "the answer to a call comes", one_in=4),
    Assumption("events", ("at_once", "late"), "an event comes", one_in=4),
    Assumption(
        "failed_call",
        ("in_its_result", "at_its_kick_off"),
        "a call that fails says so",
        native=True,
        probe="operations.failed_kick_off",
    ),
    Assumption(
        "handle_of_failed_create",
        ("absent", "given"),
        "the handle of a system or process whose create has failed at its kick-off is",
        native=True,
        probe="systems.create_taken_id",
    ),
    Assumption(
        "callback_of_closed_operation",
        ("comes", "never_comes"),
        "the callback of an operation that was closed while its call ran",
        native=True,
        probe="operations.close_with_callback",
    ),
    Assumption(
        "callback_set_late",
        ("never_comes", "comes"),
        "a callback that was set when the call had completed",
        native=True,
        probe="operations.late_callback",
    ),
    Assumption(
        "exit_callback_set_late",
        ("comes", "never_comes"),
        "an event callback that was set after the exit of its system or process",
        native=True,
        probe="events.register_after_exit",
    ),
    Assumption(
        "callback_of_failed_kick_off",
        ("comes", "never_comes"),
        "the callback of a call that has failed at its kick-off",
        native=True,
        probe="operations.callback_of_failed_kick_off",
    ),
    Assumption(
        "close_of_operation",
        ("returns", "waits"),
        "`HcsCloseOperation`, while the callback runs on another thread,",
        native=True,
        probe="operations.close_with_callback",
    ),
    Assumption(
        "close_of_handle",
        ("at_once", "late"),
        "the close of a system or a process returns",
        one_in=8,
        native=True,
        probe="events.close_drains",
    ),
    Assumption(
        "second_event_callback",
        ("refused", "replaces"),
        "a second event callback on one handle",
        native=True,
        probe="events.register_twice",
    ),
    Assumption(
        "exit_wait_timeout",
        ("HCS_E_OPERATION_TIMEOUT", "WAIT_TIMEOUT"),
        "a wait for an exit that times out says",
        native=True,
        probe="systems.native_wait_times_out",
    ),
    Assumption(
        "handle_of_crashed_service",
        ("disconnected", "not_found"),
        "a handle from before a crash of the service is, once that is back,",
        native=True,
        probe="service.restart",
    ),
    Assumption(
        "error_document", ("given", "absent"), "the error document for a code that speaks for itself is", one_in=3
    ),
    # --- compute systems ----------------------------------------------------------------------------------------------
    Assumption(
        "exit_event",
        ("after_the_result", "before_the_result"),
        "the exit event of a stop comes",
        probe="events.exit_after_result",
    ),
    Assumption(
        "call_on_stopped_system",
        ("HCS_E_SYSTEM_ALREADY_STOPPED", "HCS_E_INVALID_STATE"),
        "a call on a stopped system says",
        probe="systems.calls_after_exit",
    ),
    Assumption(
        "properties_while_stopping",
        ("given", "E_HANDLE"),
        "the properties of a system that is being stopped are",
        one_in=4,
    ),
    Assumption(
        "overtaken_shutdown",
        ("succeeds", "HCS_E_TERMINATED"),
        "a shutdown that a terminate has overtaken says",
        probe="systems.terminate_while_shutting_down",
    ),
    Assumption(
        "no_guest",
        ("ERROR_NOT_SUPPORTED", "HCS_E_INVALID_STATE", "HCS_E_CONNECTION_CLOSED"),
        "a shutdown of a virtual machine without a connection to its guest, or a process in it, says",
    ),
    Assumption("forced_exit_status", ("S_OK", "HCS_E_TERMINATED"), "the `Status` of a forced exit is"),
    Assumption(
        "state_before_start",
        ("absent", "Created"),
        "the `State` of a virtual machine before its start is",
        probe="systems.properties_before_start",
    ),
    Assumption("owner_in_answers", ("given", "absent"), "the `Owner` in an answer without statistics is", one_in=8),
    Assumption(
        "os_type_in_answers",
        ("given", "absent"),
        "the `RuntimeOsType` in an answer without statistics is",
        one_in=8,
        probe="systems.runtime_os_type",
    ),
    Assumption(
        "container_as_machine",
        ("ERROR_NOT_SUPPORTED", "HCS_E_INVALID_STATE"),
        "the pause, resume, save or crash of a container says",
    ),
    Assumption(
        "crashed_guest",
        ("exits", "runs_on"),
        "a virtual machine whose guest was made to crash",
        probe="systems.crash",
    ),
    Assumption(
        "unknown_resource",
        ("E_INVALIDARG", "ERROR_NOT_FOUND"),
        "a modify with a resource path that leads nowhere says",
    ),
    # --- processes ----------------------------------------------------------------------------------------------------
    Assumption(
        "process_in_container",
        ("succeeds", "E_INVALIDARG"),
        "`HcsCreateProcess` in a container, of a process that does run, says",
        one_in=8,
        probe="processes.create_many",
    ),
    Assumption(
        "info_of_exited_process",
        ("HCS_E_PROCESS_ALREADY_STOPPED", "succeeds"),
        "`HcsGetProcessInfo` of a process that has exited says",
    ),
    Assumption(
        "call_on_exited_process",
        ("HCS_E_PROCESS_ALREADY_STOPPED", "E_ACCESSDENIED"),
        "terminate, signal or modify of a process that has exited says",
        probe="processes.kill_after_exit",
    ),
    Assumption(
        "exit_code_while_running",
        ("259", "0", "absent"),
        "the `ExitCode` of a process that runs, with a `LastWaitResult` of 258 or 0, is",
    ),
)

ASSUMPTIONS: dict[str, Assumption] = {row.name: row for row in _ROWS}
"""The rows by their names."""


def number_of(name: str, choice: str | None) -> int | None:
    """Return the number of a choice, None for None.

    Raises:
        TypeError: There is no assumption of that name.
        ValueError: It has no such choice.
    """
    row = ASSUMPTIONS.get(name)
    if row is None:
        from difflib import get_close_matches

        near = get_close_matches(name, ASSUMPTIONS, 1, 0)[0]
        raise TypeError(f"there is no assumption {name!r}; the nearest name is {near!r}")
    if choice is None:
        return None
    if choice not in row.choices:
        near = did_you_mean(choice, row.choices)
        raise ValueError(f"{name} is {choice!r}; choose {_alternatives(row.choices)}{near}")
    return row.choices.index(choice)


def _alternatives(choices: tuple[str, ...]) -> str:
    *others, last = map(repr, choices)
    return f"{', '.join(others)} or {last}"


def hresult(choice: str) -> int:
    """Return the HRESULT that a choice stands for."""
    code: int = getattr(_hresults, choice)
    return code
