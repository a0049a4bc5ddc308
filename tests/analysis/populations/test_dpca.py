"""Demixed components against the published package, optimality, and designs with a known answer."""

import numpy as np
import pytest
import xarray as xr

from neurodyn import labels
from neurodyn.analysis import dpca
from neurodyn.analysis.populations.marginals import Spectrum, demix, marginals
from neurodyn.labels import LabelError


def labelled(x, dim, **coords):
    """Activity ``(row, time, unit)`` with task variables."""
    return labels.dataset(
        {"rate": ((dim, "time", "unit"), x, "Hz", "rate")},
        {"time": np.arange(x.shape[1]) * 10.0} | {n: (dim, c) for n, c in coords.items()},
        source="recording",
        attrs={"simultaneous": 0},
    )


def random_means():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((12, 3, 2, 9))
    x += rng.standard_normal((12, 1, 1, 9)) * 2 + rng.standard_normal((12, 3, 1, 1)) * 1.5
    return x + rng.standard_normal((12, 1, 2, 1))


def means_dataset(x):
    rows = np.moveaxis(x, 0, -1).reshape(6, 9, 12)
    return labelled(rows, "condition", s=np.repeat(np.arange(3), 2), d=np.tile(np.arange(2), 3))


def test_components_equal_those_of_the_published_package():
    """dPCA 1.0.5 with ``join`` of time, on the same numbers, without a regulariser."""
    package = {  # explained_variance_ratio_, and the sum of the first component's absolute values
        "time": ([0.176119, 0.120480, 0.066264], 169.23351195),
        "s": ([0.199819, 0.040343, 0.002984], 186.25922131),
        "d": ([0.058665, 0.002046, 0.001014], 99.28840007),
        "s × d": ([0.006334, 0.003135, 0.001776], 30.03012201),
    }
    found = dpca(means_dataset(random_means()), ["s", "d"], 3)
    for name, (explained, size) in package.items():
        own = found.isel(component=np.flatnonzero(found["marginal"] == name))
        np.testing.assert_allclose(own["marginal_explained"], explained, atol=6e-7)
        np.testing.assert_allclose(np.abs(own["scores"][..., 0]).sum(), size, rtol=1e-9)
    np.testing.assert_allclose(found["marginal_variance"].sum(), 1.0)
    np.testing.assert_allclose(np.linalg.norm(found["encoder"], axis=0), 1.0)


def test_marginals_add_up_and_are_orthogonal():
    x = random_means()
    for with_time, n in ((True, 4), (False, 7)):
        parts = marginals(x, ["s", "d"], with_time=with_time)
        assert len(parts) == n
        centred = x - x.mean((1, 2, 3), keepdims=True)
        np.testing.assert_allclose(sum(parts.values()), centred, atol=1e-12)
        flat = np.stack([p.reshape(12, -1) for p in parts.values()])
        products = np.einsum("aus,bvs->abuv", flat, flat)
        for a in range(n):
            products[a, a] = 0
        np.testing.assert_allclose(products, 0, atol=1e-10)


def test_axes_are_the_best_of_their_rank():
    """No small change of decoder or encoder lowers the loss, with and without penalty."""
    x = random_means()
    part = marginals(x, ["s", "d"])["s"].reshape(12, -1)
    flat = x.reshape(12, -1)
    flat = flat - flat.mean(1, keepdims=True)
    rng = np.random.default_rng(0)
    for penalty in (0.0, 30.0):
        axes = demix(part, Spectrum.of(flat), 2, penalty)

        def loss(decoder, encoder, penalty=penalty):
            product = encoder @ decoder
            return ((part - product @ flat) ** 2).sum() + penalty * (product**2).sum()

        best = loss(*axes)
        for _ in range(50):
            step = 1e-3 * rng.standard_normal((2, *axes.encoder.shape))
            assert loss(axes.decoder + step[0].T, axes.encoder + step[1]) > best


def design(rng, n_trials=12, noise=1.0):
    """A stimulus of three values and a choice of two, each in a latent of its own."""
    stimulus, choice = np.repeat(np.arange(3), 2 * n_trials), np.tile(np.arange(2), 3 * n_trials)
    t = np.arange(20) / 10
    latents = np.stack(
        [np.sin(3 * t) + 0 * stimulus[:, None], np.exp(-t) * (stimulus[:, None] - 1),
         t * (2 * choice[:, None] - 1)], axis=-1,
    )  # fmt: skip
    axes = rng.standard_normal((3, 15))
    x = latents @ axes + noise * rng.standard_normal((len(stimulus), 20, 15))
    return labelled(x, "trial", stimulus=stimulus, choice=choice)


