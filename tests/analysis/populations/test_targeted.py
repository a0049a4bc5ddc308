"""Targeted axes of synthetic populations whose axes are known."""

import os

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, datasets, labels
from neurodyn.trials import average

N_UNITS, TIME = 30, 10.0 * np.arange(20)
RNG = np.random.default_rng(0)
#: Oblique axes of three task variables, and when each is strongest.
AXES = RNG.standard_normal((N_UNITS, 3)) + RNG.standard_normal((N_UNITS, 1))
WHEN = (50.0, 100.0, 190.0)
COURSE = np.exp(-(((TIME[:, None] - np.array(WHEN)) / 60) ** 2))


def population(noise=0.5, n=20):
    """Trials with side, level and context, and a component that depends on time alone."""
    side, level, context = (
        c.ravel() for c in np.meshgrid([-1, 1], [2.0, 4.0, 8.0], ["a", "b"], indexing="ij")
    )
    side, level, context = (np.repeat(c, n) for c in (side, level, context))
    z = np.stack([side, (level - 5) / 3, np.where(context == "b", 1, -1)], -1)
    rates = np.einsum("kv,tv,uv->ktu", z, COURSE, AXES)
    rates += 3 * np.sin(TIME / 60)[:, None] * RNG.standard_normal(N_UNITS)
    rates += noise * RNG.standard_normal(rates.shape)
    columns = {"side": side, "level": level, "context": context}
    return labels.dataset(
        {"rate": (("trial", "time", "unit"), rates, "Hz", "rate")},
        {"time": TIME} | {n: ("trial", c) for n, c in columns.items()},
        source="recording",
        values=False,
    )


DATA, BY = population(), ["side", "level", "context"]


def test_axes_times_and_coefficients_are_found():
    found = analysis.targeted_axes(DATA, BY, normalise=False)
    labels.check(found)
    truth = np.linalg.qr(AXES)[0]
    truth = truth * np.sign((truth * AXES).sum(0))
    cosine = (found["axes"].values * truth).sum(0)
    assert (cosine > 0.99).all()
    raw = (found["raw_axes"].values * AXES).sum(0) / np.linalg.norm(AXES, axis=0)
    assert (raw > 0.995).all()
    assert np.abs(found["time_of_axis"].values - WHEN).max() <= 20
    want = np.einsum("tv,uv->tuv", COURSE, AXES)
    assert np.abs(found["coefficients"].values - want).max() < 0.25
    assert found["variable"].values.tolist() == BY
    np.testing.assert_allclose(found["axes"].values.T @ found["axes"].values, np.eye(3), atol=1e-12)
    scores = found["scores"].sel(component=1).isel(time=10)
    assert np.corrcoef(scores, scores["level"])[0, 1] > 0.5
    # Denoising brings the axes closer to the true ones.
    noisy = population(5.0, 5)
    clean, plain = (
        np.abs((analysis.targeted_axes(noisy, BY, n_components=n)["raw_axes"] * AXES).sum("unit"))
        for n in (6, None)
    )
    assert clean.sum() > plain.sum()


def test_regression_is_that_of_least_squares_for_each_unit():
    """NumPy's least squares over the trials that each unit has."""
    own = DATA["rate"].where(xr.DataArray(RNG.random((240, N_UNITS)) < 0.7, dims=("trial", "unit")))
    found = analysis.targeted_axes(own, BY, normalise=True)
    columns = (DATA["side"], (DATA["level"] - 5) / 3, np.where(DATA["context"] == "b", 1, -1))
    z = np.stack([*columns, np.ones(240)], -1)
    for u in (0, 17):
        x = own.values[:, :, u]
        x = x[np.isfinite(x).all(1)]
        here = np.isfinite(own.values[:, 0, u])
        want = np.linalg.lstsq(z[here], (x - x.mean()) / x.std(), rcond=None)[0]
        np.testing.assert_allclose(found["coefficients"][:, u], want[:3].T, atol=1e-10)
    means = average(DATA, BY)
    together = analysis.targeted_axes(means, BY, normalise=False)
    apart = analysis.targeted_axes(DATA, BY, normalise=False)
    np.testing.assert_allclose(together["coefficients"], apart["coefficients"], atol=1e-10)
    np.testing.assert_allclose(together["axes"], apart["axes"], atol=1e-6)


def test_labels_and_not_positions_count_and_what_does_not_fit_is_refused():
    want = analysis.targeted_axes(DATA, BY)
    mixed = DATA.isel(unit=slice(None, None, -1), trial=RNG.permutation(240))
    got = analysis.targeted_axes(mixed, BY)
    np.testing.assert_allclose(got["axes"].isel(unit=slice(None, None, -1)), want["axes"])
    scaled = analysis.targeted_axes(DATA * np.linspace(1, 9, N_UNITS) + 5.0, BY)
    np.testing.assert_allclose(scaled["axes"], want["axes"], atol=1e-9)
    both = DATA.assign_coords(twin=("trial", 3 * DATA["side"].values + 1))
    three = DATA.assign_coords(three=("trial", np.tile(["a", "b", "c"], 80)))
    for call, said in (
        (lambda: analysis.targeted_axes(DATA, ["colour"]), "no coordinate 'colour'"),
        (lambda: analysis.targeted_axes(both, ["side", "twin"]), "told apart"),
        (lambda: analysis.targeted_axes(three, ["three"]), "two words"),
        (lambda: analysis.targeted_axes(DATA.isel(trial=slice(60)), ["side"]), "the same"),
        (lambda: analysis.targeted_axes(DATA, []), "task variables"),
        (lambda: analysis.targeted_axes(DATA.where(DATA["time"] < 100), BY), "in no trial|early"),
        (lambda: analysis.targeted_axes(DATA, BY, n_components=2), "n_components"),
    ):
        with pytest.raises(ValueError, match=said):
            call()


@pytest.mark.skipif("NEURODYN_DATA" not in os.environ, reason="needs the recording")
def test_prefrontal_units_have_axes_for_each_variable():
    """Units of Mante et al., recorded one at a time, so that conditions differ between them."""
    by = ["choice", "motion", "colour_evidence", "context"]
    data = datasets.load("mante2013", by=by, correct_only=False)
    found = analysis.targeted_axes(data, by)
    assert found["variable"].values.tolist() == by
    np.testing.assert_allclose(found["axes"].values.T @ found["axes"].values, np.eye(4), atol=1e-12)
    # Along its axis activity rises with the variable, and motion is seen before the choice.
    last = found["scores"].isel(time=-1)
    sides = [float(last[last["choice"] == side, 0].mean()) for side in (-1, 1)]
    assert sides[1] > sides[0] + 0.5
    assert float(found["time_of_axis"][1]) < float(found["time_of_axis"][0])
    assert float(found["norm"][-1, 0]) > 3 * float(found["norm"][0, 0])
