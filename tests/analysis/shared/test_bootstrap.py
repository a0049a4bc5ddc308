import jax
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurodyn import labels
from neurodyn.analysis import bootstrap
from neurodyn.labels import LabelError


def values(n=30, seed=0):
    x = np.random.default_rng(seed).normal(2.0, 3.0, (2, n))
    return xr.DataArray(
        x,
        dims=("meta_prior", "seed"),
        coords={"meta_prior": ("meta_prior", [0.1, 1.0], {"units": "1", "long_name": "w"})},
        attrs={"units": "nat", "long_name": "divergence"},
    )


def test_intervals_agree_with_scipy():
    data = values()
    got = bootstrap(data, n_draws=20_000)
    np.testing.assert_allclose(got["mean"], data.mean("seed"), rtol=1e-12)
    for i in range(2):
        expected = stats.bootstrap(
            (data.values[i],), np.mean, method="percentile", n_resamples=20_000, rng=1
        ).confidence_interval
        np.testing.assert_allclose(got["low"][i], expected.low, atol=0.05)
        np.testing.assert_allclose(got["high"][i], expected.high, atol=0.05)
    labels.check(got)
    assert got["mean"].attrs["units"] == "nat"


def test_members_are_drawn_together():
    data = values()
    data.values[1] = data.values[0] + 1.0
    draws = bootstrap(data)["draws"]
    np.testing.assert_allclose(draws.sel(meta_prior=1.0) - draws.sel(meta_prior=0.1), 1.0)


def test_draws_go_by_the_key():
    first, same, other = (bootstrap(values(), key=key) for key in (3, 3, jax.random.key(4)))
    np.testing.assert_array_equal(first["draws"], same["draws"])
    assert (first["draws"] != other["draws"]).any()
    np.testing.assert_array_equal(other["draws"], bootstrap(values(), key=4)["draws"])


def test_missing_members_are_left_out():
    data = values(4)
    data.values[0, 1:] = np.nan
    got = bootstrap(data)
    assert float(got["mean"][0]) == float(got["low"][0]) == pytest.approx(data.values[0, 0])
    data.values[0] = np.nan
    assert np.isnan(bootstrap(data)["low"][0])


def test_bad_input_is_refused():
    with pytest.raises(LabelError, match="'trial'"):
        bootstrap(values(), "trial")
    with pytest.raises(ValueError, match="at least 2"):
        bootstrap(values(1))
    with pytest.raises(ValueError, match="`level`"):
        bootstrap(values(), level=95)
    with pytest.raises(ValueError, match="`n_draws`"):
        bootstrap(values(), n_draws=0)
