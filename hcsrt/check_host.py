"""The check of a Windows host: ``python -m hcsrt.check_host``.

How HCS behaves is not documented in every point, and hcsrt was written without a Windows to ask. This command asks one.
It runs the doctor, and a probe for each point that nobody knows, on containers and virtual machines that it makes and
removes again, and writes what it has seen into one file, for whoever works on hcsrt.
"""

import sys


def main() -> int:
    """Run the command with the arguments of this process, and return its exit code."""
    try:
        from ._check_host import command

        return command.main()
    except KeyboardInterrupt:  # which may come while this is imported
        return 130


__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
