"""The study of what scores mean, small: its parts fit together, and what it reads off is right."""

import os

import numpy as np
import pytest
import xarray as xr

from neurodyn import experiments
from neurodyn.experiments.what_a_score_means.recordings import LOAD
from neurodyn.experiments.what_a_score_means.scores import captured_when, first_score
from neurodyn.experiments.what_a_score_means.settings import Settings


def climb():
    """Two draws whose score grows evenly, and components that appear one after the other."""
    score = np.stack([np.linspace(0.0, 1.0, 11)] * 2)
    captured = np.stack([score, score**2], axis=-1)
    return xr.Dataset(
        {
            "climbed": (("draw", "step"), score),
            "captured": (("draw", "step", "component"), captured),
        },
        {"step": np.arange(11), "component": [0, 1]},
    )


def test_where_components_appear():
    reference = climb()
    for k, wanted in ((0, 0.5), (1, 0.7 + 0.01 / 0.15 * 0.1)):
        found = first_score(reference, "captured", 0.5, component=k)
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert np.isnan(first_score(reference, "captured", 1.1, component=0))
    np.testing.assert_allclose(captured_when(reference, 1, 0.9), 0.81)
    mixed = reference.isel(step=np.random.default_rng(0).permutation(11), component=[1, 0])
    np.testing.assert_allclose(captured_when(mixed, 1, 0.9), 0.81)


def test_a_small_study(tmp_path):
    settings = {"recordings": "decision_example", "measures": "cka", "n_draws": 1, "steps": 20,
                "region_steps": 50, "n_saved": 4, "levels": "0.5", "bin_width": 100.0}  # fmt: skip
    finished = experiments.run("what_a_score_means", settings=settings, out=tmp_path / "run")
    tree = finished.tree
    reference = tree["analysis/decision_example/cka"].to_dataset()
    assert reference["task_variable"].values.tolist() == ["coherence", "choice"]
    np.testing.assert_allclose(reference["whole"], 1.0, rtol=1e-9)
    region = tree["analysis/decision_example/region"].to_dataset()
    assert region["other"].sizes == {"metric": 2, "level": 1, "end": 2}
    names = {path.stem for path in (tmp_path / "run" / "figures").iterdir()}
    assert names == {"decision_example_cka", "components", "region"}


@pytest.mark.parametrize("name", LOAD)
def test_recordings_are_whole(name):
    if name == "mante2013" and "NEURODYN_DATA" not in os.environ:
        pytest.skip("needs the recording")
    rates, by = LOAD[name](Settings(bin_width=100.0))
    assert rates.dims == ("condition", "time", "unit")
    assert np.isfinite(rates.values).all()
    assert all(len(set(rates[label].values.tolist())) > 1 for label in by)
