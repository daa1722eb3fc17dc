"""Measurements against named rivals: `python -m benchmarks NAME [--json] [--write-docs]`, one file for each."""
