"""Trials to conditions: averages, smoothing, PSTHs, halves."""

import jax
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import gaussian_filter1d

from neurodyn import labels, spikes, trials
from neurodyn.labels import LabelError


@pytest.fixture
def rng():
    return np.random.default_rng(2)


@pytest.fixture
def run(rng):
    return labels.dataset(
        {"rate": (("trial", "time", "unit"), rng.normal(5, 1, (12, 6, 3)), "Hz", "firing rate")},
        {
            "time": labels.time_axis(6, 10.0),
            "coherence": ("trial", np.tile([0.5, -0.5, 0.1], 4)),
            "choice": ("trial", np.repeat(["left", "right"], 6)),
        },
        source="recording",
        kind="rate",
    )


class TestAverage:
    def test_mean_and_sem_against_scipy(self, run):
        means = trials.average(run, ["coherence", "choice"])
        assert means.rate.dims == ("condition", "time", "unit")
        assert means.coherence.values.tolist() == [-0.5, -0.5, 0.1, 0.1, 0.5, 0.5]
        assert means.choice.values.tolist() == ["left", "right"] * 3
        assert means.condition.values[0] == "coherence=-0.5 choice=left"
        assert means.n_trials.dims == ("condition",)
        for k in range(6):
            own = run.rate.values[
                (run.coherence == means.coherence[k]) & (run.choice == means.choice[k])
            ]
            np.testing.assert_allclose(means.rate[k], own.mean(0))
            np.testing.assert_allclose(means.sem[k], stats.sem(own))
            assert means.n_trials[k] == len(own)
        labels.check(means)
        labels.check(trials.average(run, []))

    def test_integers_and_arrays(self, run):
        counts = run.rate.astype(int)
        means = trials.average(counts, "choice")
        np.testing.assert_allclose(
            means["rate"], counts.groupby("choice").mean().rename(choice="condition").values
        )
        assert means.attrs == {}

    def test_padding_makes_the_count_depend_on_time(self, run):
        padded = run.copy()
        padded["rate"] = run.rate.where(~((run.trial == 0) & (run.time > 30)))
        means = trials.average(padded, "choice")
        assert means.n_trials.dims == ("condition", "time")
        assert means.n_trials.values.tolist() == [[6, 6, 6, 5, 5, 5], [6] * 6]
        np.testing.assert_allclose(means.rate, np.stack([
            np.nanmean(padded.rate.values[:6], 0), np.nanmean(padded.rate.values[6:], 0)
        ]))  # fmt: skip
        np.testing.assert_allclose(
            means.sem[0], stats.sem(padded.rate.values[:6], nan_policy="omit")
        )

    def test_units_with_trials_of_their_own(self, run):
        own = run.assign_attrs(simultaneous=0)
        own["rate"] = run.rate.where(~((run.unit == 1) & (run.choice == "left")))
        means = trials.average(own, "choice")
        assert means.n_trials.dims == ("condition", "unit")
        assert means.n_trials.values.tolist() == [[6, 0, 6], [6, 6, 6]]
        assert np.isnan(means.rate.values[0, :, 1]).all()
        labels.check(means)

    def test_a_single_trial_has_no_standard_error(self, run):
        means = trials.average(run.isel(trial=[0, 1, 3]), "coherence")
        assert np.isnan(means.sem.values[0]).all()
        assert not np.isnan(means.sem.values[1]).any()

    def test_several_variables_keep_their_names(self, run):
        run = run.assign(weight=("unit", np.ones(3)), output=2 * run.rate)
        means = trials.average(run, "choice")
        np.testing.assert_allclose(means.output, 2 * means.rate)
        np.testing.assert_allclose(means.output_sem, 2 * means.rate_sem)
        assert means.weight.dims == ("unit",)

    @pytest.mark.parametrize(
        ("change", "by", "match"),
        [
            (lambda ds: ds, "side", r"no trial coordinate \['side'\]; there are \['coherence'"),
            (lambda ds: ds.rename(trial="condition"), "choice", "averaged already"),
            (lambda ds: ds.isel(trial=[]), "choice", "no trials"),
            (
                lambda ds: ds.assign_coords(coherence=ds.coherence.where(ds.trial > 0)),
                "coherence",
                r"1 trials have no 'coherence' \(NaN\), the first is trial 0",
            ),
            (lambda ds: ds[[]].assign(name=ds.choice), [], r"'name' holds words \(left, right\)"),
        ],
    )
    def test_refuses(self, run, change, by, match):
        with pytest.raises(LabelError, match=match):
            trials.average(change(run), by)

    def test_refuses_spike_times(self):
        ds = spikes.align(spikes.from_times([[1.0]], window=(0, 9)), [0.0], (0, 9))
        with pytest.raises(LabelError, match="spike times"):
            trials.average(ds, [])

    def test_float32_sums_are_exact_enough(self):
        values = np.full((100_000, 1), 16777216.0, np.float32)
        da = xr.DataArray(values + 1.0, dims=("trial", "unit"), name="rate")
        assert trials.average(da, [])["rate"].values.item() == pytest.approx(
            16777216.0 + 1, rel=1e-7
        )


