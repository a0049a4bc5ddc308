"""The reaching experiment, end to end but small."""

import pytest

import neurodyn as nd
from neurodyn import datasets, experiments, labels
from neurodyn.experiments import EXPERIMENTS
from neurodyn.experiments.reaching import scores as scored


@pytest.fixture
def recording():
    if datasets.where("hatsopoulos2007") == "missing":
        pytest.skip("needs NEURODYN_DATA")


def test_the_recording_is_described_by_the_numbers_of_the_measures(recording):
    settings = experiments.configure(EXPERIMENTS["reaching"], settings={"n_null": 2})
    rate, peak = scored.recorded(settings)
    assert peak == 150.0
    found = scored.rotations(settings, rate, settings.soft)
    own = scored.described(settings, rate, settings.soft, found)
    assert own["ratio"] == pytest.approx(0.867003, abs=5e-7)
    assert own["frequency"] == pytest.approx(0.9501, abs=5e-5)
    assert scored.softening(settings, rate, rate / 10) == pytest.approx(0.5)
    tuned = scored.tuned(rate, settings.soft)
    assert float(abs(tuned.mean("condition")).max()) < 1e-6
    with pytest.raises(ValueError, match="'n_units' and 'n_spiking' must be at least 16"):
        experiments.configure(EXPERIMENTS["reaching"], settings={"n_units": 8})


@pytest.mark.slow
def test_networks_are_scored_against_the_recording(recording, tmp_path):
    small = {"variants": ("untrained", "spiking"), "n_units": 16, "n_spiking": 24}
    small |= {"n_networks": 1, "steps_spiking": 2, "batch_size": 4, "dt_spiking": 10.0}
    small |= {"repeats": 2, "n_null": 2, "n_halves": 1}
    done = experiments.run("reaching", settings=small, out=tmp_path / "run", progress=False)
    tree = nd.load(tmp_path / "run" / "result.nc")
    labels.check(tree, values=False)
    reference = tree["analysis/reference"].to_dataset()
    assert float(reference["ratio"]) == pytest.approx(0.867003, abs=5e-7)
    assert float(reference["frequency"]) == pytest.approx(0.9501, abs=5e-5)
    scores = tree["analysis/scores"].to_dataset().isel(seed=0)
    assert scores["variant"].values.tolist() == ["untrained", "spiking"]
    assert bool((scores["dsa"] > reference["dsa"]).all())
    assert bool((scores["cka"] < reference["cka"]).all())
    apart = tree["analysis/distances/distance"].sel(system="recording")
    assert apart["other"].values.tolist() == ["recording", "untrained", "spiking"]
    assert apart.sel(other="spiking").item() == pytest.approx(float(scores["dsa"][1]), rel=0.05)
    assert set(tree["model/training"].children) == {"spiking"}
    assert set(done.figures) == {"rotations", "scores", "distances", "delays"}
