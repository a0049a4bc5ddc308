"""Recordings larger than memory, from a file to measures, in a process that measures its peak."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("zarr")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="units of ru_maxrss")
ROOT = Path(__file__).parents[3]


def run(folder, *sizes):
    env = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    call = [sys.executable, "-m", "tests.large", *map(str, sizes)]
    done = subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    # Means are float32, as the counts are, and sums of products float64.
    assert found["off"] < 1e-4
    assert found["cka_off"] < 1e-12
    assert 0.5 < found["cka_of_means"] <= 1
    return found


def test_400_megabytes_take_less_than_100(tmp_path):
    found = run(tmp_path, 250, 1000, 400)
    assert found["bytes"] == 400e6
    assert found["peak"] - found["before"] < 100e6


@pytest.mark.slow
def test_40_gigabytes_take_less_than_one_and_a_half(tmp_path):
    found = run(tmp_path, 2000, 4000, 1250)
    assert found["bytes"] == 40e9
    assert found["disk"] < 200e6
    assert found["peak"] < 1.5e9
