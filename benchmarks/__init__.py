"""The costs of hcsrt, beside all else that a Python programmer could use: python -m benchmarks --quick."""
