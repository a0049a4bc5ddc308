"""Runs through several trials, cut into them when they are labelled."""

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.engine.record import Save
from neurodyn.simulation.plan import Plan


def check_parts(plan: Plan, save: Save) -> None:
    """Refuse records that cannot be cut where one trial ends and the next begins."""
    if _parts(plan) is None:
        return
    if save.every != 1 or save.window is not None:
        raise ValueError(
            f"Runs of a {type(plan.task).__name__} are cut into their trials, which needs every "
            "step: leave out `every` and `window`, or run the sessions in one piece, "
            "simulate(model, task.batch(key, n), ...)."
        )


def by_part(plan: Plan, arrays: dict[str, np.ndarray]) -> tuple[Plan, dict[str, np.ndarray]]:
    """The plan and the records with a row for each trial that the runs went through."""
    parts = _parts(plan)
    if parts is None:
        return plan, arrays
    view, rows = plan.task.rows(plan.trials)
    n, first = rows.inputs.shape[0], plan.coords["trial"].values[0] * parts.n
    coords = {
        name: xr.Variable("trial", values, {"units": unit})
        for name, (values, unit) in view.coordinates(rows).items()
    }
    cut = {name: parts.cut(a) for name, a in arrays.items() if not name.startswith("spike_")}
    if "spike_time" in arrays:
        cut |= _spikes(plan, parts, arrays, float(view.t0))
    return replace(
        plan,
        task=view,
        trials=rows,
        given=rows,
        n_steps=parts.size,
        n_trials=n,
        t0=float(view.t0),
        align_event=view.align_event,
        coords={"trial": xr.Variable("trial", first + np.arange(n))} | coords,
        n_valid=rows.n_valid,
    ), cut


def _parts(plan: Plan) -> Any:
    return None if plan.task is None or plan.trials is None else plan.trials.parts


def _spikes(plan: Plan, parts: Any, arrays: dict[str, np.ndarray], t0: float) -> dict[str, Any]:
    """Spikes with the trial that they fall into, and their time in it; none after a session."""
    step = np.rint((arrays["spike_time"] - plan.t0) / plan.dt).astype(int) - 1
    session = arrays["spike_trial"]
    edges = np.asarray(parts.edges)
    after = (edges[session, 1:] <= step[:, None]).sum(1)
    inside = after < parts.n
    part, session, step = after[inside], session[inside], step[inside]
    return {
        "spike_trial": session * parts.n + part,
        "spike_time": t0 + (step - edges[session, part] + 1) * plan.dt,
        "spike_unit": arrays["spike_unit"][inside],
    }
