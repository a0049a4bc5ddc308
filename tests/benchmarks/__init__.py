"""Timings against peers: `python -m tests.benchmarks [name ...] [--json FILE]`."""
