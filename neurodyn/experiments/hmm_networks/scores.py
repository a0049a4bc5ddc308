"""How a network moves between the regions of activity that stand for hidden states."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.hmm_networks.driven import Driven, drive, pushed, rest
from neurodyn.experiments.hmm_networks.emitted import score
from neurodyn.experiments.hmm_networks.settings import Settings
from neurodyn.tasks import HiddenMarkov

#: Steps without noise.
_REST = 400
#: Between these steps without noise the decay is measured.
_DECAY = (20, 60)
#: Standard errors by which the effect of a push must exceed 0.
_CLEAR = 4.0


def orbit(run: Driven) -> tuple[xr.Dataset, dict[str, tuple]]:
    """The plane in which noise-driven activity circulates, and turns in it.

    The plane is that of the largest circulation: the antisymmetric part of the covariance of
    successive states, which is 0 for dynamics that run forwards as they run backwards.
    """
    centred = run.rate - run.rate.mean((0, 1))
    now, then = centred[:, :-1], centred[:, 1:]
    lagged = np.einsum("kti,ktj->ij", now, then) / now[..., 0].size
    skew = (lagged - lagged.T) / 2
    left, sizes, _ = np.linalg.svd(skew)
    plane = left[:, :2]
    if plane[:, 0] @ skew @ plane[:, 1] < 0:
        plane = plane[:, ::-1]
    at = centred @ plane
    radius, phase = np.hypot(*np.moveaxis(at, -1, 0)), np.arctan2(at[..., 1], at[..., 0])
    turned = np.angle(np.exp(1j * np.diff(phase, axis=1)))
    moved = run.regions[:, 1:] != run.regions[:, :-1]
    total = np.einsum("kti,kti->", centred, centred) / centred[..., 0].size
    turns = turned.sum() / (2 * np.pi)
    near = _near(moved, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = {
            "turns_per_cycle": score(
                2 * turns / moved.sum(), "turns in the plane for two changes of region"
            ),
            "period": score(moved.size / turns, "period of the orbit (steps)"),
            "radius": score(radius.mean(), "radius of the orbit"),
            "radius_spread": score(radius.std() / radius.mean(), "relative spread of the radius"),
            "circulation": score(
                2 * sizes[0] / np.linalg.norm(lagged), "share of circulation in lagged covariance"
            ),
            "plane_variance": score((at**2).sum(-1).mean() / total, "variance in the plane"),
            "fast_turning": score(turned[near].mean(), "turning near changes of region (rad)"),
            "slow_turning": score(turned[~near].mean(), "turning elsewhere (rad)"),
            "change_rate": score(moved.mean(), "changes of region per step"),
            "held_out": score(_clusters(run), "states told from activity by nearest mean"),
        }
    kept = slice(0, 4)
    axis = labels.time_axis(at.shape[1], 1.0)
    ds = labels.dataset(
        {
            "scores": (("trial", "time", "component"), at[kept], "1", "activity", "latent"),
            "region": (("trial", "time"), run.regions[kept], "1", "hidden state", "statistic"),
            "axes": (("unit", "component"), plane, "1", "axis of the orbit", "weight"),
            "mean": (("unit",), run.rate.mean((0, 1)), "1", "mean activity", "rate"),
        },
        {"time": ("time", axis, "1")},
        source="analysis",
    )
    return ds, scores


def still(model: Any, run: Driven) -> dict[str, tuple]:
    """Where activity goes without noise."""
    flat = run.rate.reshape(-1, run.rate.shape[-1])
    starts = flat[:: max(1, len(flat) // 200)][:200]
    norms = np.linalg.norm(np.asarray(rest(model, jnp.asarray(starts), _REST)), axis=-1)
    size = np.sqrt((flat**2).sum(1).mean())
    early, late = norms[:, _DECAY[0]], norms[:, _DECAY[1]]
    there = (early > 0) & (late > 0)
    fall = np.log(late[there] / early[there]) / (_DECAY[1] - _DECAY[0])
    slope = fall.mean() if there.any() else -np.inf  # gone before the first of these steps
    return {
        "rest_norm": score(
            norms[:, -1].max() / size, "largest activity after 400 steps without noise"
        ),
        "rest_decay": score(
            -1 / slope if slope else np.inf, "time constant of the decay without noise (steps)"
        ),
    }


def kicks(
    settings: Settings, source: HiddenMarkov, model: Any, run: Driven, key: Any
) -> tuple[xr.Dataset, dict[str, tuple]]:
    """How much a push of each unit hastens a change of region, and what its silence does.

    A kick unit of a region is here one that, pushed at a moment within the region, makes it more
    likely to be left within the horizon; those with the largest effect are silenced.
    """
    flat, where = run.rate.reshape(-1, run.rate.shape[-1]), run.regions.ravel()
    size = jnp.asarray(settings.push * np.sqrt((flat**2).mean()), jnp.float32)
    generator = np.random.default_rng(0)
    effects, errors, bases = [], [], []
    for state in range(settings.n_states):
        inside = np.flatnonzero(where == state)
        if not inside.size:
            blank = np.full(flat.shape[1], np.nan)
            effects, errors, bases = [*effects, blank], [*errors, blank], [*bases, np.nan]
            continue
        states = jnp.asarray(flat[generator.choice(inside, settings.n_pushed)])
        base, after = pushed(
            model, source, states, size, settings.horizon, jax.random.fold_in(key, state)
        )
        base, after = np.asarray(base) != state, np.asarray(after) != state
        gain = after.astype(float) - base
        effects.append(gain.mean(1))
        errors.append(gain.std(1) / np.sqrt(settings.n_pushed))
        bases.append(base.mean())
    effect, error = np.stack(effects), np.stack(errors)
    order = np.argsort(-np.nan_to_num(effect, nan=-np.inf), axis=1)[:, : settings.n_kick]
    chosen = np.unique(order)
    clear = effect > _CLEAR * np.maximum(error, 1 / settings.n_pushed)
    positive = np.sort(np.maximum(np.nan_to_num(effect), 0), axis=1)[:, ::-1]
    k_run = jax.random.fold_in(key, settings.n_states)
    others = np.setdiff1d(np.arange(flat.shape[1]), chosen)
    silenced = [chosen] + [
        generator.choice(others, len(chosen), replace=False) for _ in range(settings.n_random)
    ]
    rates = np.array([_change_rate(settings, source, model, units, k_run) for units in silenced])
    scores = {
        "n_kick_units": score(clear.any(0).sum(), "units whose push hastens a change"),
        "kick_effect": score(
            np.nanmean(positive[:, : settings.n_kick]), "effect of the strongest kick units"
        ),
        "median_effect": score(np.nanmedian(effect), "median effect of a push"),
        "kick_share": score(
            positive[:, : settings.n_kick].sum() / max(positive.sum(), 1e-12),
            "share of the strongest kick units in all positive effects",
        ),
        "unpushed": score(np.nanmean(bases), "chance of a change without a push"),
        "rate_without_kick_units": score(rates[0], "changes per step without kick units"),
        "rate_without_others": score(rates[1:].mean(), "changes per step without other units"),
        "rate_without_others_low": score(rates[1:].min(), "smallest of these"),
    }
    ds = labels.dataset(
        {
            "effect": (("state", "unit"), effect, "1", "effect of a push on leaving the region"),
            "error": (("state", "unit"), error, "1", "standard error of the effect"),
            "kick": (("state", "unit"), clear.astype(np.int64), "1", "clear effect"),
        },
        {},
        source="analysis",
        kind="statistic",
        dims=("state",),
        values=False,
        attrs={"silenced": chosen.tolist()},
    )
    return ds, scores


def _change_rate(
    settings: Settings, source: HiddenMarkov, model: Any, units: np.ndarray, key: Any
) -> float:
    """Changes of region per step without what some units send."""
    cut = model.cut(units, incoming=False)
    regions = drive(cut, source, settings.run_steps, settings.n_trials, key).regions
    return float((regions[:, 1:] != regions[:, :-1]).mean())


def _clusters(run: Driven) -> float:
    """Share of held-out states of activity whose region is that of the nearest mean."""
    half = len(run.rate) // 2
    known, told = run.rate[:half], run.regions[:half]
    present = np.unique(told)
    means = np.stack([known[told == s].mean(0) for s in present])
    new = run.rate[half:]
    nearest = np.stack([np.square(new - m).sum(-1) for m in means]).argmin(0)
    balanced = [
        (present[nearest] == s)[run.regions[half:] == s].mean()
        for s in present
        if (run.regions[half:] == s).any()
    ]
    return float(np.mean(balanced))


def _near(moved: np.ndarray, reach: int) -> np.ndarray:
    """Steps within `reach` of a change."""
    near = moved.copy()
    for i in range(1, reach + 1):
        near[:, i:] |= moved[:, :-i]
        near[:, :-i] |= moved[:, i:]
    return near
