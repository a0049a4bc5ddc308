"""Scores of the networks of the meta-prior experiment."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn import analysis, labels
from neurodyn.experiments.shared.ensembles import stacked
from neurodyn.models import PVRNN
from neurodyn.simulation.simulate import simulate
from neurodyn.tasks import Sequences, StateMachine
from neurodyn.training import Ensemble

#: Steps of free generation in figures.
_N_POINTS = 1000
LATENT = ("mean", "sigma", "prior_mean", "prior_sigma", "z", "kl")


def reconstruction(models: Sequence[PVRNN], sequences: Sequences, *, key: Any) -> dict[str, Any]:
    """Latents along the posterior, and errors of posterior, target and free generation.

    Returns
    -------
    dict
        ``latents`` (seed, layer) as of :func:`neurodyn.analysis.latent_summary`; ``errors`` (seed),
        mean squared errors of the training sequences: ``posterior`` (reconstructed), ``target``
        (generated from the first latent) and ``free`` (generated without the sequence, which gives
        the error at chance).
    """
    trials, errors = sequences.validation(), {}
    modes: dict[str, dict[str, Any]] = {"posterior": {}, "target": {"steps": 1}, "free": {}}
    targets = np.asarray(sequences.data)
    for name, how in modes.items():
        free = name == "free"
        size: dict[str, Any] = (
            {"n_trials": sequences.n_items, "n_steps": sequences.n_steps} if free else {}
        )
        run = simulate(
            Ensemble([m.mode(name, **how) for m in models]),
            None if free else trials,
            dt=sequences.dt,
            key=key,
            save=("sigma", "prior_sigma", "kl") if name == "posterior" else (),
            progress=False,
            **size,
        )
        apart = (run["outputs"].transpose("seed", "trial", "time", "output") - targets) ** 2
        errors[name] = (
            "seed",
            apart.mean(("trial", "time", "output")).values,
            "1",
            f"squared error, {name} generation",
        )
        if name == "posterior":
            latents = analysis.latent_summary(run)
    errors = labels.dataset(errors, {}, source="analysis", kind="statistic")
    return {"latents": latents, "errors": errors}


def free_runs(
    models: Sequence[PVRNN],
    machine: StateMachine,
    *,
    word: int,
    n_steps: int,
    discard: int,
    key: Any,
) -> dict[str, Any]:
    """Long free generation with and without noise, its words and its Lyapunov exponents.

    Without noise, latents are drawn in the first step and equal the means of the prior afterwards.
    With noise, exponents are those of the dynamics under one fixed realisation of the noise.

    Returns
    -------
    dict
        ``noisy`` and ``noise_free``: Dataset (seed) of word scores and ``lyapunov``;
        ``true_words``: words of the state machine; ``runs``: the simulations.
    """
    true = analysis.true_words(machine, word)
    found: dict[str, Any] = {"true_words": true, "runs": {}}
    for name, noise in (("noisy", "every"), ("noise_free", "first")):
        modes = [m.mode("free", noise=noise) for m in models]
        run = simulate(
            Ensemble(modes),
            n_trials=1,
            n_steps=discard + n_steps,
            dt=machine.dt,
            key=key,
            save=("d",),
            progress=False,
        ).isel(time=slice(discard, None))
        symbols = analysis.symbolise(run["outputs"], machine.values)
        scores = [_score(symbols.isel(seed=i), true, word) for i in range(len(models))]
        exponents = [_exponent(mode, n_steps, discard, key) for mode in modes]
        found[name] = stacked(scores).merge(stacked(exponents), compat="override", join="exact")
        found["runs"][name] = run
    return found


def _exponent(mode: Any, n_steps: int, discard: int, key: Any) -> xr.Dataset:
    """Largest Lyapunov exponent of one network; all networks share one compiled program."""
    result = analysis.lyapunov(
        mode, n_steps=n_steps, transient=discard, n_exponents=1, n_trials=1, key=key
    )
    one = result[["lyapunov", "standard_error"]].isel(trial=0, exponent=0, drop=True)
    for variable in one.data_vars.values():
        variable.attrs["long_name"] = f"largest {variable.attrs['long_name']}"
    return one


def _score(symbols: xr.DataArray, true: xr.Dataset, word: int) -> xr.Dataset:
    """Divergence of the words from the true ones, and their entropy rate."""
    ds = analysis.word_divergence(true, analysis.word_frequencies(symbols, word))
    return ds.assign(entropy_rate=analysis.entropy_rate(symbols, word))


def true_floor(machine: StateMachine, *, word: int, n_steps: int, n: int, key: Any) -> xr.Dataset:
    """Divergence of true sequences of the same length, which is the best possible score."""
    true = analysis.true_words(machine, word)
    sample = machine.lasting(n_steps).batch(key, n).targets
    symbols = xr.DataArray(np.asarray(machine.symbols(sample)), dims=("draw", "time"))
    parts = [
        analysis.word_divergence(true, analysis.word_frequencies(symbols.isel(draw=i), word))
        for i in range(n)
    ]
    ds = stacked(parts, "draw").assign_coords(draw=np.arange(n))
    exact = {"units": "nat", "long_name": "entropy rate per step, exact"}
    return ds.assign(entropy_rate=((), machine.entropy_rate(), exact))


def examples(
    models: Sequence[PVRNN],
    sequences: Sequences,
    machine: StateMachine,
    settings: Any,
    runs: dict[str, xr.Dataset],
    *,
    key: Any,
) -> dict[str, xr.Dataset]:
    """Examples: one network of the smallest, of a middle and of the largest meta-prior.

    Returns
    -------
    dict
        ``/model/example/NAME``: three sequences along the posterior; ``/analysis/plane/NAME``:
        units in free generation without noise, on the first two principal components of free
        generation with noise; ``/analysis/words/NAME/noisy`` and ``.../noise_free``: words.
    """
    n, tree = len(settings.w), {}
    for name, i in {"small": 0, "middle": n // 2, "large": n - 1}.items():
        at, w = i * settings.n_networks, float(settings.w[i])
        run = simulate(
            models[at],
            jax.tree.map(lambda a: a[:3] if a.ndim else a, sequences.validation()),
            dt=sequences.dt,
            key=key,
            save=LATENT,
            progress=False,
        )
        tree[f"/model/example/{name}"] = run.assign_attrs(w=w)
        tree[f"/analysis/plane/{name}"] = _plane(runs, at, machine).assign_attrs(w=w)
        for noise, ds in runs.items():
            symbols = analysis.symbolise(ds["outputs"].isel(seed=at), machine.values)
            words = analysis.word_frequencies(symbols, settings.word)
            tree[f"/analysis/words/{name}/{noise}"] = words.assign_attrs(w=w)
    return tree


def _plane(runs: dict[str, xr.Dataset], seed: int, machine: StateMachine) -> xr.Dataset:
    """Units without noise, which may be at rest, on principal components of units with noise."""
    noisy, free = (runs[n].isel(seed=seed, drop=True) for n in ("noisy", "noise_free"))
    free = free.isel(time=slice(-_N_POINTS, None))
    axes = analysis.pca(noisy["d"], 2)
    scores = (free["d"] - axes["mean"]) @ axes["loadings"]
    scores.attrs = {"units": "1", "long_name": "principal component scores"}
    symbol = analysis.symbolise(free["outputs"], machine.values)
    ds = xr.Dataset({"scores": scores.transpose("trial", "time", "component"), "symbol": symbol})
    return ds.assign_attrs(source="analysis", kind="statistic")
