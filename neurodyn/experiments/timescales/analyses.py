"""What trained networks are asked: timescales, dimensions, lesions, and new lessons."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.experiments.timescales.continuous import generalisation
from neurodyn.experiments.timescales.heads import (
    head_of,
    read_at_every_step,
    with_one_head,
)
from neurodyn.experiments.timescales.networks import (
    Variant,
    optimizer_of,
    raw_tau,
    shaping,
    sizes,
    task_of,
)
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.trained import Trained
from neurodyn.io.files import load, save
from neurodyn.training import FreshTrials, fit

__all__ = ["AnalysisSettings", "analyse", "gather"]

#: Sizes of the noise on weights and on time constants, as published.
WEIGHT_NOISE = np.geomspace(1e-2, 10, 10)
TAU_NOISE = np.geomspace(1e-3, 10, 13)
#: A second exponential with less of the amplitude is left out of the strict means.
STRICT = 0.05


@dataclasses.dataclass(frozen=True)
class AnalysisSettings(Settings):
    """Settings of training and of the analyses; the defaults are those published.

    Attributes
    ----------
    timescales_at
        N at which the timescales of the activity are measured, separated by commas; empty: every
        fifth, and the largest that was solved.
    n_steps, n_trials
        Steps and trials of the run that they are measured in.
    ablate_at, n_ablated
        N at which units are cut, one at a time, and how many of the fastest and of the slowest.
    perturb_at
        N at which weights and time constants are perturbed.
    n_scored, n_repeats
        Bits of the stream that lesioned networks are scored on, and repeats of each.
    retrain_from, retrain_to, retrain_epochs
        Single-head networks are trained further on each N of the range, from those that have solved
        the first, for so many epochs; 0 epochs: not at all.
    """

    timescales_at: str = ""
    n_steps: int = 100_000
    n_trials: int = 10
    ablate_at: str = "5,30,35"
    n_ablated: int = 20
    perturb_at: str = "30"
    n_scored: int = 1000
    n_repeats: int = 10
    retrain_from: int = 16
    retrain_to: int = 36
    retrain_epochs: int = 0


def analyse(
    settings: AnalysisSettings, trained: Trained, *, folder: Path | None, key: Any
) -> dict[str, xr.Dataset]:
    """Every analysis of every network that was asked for and is there.

    Parameters
    ----------
    settings
        What to do.
    trained
        Networks.
    folder
        Where finished parts are kept, and found again; None: nowhere.
    key
        Key of the analyses; that of a network does not depend on which others there are.

    Returns
    -------
    dict
        ``timescales``, ``ablation``, ``perturbation_W``, ``perturbation_tau``, ``hold``,
        ``retraining``, as far as there is a network for them, each on ``(curriculum, treatment,
        seed, n)``.
    """
    found: dict[str, dict[tuple[Variant, int], xr.Dataset]] = {}
    for variant in trained.variants:
        once = partial(_once, settings, variant, folder)
        for name, (at, measure) in _MEASURES.items():
            for n in at(settings, trained.solved(variant)):
                own = jax.random.fold_in(jax.random.fold_in(key, variant.seed), n)
                part = measure(settings, trained, variant, n, own, partial(once, f"n{n}-{name}"))
                if part is not None:
                    found.setdefault(name, {})[variant, n] = part
    return {name: gather(parts) for name, parts in found.items()}


def _whole(measure: Callable) -> Callable:
    """A measure of one network as one part."""

    def measured(settings, trained: Trained, variant: Variant, n: int, key, once):
        return once(lambda: measure(settings, variant, trained.network(variant, n), n, key))

    return measured


def _relevant(settings: AnalysisSettings, variant: Variant) -> str:
    """The settings that a part depends on, those of training included."""
    names = ("seed", "n_steps", "n_trials", "n_ablated", "n_scored", "n_repeats", "n_test")
    own = {name: getattr(settings, name) for name in (*names, "retrain_epochs")}
    return json.dumps(own | {"training": shaping(settings, variant)})


def _once(
    settings: AnalysisSettings,
    variant: Variant,
    folder: Path | None,
    name: str,
    make: Callable[[], xr.Dataset | None],
    suffix: str = "",
) -> xr.Dataset | None:
    """A part as it was made before with the same settings, else anew."""
    path = None if folder is None else folder / f"{variant.name}-{name}{suffix}.nc"
    relevant = _relevant(settings, variant)
    if path is not None and path.exists():
        known = load(path)
        if known.attrs.get("settings") == relevant:
            return known
    made = make()
    if made is None:
        return None
    made = made.assign_attrs(source="analysis", kind="statistic", settings=relevant)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, made, overwrite=True)
    return made


def gather(parts: dict[tuple[Variant, int], xr.Dataset]) -> xr.Dataset:
    """Results of single networks side by side, NaN where there is none."""
    axes: dict[str, list[Any]] = {
        "curriculum": list(dict.fromkeys(v.curriculum for v, _ in parts)),
        "treatment": list(dict.fromkeys(v.tau for v, _ in parts)),
        "seed": sorted({v.seed for v, _ in parts}),
        "n": sorted({n for _, n in parts}),
    }
    front = tuple(len(values) for values in axes.values())
    first = next(iter(parts.values()))
    variables: dict[str, Any] = {}
    for name, like in first.data_vars.items():
        whole = np.full((*front, *like.shape), np.nan)
        for (v, n), part in parts.items():
            place = (v.curriculum, v.tau, v.seed, n)
            index = tuple(axes[d].index(p) for d, p in zip(axes, place, strict=True))
            whole[index] = part[name].values
        about = like.attrs.get("units", "1"), like.attrs.get("long_name", str(name))
        variables[str(name)] = ((*axes, *map(str, like.dims)), whole, *about)
    kept = {str(name): coord.variable for name, coord in first.coords.items()}
    return _in_order(variables, axes | kept)


def _in_order(variables: dict[str, Any], coords: dict[str, Any]) -> xr.Dataset:
    rank = list(labels.DIMS)
    ordered = {}
    for name, (dims, values, *about) in variables.items():
        order = sorted(range(len(dims)), key=lambda i: rank.index(dims[i]))
        ordered[name] = (tuple(dims[i] for i in order), values.transpose(order), *about)
    return labels.dataset(ordered, coords, source="analysis", kind="statistic", values=False)


# --- what is measured ------------------------------------------------------------------------


def timescales(settings, variant: Variant, network, n: int, key) -> xr.Dataset:
    """Numbers of the timescales of the activity, of the time constants and of the weights."""
    del n
    task = task_of(settings, variant)
    low, high = np.asarray(task.levels).tolist()
    # In bits: the published window, and the longest timescale that is looked for in it.
    options: dict[str, Any] = {"n_steps": settings.n_steps, "n_trials": settings.n_trials}
    options |= {"max_lag": 30 * task.hold, "longest": 100.0 * task.hold}
    fit = analysis.network_timescale(
        network, levels=(low, high), hold=task.hold, key=key, **options
    )
    acf = fit["autocorrelation"].assign_attrs(units="1")
    window = {"max_lag": float(options["max_lag"]), "longest": options["longest"]}
    strict = analysis.fit_exponentials(acf, **window, least_share=STRICT)
    rows: dict[str, Any] = {str(k): v for k, v in analysis.timescale_summary(fit).items()}
    careful = analysis.timescale_summary(strict)
    for name in ("fraction_above", "mean_above", "sd_above", "fraction_double"):
        about = careful[name].attrs
        phrase = f"{about['long_name']}, without faint second exponentials"
        rows[f"{name}_strict"] = ((), careful[name].values, about | {"long_name": phrase})
    rows["population_tau"] = fit["population_tau"]
    about = {"units": "1", "long_name": "components for 90% of the variance, mean over trials"}
    rows["dimension"] = ((), float(fit["dimension"].mean()), about)
    for name in ("autocorrelation", "tau"):
        rows[f"units_{name}"] = fit[name]
    tau = raw_tau(network)
    if tau is not None:
        about = {"units": "1", "long_name": "time constant as trained"}
        rows["units_own_tau"] = ("unit", tau, about)
    return xr.Dataset(rows).drop_vars(["own_tau", "n_samples"], errors="ignore")


def ablation(settings, variant: Variant, network, n: int, key) -> xr.Dataset | None:
    """Relative accuracy without one of the fastest, or slowest, units; None where all are alike."""
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


def retraining(settings, trained: Trained, variant: Variant, n: int, key, once) -> xr.Dataset:
    """Accuracy for each larger N after a few epochs of training on it alone, with the same head.

    Every larger N is a part of its own, so that what is broken off goes on where it was.
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


