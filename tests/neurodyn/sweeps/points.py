"""What the tests sweep over, in a module that workers can import."""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

import jax
import numpy as np
import xarray as xr

import neurodyn as nd
from neurodyn import experiments


def draw(tau, kind="a", n=3, *, key):
    """All kinds of results."""
    x = tau * jax.random.normal(key, (n,))
    rate = xr.DataArray(
        np.arange(3.0) * tau,
        dims="time",
        coords={"time": [1.0, 2.0, 3.0], "name": ("time", ["p", "q", kind])},
        attrs={"units": "Hz", "long_name": "rate"},
    )
    return {"x": x, "count": 3, "over": tau > 15, "word": kind * 2, "rate": rate}


def fitted(units, steps=10, *, key):
    """A trained network, and a run of it."""
    task = nd.tasks.PerceptualDecision(dt=50.0)
    first, second, third = jax.random.split(key, 3)
    model = nd.models.CTRNN(task.n_inputs, units, task.n_outputs, key=first)
    fit = nd.fit(model, task, steps=steps, batch_size=8, key=second, progress=False)
    return nd.simulate(fit.model, task, n_trials=2, key=third, progress=False)


def hazard(i, folder, killers=(), raisers=(), gate=10**9, *, key):
    """A point that notes its begin and its end, and may kill its worker once, raise, or wait."""
    folder = Path(folder)
    _note(folder, f"begin {i}")
    mark = folder / f"killed-{i}"
    if i in killers and not mark.exists():
        mark.touch()
        time.sleep(0.5)  # so that what finished before on this worker has been fetched
        os.kill(os.getpid(), signal.SIGKILL)
    if i in raisers:
        raise ValueError(f"point {i} is not to be")
    if i >= gate:
        until = time.monotonic() + 120
        while not (folder / "open").exists() and time.monotonic() < until:
            time.sleep(0.02)
    value = jax.random.uniform(key) + i
    _note(folder, f"end {i}")
    return {"square": float(i) ** 2, "value": value}


#: Points that `broken` was called for in this process; None repairs it.
TRIES = []


def broken(i):
    """Errors, and results that do not fit."""
    TRIES.append(i)
    if i == 1 and None not in TRIES:
        raise KeyError("no entry\nof that name")
    if i == 2:
        return {"x": np.zeros(3), "y": 1.0}
    if i == 3:
        return {"x": xr.DataArray(np.zeros(2), dims="t", coords={"t": [0, i]}), "y": 1.0}
    if i == 4 and None not in TRIES:
        return object()
    if i == 5 and None not in TRIES:
        return {"x": np.array([1, 2**60]), "y": 1.0}
    return {"x": xr.DataArray(np.zeros(2), dims="t", coords={"t": [0, 1]}), "y": float(i)}


def deadly(i):
    """Always kills its worker at one value."""
    if i == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return i


def _note(folder, text):
    with open(folder / "notes", "a", encoding="utf-8") as file:
        file.write(text + "\n")


def notes(folder, what):
    """How often each point was noted."""
    lines = (Path(folder) / "notes").read_text(encoding="utf-8").splitlines()
    return np.bincount([int(line.split()[1]) for line in lines if line.split()[0] == what])


@dataclasses.dataclass(frozen=True)
class Settings(experiments.SeededSettings):
    """Settings.

    Attributes
    ----------
    gain
        Gain [Hz].
    currents
        Currents [pA].
    n_networks
        Number of networks.
    """

    gain: experiments.Positive = 1.0
    currents: tuple[float, ...] = (0.0, 1.0)
    n_networks: experiments.Count = 1


def _run(settings, run):
    seeds = list(experiments.seeds_of(settings, settings.n_networks))
    if settings.gain == 13:
        raise RuntimeError("thirteen")
    rates = settings.gain * (np.array(seeds)[:, None] + np.array(settings.currents))
    scores = nd.labels.dataset(
        {"rate": (("seed", "sweep"), rates, "Hz", "firing rate")},
        {"seed": np.array(seeds)},
        source="model",
    )
    trials = xr.Dataset({"x": ("trial", np.zeros(3 + settings.seed))}, attrs={"source": "model"})
    return experiments.result({"/analysis/scores": scores, "/model/trials": trials}, settings)


GAIN = experiments.Experiment(
    name="gain_of_tests",
    title="What is a gain?",
    presets={"quick": Settings(), "large": Settings(currents=(0.0, 1.0, 2.0))},
    run=_run,
    summary=lambda tree: {"largest": f"{tree['analysis/scores/rate'].values.max():.1f}"},
)


def child(folder, options):
    """A process that sweeps, to be killed."""
    nd.sweep(hazard, out=Path(folder) / "s.zarr", progress=False, **json.loads(options))