class TestSmooth:
    def test_interior_equals_scipy(self, run, rng):
        da = xr.DataArray(
            rng.normal(size=(3, 200)), dims=("trial", "time"), coords={"time": np.arange(200) * 5.0}
        )
        ours = trials.smooth(da, 20.0)
        reference = gaussian_filter1d(da.values, 4.0, axis=1, truncate=4.0)
        np.testing.assert_allclose(ours.values[:, 20:-20], reference[:, 20:-20])
        assert ours.attrs["sigma"] == 20.0

    @given(st.floats(2.0, 200.0), st.floats(-100, 100))
    @settings(deadline=None, max_examples=25)
    def test_a_constant_stays_itself_up_to_the_edges(self, sigma, level):
        da = xr.DataArray(np.full(40, level), dims="time", coords={"time": np.arange(40) * 10.0})
        np.testing.assert_allclose(trials.smooth(da, sigma), level, rtol=1e-9, atol=1e-9)

    def test_padding_stays_padding_and_pulls_nothing(self):
        values = np.ones((2, 30))
        values[1, 20:] = np.nan
        da = xr.DataArray(values, dims=("trial", "time"), coords={"time": np.arange(30.0)})
        out = trials.smooth(da, 3.0).values
        assert np.isnan(out[1, 20:]).all()
        np.testing.assert_allclose(out[1, :20], 1.0)

    def test_datasets_and_dtypes(self, run):
        ds = run.astype("f4").assign(weight=("unit", np.ones(3)))
        out = trials.smooth(ds, 10.0)
        assert out.rate.dtype == np.float32
        xr.testing.assert_identical(out.weight, ds.weight)
        np.testing.assert_allclose(out.rate, trials.smooth(run.rate, 10.0), rtol=1e-5)

    def test_refuses(self, run):
        with pytest.raises(ValueError, match="positive"):
            trials.smooth(run, 0.0)
        with pytest.raises(LabelError, match="uneven"):
            trials.smooth(run.isel(time=[0, 1, 3]), 10.0)
        with pytest.raises(LabelError, match="no step: take two"):
            trials.smooth(run.isel(time=[0]), 10.0)
        with pytest.raises(LabelError, match="no dim 'time'"):
            trials.smooth(run.mean("time"), 10.0)


class TestPsth:
    def test_is_the_count_per_trial_and_second(self, rng):
        times = [np.sort(rng.uniform(0, 1e4, 300)) for _ in range(2)]
        events = np.arange(500.0, 9000.0, 1000.0)
        side = np.array(["l", "r"])[np.arange(events.size) % 2]
        ds = spikes.from_times(times, window=(0, 1e4)).assign_coords(
            on=("trial", events, {"units": "ms"}), side=("trial", side)
        )
        psth = trials.psth(spikes.align(ds, "on", (-200, 300)), "side", bin_width=100.0)
        edges = np.arange(-200, 301, 100)
        for k, which in enumerate("lr"):
            own = (times[1][:, None] - events[side == which][None, :]).ravel()
            expected = np.histogram(own, edges)[0] / (side == which).sum() * 10.0
            np.testing.assert_allclose(psth.rate.values[k, :, 1], expected, rtol=1e-6)
        labels.check(psth)

    def test_needs_trials(self):
        with pytest.raises(LabelError, match="not cut into trials"):
            trials.psth(spikes.from_times([[1.0]], window=(0, 9)), [])


class TestSplitHalf:
    def test_halves_are_balanced_disjoint_and_complete(self, run):
        a, b = trials.split_half(run, ["coherence"], key=3)
        assert sorted([*a.trial.values, *b.trial.values]) == list(range(12))
        for half in (a, b):
            assert np.unique(half.coherence, return_counts=True)[1].tolist() == [2, 2, 2]

    def test_same_key_same_halves(self, run):
        first, again = (trials.split_half(run, [], key=5)[0] for _ in range(2))
        typed = trials.split_half(run, [], key=jax.random.key(5))[0]
        other = trials.split_half(run, [], key=6)[0]
        xr.testing.assert_identical(first, again)
        xr.testing.assert_identical(first, typed)
        assert first.trial.values.tolist() != other.trial.values.tolist()

    def test_every_trial_falls_on_either_side(self, run):
        ds = run.isel(trial=range(5))
        members = [
            set(trials.split_half(ds, [], key=k)[0].trial.values.tolist()) for k in range(60)
        ]
        share = np.mean([[t in m for t in range(5)] for m in members], axis=0)
        assert ((share > 0.25) & (share < 0.75)).all()
        assert {len(m) for m in members} == {2, 3}

    def test_refuses_lonely_trials(self, run):
        with pytest.raises(LabelError, match=r"\['coherence=-0.5'\] have a single trial"):
            trials.split_half(run.isel(trial=[0, 1, 3]), "coherence", key=0)


