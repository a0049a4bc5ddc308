"""The flip-flop experiment, end to end but small."""

import numpy as np

import neurodyn as nd
from neurodyn import experiments, labels


def test_points_of_one_bit_are_counted_and_drawn(tmp_path):
    """A continuous network of a few units holds one bit after 150 steps."""
    small = {"architectures": ("ctrnn",), "n_bits": 1, "n_units": 8, "n_networks": 1}
    small |= {"steps": 150, "batch_size": 16, "learning_rate": 2e-2, "n_trials": 8, "n_starts": 64}
    out = tmp_path / "run"
    done = experiments.run("flip_flop", settings=small, out=out, progress=False)
    tree = nd.load(out / "result.nc")
    labels.check(tree, values=False)
    scores = tree["analysis/scores"].to_dataset().isel(seed=0)
    assert scores["architecture"].values.tolist() == ["ctrnn"]
    points = tree["analysis/points/ctrnn"].to_dataset()
    index = points["n_unstable"].values
    assert (scores["n_points"][0], scores["n_index_0"][0]) == (len(index), (index == 0).sum())
    assert set(points["network"].values) == {0}
    assert float(scores["correct"][0]) > 0.9
    assert float(scores["n_index_0"][0]) == 2
    stable = tree["analysis/points/ctrnn/outputs"].values[:2, 0]
    assert np.allclose(np.sort(stable), [-1, 1], atol=0.3)
    assert set(done.figures) == {"points_ctrnn", "scores"}
    assert any("2 in 1 of 1" in text for text in done.summary.values())
