"""Sweeps: results, errors, resuming, refusals; the store and the table."""

import json
import sys

import jax
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import neurodyn as nd
from neurodyn import experiments
from neurodyn.cli.app import app
from neurodyn.sweeps import table
from tests.neurodyn.sweeps import points


@pytest.fixture(scope="module")
def first(client, tmp_path_factory):
    """A sweep over all kinds of results, and its store."""
    path = tmp_path_factory.mktemp("sweep") / "first.zarr"
    grid = {"tau": xr.DataArray([10.0, 20.0], attrs={"units": "ms"}), "kind": ["a", "bb"]}
    return nd.sweep(points.draw, grid, seeds=[2, 5], client=client, out=path), path


def test_every_point_is_the_same_call_alone(first):
    found, _ = first
    assert found["x"].dims == ("tau", "kind", "seed", "x_0")
    assert found["rate"].dims == ("tau", "kind", "seed", "time")
    for tau in (10.0, 20.0):
        for kind in ("a", "bb"):
            for seed in (2, 5):
                alone = points.draw(tau, kind, key=jax.random.fold_in(jax.random.key(0), seed))
                at = found.sel(tau=tau, kind=kind, seed=seed)
                np.testing.assert_array_equal(at["x"], alone["x"], strict=True)
                np.testing.assert_array_equal(at["rate"], alone["rate"])
                assert at["name"].values.tolist() == ["p", "q", kind]
                assert at["word"].item() == kind * 2
                assert at["count"].item() == 3
                assert at["over"].item() == (tau > 15)
    assert found["tau"].attrs["units"] == "ms"
    assert found["rate"].attrs == {"units": "Hz", "long_name": "rate"}
    assert (found["point_state"] == 1).all()
    assert (found["point_seconds"] > 0).all()
    assert (found.attrs["n_points"], found.attrs["n_done"], found.attrs["n_failed"]) == (8, 8, 0)


def test_the_store_is_plain_data(first):
    found, path = first
    xr.testing.assert_identical(nd.sweeps.read(path), found)
    names = nd.io.read(path).data_vars
    assert set(names) == set(found.data_vars)
    names = [file.name for file in path.rglob("*") if file.is_file()]
    assert not [name for name in names if "partial" in name or "lock" in name]
    texts = [file.read_text() for file in path.rglob("zarr.json")]
    assert all("pickle" not in text for text in texts)
    assert not list(path.parent.glob("*.lock"))


def test_the_table_has_a_row_for_every_point(first):
    rows = table(first[0])
    assert list(rows)[:7] == ["tau", "kind", "seed", "state", "seconds", "attempts", "error"]
    (row,) = rows.query("tau == 20 and kind == 'bb' and seed == 5").to_dict("records")
    assert row["word"] == "bbbb"
    assert set(rows["state"]) == {"done"}
    assert "x" not in rows
    named = table(first[0].rename({"kind": "state", "word": "error"}))
    assert list(named)[:7] == [
        "tau", "state", "seed", "point_state", "seconds", "attempts", "point_error"
    ]  # fmt: skip
    assert set(named["state"]) == set(rows["kind"])
    assert set(named["error"]) == set(rows["word"])
    with pytest.raises(ValueError, match="takes the result of"):
        table(xr.Dataset())


def test_a_result_is_drawn_over_the_grid(first):
    found, _ = first
    found = found.assign(loss=found["x"].mean("x_0").assign_attrs(long_name="loss", units="bit"))
    found["loss"][0, 0, 0] = np.nan
    ax = nd.plot.sweep(found, "loss").axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("tau (ms)", "loss (bit)")
    means = [line.get_ydata() for line in ax.lines if line.get_linestyle() == "-"]
    np.testing.assert_allclose(means, found["loss"].mean("seed").T, rtol=1e-6)
    ax = nd.plot.sweep(found, "loss", x="kind", by="seed").axes[0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "bb"]
    for call, said in (
        ({"name": "los"}, "no result 'los'; single values are count, over"),
        ({"name": "x"}, "dims of its own, x_0"),
        ({"name": "word"}, "no numbers"),
        ({"name": "loss", "x": "time"}, "no dim 'time'; it has tau, kind, seed"),
        ({"name": "loss", "x": "tau", "by": "tau"}, "give two dims"),
    ):
        with pytest.raises(ValueError, match=said):
            nd.plot.sweep(found, **call)


@pytest.mark.parametrize("missing", ["zarr", "distributed"])
def test_a_missing_package_is_named_with_its_extra(missing, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"need {missing}.*neurodyn\[sweep\]"):
        nd.sweep(plain, {"a": [1]}, out=tmp_path / "s.zarr")


