"""Programs in a Python of their own."""

import subprocess
import sys


def run_python(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, for which it has the time of its test: how long it takes to begin is the machine's."""
    return subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, check=False)