def test_unequal_trials_of_single_units_penalty_and_decoding():
    rng = np.random.default_rng(1)
    trials = design(rng)
    x = trials["rate"].values
    for unit in range(15):  # each unit lacks other trials
        x[rng.permutation(len(x))[: unit + 1], :, unit] = np.nan
    found = dpca(trials, ["stimulus", "choice"], 2, penalty="cv", n_shuffles=12, n_splits=4, key=3)
    for stimulus in range(3):
        rows = trials["stimulus"].values == stimulus
        for choice in range(2):
            both = rows & (trials["choice"].values == choice)
            wanted = np.nanmean(x[both], axis=0)
            here = found.isel(
                condition=np.flatnonzero(
                    (found["stimulus"] == stimulus) & (found["choice"] == choice)
                )
            )
            # Scores are the means along the decoders, but for an offset.
            expected = wanted @ found["decoder"].values
            np.testing.assert_allclose(
                np.diff(here["scores"].values[0], axis=0), np.diff(expected, axis=0), atol=1e-9
            )
    assert 0 < found.attrs["penalty"] <= 1
    first = {
        str(found["marginal"].values[i]): i
        for i in range(found.sizes["component"])
        if found["rank"].values[i] == 0
    }
    significant = found["significant"].values
    assert significant[:8, first["stimulus"]].mean() > 0.9  # it decays
    assert significant[12:, first["choice"]].mean() > 0.9  # it ramps up
    assert significant[:, first["stimulus × choice"]].mean() < 0.3  # there is none
    assert np.isnan(found["accuracy"].values[:, first["time"]]).all()
    chance = found["accuracy_shuffled"].values[..., first["stimulus"]].mean()
    assert chance == pytest.approx(1 / 3, abs=0.06)
    xr.testing.assert_identical(
        found,
        dpca(trials, ["stimulus", "choice"], 2, penalty="cv", n_shuffles=12, n_splits=4, key=3),
    )
    mixed = trials.isel(trial=rng.permutation(trials.sizes["trial"]))
    same = dpca(mixed, ["stimulus", "choice"], 2)
    np.testing.assert_allclose(
        same["explained"], dpca(trials, ["stimulus", "choice"], 2)["explained"], rtol=1e-9
    )


def test_a_penalty_helps_with_few_noisy_trials():
    """Axes of two trials a combination reconstruct the marginal out of 38 other, noisy ones."""
    both = design(np.random.default_rng(2), n_trials=40, noise=4.0)
    few = np.arange(both.sizes["trial"]) % 40 < 2
    clean = design(np.random.default_rng(2), n_trials=40, noise=0.0)["rate"]
    wanted = clean.groupby("stimulus").mean().transpose("stimulus", "time", "unit").values
    wanted = (wanted - wanted.mean(0))[both["stimulus"].values[~few]]
    new = both["rate"].values[~few] - both["rate"].values[few].mean((0, 1))
    errors = {}
    for penalty in (0.0, "cv"):
        found = dpca(both.isel(trial=few), ["stimulus", "choice"], 1, penalty=penalty)
        which = int(np.flatnonzero(found["marginal"] == "stimulus")[0])
        decoder, encoder = (found[n].values[:, which] for n in ("decoder", "encoder"))
        errors[penalty] = ((wanted - (new @ decoder)[..., None] * encoder) ** 2).sum()
    assert errors["cv"] < 0.8 * errors[0.0]


def test_designs_that_do_not_fit_are_refused():
    means = means_dataset(random_means())
    with pytest.raises(LabelError, match="s=1, d=1"):
        dpca(means.isel(condition=[0, 1, 2, 4, 5]), ["s", "d"])
    with pytest.raises(LabelError, match="several conditions"):
        dpca(means, ["s"])
    with pytest.raises(LabelError, match="'d' has one value, 0"):
        dpca(means.isel(condition=means["d"].values == 0), ["s", "d"])
    with pytest.raises(LabelError, match="no coordinate 'x'"):
        dpca(means, ["x"])
    with pytest.raises(ValueError, match="pass the trials"):
        dpca(means, ["s", "d"], penalty="cv")
    with pytest.raises(ValueError, match="penalty"):
        dpca(means, ["s", "d"], penalty=-1.0)
    trials = design(np.random.default_rng(0), n_trials=1)
    with pytest.raises(ValueError, match="two trials"):
        dpca(trials, ["stimulus", "choice"], penalty="cv")
    trials["rate"].values[0, 15:] = np.nan
    with pytest.raises(LabelError, match="end early"):
        dpca(trials, ["stimulus", "choice"])
