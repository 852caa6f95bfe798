"""Command lines taken apart by the rules of CommandLineToArgvW."""

from __future__ import annotations

_BLANKS = " \t"


def split(command_line: str) -> list[str]:
    """Return the program and the arguments of a Windows command line.

    The program ends at its closing quotation mark or else at the first blank or control character; a backslash in it is
    a plain character. A line that begins with a blank has an empty program.
    """
    program, rest = _program(command_line)
    return [program, *_arguments(rest)]


def _program(line: str) -> tuple[str, str]:
    if line.startswith('"'):
        program, _, rest = line[1:].partition('"')
        return program, rest
    end = next((i for i, character in enumerate(line) if character <= " "), len(line))
    return line[:end], line[end:]


def _arguments(line: str) -> list[str]:
    arguments: list[str] = []
    position = 0
    while True:
        while position < len(line) and line[position] in _BLANKS:
            position += 1
        if position == len(line):
            return arguments
        argument, position = _argument(line, position)
        arguments.append(argument)


def _argument(line: str, position: int) -> tuple[str, int]:
    """Return the argument that begins at `position`, and where it ends."""
    parts: list[str] = []
    quoted = False
    while position < len(line) and (quoted or line[position] not in _BLANKS):
        character = line[position]
        if character == "\\":
            run = len(line) - position - len(line[position:].lstrip("\\"))
            position += run
            if not line.startswith('"', position):
                parts.append("\\" * run)
                continue
            # Before a quotation mark backslashes escape: a pair gives one, an odd one makes the mark a plain character.
            parts.append("\\" * (run // 2))
            if run % 2:
                parts.append('"')
                position += 1
        elif character == '"':
            if quoted and line.startswith('"', position + 1):
                # Two marks inside a quoted part are one plain mark, and the quoted part ends with them.
                parts.append('"')
                position += 1
            quoted = not quoted
            position += 1
        else:
            parts.append(character)
            position += 1
    return "".join(parts), position
