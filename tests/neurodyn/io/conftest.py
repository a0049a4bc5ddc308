"""Recordings in files: made here, or real ones where NEURODYN_DATA points at them."""

import os
from pathlib import Path

import numpy as np
import pytest

from neurodyn import spikes


@pytest.fixture
def numpy_target():
    """Brian2 without a compiler, which small networks do not need, and without earlier groups."""
    import brian2 as b2

    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    b2.start_scope()
    yield
    b2.prefs.codegen.target = before


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.fixture
def recording(rng):
    """Three units, one of them silent; times that are no round numbers; a trial table."""
    times = [np.sort(rng.uniform(0, 1e4, n)) for n in (40, 0, 25)]
    return spikes.from_times(
        times,
        window=(0, 1e4),
        coords={
            "unit": [3, 5, 8],
            "area": ("unit", ["PFC", "", "FEF"]),
            "tau": ("unit", rng.uniform(20, 300, 3)),
            "snr": ("unit", np.array([1.5, np.nan, 3.0], np.float32)),
            "start_time": ("trial", rng.uniform(500, 2500, 4) + np.arange(4) * 2e3),
            "stop_time": ("trial", 2900.0 + np.arange(4) * 2e3),
            "go_time": ("trial", 2600.0 + np.arange(4) * 2e3, "ms", "go cue"),
            "side": ("trial", ["l", "r", "r", "ünter"]),
            "correct": ("trial", np.array([True, False, True, True])),
            "n_steps": ("trial", np.array([3, 1, 2, 9], np.int16)),
        },
        attrs={"simultaneous": True, "note": "µ", "setup": {"rig": [1, 2]}, "list": [1.5, 2.5]},
    )


@pytest.fixture
def in_trials(recording):
    return spikes.align(recording, "go_time", (-500.5, 399.7), until="stop_time")


def real(name: str) -> Path:
    """Path of a real recording, or skip the test."""
    folder = os.environ.get("NEURODYN_DATA")
    if not folder:
        pytest.skip("NEURODYN_DATA is not set")
    for path in (Path(folder) / name, Path(folder) / "neural" / name):
        if path.exists():
            return path
    pytest.skip(f"there is no {name} in NEURODYN_DATA")


@pytest.fixture(scope="session")
def zheng_nwb():
    return real("zheng2022_human_mtl_sub-4_ses-4.nwb")


@pytest.fixture(scope="session")
def zheng_nix():
    return real("zheng2022_human_mtl_sub-4_ses-4.nix")


@pytest.fixture(scope="session")
def fsi_abf():
    return real("patch_fsi_current_steps.abf")