# --- at which N ------------------------------------------------------------------------------


def _listed(text: str, name: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(
            f"Setting {name!r} takes whole numbers separated by commas, got {text!r}."
        ) from None


def _at_timescales(settings: AnalysisSettings, solved: Sequence[int]) -> list[int]:
    asked = _listed(settings.timescales_at, "timescales_at")
    if settings.timescales_at:
        return [n for n in asked if n in solved]
    return [n for n in solved if n == 2 or n % 5 == 0 or n == max(solved)]


def _at(name: str) -> Callable[[AnalysisSettings, Sequence[int]], list[int]]:
    def chosen(settings: AnalysisSettings, solved: Sequence[int]) -> list[int]:
        return [n for n in _listed(getattr(settings, name), name) if n in solved]

    return chosen


def _at_hold(settings: AnalysisSettings, solved: Sequence[int]) -> list[int]:
    return [max(solved)] if solved and settings.hold > 1 else []


def _at_retraining(settings: AnalysisSettings, solved: Sequence[int]) -> list[int]:
    asked = settings.retrain_epochs > 0 and settings.retrain_from in solved
    return [settings.retrain_from] if asked else []


_MEASURES: dict[str, tuple[Callable, Callable]] = {
    "timescales": (_at_timescales, _whole(timescales)),
    "ablation": (_at("ablate_at"), _whole(ablation)),
    "perturbation_W": (_at("perturb_at"), _whole(perturbation("W", WEIGHT_NOISE))),
    "perturbation_tau": (_at("perturb_at"), _whole(perturbation("tau", TAU_NOISE))),
    "hold": (_at_hold, _whole(generalisation)),
    "retraining": (_at_retraining, retraining),
}
