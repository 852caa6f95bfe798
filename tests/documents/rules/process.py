"""Cases of the rules of processes."""

from __future__ import annotations

from typing import Any

from .base import Case, case, error, ignored, warning

PROCESS: dict[str, Any] = {"CommandLine": "cmd"}

CASES: list[Case] = [
    case(
        "one_command",
        "ProcessParameters",
        {"CommandLine": "a", "CommandArgs": ["a"]},
        {"CommandArgs": ["a"]},
        error(
            "$.CommandArgs",
            (
                "CommandLine and CommandArgs exclude each other: give a Windows guest the first, a Linux "
                "guest the second"
            ),
        ),
    ),
    case(
        "program_is_named",
        "ProcessParameters",
        {"CommandLine": "", "CommandArgs": []},
        {"ApplicationName": "a.exe"},
        error("$", "no program is named: give a Windows guest its CommandLine, a Linux guest its CommandArgs"),
    ),
    case(
        "console_has_one_output",
        "ProcessParameters",
        PROCESS | {"EmulateConsole": True, "CreateStdErrPipe": True},
        PROCESS | {"EmulateConsole": False, "CreateStdErrPipe": True},
        ignored("$.CreateStdErrPipe", "with EmulateConsole all output comes from the console, by the pipe of stdout"),
    ),
    case(
        "working_directory_is_absolute",
        "ProcessParameters",
        PROCESS | {"WorkingDirectory": "data"},
        PROCESS | {"WorkingDirectory": "/"},
        warning("$.WorkingDirectory", "an absolute path of the guest is expected, as in C:\\data"),
    ),
    case(
        "variables_have_names",
        "ProcessParameters",
        PROCESS | {"Environment": {"": "secret", "A=secret": ""}},
        PROCESS | {"Environment": {"A": "B=C"}},
        error("$.Environment['']", "this variable has no name: give it one, or leave it out"),
        error(
            "$.Environment['A=...']",
            "the name of a variable has no = in it: give what follows it as the value",
        ),
    ),
    case(
        "variables_are_different",
        "ProcessParameters",
        PROCESS | {"Environment": {"Path": "secret", "PATH": "secret"}},
        {"CommandArgs": ["a"], "Environment": {"Path": "a", "PATH": "b"}},
        warning(
            "$.Environment.PATH",
            "this differs from another variable in case only, and Windows takes the two for one: leave one out",
        ),
    ),
    case(
        "texts_have_no_nul",
        "ProcessParameters",
        {"CommandArgs": ["a", "b\0"], "User": "\0", "Environment": {"A": "se\0cret"}},
        {"CommandArgs": ["a", "b"], "User": "me"},
        error("$.User", "a NUL character ends the text, and what follows it would be lost: leave it out"),
        error("$.CommandArgs[1]", "a NUL character ends the text, and what follows it would be lost: leave it out"),
        error("$.Environment.A", "a NUL character ends the text, and what follows it would be lost: leave it out"),
    ),
    case(
        "change_has_an_operation",
        "ProcessModifyRequest",
        {"ConsoleSize": {"Height": 5, "Width": 5}},
        {"Operation": "ConsoleSize", "ConsoleSize": {"Height": 5, "Width": 5}},
        error("$.Operation", 'say what to change: "ConsoleSize" or "CloseHandle"'),
    ),
    case(
        "change_has_its_settings",
        "ProcessModifyRequest",
        {"Operation": "ConsoleSize", "CloseHandle": {"Handle": "All"}},
        {"Operation": "CloseHandle", "CloseHandle": {"Handle": "All"}},
        error("$.ConsoleSize", "an Operation ConsoleSize needs a member of the same name: add it"),
        ignored("$.CloseHandle", "the Operation is ConsoleSize"),
    ),
    case(
        "handle_is_named",
        "CloseHandle",
        {},
        {"Handle": "StdIn"},
        error("$.Handle", 'say which handle to close: "StdIn", "StdOut", "StdErr" or "All"'),
    ),
]
