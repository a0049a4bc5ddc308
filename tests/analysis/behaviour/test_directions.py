"""Errors of direction of responses that are known, and of the tasks that have directions."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import iv
from scipy.stats import circmean, circstd

import neurodyn as nd
from neurodyn import analysis, labels, models, tasks


def responses(rng, n=3000, *, seeds=None, kappa=8.0, shift=10.0):
    """Von Mises errors around a shift."""
    truth = rng.uniform(0, 360, n)
    size = (seeds, n) if seeds else n
    dims = ("seed", "trial") if seeds else ("trial",)
    said = (truth + shift + np.rad2deg(rng.vonmises(0, kappa, size))) % 360
    coords = {"target": ("trial", truth, {"units": "deg"}),
              "direction": (dims, said, {"units": "deg"})}  # fmt: skip
    coords |= {"seed": np.arange(seeds)} if seeds else {}
    return xr.Dataset(coords=coords, attrs={"source": "model"})


def test_numbers():
    rng = np.random.default_rng(0)
    ds = responses(rng)
    found = analysis.direction_errors(ds, n_boot=100)
    labels.check(found)
    error = np.deg2rad((ds.direction - ds.target).values)
    mean = np.rad2deg(circmean(error, high=np.pi, low=-np.pi))
    np.testing.assert_allclose(found["mean"], mean)
    np.testing.assert_allclose(found.spread, np.rad2deg(circstd(error)))
    absolute = np.abs((np.rad2deg(error) + 180) % 360 - 180)
    np.testing.assert_allclose(found.absolute, absolute.mean())
    assert found.mean_low < 10 < found.mean_high
    np.testing.assert_allclose(found.fraction.sum(), 1)
    np.testing.assert_allclose(found.chance, 1 / 36)
    assert found.fraction.sizes == {"error": 36}
    counts = np.histogram((np.rad2deg(error) + 180) % 360 - 180, 36, (-180, 180))[0]
    np.testing.assert_allclose(found.fraction, counts / 3000)
    radians = ds.map(lambda x: x) if ds.data_vars else ds
    radians = radians.assign_coords(
        {n: ("trial", np.deg2rad(ds[n].values), {"units": "rad"}) for n in ("target", "direction")}
    )
    in_radians = analysis.direction_errors(radians, n_boot=100)
    np.testing.assert_allclose(np.rad2deg(in_radians.spread), found.spread)
    # The circle has no end: errors around half a turn have a mean and an interval there.
    back = analysis.direction_errors(responses(rng, shift=180.0), n_boot=100)
    assert back.mean_high - back.mean_low < 5
    assert abs(abs(float(back["mean"])) - 180) < 3
    assert back.mean_low <= back["mean"] <= back.mean_high


def test_intervals_cover_and_chance():
    rng = np.random.default_rng(1)
    found = analysis.direction_errors(responses(rng, 300, seeds=100), n_boot=200)
    r = iv(1, 8.0) / iv(0, 8.0)
    for name, truth in (("mean", 10.0), ("spread", np.rad2deg(np.sqrt(-2 * np.log(r))))):
        covered = ((found[f"{name}_low"] <= truth) & (truth <= found[f"{name}_high"])).mean()
        assert abs(float(covered) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 100) + 0.03, name
    anywhere = analysis.direction_errors(responses(rng, kappa=0.0), n_boot=20)
    assert abs(anywhere.absolute - 90) < 3
    assert anywhere.resultant < 0.06


def test_tasks_with_directions():
    reach = tasks.CenterOut(dt=20.0)
    run = nd.simulate(models.CTRNN(3, 4, 2, key=0), reach, repeats=2, key=0, progress=False)
    found = analysis.direction_errors(run, by="direction", n_boot=5)
    assert found.attrs["of"] == "angle_error"
    np.testing.assert_allclose(found.n_trials.sum(), 16 - run.angle_error.isnull().sum())
    yang = tasks.Yang2019(dt=100.0, rules=("fdgo", "dmsgo"), shared=())
    model = models.CTRNN(yang.n_inputs, 4, yang.n_outputs, key=0)
    run = nd.simulate(model, yang, n_trials=30, key=0, progress=False)
    found = analysis.direction_errors(run, by="rule", n_boot=5)
    assert found["rule"].values.tolist() == [0, 16]
    due = run.error.notnull()
    assert 0 < int(due.sum()) < 30  # some trials are not to be responded to
    assert int(found.n_trials.sum()) == int(due.sum())
    mine = run.error.where(due & (run.rule == 0), drop=True).mean()
    np.testing.assert_allclose(found.absolute.sel(condition="rule=0"), mine, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda x: x.drop_vars("target"), {}, "no label 'target'"),
        (lambda x: x.assign_coords(target=("trial", x.target.values)), {}, "'deg' or 'rad'"),
        (lambda x: x.isel(trial=[0]), {}, "1 trials have an error, and at least two"),
        (lambda x: x, {"n_bins": 1}, "`n_bins`"),
    ],
)
def test_refusals(change, options, said):
    with pytest.raises(ValueError, match=said):
        analysis.direction_errors(change(responses(np.random.default_rng(2), 40)), **options)
