"""What hcsrt costs, beside everything else a Python programmer would use: python -m benchmarks --quick."""