def test_a_finished_sweep_is_read_and_another_one_refused(first, client):
    found, path = first
    options = {"client": client, "out": path}
    grid = {"tau": [10.0, 20.0], "kind": ["a", "bb"]}
    again = nd.sweep(points.draw, grid, seeds=[2, 5], resume=True, **options)
    xr.testing.assert_equal(again, found)
    with pytest.raises(FileExistsError, match="with 8 of 8 points"):
        nd.sweep(points.draw, grid, seeds=[2, 5], **options)
    kind = ["a", "bb"]
    for change, said in (
        ({"grid": {"tau": [10.0, 40.0], "kind": kind}}, "'tau' is 10.0,20.0 there, 10.0,40.0 here"),
        ({"grid": {"kind": kind, "tau": [10.0, 20.0]}}, "tau,kind,seed there, kind,tau,seed here"),
        ({"seeds": 2}, "grid 'seed' is 2,5 there, 0,1 here"),
        ({"settings": {"n": 4}}, "settings 'n' is not given there, 4 here"),
        ({"key": 1}, "key is 0,0,threefry2x32 there, 0,1,threefry2x32 here"),
        ({"work": points.fitted, "grid": {"units": [1]}}, "points.fitted here"),
    ):
        call = {"work": points.draw, "grid": grid, "seeds": [2, 5], **change}
        with pytest.raises(ValueError, match="holds another sweep") as told:
            nd.sweep(resume=True, **call, **options)
        assert said in str(told.value)
    (path.parent / "other.zarr").mkdir()
    with pytest.raises(ValueError, match="holds something else"):
        nd.sweeps.read(path.parent / "other.zarr")
    with pytest.raises(FileNotFoundError, match="no sweep at"):
        nd.sweeps.read(path.parent / "nothing.zarr")
    with pytest.raises(ValueError, match="holds something else"):
        nd.sweep(points.draw, {"tau": [1.0]}, out=path.parent / "other.zarr", client=client)


def test_errors_and_misfits_are_recorded_and_can_be_tried_again(client, tmp_path):
    tries = points.TRIES
    call = {"work": points.broken, "grid": {"i": range(6)}, "client": client}
    call["out"] = tmp_path / "s.zarr"
    found = nd.sweep(retries=1, **call)
    assert found["point_state"].values.tolist() == [1, 2, 2, 2, 2, 2]
    assert found["point_attempts"].values.tolist() == [1, 2, 1, 1, 2, 2]
    assert np.isnan(found["y"][1:]).all()
    kinds = found["point_error_type"].values.tolist()
    assert kinds == ["", "KeyError", "ValueError", "ValueError", "TypeError", "TypeError"]
    message = [str(text) for text in found["point_error"].values]
    assert message[1] == "'no entry\\nof that name'"
    assert "at i=2 differs from that at i=0" in message[2]
    assert "'x' is float64 (x_0: 3), not float64 (t: 2)" in message[2]
    assert "'t' has other labels: [0, 3], not [0, 1]" in message[3]
    assert "object" in message[4]
    assert "2**53" in message[5]
    assert 'raise KeyError("no entry' in str(found["point_traceback"].values[1])
    assert "KeyError: 'no entry" in table(found)["error"][1]
    tries.append(None)  # repairs some
    before = len(tries)
    xr.testing.assert_equal(nd.sweep(resume=True, **call), found)
    assert len(tries) == before
    found = nd.sweep(resume=True, retry_failed=True, retries=0, **call)
    assert sorted(tries[before:]) == [1, 2, 3, 4, 5]
    assert found["point_state"].values.tolist() == [1, 1, 2, 2, 1, 1]
    assert found["y"].values[[0, 1, 4, 5]].tolist() == [0, 1, 4, 5]
    assert str(found["point_error"].values[1]) == str(found["point_traceback"].values[1]) == ""


def test_an_experiment_is_swept_by_its_settings(client, tmp_path):
    call = {"work": points.GAIN, "client": client, "out": tmp_path / "g.zarr", "preset": "large"}
    grid = {"gain": ["2", 13.0], "currents": ["0,1,2", (3.0, 4.0, 5.0)]}
    found = nd.sweep(grid=grid, seeds=2, keep=["/analysis/scores"], retries=0, **call)
    rate = found["analysis/scores/rate"]
    assert rate.dims == ("gain", "currents", "seed", "sweep")
    settings = points.Settings(seed=1, gain=2.0, currents=(3.0, 4.0, 5.0))
    alone = experiments.run(points.GAIN, settings=settings).tree["analysis/scores/rate"]
    at = rate.sel(gain=2.0, currents="3.0,4.0,5.0", seed=1)
    np.testing.assert_array_equal(at, alone.values[0])
    assert rate["gain"].attrs == {"units": "Hz", "long_name": "gain"}
    assert np.isnan(rate.sel(gain=13.0)).all()
    assert table(found)["largest"].tolist() == ["4.0", "6.0", "10.0", "12.0", "", "", "", ""]
    assert "/model/trials" not in found.groups
    with pytest.raises(ValueError, match="Did you mean 'gain'"):
        nd.sweep(grid={"gian": [1.0]}, **call)
    with pytest.raises(ValueError, match="'gain' takes a number > 0"):
        nd.sweep(grid={"gain": [1.0, -1.0]}, **call)
    # Networks of one point along a dim of the sweep, and trials of other lengths.
    call |= {"overwrite": True, "settings": {"n_networks": 2}}
    found = nd.sweep(grid={}, seeds=2, retries=0, **call)
    assert "2 entries along 'seed'" in str(found["point_error"].values[0])
    found = nd.sweep(points.GAIN, seeds=2, client=client, out=tmp_path / "h.zarr", retries=0)
    message = str(found["point_error"].values[1])
    assert "'model/trials/x' is float64 (trial: 4), not float64 (trial: 3)" in message