def test_a_label_of_trials_is_averaged_by_another_one(run):
    run = run.assign_coords(rt=("trial", np.arange(12.0)), side=("trial", ["l", "r"] * 6))
    means = trials.average(run.rt, by="side")
    np.testing.assert_array_equal(means.rt, [5.0, 6.0])
    np.testing.assert_array_equal(means.n_trials, [6, 6])


class TestLabelsOfTrials:
    """Mean reaction time and accuracy by condition, of a run and of a recording."""

    @pytest.fixture
    def table(self, rng):
        n = 40
        rt = np.where(np.arange(n) % 7 == 3, np.nan, rng.uniform(200, 900, n))
        return labels.dataset(
            {},
            {
                "trial": 10 + np.arange(n),
                "coherence": ("trial", np.tile([0.5, 0.1], n // 2)),
                "correct": ("trial", rng.random(n) < 0.7),
                "rt": ("trial", rt, "ms"),
                "choice": ("trial", rng.choice(["left", "right"], n)),
            },
            source="recording",
        )

    @pytest.mark.parametrize("name", ["rt", "correct"])
    @pytest.mark.parametrize("form", ["label", "of", "variable", "objects"])
    def test_against_scipy(self, table, name, form):
        column, by = table[name], "coherence"
        if form == "objects":
            words = [None if v != v else v for v in column.values.tolist()]
            table[name] = ("trial", np.array(words, dtype=object))
            table = table.set_coords(name)
        how = {
            "label": lambda: trials.average(table[name], by),
            "objects": lambda: trials.average(table[name], by),
            "of": lambda: trials.average(table, by, of=name),
            "variable": lambda: trials.average(table.reset_coords()[[name, by]].set_coords(by), by),
        }
        means = how[form]()
        for k, level in enumerate([0.1, 0.5]):
            own = column.values[table.coherence == level].astype(float)
            assert float(means[name][k]) == pytest.approx(np.nanmean(own))
            assert float(means["sem"][k]) == pytest.approx(stats.sem(own, nan_policy="omit"))
            assert int(means["n_trials"][k]) == np.isfinite(own).sum()
        if form != "objects":
            assert means[name].attrs["units"] == means["sem"].attrs["units"]

    def test_a_table_gives_what_can_be_averaged(self, table):
        means = trials.average(table, "coherence")
        assert set(means.data_vars) == {
            f"{name}{end}" for name in ("rt", "correct") for end in ("", "_sem", "_n_trials")
        }
        right = trials.average(table.choice == "right", "coherence")
        own = (table.choice == "right").values[table.coherence == 0.5]
        assert float(right["choice"][1]) == pytest.approx(own.mean())
        with pytest.raises(LabelError, match=r"'choice' holds words \(left, right\).*== 'right'"):
            trials.average(table["choice"], "coherence")
        with pytest.raises(LabelError, match=r"of=\['speed'\].*there are \['coherence'"):
            trials.average(table, "coherence", of="speed")
        with pytest.raises(LabelError, match=r"cannot be averaged by themselves"):
            trials.average(table["rt"], "rt")

    def test_choices_of_a_run(self, table):
        codes = np.tile([0, 1, -1, 1], 10)
        run = table.assign_coords(choice=("trial", codes, {"role": "outcome"}))
        means = trials.average(run["choice"], [])
        assert float(means["choice"][0]) == pytest.approx(2 / 3)
        assert means["n_trials"].values.tolist() == [30]
        with pytest.raises(LabelError, match="more than two options"):
            trials.average(run.assign_coords(choice=run["choice"] + 1)["choice"], [])

    def test_halves(self, table):
        for data in (table, table["rt"], table["correct"], table["choice"]):
            a, b = trials.split_half(data, "coherence", key=1)
            assert sorted([*a.trial.values, *b.trial.values]) == list(range(10, 50))
            want = trials.split_half(table, "coherence", key=1)[0]
            assert a.trial.equals(want.trial)
            assert a.rt.equals(want.rt)
