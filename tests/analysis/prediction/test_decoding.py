import numpy as np
import pytest
import xarray as xr
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold

from neurodyn import labels
from neurodyn.analysis import decode
from neurodyn.labels import LabelError


def activity(n=24, times=3, units=6, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    label = rng.uniform(size=n)
    x = noise * rng.standard_normal((n, times, units)) + label[:, None, None] * rng.standard_normal(
        units
    )
    coords = {"time": np.arange(1.0, times + 1), "p": ("trial", label)}
    return xr.DataArray(x, dims=("trial", "time", "unit"), coords=coords)


def test_predictions_agree_with_scikit_learn(x64):
    data = activity(noise=1.0)
    x, y = data.values, np.broadcast_to(data["p"].values[:, None], (24, 3))
    got = decode(data, "p", penalties=[1e-2], n_folds=24)
    expected = np.zeros((24, 3))
    rows = np.repeat(np.arange(24), 3)
    for train, test in GroupKFold(24).split(x.reshape(72, 6), groups=rows):
        fit_x = x.reshape(72, 6)[train]
        # Penalties are in units of the total variance of the predictors.
        scale = ((fit_x - fit_x.mean(0)) ** 2).sum()
        model = Ridge(alpha=1e-2 * scale).fit(fit_x, y.reshape(72)[train])
        expected.reshape(72)[test] = model.predict(x.reshape(72, 6)[test])
    np.testing.assert_allclose(got["prediction"], expected, rtol=1e-6)
    r2 = 1 - ((y - expected) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert float(got["r2"]) == pytest.approx(r2, rel=1e-6)
    labels.check(got)


def test_what_is_there_is_found_and_what_is_not_is_not():
    data = activity()
    assert float(decode(data, "p")["r2"]) > 0.9
    other = np.random.default_rng(5).uniform(size=24)
    nothing = decode(data, other)
    assert float(nothing["r2"]) < 0.2
    assert float(decode(data.isel(time=0), data["p"])["r2"]) > 0.8
    assert float(decode(data.rename(unit="latent"), "p")["r2"]) > 0.9


def test_a_label_of_each_time_can_be_decoded():
    data = activity(n=12, times=4)
    side = np.random.default_rng(2).integers(0, 2, (12, 4))
    shown = data + 3 * xr.DataArray(side, dims=("trial", "time"))
    assert float(decode(shown, side)["r2"]) > 0.5
    assert float(decode(data, side)["r2"]) < 0.3


def test_bad_input_is_refused():
    data = activity()
    with pytest.raises(TypeError, match="DataArray"):
        decode(data.values, "p")
    with pytest.raises(LabelError, match="dims trial"):
        decode(data.rename(trial="sweep"), np.zeros(24))
    with pytest.raises(LabelError, match="NaN"):
        decode(data.where(data > 0), "p")
    with pytest.raises(LabelError, match="no coordinate 'q'"):
        decode(data, "q")
    with pytest.raises(ValueError, match="24 trials"):
        decode(data, np.zeros(3))
    with pytest.raises(ValueError, match="vary"):
        decode(data, np.ones(24))
    with pytest.raises(ValueError, match="3 of them"):
        decode(data.isel(trial=slice(2)), "p")
