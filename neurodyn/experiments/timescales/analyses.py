"""All analyses of all networks of a sweep, each done once and kept in a file."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.common import hosts
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.seeds import shared_key
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
from neurodyn.experiments.timescales.trained import DIMS, Trained, axes_of, place, table
from neurodyn.io.files import load, save


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


def result(settings: AnalysisSettings, trained: Trained, run: Run) -> xr.DataTree:
    """Trained networks and all their analyses, labelled.

    Returns
    -------
    xr.DataTree
        ``/model``: epochs until each N was solved, and properties of the network at that time, on
        ``(curriculum, treatment, seed, n)``; ``/model/NAME``: epochs of each network;
        ``/analysis/...`` as of :func:`analyse`.
    """
    folder = None if run.folder is None else run.folder / "analysis"
    if folder is not None and not run.resume and folder.is_dir():
        for old in folder.glob("*.nc"):  # analyses of other networks of the same names
            old.unlink(missing_ok=True)
    tree = {"/model": table(trained)}
    tree |= {f"/model/{variant.name}": trained.epochs(variant) for variant in trained.variants}
    found = analyse(settings, trained, folder=folder, key=shared_key(7))
    tree |= {f"/analysis/{name}": part for name, part in found.items()}
    labelled = xr.DataTree.from_dict(tree)
    labelled.attrs |= labels.encode_attrs({"settings": dataclasses.asdict(settings)})
    return labelled


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
        for name, measure in _MEASURES.items():
            for n in _chosen(settings, name, trained.solved(variant)):
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
    if path is not None and hosts.is_first():
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, made, overwrite=True)
    return made


def gather(parts: dict[tuple[Variant, int], xr.Dataset]) -> xr.Dataset:
    """Results of single networks on common axes, NaN for missing networks."""
    axes = axes_of([v for v, _ in parts], {n for _, n in parts})
    front = tuple(len(values) for values in axes.values())
    first = next(iter(parts.values()))
    variables: dict[str, Any] = {}
    for name, like in first.data_vars.items():
        whole = np.full((*front, *like.shape), np.nan)
        for (v, n), part in parts.items():
            whole[place(axes, *v, n)] = part[name].values
        about = like.attrs.get("units", "1"), like.attrs.get("long_name", str(name))
        dims = (*axes, *map(str, like.dims))
        new = labels.ordered(dims)
        variables[str(name)] = (new, whole.transpose([dims.index(dim) for dim in new]), *about)
    kept = {str(name): coord.variable for name, coord in first.coords.items()}
    return labels.dataset(
        variables, axes | kept, source="analysis", kind="statistic", dims=DIMS, values=False
    )


def _chosen(settings: AnalysisSettings, name: str, solved: Sequence[int]) -> list[int]:
    """N at which an analysis is done, all among the solved ones."""
    last = max(solved, default=0)
    asked = {
        "timescales": settings.timescales_at
        or [n for n in solved if n == 2 or n % 5 == 0 or n == last],
        "ablation": settings.ablate_at,
        "hold": [last] if settings.hold > 1 else [],
        "retraining": [settings.retrain_from] if settings.retrain_epochs else [],
    }
    return [n for n in asked.get(name, settings.perturb_at) if n in solved]


_MEASURES: dict[str, Callable] = {
    "timescales": _whole(timescales),
    "ablation": _whole(ablation),
    "perturbation_W": _whole(perturbation("W", WEIGHT_NOISE)),
    "perturbation_tau": _whole(perturbation("tau", TAU_NOISE)),
    "hold": _whole(by_hold),
    "retraining": retraining,
}
