"""Rotations, dynamics and geometry of networks and of a recording."""

from collections.abc import Mapping

import jax
import numpy as np
import xarray as xr

from neurodyn import analysis, datasets
from neurodyn.experiments.reaching.settings import Settings
from neurodyn.experiments.running.seeds import shared_key
from neurodyn.labels import between, clock

#: Numbers of delays and ranks of linear operators that are tried on the recording.
DELAYS, RANKS = (1, 2, 4, 8), (2, 4, 6, 8, 12, 16)
GEOMETRY = ("cka", "procrustes")
#: Scores of every system: long name and units.
ABOUT = {
    "r2_rotation": ("R2 of rotations", "1"),
    "ratio": ("R2 of rotations relative to a free linear map", "1"),
    "p_value": ("p value of the ratio against surrogates", "1"),
    "frequency": ("frequency of the fastest plane", "Hz"),
    "plane_variance": ("fraction of the variance in the fastest plane", "1"),
    "dimensionality": ("participation ratio", "1"),
    "common": ("fraction of the variance common to all directions", "1"),
    "dsa": ("angle between dynamics and those of the recording", "rad"),
    "cka": ("linear CKA with the recording", "1"),
    "procrustes": ("Procrustes angle to the recording", "rad"),
}


def recorded(settings: Settings) -> tuple[xr.DataArray, float]:
    """Recorded rates, and the time at which the hand is fastest [ms].

    Raises
    ------
    ValueError
        If the recording lacks rates of conditions, directions or the hand's velocity.
    """
    ds = datasets.open(settings.recording)
    needed = {"rate", "direction", "hand_vx", "hand_vy"}
    if not isinstance(ds, xr.Dataset) or not needed <= {*ds.variables}:
        raise ValueError(
            f"{settings.recording}: the experiment needs a Dataset with {', '.join(sorted(needed))}"
            " on (condition, time), as that of hatsopoulos2007."
        )
    speed = xr.apply_ufunc(np.hypot, ds["hand_vx"], ds["hand_vy"]).mean("condition").values
    step = round(360 / ds.sizes["condition"])
    order = (ds["direction"].values / step).round().astype(int)
    rate = ds["rate"].assign_coords(direction=("condition", order))
    return rate, float(clock(ds, what=settings.recording).time[speed.argmax()])


def softening(settings: Settings, rate: xr.DataArray, means: xr.DataArray) -> float:
    """Softening of a network: in the same ratio to the mean range of units as in the recording."""
    over = ["condition", "time"]
    there, here = (float((x.max(over) - x.min(over)).mean()) for x in (rate, means))
    return settings.soft * here / there


def tuned(means: xr.DataArray, soft: float) -> xr.DataArray:
    """Activity of soft-normalised units without what all directions share."""
    scaled = _scaled(means, soft)
    return (scaled - scaled.mean("condition")).assign_attrs(means.attrs)


def rotations(settings: Settings, means: xr.DataArray, soft: float) -> xr.Dataset:
    """Planes of rotation (jPCA), with surrogates that keep covariances."""
    return analysis.jpca(
        means,
        settings.n_components,
        window=settings.rotation_window,
        soft=soft,
        n_null=settings.n_null,
        key=shared_key(2),
    )


def described(
    settings: Settings, means: xr.DataArray, soft: float, found: xr.Dataset
) -> dict[str, float]:
    """Numbers of one system by itself."""
    own = between(tuned(means, soft), settings.window)
    scaled = between(_scaled(means, soft), settings.window)
    total = float(((scaled - scaled.mean(["condition", "time"])) ** 2).sum())
    return {
        **{name: float(found[name]) for name in ("r2_rotation", "ratio", "p_value")},
        **{name: float(found[name][0]) for name in ("frequency", "plane_variance")},
        "dimensionality": float(analysis.participation_ratio(own)),
        "common": 1 - float((own**2).sum()) / total,
    }


def chosen(settings: Settings, recording: xr.DataArray) -> xr.Dataset:
    """Errors of linear operators of the recording, by delays and rank."""
    return analysis.choose_delays(between(recording, settings.window), DELAYS, RANKS)


def dynamics(
    settings: Settings, systems: Mapping[str, xr.DataArray], choice: xr.Dataset
) -> xr.DataArray:
    """Distances ``(system, other)`` of the dynamics of all systems."""
    return analysis.dsa(
        {name: between(x, settings.window) for name, x in systems.items()},
        n_delays=int(choice["best_n_delays"]),
        rank=int(choice["best_rank"]),
        key=shared_key(3),
    )


def geometry(settings: Settings, own: xr.DataArray, recording: xr.DataArray) -> dict[str, float]:
    """Likeness of a network's activity to the recorded one, direction by direction."""
    found = analysis.compare(
        own.rename("rate").to_dataset(),
        recording.rename("rate").to_dataset(),
        GEOMETRY,
        by="direction",
        window=settings.window,
        n_null=0,
        variable="rate",
    )
    return {name: float(found["score"].sel(metric=name)) for name in GEOMETRY}


def halves(settings: Settings, recording: xr.DataArray, choice: xr.Dataset) -> dict[str, float]:
    """Mean scores of random halves of the recorded units, one against the other."""
    rows = []
    for i in range(settings.n_halves):
        key = jax.random.fold_in(shared_key(4), i)
        order = np.asarray(jax.random.permutation(key, recording.sizes["unit"]))
        first, second = (recording.isel(unit=np.sort(o)) for o in np.array_split(order, 2))
        apart = dynamics(settings, {"first": first, "second": second}, choice)
        rows.append({"dsa": float(apart[0, 1])} | geometry(settings, first, second))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _scaled(means: xr.DataArray, soft: float) -> xr.DataArray:
    """Activity of units in parts of their softened range."""
    over = ["condition", "time"]
    return (means / (means.max(over) - means.min(over) + soft)).assign_attrs(means.attrs)
