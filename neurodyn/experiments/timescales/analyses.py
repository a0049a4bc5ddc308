"""All analyses of all networks of a sweep, each done once and kept in a file."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.timescales.networks import Variant, shaping
from neurodyn.experiments.timescales.scores import (
    MAX_LAG,
    TAU_NOISE,
    WEIGHT_NOISE,
    ablation,
    by_hold,
    perturbation,
    retraining,
    timescales,
)
from neurodyn.experiments.timescales.settings import AnalysisSettings
from neurodyn.experiments.timescales.trained import DIMS, Trained
from neurodyn.io.files import load, save

__all__ = ["analyse", "check_analyses", "gather"]


def check_analyses(settings: AnalysisSettings) -> None:
    """Refuse settings of the analyses that contradict each other, before the long training.

    Raises
    ------
    ValueError
        If they do, with the name of the setting.
    """
    if settings.n_steps <= MAX_LAG * settings.hold:
        raise ValueError(
            f"Setting 'n_steps' must be longer than the fitted lags, {MAX_LAG} bits of "
            f"{settings.hold} steps, got {settings.n_steps}."
        )
    if not 2 <= settings.retrain_from <= settings.retrain_to:
        raise ValueError(
            "Settings 'retrain_from' and 'retrain_to' are the ends of a range of N, got "
            f"{settings.retrain_from} and {settings.retrain_to}."
        )


def analyse(
    settings: AnalysisSettings, trained: Trained, *, folder: Path | None, key: Any
) -> dict[str, xr.Dataset]:
    """All analyses of the networks that have solved the N of an analysis.

    Parameters
    ----------
    settings
        Settings.
    trained
        Networks.
    folder
        Folder of finished analyses, which are read if the settings are the same; None: keep none.
    key
        Key of the analyses. The key of one network does not depend on the other networks.

    Returns
    -------
    dict
        ``timescales``, ``ablation``, ``perturbation_W``, ``perturbation_tau``, ``hold`` and
        ``retraining``, each on ``(curriculum, treatment, seed, n)``; without those that no network
        has solved N for.
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
    """A measure of one network that is kept in one file."""

    def measured(settings, trained: Trained, variant: Variant, n: int, key, once):
        return once(lambda: measure(settings, variant, trained.network(variant, n), n, key))

    return measured


def _relevant(settings: AnalysisSettings, variant: Variant) -> str:
    """Settings that an analysis depends on, with those of training, as JSON."""
    names = ("n_steps", "n_trials", "n_ablated", "n_scored", "n_repeats", "n_test")
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
    """An analysis from its file if it was made with the same settings, else a new one."""
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
    """Results of single networks on common axes, NaN for missing networks."""
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
    ordered = {}
    for name, (dims, values, *about) in variables.items():
        new = labels.ordered(dims)
        ordered[name] = (new, values.transpose([dims.index(dim) for dim in new]), *about)
    return labels.dataset(
        ordered, coords, source="analysis", kind="statistic", dims=DIMS, values=False
    )


# --- N of each analysis ----------------------------------------------------------------------


def _at_timescales(settings: AnalysisSettings, solved: Sequence[int]) -> list[int]:
    if settings.timescales_at:
        return [n for n in settings.timescales_at if n in solved]
    return [n for n in solved if n == 2 or n % 5 == 0 or n == max(solved)]


def _at(name: str) -> Callable[[AnalysisSettings, Sequence[int]], list[int]]:
    def chosen(settings: AnalysisSettings, solved: Sequence[int]) -> list[int]:
        return [n for n in getattr(settings, name) if n in solved]

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
    "hold": (_at_hold, _whole(by_hold)),
    "retraining": (_at_retraining, retraining),
}
