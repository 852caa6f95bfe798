"""Rules of processes: their parameters, and the requests to change them."""

from __future__ import annotations

from typing import Any

from . import Look, rule
from .texts import absolute_in_guest

_TEXTS = ("ApplicationName", "CommandLine", "User", "WorkingDirectory")


@rule("ProcessParameters", fact="Microsoft's schema reference, ProcessParameters.CommandArgs")
def one_command(look: Look, parameters: dict[str, Any]) -> None:
    """A command is CommandLine or CommandArgs, and not both."""
    if parameters.get("CommandLine") and parameters.get("CommandArgs"):
        look.error(
            "CommandArgs",
            "CommandLine and CommandArgs exclude each other: give a Windows guest the first, a Linux guest the second",
        )


@rule("ProcessParameters", fact="Microsoft's schema reference, ProcessParameters: a process is a program")
def program_is_named(look: Look, parameters: dict[str, Any]) -> None:
    """A program is named."""
    if not any(parameters.get(name) for name in ("ApplicationName", "CommandLine", "CommandArgs")):
        look.error(
            (),
            "no program is named: give a Windows guest its CommandLine, a Linux guest its CommandArgs",
        )


@rule("ProcessParameters", fact="Microsoft's schema reference, ProcessParameters.EmulateConsole")
def console_has_one_output(look: Look, parameters: dict[str, Any]) -> None:
    """With EmulateConsole there is no pipe for stderr."""
    if parameters.get("EmulateConsole") and parameters.get("CreateStdErrPipe"):
        look.ignored("CreateStdErrPipe", "with EmulateConsole all output comes from the console, by the pipe of stdout")


@rule("ProcessParameters", fact="hcsshim, containerd and Docker send the absolute path of an image's configuration")
def working_directory_is_absolute(look: Look, parameters: dict[str, Any]) -> None:
    """The working directory is absolute."""
    path = parameters.get("WorkingDirectory")
    if path and not absolute_in_guest(path):
        look.warning("WorkingDirectory", r"an absolute path of the guest is expected, as in C:\data")


@rule("ProcessParameters", fact="Windows and Linux: the first = ends the name of a variable")
def variables_have_names(look: Look, parameters: dict[str, Any]) -> None:
    """The name of a variable is not empty, and has no equals sign in it."""
    for name in parameters.get("Environment", ()):
        if not name:
            look.error(("Environment", name), "this variable has no name: give it one, or leave it out")
        elif "=" in name:
            look.error(
                ("Environment", name), "the name of a variable has no = in it: give what follows it as the value"
            )


@rule("ProcessParameters", fact="Windows: names of variables are compared without regard to case")
def variables_are_different(look: Look, parameters: dict[str, Any]) -> None:
    """For a Windows guest, names of variables differ in more than case."""
    environment = parameters.get("Environment", ())
    if len(environment) < 2 or "CommandLine" not in parameters:
        return
    seen: set[str] = set()
    for name in environment:
        upper = name.upper()
        if upper in seen:
            look.warning(
                ("Environment", name),
                "this differs from another variable in case only, and Windows takes the two for one: leave one out",
            )
        seen.add(upper)


@rule("ProcessParameters", fact="Windows and Linux: a NUL character ends the texts that a program is started with")
def texts_have_no_nul(look: Look, parameters: dict[str, Any]) -> None:
    """No text has a NUL character in it."""
    text = "a NUL character ends the text, and what follows it would be lost: leave it out"
    for member in _TEXTS:
        if "\0" in parameters.get(member, ""):
            look.error(member, text)
    for index, argument in enumerate(parameters.get("CommandArgs", ())):
        if "\0" in argument:
            look.error(("CommandArgs", index), text)
    for name, value in parameters.get("Environment", {}).items():
        if "\0" in name or "\0" in value:
            look.error(("Environment", name), text)


@rule("ProcessModifyRequest", fact="Microsoft's schema reference, ProcessModifyRequest; hcsshim sends it always")
def change_has_an_operation(look: Look, request: dict[str, Any]) -> None:
    """A request to change a process has an Operation."""
    if "Operation" not in request:
        look.error("Operation", 'say what to change: "ConsoleSize" or "CloseHandle"')


@rule("ProcessModifyRequest", fact="Microsoft's schema reference, ProcessModifyRequest and ModifyOperation")
def change_has_its_settings(look: Look, request: dict[str, Any]) -> None:
    """A request to change a process has the member that its Operation names, and no other."""
    operation = request.get("Operation")
    if operation is None:
        return
    if operation not in request:
        look.error(operation, f"an Operation {operation} needs a member of the same name: add it")
    for other in ("ConsoleSize", "CloseHandle"):
        if other != operation and other in request:
            look.ignored(other, f"the Operation is {operation}")


@rule("CloseHandle", fact="Microsoft's schema reference, CloseHandle; hcsshim, CloseStdin")
def handle_is_named(look: Look, close: dict[str, Any]) -> None:
    """The handle to close is named."""
    if "Handle" not in close:
        look.error("Handle", 'say which handle to close: "StdIn", "StdOut", "StdErr" or "All"')
