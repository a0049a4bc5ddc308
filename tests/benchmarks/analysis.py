"""Measures of populations against peers, in time and memory; each case is a module of `cases`."""

import importlib

from tests.benchmarks.harness import Row

CORES = 1
CASES = ("shapes", "spike_trains", "dissimilarities")


def run() -> list[Row]:
    """Rows of all cases."""
    modules = [importlib.import_module(f"tests.benchmarks.cases.{name}") for name in CASES]
    return [row for module in modules for row in module.rows()]
