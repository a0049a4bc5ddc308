"""The network of 2003 and the fitted cell, end to end but small."""

import json

import numpy as np
import pytest

import neurodyn as nd
from neurodyn import experiments, labels
from neurodyn.experiments.fit_izhikevich.search import BOUNDS, Protocol, cell, response
from neurodyn.models import spiking


def test_the_network_of_2003(tmp_path):
    small = {"n_seeds": 2, "n_excitatory": 40, "n_inhibitory": 10, "duration": 300.0}
    small |= {"settle": 50.0, "segment": 100.0}
    out = tmp_path / "run"
    done = experiments.run("izhikevich2003", settings=small, out=out, progress=False)
    tree = nd.load(out / "result.nc")
    labels.check(tree, values=False)
    networks = tree["analysis/networks"].to_dataset()
    assert dict(networks.sizes) == {"seed": 2, "unit": 2}
    model = tree["model"].to_dataset()
    late = model["spike_time"].values > 50
    excitatory = model["spike_unit"].values < 40
    want = (late & excitatory).sum() / 40 / 0.25
    assert float(networks["rate"].isel(seed=0, unit=0)) == pytest.approx(want)
    assert set(done.figures) == {"raster", "spectrum", "intervals"}
    assert any("alpha" in row for row in done.summary)


def test_the_published_network_needs_its_step():
    with pytest.raises(ValueError, match="published=false"):
        experiments.run("izhikevich2003", settings={"dt": 0.5})


def synthetic(tmp_path):
    """A recording of a known cell, as a file: steps from 200 to 500 ms."""
    steps = np.arange(-50.0, 201.0, 25.0)
    n, dt = 6000, 0.1
    t = np.arange(n) * dt
    i = np.where((t >= 200) & (t < 500), 1.0, 0.0)[:, None] * steps[None, :]
    known = {"C": 30.0, "k": 0.5, "vr": -60.0, "vt": -45.0, "a": 0.05, "b": 0.5}
    known |= {"c": -55.0, "d": 30.0, "vpeak": 25.0}
    network = spiking.Network(
        {"cell": spiking.Izhikevich2007(1, "RS", **known)},
        inputs={"current": spiking.CurrentInput(1)},
    )
    run = nd.simulate(network, i[:, :, None].astype(np.float32), dt=dt, save=("v",), key=0)
    v = run["v"].values[:, :, 0].astype(float)
    # A model is reset within the step of its spike: put the peaks back that a recording has.
    at = np.rint(run["spike_time"].values / dt).astype(int) - 1
    v[run["spike_trial"].values, at] = 25.0
    recording = labels.dataset(
        {
            "v": (("sweep", "time"), v, "mV", "membrane potential", "voltage"),
            "i": (("sweep", "time"), i.T, "pA", "injected current", "current"),
        },
        {"time": t, "step": ("sweep", steps, "pA", "current step")},
        source="recording",
    )
    nd.save(tmp_path / "cell.nc", recording)
    return tmp_path / "cell.nc", run


def test_a_cell_is_found_that_fires_like_a_known_one(tmp_path):
    path, known = synthetic(tmp_path)
    small = {"recording": str(path), "window": (200.0, 500.0), "n_seeds": 1}
    small |= {"generations": 12, "candidates": 64, "dt": 0.2}
    out = tmp_path / "run"
    done = experiments.run("fit_izhikevich", settings=small, out=out, progress=False)
    tree = nd.load(out / "result.nc")
    labels.check(tree, values=False)
    assert json.loads(tree.attrs["settings"])["candidates"] == 64
    cells = tree["analysis/cells"].to_dataset()
    history = cells["history"].values[0]
    assert history[-1] < 0.5 * history[0]
    # Recorded rates are those of the known cell.
    count = np.bincount(known["spike_trial"].values, minlength=11)
    responses = tree["analysis/responses"].to_dataset()
    np.testing.assert_allclose(responses["recorded_rate"], count / 0.3, atol=4)
    held = (responses["fitted"] == 0) & (responses["recorded_rate"] > 0)
    assert held.sum() >= 2
    # What the search gathered on the way is what a labelled run of the best cell shows.
    assert np.abs(responses["rate"][0] - tree["model/fi"]["rate"]).max() <= 1 / 0.3 + 1e-6
    assert set(done.figures) == {"curves", "potentials_low", "potentials_high"}
    assert "rate error, held-out steps" in done.summary


def test_responses_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    theta = rng.random((len(BOUNDS), 5))
    cells = cell(theta, 25.0)
    current = np.zeros((1500, 2), np.float32)
    current[500:] = [80.0, 250.0]
    protocol = Protocol(current, np.float32(0.2), 500, 1500, 1400, np.float32(-65.0))
    found = response(cells, protocol)
    p = {name: np.asarray(getattr(cells, name).value(), float) for name in BOUNDS}
    v = np.full((2, 5), -65.0)
    u = np.broadcast_to(p["b"] * (-65 - p["vr"]), (2, 5)).copy()
    count, first = np.zeros((2, 5)), np.full((2, 5), np.inf)
    for k in range(1500):
        i = current[k][:, None]
        dv = (p["k"] * (v - p["vr"]) * (v - p["vt"]) - u + i) / p["C"]
        du = p["a"] * (p["b"] * (v - p["vr"]) - u)
        v, u = v + 0.2 * dv, u + 0.2 * du
        fired = v >= 25
        v, u = np.where(fired, p["c"], v), u + p["d"] * fired
        if k >= 500:
            first = np.where(fired & (count == 0), (k - 499) * 0.2, first)
            count = count + fired
    assert count.max() > 3
    # In float32 a spike may move by a step, and one may fall out of the window.
    assert np.abs(np.asarray(found.count) - count).max() <= 1
    both = np.isfinite(first) & np.isfinite(found.latency)
    np.testing.assert_allclose(np.asarray(found.latency)[both], first[both], atol=0.5)


def test_a_recording_without_currents_is_refused(tmp_path):
    ds = nd.datasets.load("decision_example")
    nd.save(tmp_path / "other.nc", ds)
    with pytest.raises(ValueError, match="potentials 'v' and currents 'i'"):
        experiments.run("fit_izhikevich", settings={"recording": str(tmp_path / "other.nc")})
