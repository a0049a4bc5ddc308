"""Windows of records and interventions, which count from the start of a run."""

from collections.abc import Sequence

import numpy as np

from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.record import Save, window_steps
from neurodyn.simulation.plan import Plan


def check_window(plan: Plan, window: tuple[float, float]) -> None:
    """Refuse a window that leaves the run; the error gives times of the run and of its labels."""
    try:
        window_steps(Save(window=window), plan.dt, plan.n_steps)
    except ValueError as error:
        raise ValueError(f"{error} {_two_clocks(plan)}") from error


def check_times(plan: Plan, interventions: Sequence[AbstractIntervention]) -> None:
    """Refuse an intervention in whose window no step starts, because it would change nothing."""
    starts = np.arange(plan.n_steps) * plan.dt
    starts += 2 * float(np.finfo(np.float32).eps) * starts  # edges as the run itself compares them
    for each in interventions:
        start, stop = each.window() or (-np.inf, np.inf)
        if not ((starts >= start) & (starts < stop)).any():
            raise ValueError(
                f"{type(each).__name__}: no step starts from {start:g} to {stop:g} ms of the run, "
                f"which has {plan.n_steps} steps of {plan.dt:g} ms, so it would have no effect. "
                f"{_two_clocks(plan)}"
            )


def _two_clocks(plan: Plan) -> str:
    last = plan.t0 + plan.n_steps * plan.dt
    return (
        "A window counts from the start of the run, while its labels count from time 0 "
        f"({plan.align_event}) and go from {plan.t0:g} to {last:g}: the label t is at "
        f"t - ({plan.t0:g}) of the run."
    )
