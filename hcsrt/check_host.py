"""The check of a Windows host: ``python -m hcsrt.check_host``.

How HCS behaves is not documented in every point, and hcsrt was written without a Windows to ask. This command asks one.
It runs the doctor, and a probe for each point that nobody knows, on containers and virtual machines that it makes and
removes again, and writes what it has seen into one file, for whoever works on hcsrt.
"""

import sys

from ._check_host.command import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
