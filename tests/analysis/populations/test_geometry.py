"""Tangling and divergence against formulas of known curves, and brute force."""

import numpy as np
import pytest

from neurodyn import analysis, labels

T = np.arange(0.0, 1000.0, 10.0)
TURN = 2 * np.pi * T / 1000


def data_of(x, time=T, **coords):
    rate = {"rate": (("condition", "time", "unit"), x, "Hz", "rate")}
    return labels.dataset(rate, {"time": time, **coords}, source="model", values=False)


CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], -1)[None]
EIGHT = np.stack([np.cos(TURN), np.sin(2 * TURN)], -1)[None]
RANDOM = np.cumsum(np.random.default_rng(0).standard_normal((5, 12, 4)), axis=1)


def test_a_figure_of_eight_is_tangled_where_it_crosses():
    circle, eight = (analysis.tangling(data_of(x), soft=None)["tangling"] for x in (CIRCLE, EIGHT))
    labels.check(eight)
    # Opposite points of a circle of 1 Hz: |dx|^2 / (|x|^2 + 0.1 / 4); at the crossing the states
    # are the same, and the difference of their changes is 2 * 2 pi.
    assert float(circle.max()) == pytest.approx((2 * np.pi) ** 2 * 4 / 4.1, rel=1e-2)
    assert float(eight.max()) == pytest.approx((4 * np.pi) ** 2 / 0.1, rel=5e-3)
    assert float(eight.idxmax("time")[0]) in (250.0, 750.0)
    assert float(circle.max() / circle.isel(time=slice(1, -1)).min()) < 1.02


def test_definitions_by_brute_force_and_what_leaves_them():
    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    time = 20.0 * np.arange(12)
    plain = {"soft": None, "n_components": None}
    data = data_of(RANDOM, time)
    tangled, divergent = analysis.tangling(data, **plain), analysis.divergence(data, **plain)
    centred = RANDOM - RANDOM.mean((0, 1))
    size = (centred**2).sum(-1).mean()
    change = np.gradient(RANDOM, 0.02, axis=1)
    want, later = np.zeros((5, 12)), np.full((5, 12), np.nan)
    for c, t in np.ndindex(5, 12):
        moved = ((change[c, t] - change) ** 2).sum(-1)
        apart = ((RANDOM[c, t] - RANDOM) ** 2).sum(-1)
        want[c, t] = (moved / (apart + 0.1 * size)).max()
        for k, s in np.ndindex(5, 12):
            n = min(12 - t, 12 - s) - 1
            if n:
                ahead = RANDOM[c, t + 1 : t + 1 + n] - RANDOM[k, s + 1 : s + 1 + n]
                ratio = (ahead**2).sum(-1).max() / (apart[k, s] + 0.01 * size)
                later[c, t] = np.fmax(later[c, t], ratio)
    np.testing.assert_allclose(tangled["tangling"], want, rtol=1e-9)
    np.testing.assert_allclose(divergent["divergence"], later, rtol=1e-9)
    same = data_of(3.0 * RANDOM @ rotation + 7.0, time)
    for measure, one in ((analysis.tangling, tangled), (analysis.divergence, divergent)):
        name = measure.__name__
        np.testing.assert_allclose(measure(same, **plain)[name], one[name], rtol=1e-8)
        whole = measure(data, soft=None)  # all four components
        np.testing.assert_allclose(whole[name], one[name], rtol=1e-8)
        assert whole.attrs["explained"] == pytest.approx(1)
        mixed = measure(data.isel(condition=[3, 0, 4, 1, 2], unit=[2, 0, 3, 1]), **plain)
        np.testing.assert_allclose(mixed[name], one[name][[3, 0, 4, 1, 2]], rtol=1e-8)
    twice = analysis.tangling(data.assign_coords(time=2 * time), **plain)
    np.testing.assert_allclose(twice["tangling"], want / 4, rtol=1e-9)
    wide = analysis.tangling(data_of(100 * RANDOM, time), soft=0.0)["tangling"]
    np.testing.assert_allclose(analysis.tangling(data, soft=0.0)["tangling"], wide, rtol=1e-8)


def test_counting_keeps_paths_apart_that_end_differently():
    """Two turns of a circle or one: a helix tells them apart from the start, a circle does not."""
    laps = np.stack([np.minimum(TURN * 2, end) for end in (2 * np.pi, 4 * np.pi)])
    flat = np.stack([np.cos(laps), np.sin(laps), 0 * laps], -1)
    helix = flat + np.stack([0 * laps, 0 * laps, laps / 3 + np.array([[0.0], [3.0]])], -1)
    low, high = (
        float(analysis.divergence(data_of(x), soft=None)["divergence"].max()) for x in (helix, flat)
    )
    assert high > 10 * low


def test_what_does_not_fit_is_refused():
    data = data_of(RANDOM, 20.0 * np.arange(12))
    for call, said in (
        (lambda: analysis.tangling(data, epsilon=0.0), "epsilon"),
        (lambda: analysis.divergence(data, alpha=-1.0), "alpha"),
        (lambda: analysis.tangling(data, soft=-1.0), "soft"),
        (lambda: analysis.tangling(data.isel(time=[0])), "two"),
        (lambda: analysis.divergence(data * 0, soft=None), "the same"),
        (lambda: analysis.tangling(data.isel(time=[0, 1, 3])), "time|even"),
        (lambda: analysis.tangling(data.where(data > 0)), "NaN"),
        (lambda: analysis.tangling(data, n_components=0), "n_components"),
    ):
        with pytest.raises(ValueError, match=said):
            call()
