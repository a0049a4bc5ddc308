import numpy as np
import pytest

import neurodyn as nd
from neurodyn import labels, models
from neurodyn.analysis import latent_summary
from neurodyn.labels import LabelError
from neurodyn.tasks import Sequences, StateMachine
from neurodyn.training import Ensemble


@pytest.fixture(scope="module")
def run():
    task = StateMachine(n_steps=6).sequences(0, 4)
    members = [
        models.PVRNN(1, (5, 3), (2, 1), (2.0, 4.0), sequences=(4, 6), A="normal", key=k)
        for k in range(2)
    ]
    return nd.simulate(Ensemble(members), task.validation(), dt=1.0, key=0)


def test_means_are_those_of_a_loop(run):
    got = latent_summary(run)
    labels.check(got)
    assert got["kl"].dims == ("seed", "layer")
    assert got["layer"].values.tolist() == [1, 2]
    for seed in range(2):
        one = run.isel(seed=seed)
        kl = one["kl"].transpose("trial", "time", "layer").values
        sq = one["sigma"].transpose("trial", "time", "latent").values
        sp = one["prior_sigma"].transpose("trial", "time", "latent").values
        for layer, latents in enumerate([[0, 1], [2]]):
            np.testing.assert_allclose(got["kl"][seed, layer], kl[:, 1:, layer].mean(), rtol=1e-5)
            np.testing.assert_allclose(
                got["kl_first"][seed, layer], kl[:, 0, layer].mean(), rtol=1e-5
            )
            np.testing.assert_allclose(
                got["sigma_q"][seed, layer], sq[:, 1:, latents].mean(), rtol=1e-5
            )
            np.testing.assert_allclose(
                got["sigma_p"][seed, layer], sp[:, 1:, latents].mean(), rtol=1e-5
            )


def test_one_network_has_no_seed(run):
    got = latent_summary(run.isel(seed=1, drop=True))
    assert got["sigma_p"].dims == ("layer",)
    np.testing.assert_allclose(got["sigma_p"], latent_summary(run)["sigma_p"][1], rtol=1e-5)


def test_what_pads_short_sequences_does_not_count():
    lengths = [3, 6, 2, 5]
    task = Sequences(np.zeros((4, 6, 1)), lengths)
    model = models.PVRNN(1, (5, 3), (2, 1), (2.0, 4.0), sequences=(4, 6), A="normal", key=0)
    run = nd.simulate(model, task.validation(), dt=1.0, key=0)
    np.testing.assert_array_equal(run["n_valid"], lengths)
    got = latent_summary(run)
    kl = run["kl"].transpose("trial", "time", "layer").values
    sigma = run["sigma"].transpose("trial", "time", "latent").values
    pairs = [(i, t) for i, n in enumerate(lengths) for t in range(1, n)]
    for layer, latents in enumerate([[0, 1], [2]]):
        mean = np.mean([kl[i, t, layer] for i, t in pairs])
        np.testing.assert_allclose(got["kl"][layer], mean, rtol=1e-5)
        mean = np.mean([sigma[i, t, latents] for i, t in pairs])
        np.testing.assert_allclose(got["sigma_q"][layer], mean, rtol=1e-5)


def test_runs_without_latents_are_refused(run):
    with pytest.raises(LabelError, match="no kl"):
        latent_summary(run.drop_vars("kl"))
    with pytest.raises(LabelError, match="first steps only"):
        latent_summary(run.isel(time=[0]))
