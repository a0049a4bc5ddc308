"""Figures and summary of the what/when experiment."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import plot
from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.ensembles import interval
from neurodyn.experiments.what_when.models import METHODS

EVENTS = {"a": "event A", "b": "event B"}
#: Trials whose errors the paper reports.
REPORTED = (1, 10, 50, 100)


def figures(tree: xr.DataTree) -> dict[str, Any]:
    """Every figure, by name."""
    sweep, switches = (tree[f"model/{n}"].to_dataset() for n in ("sweep", "switches"))
    n_trials = settings_in(tree)["n_trials"]
    marks = [float(n_trials * b) for b in range(1, int(switches["block"].max()) + 1)]
    error = switches["error"]
    curves = {
        title: _interval(error.sel(rule=method), "trial", "trained")
        for method, title in METHODS.items()
    }
    amplitude = {
        name: _interval(final(sweep)[f"amplitude_{k}"], "sweep", "probability")
        for k, name in EVENTS.items()
    }
    learning = _interval(sweep["error"].mean("sweep", keep_attrs=True), "trial", "trained")
    angles = tree["analysis/angles"].to_dataset()
    return {
        "outputs": plot.expectations(sweep.isel(epoch=-1), dim="sweep", by="probability"),
        "amplitude": plot.intervals_over(
            {"after the last trial": amplitude}, over="probability", identity=True
        ),
        "learning": plot.intervals_over(
            {"mean over probabilities": {"local rules": learning}}, over="trained"
        ),
        "switches": plot.intervals_over(
            {"error after the cue alone": curves}, over="trained", marks=marks, highest=0.4
        ),
        "outputs_switches": plot.expectations(switches.sel(rule="local"), dim="epoch", by="epoch"),
        "angles": plot.angle_chance(angles),
    }


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    sweep, switches = (tree[f"model/{n}"].to_dataset() for n in ("sweep", "switches"))
    rows = {"networks": f"{sweep.sizes['seed']}"}
    ends = final(sweep)
    p = sweep["probability"].values
    for k, name in EVENTS.items():
        values = ends[f"amplitude_{k}"].transpose("seed", "sweep").values
        each = xr.DataArray([np.corrcoef(p, v)[0, 1] for v in values], dims="seed")
        rows[f"r of amplitude and probability, {name}, each network"] = spread(each)
        together = np.corrcoef(p, values.mean(0))[0, 1]
        rows[f"r of amplitude and probability, {name}, mean of networks"] = f"{together:.3f}"
    error = sweep["error"].mean("sweep")
    for n in REPORTED:
        here = np.flatnonzero(sweep["trained"].values == n)
        if len(here):
            rows[f"error after trial {n}"] = spread(error.isel(trial=int(here[0])))
    rows["error without output"] = f"{float(_silence(sweep).mean()):.3f}"
    rows["share of the expectation explained after the last trial"] = spread(
        (1 - (ends["error"] / _silence(sweep).isel(epoch=-1)) ** 2).mean("sweep")
    )
    inner = ends.isel(sweep=slice(1, -1))
    for k, name in EVENTS.items():
        rows[f"timing error (ms), {name}"] = spread(inner[f"timing_{k}"].mean("sweep"))
    rows |= _recovery(switches)
    return rows | _angles(tree["analysis/angles"].to_dataset())


def _recovery(switches: xr.Dataset) -> dict[str, str]:
    """Errors before and after each switch, by method."""
    rows, local = {}, {}
    names = {1: "probability", 2: "timing", 3: "both"}
    block = switches["block"].values
    for method, title in METHODS.items():
        error, silence = (x.sel(rule=method) for x in (switches["error"], _silence(switches)))
        for b in range(int(block.max()) + 1):
            here = np.flatnonzero(block == b)
            end = error.isel(trial=int(here[-1]))
            if b == 0:
                rows[f"{title}: error at the end of the first block"] = spread(end)
                continue
            first = error.isel(trial=int(here[0]))
            rows[f"{title}: error after the switch of {names[b]}, first and last trial"] = (
                f"{spread(first)}; {spread(end)}"
            )
            rows[f"{title}: trials until half of the error without output, {names[b]}"] = _until(
                error.isel(trial=here), switches["trained"].values[here], silence.isel(epoch=b)
            )
            if method == "local":
                local[b] = end
            else:
                rows[f"{title}: last error less that of local rules, {names[b]}"] = spread(
                    end - local[b]
                )
    return rows


def _silence(ds: xr.Dataset) -> xr.DataArray:
    """Error of an output that stays at zero."""
    return (ds["expected"] ** 2).mean(["time", "output"]) ** 0.5


def _until(error: xr.DataArray, trained: np.ndarray, silence: xr.DataArray) -> str:
    """Number of trials of a block until the error is half of that without output, as text."""
    there = (error.transpose("seed", "trial") <= silence / 2).values
    first = (trained[there.argmax(axis=1)] - trained[0] + 1)[there.any(axis=1)]
    reached = f"{len(first)} of {len(there)} networks"
    return f"{reached}, median {np.median(first):.0f}" if len(first) else reached


def _angles(angles: xr.Dataset) -> dict[str, str]:
    rows = {}
    for c in range(angles.sizes["component"]):
        one = angles.isel(component=c)
        which = ("smallest", "largest")[c] if angles.sizes["component"] == 2 else f"{c}."
        rows[f"{which} angle of what and when (degrees)"] = spread(one["angle"].mean("sweep"))
        rows[f"{which} angle, units shuffled"] = f"{float(one['shuffled'].mean()):.1f}"
        rows[f"{which} angle, random spans"] = (
            f"{float(one['chance']):.1f}, 2.5 % below {float(one['chance_low']):.1f}"
        )
    return rows


def final(ds: xr.Dataset) -> xr.Dataset:
    """Scores of the last test."""
    return ds.isel(trial=-1)


def spread(values: xr.DataArray) -> str:
    """Mean over networks, with its bootstrap interval for three networks or more."""
    values = values.dropna("seed")
    if values.sizes["seed"] == 0:
        return "none"
    text = f"{float(values.mean()):.3f}"
    if values.sizes["seed"] < 3:
        return text
    ends = interval(values, few=3)
    return f"{text} ({float(ends['low']):.3f} to {float(ends['high']):.3f})"


def _interval(values: xr.DataArray, dim: str, over: str) -> xr.Dataset:
    """Mean over networks along a dim, with its interval or range."""
    ds = interval(values, few=3)
    name = "height of the bump" if "bump" in values.attrs["long_name"] else "error (rms)"
    ds["mean"].attrs = values.attrs | {"long_name": name}
    return ds.assign_coords({over: (dim, values[over].values, values[over].attrs)})
