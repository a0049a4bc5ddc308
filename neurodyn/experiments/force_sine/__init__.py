"""FORCE in networks of Izhikevich neurons, which learn to generate a sine by themselves."""

import jax
import numpy as np
import xarray as xr

from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.engine.record import Save, unpack_spikes
from neurodyn.experiments.force_sine.figures import figures, summary
from neurodyn.experiments.force_sine.network import force_network
from neurodyn.experiments.force_sine.scores import scored
from neurodyn.experiments.force_sine.settings import PRESETS, Settings
from neurodyn.experiments.running.experiment import Experiment, Run
from neurodyn.experiments.running.resume import Resumed
from neurodyn.experiments.running.seeds import result, seeds_of
from neurodyn.params import with_values
from neurodyn.tasks import Sines

__all__ = ["EXPERIMENT"]


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Simulate every network second by second; a resumed run keeps its finished seconds.

    Returns
    -------
    xr.DataTree
        On (sweep, seed), where `sweep` is the size: ``/model/output``, ``/model/rate`` and
        ``/analysis/scores``.
    """
    parts = []
    for n in settings.sizes:
        seeds = seeds_of(settings, settings.n_networks)
        members = [_one(settings, n, seed, run) for seed in seeds]
        parts.append(xr.concat(members, "seed", join="exact", combine_attrs="drop_conflicts"))
    ds = xr.concat(parts, "sweep", join="exact", combine_attrs="drop_conflicts")
    units = {"units": "1", "long_name": "number of neurons"}
    ds = ds.assign_coords(n_neurons=("sweep", np.asarray(settings.sizes), units))
    traces = ("output", "target", "rate")
    tree = {
        "/model/output": ds[["output", "target"]],
        "/model/rate": ds[["rate"]],
        "/analysis/scores": ds[[name for name in ds.data_vars if name not in traces]],
    }
    return result(tree, settings)


def _one(settings: Settings, n: int, seed: int, run: Run) -> xr.Dataset:
    """Output, rate and scores of one network."""
    seconds = settings.before + settings.learn + settings.after
    steps = round(1000.0 / settings.dt)
    task = Sines(settings.dt, frequencies=settings.frequency, duration=1000.0 * seconds)
    target = task.batch(0, 1, start=0.0).targets[0]
    network = force_network(settings, n, (0, n, seed))
    like = jax.eval_shape(lambda: with_values(network).initial_state(dt=settings.dt))
    done = Resumed(run, f"n{n}_{seed}", settings)
    results, state = done.load(like)
    z, rate = (list(results.get(name, ())) for name in ("output", "rate"))
    for second in range(len(rate), seconds):
        here = slice(second * steps, (second + 1) * steps)
        part = integrate(
            network,
            Drive(target=target[here]),
            dt=settings.dt,
            state=state,
            start=second * steps,
            save=Save(spikes="packed"),
        )
        state = part.final_state
        z.append(np.asarray(part.outputs[:, 0], np.float64))
        units = unpack_spikes(np.asarray(part.spikes)[:, None], n)[2]
        rate.append(len(units) / n)
        results = {"output": np.stack(z), "rate": np.array(rate)}
        done.save(results, state if second + 1 < seconds else None)
    return scored(settings, results["output"].ravel(), np.asarray(target[:, 0]), results["rate"])


EXPERIMENT = Experiment(
    name="force_sine",
    title="Can a network of Izhikevich neurons learn to generate a sine by itself?",
    reference=("nicola2017", "sussillo2009", "izhikevich2007"),
    presets=PRESETS,
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "{n_networks} networks of each of the sizes {sizes} learnt by recursive least squares "
        "to generate a sine of {frequency} Hz, which their output feeds back to all neurons. "
        "They learnt for {learn} s after {before} s of activity, and then ran for {after} s "
        "without the sine."
    ),
    ranges=(
        "Values are means over networks; in brackets their bootstrap interval of 95 %, from "
        "five networks on, followed by their range."
    ),
    captions={
        "output_": (
            "Output of the first network of this size and the sine: when learning begins, when it "
            "ends, and at the end of the run."
        ),
        "scores": (
            "Scores of every network against its number of neurons; lines mark the scores of a "
            "good network."
        ),
    },
)
