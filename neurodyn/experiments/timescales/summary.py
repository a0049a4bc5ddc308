"""Summary of the experiment."""

from typing import Any

import numpy as np
import xarray as xr

from neurodyn.experiments.running.experiment import settings_in
from neurodyn.experiments.shared.ensembles import spread

#: Names of curricula in figures and tables.
NAMES = {
    "single": "single-head",
    "cumulative": "multi-head",
    "sliding": "multi-head, sliding",
    "no_curriculum": "no curriculum",
}


def is_trained(treatment: str) -> bool:
    """Whether the time constants of a treatment are trained, or absent; not fixed."""
    return not any(
        word.replace(".", "").isdigit() for word in treatment.split(" bits of ")[0].split()
    )


def unit_of_time(tree: xr.DataTree) -> str:
    """Unit of times: bits if they last several steps in any network, else steps."""
    treatments = [str(name) for name in np.asarray(tree["model"]["treatment"])]
    held = settings_in(tree).get("hold", 1) > 1
    return "bits" if held or any(" bits of " in name for name in treatments) else "steps"


def summary(tree: xr.DataTree) -> dict[str, str]:
    """Main numbers, in the order of the report."""
    model = tree["model"].to_dataset()
    rows = {}
    for curriculum in model["curriculum"].values.tolist():
        for treatment in model["treatment"].values.tolist():
            which = {"curriculum": curriculum, "treatment": treatment}
            rows |= _run(tree, model.sel(which), which)
    return rows


def _run(tree: xr.DataTree, model: xr.Dataset, which: dict[str, str]) -> dict[str, str]:
    name = NAMES[which["curriculum"]]
    if which["treatment"] != "trained":
        fixed = "tau " if which["treatment"][0].isdigit() else ""
        name += f", {fixed}{which['treatment']}"
    unit = unit_of_time(tree)
    largest = model["largest_n"].values
    largest = largest[largest > 0]  # 0: no such network
    if not largest.size:
        return {}
    rows = {f"{name}: largest N": spread(largest, ".0f")}
    n = int(largest.min())
    if n < 2:
        return rows
    at = model.sel(n=n)
    rows[f"{name}: epochs to N={n}"] = spread(at["epochs"].values, ".0f")
    if np.isfinite(at["tau_mean"].values).any():
        rows[f"{name}: mean time constant at N={n}"] = (
            f"{spread(at['tau_mean'].values, '.3f')} {unit}"
        )
    if np.isfinite(at["spectral_radius"].values).any():
        rows[f"{name}: spectral radius at N={n}"] = spread(at["spectral_radius"].values, ".2f")
    rows |= _timescales(tree, name, which, unit)
    rows |= _lesions(tree, name, which)
    return rows


def _chosen(tree: xr.DataTree, part: str, which: dict[str, str]) -> xr.Dataset | None:
    """Analysis of one curriculum and treatment, at the largest N that all its seeds have solved.

    Seeds without any measured N do not count.
    """
    if "analysis" not in tree.children or part not in tree["analysis"].children:
        return None
    ds = tree[f"analysis/{part}"].to_dataset()
    if any(value not in ds[dim].values for dim, value in which.items()):
        return None
    ds = ds.sel(which)
    measured = next(str(name) for name, v in ds.data_vars.items() if set(v.dims) <= {"seed", "n"})
    known = ds[measured].notnull().transpose("seed", "n").values
    seeds = known.any(axis=1)
    there = np.flatnonzero(known[seeds].all(axis=0)) if seeds.any() else np.array([], int)
    return ds.isel(n=int(there[-1])) if there.size else None


def _timescales(tree: xr.DataTree, name: str, which: dict[str, str], unit: str) -> dict[str, str]:
    found = _chosen(tree, "timescales", which)
    if found is None:
        return {}
    n = int(found["n"])
    fraction = spread(100 * found["fraction_above"].values, ".0f", " %")
    mean, median, strict = (
        spread(found[key].values, ".2f")
        for key in ("mean_above", "median_above", "mean_above_strict")
    )
    return {
        f"{name}: units with a timescale above 1 at N={n}": fraction,
        f"{name}: their timescale at N={n}": f"{mean} {unit} in the mean, {median} in the median",
        f"{name}: their mean without faint second exponentials": f"{strict} {unit}",
    }


def _lesions(tree: xr.DataTree, name: str, which: dict[str, str]) -> dict[str, str]:
    rows = {}
    found = _chosen(tree, "ablation", which)
    if found is not None:
        fast, slow = (found[kind].mean("unit").values for kind in ("fast", "slow"))
        rows[f"{name}: without one fast, one slow unit at N={int(found['n'])}"] = (
            f"{spread(fast, '.2f')} and {spread(slow, '.2f')} of the accuracy"
        )
    found = _chosen(tree, "hold", which)
    if found is not None:
        ends = found["accuracy"].isel(sweep=[0, -1]).transpose("sweep", "seed")
        first, last = (f"{steps:g}" for steps in ends["sweep"].values)
        rows[f"{name}: accuracy at {first} and {last} steps per bit, N={int(found['n'])}"] = (
            " and ".join(spread(values, ".3f") for values in ends.values)
        )
    for parameter, word in (("W", "weights"), ("tau", "time constants")):
        found = _chosen(tree, f"perturbation_{parameter}", which)
        if found is None:
            continue
        size = half_size(found)
        rows[f"{name}: noise on {word} that halves accuracy at N={int(found['n'])}"] = spread(
            np.atleast_1d(size), ".2f"
        )
    return rows


def half_size(found: xr.Dataset) -> Any:
    """Size of the noise that halves the accuracy above chance, interpolated."""
    sizes = np.log(found["perturbation"].values)
    relative = np.atleast_2d(
        found["relative_accuracy"].transpose(..., "sweep").values.astype(float)
    )
    ends = []
    for row in relative:
        below = np.flatnonzero(row < 0.5)
        if not below.size or below[0] == 0 or not np.isfinite(row).all():
            ends.append(np.nan)
            continue
        i = int(below[0])
        share = (row[i - 1] - 0.5) / (row[i - 1] - row[i])
        ends.append(np.exp(sizes[i - 1] + share * (sizes[i] - sizes[i - 1])))
    return np.array(ends)