def test_on_the_command_line(client, tmp_path, monkeypatch):
    monkeypatch.setitem(experiments.EXPERIMENTS._own, points.GAIN.name, points.GAIN)
    where = ["--scheduler", client.scheduler.address, "--out", str(tmp_path / "c.zarr")]
    call = ["sweep", "gain_of_tests", "--grid", "gain=2,13", "--seeds", "2", "--retries", "0"]
    call += ["--keep", "/analysis/scores", *where]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 1, done.output
    assert "RuntimeError: thirteen" in done.stdout
    assert ["failed", "2"] in [line.split() for line in done.stdout.splitlines()]
    done = CliRunner().invoke(app, [*call, "--resume", "--json"])
    shown = json.loads(done.stdout)
    assert (shown["done"], shown["failed"], shown["waiting"]) == (2, 2, 0)
    assert shown["points"][1]["largest"] == "4.0"
    name = "tests.neurodyn.sweeps.points:draw"
    where[-1] = str(tmp_path / "d.zarr")
    done = CliRunner().invoke(app, ["sweep", name, "--grid", "tau=1,2.5", *where])
    assert done.exit_code == 0, done.output
    for wrong, said in (
        (["sweep", "gain_of_test"], "no experiment 'gain_of_test'"),
        (["sweep", "gain_of_tests", "--grid", "gain"], "--grid takes KEY=VALUE"),
        (["sweep", "gain_of_tests"], "nothing to sweep"),
        (["sweep", "gain_of_tests", "--seeds", "many"], "--seeds takes a number"),
        (["sweep", "nowhere:f"], "There is no function 'nowhere:f'"),
    ):
        done = CliRunner().invoke(app, wrong)
        assert done.exit_code == 2
        assert said in " ".join(done.output.replace("│", " ").split())


def plain(a, b=1):
    return a + b


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"grid": {"a": 3}}, "takes a list of values for 'a', e.g. [3]"),
        ({"grid": {"a": "1,2"}}, "takes a list of values for 'a'"),
        ({"grid": {"a": []}}, "no value for 'a'"),
        ({"grid": {"a": [1, 1.0]}}, "1.0 twice for 'a'"),
        ({"grid": {"a": [np.nan]}}, "NaN for 'a'"),
        ({"grid": {"a": [object()]}}, "no label: map labels to them"),
        ({"grid": {"a": [1], "c": [1]}}, "takes no argument 'c'. It takes a, b"),
        ({"grid": {"b": [1]}}, "needs a: give it in `grid`"),
        ({"grid": [1, 2]}, "`grid` maps names to lists"),
        ({"grid": {"a": [1]}, "settings": {"a": 2}}, "not in both"),
        ({"grid": {"a": [1]}, "seeds": 3}, "takes no argument `key`"),
        ({"grid": {"a": [1]}, "seeds": -3}, "`seeds` is a number of seeds"),
        ({"grid": {"a": [1], "key": [1]}}, "`key` comes from the seeds"),
        ({"grid": {"a": [1]}, "preset": "quick"}, "`preset` belongs to experiments"),
        ({"grid": {"a": [1]}, "client": 5}, "address of a scheduler"),
        ({"grid": {"a": [1]}, "client": "x", "workers": 2}, "leave it out with a `client`"),
        ({"grid": {"a": [1]}, "out": "s3://b/x.zarr"}, "folder on this machine"),
        ({"grid": {"a": [1]}, "out": "x.nc"}, "ends in '.zarr'"),
        ({"grid": {"a": [1]}, "retries": -1}, "`retries` must be a whole number"),
        ({"grid": {"a": [1]}, "retry_failed": True}, "needs resume=True"),
        ({"grid": {"a": [1]}, "resume": True, "overwrite": True}, "not both"),
        ({"grid": {"a": [1]}, "keep": "a"}, "`keep` is a list of names"),
        ({"grid": {"a": {"x": (i for i in ())}}}, "cannot be sent to other processes"),
        ({"work": 3, "grid": {}}, "takes a function of keyword arguments"),
    ],
)
def test_wrong_calls_say_what_to_do(call, said, client, tmp_path):
    call = {"work": plain, "out": tmp_path / "s.zarr", **call}
    if "client" not in call:
        call["client"] = client
    with pytest.raises((ValueError, TypeError)) as told:
        nd.sweep(**call)
    assert said in str(told.value)
