"""The labelling convention: building, checking, matching."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import neurodyn as nd
from neurodyn import labels
from neurodyn.labels import LabelError


def run(n_trials=3, n_time=4, n_unit=2, **attrs):
    values = np.arange(n_trials * n_time * n_unit, dtype=np.float32)
    return labels.dataset(
        {"rate": (("trial", "time", "unit"), values.reshape(n_trials, n_time, n_unit), "Hz", "r")},
        {"time": labels.time_axis(n_time, 20.0), "side": ("trial", ["l", "r", "l"][:n_trials])},
        source="model",
        kind="rate",
        attrs=attrs,
    )


class TestTimeAxis:
    @given(
        st.integers(0, 2000),
        st.floats(1e-3, 1e3),
        st.floats(-1e6, 1e6),
    )
    def test_each_label_comes_from_its_own_integer(self, n, dt, t0):
        time = labels.time_axis(n, dt, t0)
        assert time.dtype == np.float64
        assert time.tolist() == [t0 + (k + 1) * dt for k in range(n)]

    def test_does_not_drift_over_a_long_run(self):
        late = labels.time_axis(10_000_000, 0.1)[-1]
        assert late == pytest.approx(1e6, abs=1e-9)

    @pytest.mark.parametrize(("n", "dt"), [(-1, 1.0), (3, 0.0), (3, -1.0), (3, float("nan"))])
    def test_refuses_nonsense(self, n, dt):
        with pytest.raises(ValueError, match=r"must be|cannot be"):
            labels.time_axis(n, dt)


class TestDataset:
    def test_attaches_units_names_and_provenance(self):
        ds = run(simultaneous=True, preset={"b": 1, "a": [2]})
        assert ds.rate.attrs == {"units": "Hz", "long_name": "r"}
        assert ds.time.attrs == {"units": "ms", "long_name": "time", "sample": "end of step"}
        assert ds.attrs["convention"] == "neurodyn-2"
        assert ds.attrs["simultaneous"] == 1
        assert not isinstance(ds.attrs["simultaneous"], bool)
        assert ds.attrs["preset"] == '{"a": [2], "b": 1}'
        assert list(ds.unit.values) == [0, 1]

    def test_takes_jax_arrays_and_numpy_scalars(self):
        ds = labels.dataset(
            {"x": (("time", "unit"), jnp.ones((2, 3)), "1", "state", "hidden")},
            {"time": labels.time_axis(2, 1.0), "tau": ("unit", jnp.array([1.0, 2.0, 3.0]))},
            source="model",
            attrs={"dt": np.float32(0.5), "n": np.int64(3), "window": np.array([0.0, 2.0])},
        )
        assert isinstance(ds.x.values, np.ndarray)
        assert ds.x.attrs["kind"] == "hidden"
        assert ds.tau.attrs["units"] == "ms"
        assert ds.attrs["window"] == [0.0, 2.0]
        assert type(ds.attrs["n"]) is int

    def test_survives_netcdf(self, tmp_path):
        ds = run(note="text", window=[0.0, 80.0])
        ds.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as again:
            xr.testing.assert_equal(ds, again.load())

    def test_sizes_that_differ_are_all_listed(self):
        with pytest.raises(LabelError, match=r"'unit' has size 2 in \['rate'\], size 3 in"):
            labels.dataset(
                {"rate": (("time", "unit"), np.ones((4, 2)), "Hz", "r")},
                {"time": labels.time_axis(4, 1.0), "area": ("unit", ["a", "b", "c"])},
                source="model",
            )


def _broken(change):
    ds = run()
    return change(ds)


def _attrs(ds, **attrs):
    out = ds.copy()
    out.rate.attrs.update(attrs)
    return out


BAD = {
    "plural dim": (lambda ds: ds.rename(trial="trials"), r"did you mean 'trial'\? .rename\(trials"),
    "neuron": (lambda ds: ds.rename(unit="neurons"), "did you mean 'unit'"),
    "misspelt": (lambda ds: ds.rename(unit="untis"), "did you mean 'unit'"),
    "unknown dim": (lambda ds: ds.rename(unit="qqq"), "unknown dim 'qqq'; known dims are"),
    "order": (
        lambda ds: ds.transpose("unit", "time", "trial"),
        r"\.transpose\('trial', 'time', 'unit'\)",
    ),
    "no units": (lambda ds: _attrs(ds, units=""), "'rate' has no units"),
    "no long name": (lambda ds: _attrs(ds, long_name=""), "'rate' has no long_name"),
    "unknown kind": (lambda ds: _attrs(ds, kind="firing"), "unknown kind 'firing'"),
    "None in attrs": (lambda ds: _attrs(ds, x=None), "attribute 'x' of 'rate' is a NoneType"),
    "dict in attrs": (lambda ds: ds.assign_attrs(x={}), "'x' of the Dataset is a dict"),
    "bool in attrs": (lambda ds: ds.assign_attrs(x=True), "'x' of the Dataset is a bool"),
    "2-D attrs": (lambda ds: ds.assign_attrs(x=np.ones((2, 2))), "is a ndarray"),
    "no source": (lambda ds: ds.assign_attrs(source="brain"), "source is 'brain'"),
    "int time": (lambda ds: ds.assign_coords(time=[1, 2, 3, 4]), "time is int64, not float64"),
    "seconds": (
        lambda ds: ds.assign_coords(time=("time", [0.1, 0.2, 0.3, 0.4], {"units": "s"})),
        r"'time' is in seconds; all times are in ms: neurodyn.to_milliseconds\(obj\)",
    ),
    "seconds called ms": (
        lambda ds: ds.assign_coords(time=("time", [0.01, 0.02, 0.03, 0.04], {"units": "ms"}))
        .assign_attrs(bin_width=10.0),
        "looks like seconds",
    ),
    "time without units": (
        lambda ds: ds.assign_coords(time=("time", [1.0, 2.0, 3.0, 4.0])),
        "'time' has no units",
    ),
    "timedelta": (
        lambda ds: ds.assign_coords(time=np.arange(4).astype("timedelta64[ms]")),
        "times are float64 ms; neurodyn.to_milliseconds",
    ),
    "unsorted time": (
        lambda ds: ds.isel(time=[0, 2, 1, 3]),
        "'time' does not increase strictly",
    ),
    "repeated time": (lambda ds: ds.isel(time=[0, 1, 1, 2]), "'time' does not increase strictly"),
    "no time labels": (lambda ds: ds.drop_vars("time"), "a dim 'time' without labels"),
    "MultiIndex": (
        lambda ds: ds.assign_coords(rep=("trial", [0, 0, 1])).set_index(trial=["side", "rep"]),
        r"MultiIndex, which cannot be saved: .reset_index\('trial'\)",
    ),
    "empty": (lambda ds: ds.isel(trial=[]), "dim 'trial' is empty"),
    "repeated labels": (lambda ds: ds.assign_coords(unit=[1, 1]), "labels along 'unit' repeat"),
    "2-D coordinate": (
        lambda ds: ds.assign_coords(x=(("trial", "unit"), np.ones((3, 2)))),
        "labels are 1-D",
    ),
    "objects": (
        lambda ds: ds.assign_coords(x=("trial", np.array([1, "a", None], object))),
        "coordinate 'x' has dtype object",
    ),
    "NaN": (lambda ds: ds.where(ds.time < 50), "NaN in 6 of 6 traces and no n_valid"),
    "inf": (lambda ds: ds / 0 + 1, "infinite values"),
    "NaN inside": (
        lambda ds: ds.where(ds.time < 50).assign_coords(n_valid=("trial", [3, 2, 2])),
        "NaN in 2 of 6 traces before n_valid ends",
    ),
}  # fmt: skip


class TestCheck:
    @pytest.mark.parametrize("name", BAD)
    def test_says_what_is_off_and_what_to_do(self, name):
        change, match = BAD[name]
        with np.errstate(divide="ignore", invalid="ignore"), xr.set_options(keep_attrs=True):
            broken = change(run())
        with pytest.raises(LabelError, match=match):
            labels.check(broken)

    def test_lists_everything_at_once(self):
        broken = run().rename(trial="trials", unit="neuron").drop_vars("time")
        broken.attrs = {}
        with pytest.raises(LabelError) as caught:
            labels.check(broken)
        text = str(caught.value)
        assert "4 things are off" in text
        for part in ("'trials'", "'neuron'", "source", "dim 'time' without labels"):
            assert part in text

    def test_looks_into_trees_and_arrays(self):
        good = run()
        labels.check(good)
        labels.check(good.rate)
        labels.check(xr.DataTree.from_dict({"/model": good, "/recording/a": good}))
        bad = good.rename(trial="trials")
        with pytest.raises(LabelError, match="/recording/a: 'rate': unknown dim"):
            labels.check(xr.DataTree.from_dict({"/model": good, "/recording/a": bad}))
        with pytest.raises(LabelError, match="unknown dim"):
            labels.check(bad.rate)
        with pytest.raises(TypeError, match="DataArray"):
            labels.check(np.ones(3))

    def test_padding_that_n_valid_explains_is_fine(self):
        padded = run().where(run().time < 50).assign_coords(n_valid=("trial", [2, 2, 2]))
        labels.check(padded)

    def test_units_with_trials_of_their_own_are_fine_when_declared(self):
        ds = run()
        ds["rate"] = ds.rate.where(~((ds.trial == 1) & (ds.unit == 0)))
        with pytest.raises(LabelError, match="simultaneous"):
            labels.check(ds)
        labels.check(ds.assign_attrs(simultaneous=0))
        ds["rate"] = ds.rate.where(ds.time < 50)
        with pytest.raises(LabelError, match="middle of traces"):
            labels.check(ds.assign_attrs(simultaneous=0))

    def test_studies_declare_dims_of_their_own(self, tmp_path):
        ds = run().expand_dims(animal=2)
        with pytest.raises(LabelError, match=r"'animal'.*declare it: .attrs\['dims'\]"):
            labels.check(ds)
        labels.check(ds, dims=["animal"])
        labels.check(ds["rate"].assign_attrs(dims="animal"))
        labels.check(xr.DataTree.from_dict({"/": xr.Dataset(attrs={"dims": ["animal"]}), "/a": ds}))
        variables = {"rate": (("trial", "animal", "unit"), np.ones((3, 2, 4)), "Hz", "rate")}
        built = labels.dataset(variables, {}, source="recording", dims=["animal"])
        nd.save(tmp_path / "built.nc", built)
        labels.check(nd.load(tmp_path / "built.nc"))
        assert labels.ordered(("unit", "animal", "trial")) == built["rate"].dims
        with pytest.raises(LabelError, match="out of order"):
            labels.check(built["rate"].transpose(), dims=["animal"])

    def test_steps_of_a_map_need_no_ms(self):
        ds = run()
        ds.time.attrs["units"] = "1"
        labels.check(ds)

    def test_fine_steps_of_a_model_are_not_taken_for_seconds(self):
        ds = labels.dataset(
            {"rate": (("time", "unit"), np.ones((5, 1)), "Hz", "r")},
            {"time": labels.time_axis(5, 0.1)},
            source="model",
            kind="rate",
        )
        labels.check(ds)

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"spike_unit": ("spike", [0.0, 1.0])}, "holds labels, not positions"),
            ({"unit": ["a", "b"]}, "holds int64 and the labels of 'unit' are <U1"),
            ({"spike_time": ("spike", [np.nan, 1.0])}, "finite float64"),
        ],
    )
    def test_spikes(self, change, match):
        from neurodyn import spikes

        with xr.set_options(keep_attrs=True):
            ds = spikes.from_times([[1.0], [2.0]]).assign_coords(change)
        with pytest.raises(LabelError, match=match):
            labels.check(ds)


def conditions(order, dtype=float):
    coherence = np.array([-0.5, 0.1, 0.5])[order].astype(dtype)
    return xr.DataArray(
        np.array(order, float)[:, None] * np.ones(3),
        dims=("condition", "time"),
        coords={
            "time": [10.0, 20.0, 30.0],
            "coherence": ("condition", coherence),
            "context": ("condition", np.array(["a", "b", "c"])[order]),
        },
        name="rate",
    )


class TestMatch:
    def test_pairs_by_label_not_position(self):
        a, b = labels.match(conditions([0, 1, 2]), conditions([2, 0, 1]), "condition")
        assert a.values.tolist() == b.values.tolist()

    def test_float32_labels_meet_float64(self):
        a, b = labels.match(conditions([0, 1, 2]), conditions([2, 1, 0], "f4"), "condition")
        assert a.values.tolist() == b.values.tolist()

    def test_mismatch_lists_both_sides(self):
        with pytest.raises(LabelError, match=r"(?s)only in the first:.*0.1.*second: -.*in both"):
            labels.match(conditions([0, 1, 2]), conditions([0, 2]), "condition", by="coherence")

    def test_inner_keeps_what_both_have(self):
        a, b = labels.match(conditions([0, 1, 2]), conditions([2, 0]), "condition", join="inner")
        assert a[:, 0].values.tolist() == b[:, 0].values.tolist() == [0.0, 2.0]

    def test_repeated_labels(self):
        with pytest.raises(LabelError, match="not unique"):
            labels.match(conditions([0, 0, 1]), conditions([0, 1, 2]), "condition")

    def test_missing_coordinate_and_dim(self):
        with pytest.raises(LabelError, match=r"no coordinate \['choice'\]"):
            labels.match(conditions([0]), conditions([0]), "condition", by="choice")
        with pytest.raises(LabelError, match="second object has no dim 'condition'"):
            labels.match(conditions([0]), conditions([0])[0], "condition")

    def test_time_within_a_stated_tolerance(self):
        a, b = conditions([0]), conditions([0])
        b = b.assign_coords(time=b.time + 1e-9)
        _, matched = labels.match(a, b, "time")
        xr.testing.assert_identical(matched.time, a.time)
        late = b.assign_coords(time=b.time + 5.0)
        with pytest.raises(LabelError, match=r"(?s)10 to 30 ms.*15 to 35 ms"):
            labels.match(a, late, "time")
        labels.match(a, late, "time", tolerance=6.0)

    def test_several_dims(self):
        a, b = labels.match(
            conditions([0, 1]), conditions([1, 0]).isel(time=[1]), ["condition", "time"],
            join="inner",
        )  # fmt: skip
        assert a.sizes == b.sizes == {"condition": 2, "time": 1}
        assert float(b.time[0]) == 20.0

    @given(st.permutations(range(3)), st.permutations(range(3)))
    def test_any_order(self, p, q):
        a, b = labels.match(conditions(list(p)), conditions(list(q)), "condition")
        xr.testing.assert_equal(a, b)


def test_to_seconds_scales_times_only():
    ds = run(bin_width=20.0, window=[0.0, 80.0], n=3)
    ds = ds.assign_coords(rt=("trial", [100.0, 200.0, 300.0], {"units": "ms"}))
    seconds = labels.to_seconds(ds)
    np.testing.assert_allclose(seconds.time, [0.02, 0.04, 0.06, 0.08])
    np.testing.assert_allclose(seconds.rt, [0.1, 0.2, 0.3])
    assert seconds.time.attrs["units"] == seconds.rt.attrs["units"] == "s"
    assert seconds.attrs["bin_width"] == 0.02
    assert seconds.attrs["window"] == [0.0, 0.08]
    assert seconds.attrs["n"] == 3
    xr.testing.assert_equal(
        seconds.rate.drop_vars(["time", "rt"]), ds.rate.drop_vars(["time", "rt"])
    )
    assert ds.time.attrs["units"] == "ms"
    tree = labels.to_seconds(xr.DataTree.from_dict({"/a": ds}))
    xr.testing.assert_identical(tree["a"].to_dataset(), seconds)
    xr.testing.assert_identical(labels.to_seconds(ds.rate), seconds.rate)


def test_importing_labels_brings_in_no_readers():
    code = (
        "import sys, neurodyn.labels, neurodyn.spikes, neurodyn.io;"
        "print([m for m in ('pynwb', 'neo', 'h5py', 'brian2') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
