"""Scores of a trained network: timescales, lesions, and further training."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.common.random import as_key
from neurodyn.experiments.timescales.heads import head_of, read_at_every_step, with_one_head
from neurodyn.experiments.timescales.networks import (
    Variant,
    at_hold,
    optimizer_of,
    raw_tau,
    sizes,
    task_of,
)
from neurodyn.experiments.timescales.trained import Trained
from neurodyn.tasks.memory.bits import AbstractBitTask
from neurodyn.training import FreshTrials, fit

#: Sizes of the noise on weights and on time constants, as published.
WEIGHT_NOISE = np.geomspace(1e-2, 10, 10)
TAU_NOISE = np.geomspace(1e-3, 10, 13)
#: Fitted lags and longest time constant, in bits, as published.
MAX_LAG, LONGEST = 30, 100.0
#: Tested steps per bit, within the published 1 to 200.
HOLDS = 1, 2, 5, 7, 10, 15, 20, 50, 100, 200
#: Smallest share of the amplitude of a second exponential in the strict means.
STRICT = 0.05


def timescales(settings, variant: Variant, network, n: int, key) -> xr.Dataset:
    """Timescales of the activity, and trained time constants.

    All times are in bits, so that networks with bits of different lengths can be compared.
    """
    del n
    task = task_of(settings, variant)
    low, high = np.asarray(task.levels).tolist()
    run = analysis.network_timescale(
        network,
        levels=(low, high),
        hold=task.hold,
        n_steps=settings.n_steps,
        n_trials=settings.n_trials,
        max_lag=MAX_LAG * task.hold,
        longest=LONGEST * task.hold,
        chunk=max(2000, MAX_LAG * task.hold),
        key=key,
    )
    acf = run["autocorrelation"]
    lags = labels.clock(acf, dim="lag").time
    lag = ("lag", lags / task.hold, {"units": "1", "long_name": "lag, in bits"})
    acf = acf.assign_coords(lag=lag).assign_attrs(units="1")
    window = {"max_lag": float(MAX_LAG), "longest": LONGEST}
    fit = run if task.hold == 1 else analysis.fit_exponentials(acf, **window)
    strict = analysis.fit_exponentials(acf, **window, least_share=STRICT)
    rows: dict[str, Any] = {str(k): v for k, v in analysis.timescale_summary(fit).items()}
    careful = analysis.timescale_summary(strict)
    for name in ("fraction_above", "mean_above", "sd_above", "fraction_double"):
        about = careful[name].attrs
        phrase = f"{about['long_name']}, without faint second exponentials"
        rows[f"{name}_strict"] = ((), careful[name].values, about | {"long_name": phrase})
    rows["population_tau"] = run["population_tau"] / task.hold
    rows["population_tau"].attrs = run["population_tau"].attrs
    about = {"units": "1", "long_name": "components for 90% of the variance, mean over trials"}
    rows["dimension"] = ((), float(run["dimension"].mean()), about)
    rows["units_autocorrelation"], rows["units_tau"] = acf, fit["tau"]
    tau = raw_tau(network)
    if tau is not None:
        about = {"units": "1", "long_name": "time constant as trained"}
        rows["units_own_tau"] = ("unit", tau, about)
    return xr.Dataset(rows).drop_vars(["own_tau", "n_samples"], errors="ignore")


def ablation(settings, variant: Variant, network, n: int, key) -> xr.Dataset | None:
    """Relative accuracy without one of the fastest or slowest units; None for equal units."""
    tau = raw_tau(network)
    if tau is None or not np.ptp(tau):
        return None
    count = min(settings.n_ablated, len(tau) // 2)
    model = with_one_head(settings, variant, network, head_of(network, variant, n))
    task = read_at_every_step(settings, variant, n, scored=settings.n_scored)
    fast, slow = analysis.extreme_units(tau, count)
    units = np.concatenate([fast, slow])
    result = analysis.ablation(model, task, units, n_trials=settings.n_repeats, key=key)
    relative = result["relative_accuracy"].values
    about = {"units": "1", "long_name": "accuracy relative to the intact network"}
    rows = {
        "fast": ("unit", relative[:count], about | {"long_name": "without one fast unit"}),
        "slow": ("unit", relative[count:], about | {"long_name": "without one slow unit"}),
        "fast_tau": ("unit", tau[fast], {"units": "1", "long_name": "time constant, fast units"}),
        "slow_tau": ("unit", tau[slow], {"units": "1", "long_name": "time constant, slow units"}),
        "baseline": result["baseline"],
        "intact": result["intact"].mean(keep_attrs=True),
    }
    return xr.Dataset(rows)


def perturbation(
    parameter: str, noise: np.ndarray
) -> Callable[[Any, Variant, Any, int, Any], xr.Dataset | None]:
    """Accuracy with noise on one parameter."""

    def measure(settings, variant: Variant, network, n: int, key) -> xr.Dataset | None:
        if raw_tau(network) is None:
            return None
        model = with_one_head(settings, variant, network, head_of(network, variant, n))
        task = read_at_every_step(settings, variant, n, scored=settings.n_scored)
        result = analysis.perturbation(
            model, task, parameter, noise, n_repeats=settings.n_repeats, key=key
        )
        accuracy = result["accuracy"].mean("repetition", keep_attrs=True)
        return xr.Dataset(
            {
                "accuracy": accuracy,
                "relative_accuracy": result["relative_accuracy"],
                "finite": result["finite"],
                "baseline": result["baseline"],
            }
        )

    return measure


def by_hold(settings, variant: Variant, network, n: int, key) -> xr.Dataset:
    """Accuracy by the number of steps per bit, with the number in training."""
    model = with_one_head(settings, variant, network, head_of(network, variant, n))
    task = task_of(settings, variant._replace(curriculum="single")).with_ns(n)
    found = accuracy_by_hold(model, task, HOLDS, n_batches=settings.n_test, key=key)
    about = {"units": "1", "long_name": "steps per bit in training"}
    return found.assign(trained_hold=((), float(settings.hold), about))


def accuracy_by_hold(
    model: Any,
    task: AbstractBitTask,
    holds: Sequence[int],
    *,
    n_batches: int = 10,
    batch_size: int = 256,
    key: Any,
) -> xr.Dataset:
    """Accuracy for several numbers of steps per bit, with the same time constants in bits.

    Parameters
    ----------
    model
        A network trained with ``hold`` above 1.
    task
        The task that the model has solved.
    holds
        Tested steps per bit; published: 1 to 200.
    n_batches, batch_size
        Number of test batches, and of sequences in each.
    key
        Seed or key of the sequences, which are the same for each of ``holds``.

    Returns
    -------
    xr.Dataset
        ``accuracy`` on ``sweep``, whose coordinate is the number of steps per bit.
    """
    found, key = [], as_key(key, needed_for="Drawing sequences")
    for hold in holds:
        held = type(task)(
            task.ns[task.ns > 0].tolist(),
            n_heads=task.n_heads,
            p=task.p.tolist(),
            levels=task.levels.tolist(),
            hold=hold,
        )
        found.append(_accuracy(at_hold(model, hold), held, FreshTrials(n_batches, batch_size), key))
    return labels.dataset(
        {"accuracy": ("sweep", np.asarray(found, np.float64), "1", "fraction correct")},
        {"sweep": ("sweep", np.asarray(holds), "1", "steps per bit")},
        source="analysis",
    )


@eqx.filter_jit
def _accuracy(model, task, test, key) -> jax.Array:
    return test(model, task, key=key)["correct"]


def retraining(settings, trained: Trained, variant: Variant, n: int, key, once) -> xr.Dataset:
    """Accuracy for each larger N after a few epochs of training on it alone, with the same head.

    Every larger N is kept in a file of its own, so that an interrupted run can continue.
    """
    batch_size, epoch = sizes(settings)
    network = trained.network(variant, n)
    start = with_one_head(settings, variant, network, head_of(network, variant, n))
    task = task_of(settings, variant._replace(curriculum="single"))
    optimizer = optimizer_of(settings)
    about = {"units": "1", "long_name": "accuracy after training further"}

    def trained_further(target: int) -> xr.Dataset:
        done = fit(
            start,
            task.with_ns(target),
            optimizer=optimizer,
            steps=settings.retrain_epochs * epoch,
            batch_size=batch_size,
            evaluate=FreshTrials(settings.n_test, batch_size),
            evaluate_every=settings.retrain_epochs * epoch,
            progress=False,
            key=jax.random.fold_in(key, target),
        )
        accuracy = float(done.history["validation_correct"][-1])
        return xr.Dataset({"accuracy": ((), accuracy, about)})

    targets = np.arange(settings.retrain_from, settings.retrain_to + 1)
    parts = [once(partial(trained_further, target), f"-{target}") for target in targets.tolist()]
    accuracy = np.array([float(part["accuracy"]) for part in parts])
    target_n = ("sweep", targets, {"units": "1", "long_name": "N trained further"})
    return xr.Dataset({"accuracy": ("sweep", accuracy, about)}, {"target_n": target_n})
