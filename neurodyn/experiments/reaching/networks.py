"""Networks that learn to reach, with and without constraints, and their activity."""

from typing import Any

import jax
import optax
import xarray as xr

from neurodyn import trials
from neurodyn.analysis import rebin
from neurodyn.experiments.reaching.settings import Settings
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.seeds import seeds_of, shared_key
from neurodyn.labels import clock
from neurodyn.models import CTRNN, GRU, spiking
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import CenterOut
from neurodyn.training import Seeds, Supervised, fit

#: Time before the target appears, and after the movement [ms].
CENTER, HOLD = 100.0, 100.0


def task_of(settings: Settings, variant: str, *, train: bool) -> CenterOut:
    """The task, with delays that vary in training."""
    delay = settings.delay if train else sum(settings.delay) / 2
    return CenterOut(
        settings.dt_spiking if variant == "spiking" else settings.dt,
        center=CENTER,
        delay=delay,
        reaction=settings.reaction,
        movement=settings.movement,
        hold=HOLD,
    )


def network(settings: Settings, variant: str, task: CenterOut, key: Any) -> Any:
    """A network of random weights."""
    if variant == "spiking":
        return spiking.recurrent_network(
            task.n_inputs,
            settings.n_spiking,
            task.n_outputs,
            neuron=spiking.LIF(settings.n_spiking, tau=20.0),
            synapse=spiking.Exponential(20.0),
            filter=spiking.Exponential(40.0, exact=True),
            surrogate=spiking.Triangle(10.0, height=0.05),
            key=key,
        )
    sizes = task.n_inputs, settings.n_units, task.n_outputs
    if variant == "gru":
        return GRU(*sizes, key=key)
    noise = settings.noise_std if variant == "noisy" else None
    return CTRNN(*sizes, tau=settings.tau, form="current", noise_std=noise, key=key)


def trained(settings: Settings, run: Run, variant: str) -> tuple[list[Any], xr.Dataset | None]:
    """Networks of one variant, and the history of their training.

    The variants of the continuous network start from the same weights.
    """
    task, key = task_of(settings, variant, train=True), shared_key(0)
    seeds = seeds_of(settings, settings.n_networks)

    def make(key: Any) -> Any:
        return network(settings, variant, task, key)

    if variant == "untrained":
        return [make(jax.random.fold_in(key, seed)) for seed in seeds], None
    slow = variant == "spiking"
    steps = settings.steps_spiking if slow else settings.steps
    rate = settings.learning_rate_spiking if slow else settings.learning_rate
    objective = Supervised()
    if variant == "penalised":
        objective = Supervised(
            rate_penalty=settings.rate_penalty, weight_penalty=settings.weight_penalty
        )
    found = fit(
        make,
        task,
        objective=objective,
        steps=steps,
        batch_size=settings.batch_size,
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate)),
        ensemble=Seeds(settings.n_networks, seeds=seeds),
        evaluate_every=max(1, steps // 10),
        key=key,
        **run.training(variant),
    )
    return [found.model[i] for i in range(settings.n_networks)], found.history


def activity(
    settings: Settings, run: Run, variant: str, model: Any, like: xr.DataArray, peak: float
) -> tuple[xr.DataArray, xr.Dataset]:
    """Mean activity of each direction in the time bins of a recording, and its trials.

    Parameters
    ----------
    settings, run, variant, model
        Settings, progress, and the network.
    like
        Recorded rates, which give the bins.
    peak
        Time at which the recorded hand is fastest [ms]; activity is shifted so that the peak of the
        trained speed, the middle of the movement, lies there.
    """
    task = task_of(settings, variant, train=False)
    saved = () if variant == "spiking" else ("hidden" if variant == "gru" else "rate",)
    made = simulate(
        model,
        task,
        repeats=settings.repeats,
        key=shared_key(1),
        save=saved,
        progress=run.progress,
    )
    if saved:
        means = trials.average(made[list(saved)], by="direction")[saved[0]]
        means = trials.smooth(means, settings.sigma)
    else:
        found = trials.psth(
            made, by="direction", bin_width=settings.dt_spiking, sigma=settings.sigma
        )
        means = found["rate"]
    shift = round((peak - settings.movement / 2) / settings.dt) * settings.dt
    time = clock(means, what="activity").time + shift
    moved = means.assign_coords(time=("time", time, means["time"].attrs))
    return rebin(moved, like), made
