"""Target of the fit, its loss, and the errors of fitted neurons."""

import dataclasses

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.fit_izhikevich.search import BOUNDS, Response
from neurodyn.experiments.fit_izhikevich.settings import LATE, Settings

#: Scales of errors: Hz, mV, and the logarithm of a latency.
SCALE = {"rate": 5.0, "potential": 5.0, "latency": 0.2}


@dataclasses.dataclass(frozen=True)
class Target:
    """Responses of the recorded cell in each sweep.

    Attributes
    ----------
    current
        Injected current [pA].
    rate, latency, potential
        Firing rate [Hz], latency of the first spike [ms], and mean potential late in the step [mV].
    fires, fitted
        Whether the cell fires, and whether the sweep counts in the fit.
    seconds
        Duration of a step [s].
    """

    current: np.ndarray
    rate: np.ndarray
    latency: np.ndarray
    potential: np.ndarray
    fires: np.ndarray
    fitted: np.ndarray
    seconds: float


def target_of(recorded: xr.Dataset, wanted: xr.Dataset, settings: Settings) -> Target:
    """Responses of the recorded cell.

    Raises
    ------
    ValueError
        If two sweeps have the same current, or the cell fires in fewer than three sweeps.
    """
    step = recorded["step"].values
    if len(np.unique(step)) != len(step):
        raise ValueError(f"Each sweep needs a different current, got {step.tolist()} pA.")
    rate = wanted["rate"].values
    fires = rate > 0
    if fires.sum() < 3:
        raise ValueError(
            f"The cell fires in {fires.sum()} sweeps, but an f-I curve needs three; record more "
            "current steps, or correct the setting 'window'."
        )
    held = np.zeros(len(step), bool)
    held[np.flatnonzero(fires)[settings.hold_out - 1 :: settings.hold_out]] = True
    stop = settings.window[1]
    late = labels.between(recorded["v"], (stop - LATE, stop)).mean("time").values
    return Target(
        current=step,
        rate=rate,
        latency=wanted["latency"].values,
        potential=late,
        fires=fires,
        fitted=~held & (step >= settings.hyperpolarised),
        seconds=(stop - settings.window[0]) / 1e3,
    )


def total_loss(found: Response, target: Target, settings: Settings) -> np.ndarray:
    """Loss of each cell: mean squared errors of rate, latency and potential in units of `SCALE`."""
    here = target.fitted
    rate = (found.count / target.seconds - target.rate[:, None]) / SCALE["rate"]
    total = (rate[here] ** 2).mean(0)
    some = here & target.fires
    longest = np.minimum(found.latency[some], 1e3 * target.seconds)
    latency = np.log(longest / target.latency[some, None]) / SCALE["latency"]
    total = total + settings.latency * (latency**2).mean(0)
    quiet = here & ~target.fires
    potential = (found.potential[quiet] - target.potential[quiet, None]) / SCALE["potential"]
    return total + settings.potential * (potential**2).mean(0) if quiet.any() else total


def cell_table(cells, losses, found, target: Target, histories, best: int) -> xr.Dataset:
    """Parameters and errors of the best neuron of each search."""
    error = np.asarray(found.count).T / target.seconds - target.rate[None, :]

    def rmse(which: np.ndarray) -> np.ndarray:
        return np.sqrt((error[:, which] ** 2).mean(1))

    variables: dict[str, tuple] = {
        name: ("seed", np.asarray(getattr(cells, name).value()), bound.units, bound.long_name)
        for name, bound in BOUNDS.items()
    }
    fitted, held = target.fitted & target.fires, ~target.fitted & target.fires
    variables |= {
        "loss": ("seed", losses, "1", "loss"),
        "error_fitted": ("seed", rmse(fitted), "Hz", "rate error, fitted steps"),
        "error_held_out": ("seed", rmse(held), "Hz", "rate error, held-out steps"),
        "history": (("seed", "iteration"), np.stack(histories), "1", "best loss so far"),
    }
    return labels.dataset(
        variables,
        {},
        source="analysis",
        kind="statistic",
        attrs={"best": best, "vpeak": float(np.asarray(cells.vpeak.value())[0])},
    )


def responses(found: Response, target: Target, settings: Settings) -> xr.Dataset:
    """Responses of every fitted neuron in every sweep, beside the recorded ones."""
    count, latency, potential = (np.asarray(x).T for x in found)
    latency = np.where(np.isfinite(latency), latency, np.nan)
    dims = ("seed", "sweep")
    variables = {
        "rate": (dims, count / target.seconds, "Hz", "firing rate"),
        "latency": (dims, latency, "ms", "latency of the first spike"),
        "potential": (dims, potential, "mV", "mean potential late in the step"),
        "recorded_rate": ("sweep", target.rate, "Hz", "recorded firing rate"),
        "recorded_latency": ("sweep", target.latency, "ms", "recorded latency"),
        "recorded_potential": ("sweep", target.potential, "mV", "recorded mean potential"),
        "fitted": ("sweep", target.fitted.astype(int), "1", "whether the sweep counted in the fit"),
    }
    coords = {"current": ("sweep", target.current, "pA", "injected current")}
    return labels.dataset(variables, coords, source="analysis", kind="statistic", values=False)
