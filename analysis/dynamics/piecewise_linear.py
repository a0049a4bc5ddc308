"""Fixed points and cycles of piecewise-linear maps, solved for exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from jax.typing import ArrayLike

from neurodyn.analysis.dynamics.cycle_search import search_words
from neurodyn.analysis.dynamics.pieces import (
    Pieces,
    Solved,
    gate_codes,
    lyndon_words,
    primitive_words,
    solve_words,
)
from neurodyn.analysis.shared.results import described, table
from neurodyn.analysis.shared.stability import stability_words
from neurodyn.common.checks import check_whole
from neurodyn.labels import in_positions

#: Largest number of words that ``method="auto"`` enumerates.
CHEAP = 2**18
#: Largest number of words that ``method="enumerate"`` accepts.
MOST = 2**22
#: A cycle is neutral (not hyperbolic) if the modulus of an eigenvalue is this close to 1.
NEUTRAL = 1e-8

METHODS = ("auto", "enumerate", "words", "search")


def cycles(
    system: Any,
    order: int,
    *,
    method: str = "auto",
    states: ArrayLike | None = None,
    virtual: bool = False,
    starts: int = 256,
    inner: int | None = None,
    box: float = 10.0,
    key: Any = None,
) -> xr.Dataset:
    r"""Cycles of a piecewise-linear map: the states that come back after `order` steps.

    In a region of state space, where the same rectifiers are open, the map is linear. A cycle that
    passes the regions :math:`D_1 \dots D_k` therefore solves a linear system. It is *real* if its
    points do lie in these regions, else *virtual*: no trajectory follows it.

    Parameters
    ----------
    system
        A map with ``n_relu``, ``step``, ``mask`` and ``affine``: any model of the PLRNN family.
    order
        Number of points; 1 for fixed points. Repetitions of shorter cycles do not count.
    method
        ``"enumerate"``
            All words of regions: finds every isolated cycle. There are ``2**(n_relu * order)``.
        ``"words"``
            The words of length `order` that occur in `states`: finds every cycle that follows one
            of them.
        ``"search"``
            The heuristic search SCYFI, which may miss some.
        ``"auto"``
            ``"enumerate"`` up to 262144 words, else ``"search"``.
    states
        A trajectory ``(time, latent)`` of the map. ``"words"`` needs it; ``"search"`` takes every
        second start from it.
    virtual
        Whether virtual cycles are returned too (not by ``"search"``, which only knows real ones).
    starts, inner, box
        Of ``"search"``: starts in a round, how often each may move on (default 20 for up to two
        points, 60 up to five, 300 beyond), and half the side of the box in which random starts
        lie. Rounds go on until two in a row find nothing new.
    key
        Seed of ``"search"``.

    Returns
    -------
    Dataset on ``cycle``, the least stable first:

    ``state`` (cycle, phase, latent)
        Its points, in order; where the map has a readout, also ``outputs`` (cycle, phase, output).
    ``mask`` (cycle, phase, gate)
        Which gates are open there; the coordinate ``code`` (cycle, phase) writes it as text.
    ``modulus``, ``angle`` (cycle, latent)
        Eigenvalues of the Jacobian once around, by falling modulus; angles in rad.
    ``stability`` (cycle)
        ``"stable"`` (all moduli below 1), ``"unstable"`` (all above), ``"saddle"`` (both), or
        ``"neutral"`` (one is 1 to 1e-8, so that linear theory does not tell).
    ``n_unstable`` (cycle)
        Number of eigenvalues with modulus above 1.
    ``real`` (cycle)
        Whether its points lie in the regions assumed.
    ``residual`` (cycle)
        Largest difference between a point and the step of the map itself from the point before;
        small for real cycles.

    ``cycle`` has size 0 where there are none. The attribute ``complete`` says whether all were
    tried, ``n_singular`` how many words had no isolated solution (a line of fixed points, say).

    Raises
    ------
    TypeError
        If `system` is no such map.
    ValueError
        If there are too many words to enumerate, `states` are missing or do not fit, or an option
        is out of range.

    References
    ----------
    Monfared & Durstewitz, Nonlinear Dynamics 2020 (cycles of piecewise-linear networks);
    Eisenmann, Monfared, Göring & Durstewitz, NeurIPS 2023 (SCYFI).
    """
    pieces = Pieces(system)
    _check(pieces, order, method, starts, inner, box)
    trajectory = None if states is None else _trajectory(pieces, order, states)
    n_words = 2 ** (pieces.n_gates * order)
    if method == "auto":
        method = "enumerate" if n_words <= CHEAP else "search"
    about: dict[str, Any] = {"method": method, "complete": int(method == "enumerate")}
    if method == "enumerate":
        words = _every_word(pieces.n_gates, order, n_words)
    elif method == "words":
        if trajectory is None:
            raise ValueError("method='words' takes the words from a trajectory: pass states=.")
        words = _observed(pieces.mask(trajectory), order)
    else:
        if virtual:
            raise ValueError("method='search' finds real cycles only: leave out virtual=True.")
        inner = (20 if order < 3 else 60 if order < 6 else 300) if inner is None else inner
        words, rounds = search_words(
            pieces, order, starts=starts, inner=inner, box=box, states=trajectory, key=key
        )
        about |= {"rounds": rounds, "starts": starts, "inner": inner, "box": float(box)}
    solved = solve_words(pieces, words)
    isolated = np.isfinite(solved.states).all((1, 2))
    about["n_singular"] = int((~isolated).sum())
    keep = isolated if virtual else solved.real
    return _labelled(pieces, words[keep], Solved(*(part[keep] for part in solved)), about)


def exact_fixed_points(system: Any, **options: Any) -> xr.Dataset:
    """Fixed points of a piecewise-linear map: the cycles of one point, on ``equilibrium``."""
    found = cycles(system, 1, **options).isel(phase=0, drop=True)
    return found.rename(cycle="equilibrium")


def _check(pieces, order, method, starts, inner, box) -> None:
    check_whole(1, order=order)
    if method not in METHODS:
        raise ValueError(f"method is 'auto', 'enumerate', 'words' or 'search', got {method!r}.")
    for name, value in (("starts", starts), ("inner", 1 if inner is None else inner)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    if not (np.isfinite(box) and box > 0):
        raise ValueError(f"box is half the side of a box, above 0; got {box}.")


def _trajectory(pieces: Pieces, order: int, states: Any) -> np.ndarray:
    if isinstance(states, xr.DataArray) and "time" in states.dims and states.ndim == 2:
        (last,) = (str(dim) for dim in states.dims if dim != "time")
        states = in_positions(states, last, what="trajectory").transpose("time", last)
    array = np.asarray(states, np.float64)
    if array.ndim != 2 or array.shape[1] != pieces.n_latent or len(array) < order:
        raise ValueError(
            f"states must be a trajectory (time, latent) of at least {order} samples and "
            f"{pieces.n_latent} latents, got shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError("states hold NaN or infinite values: the trajectory has diverged.")
    return array


def _every_word(n_gates: int, order: int, n_words: int) -> np.ndarray:
    if n_words > MOST:
        raise ValueError(
            f"there are 2**{n_gates * order} words of {order} regions of {n_gates} gates, too many "
            "to try all: use method='words' with states=, or method='search'."
        )
    symbols = lyndon_words(2**n_gates, order)
    return (symbols[..., None] >> np.arange(n_gates)[::-1]) % 2 == 1


def _observed(masks: np.ndarray, order: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(masks, order, axis=0)
    return primitive_words(windows.transpose(0, 2, 1))


def _labelled(pieces: Pieces, words: np.ndarray, solved: Solved, about: dict) -> xr.Dataset:
    values = np.linalg.eigvals(solved.jacobian)
    values = np.take_along_axis(values, np.argsort(-np.abs(values), axis=-1), axis=-1)
    modulus = np.abs(values)
    order = np.argsort(-modulus[:, 0], kind="stable")
    n, k, latents = solved.states.shape
    following = pieces.step(solved.states.reshape(n * k, latents)).reshape(n, k, latents)
    with np.errstate(invalid="ignore", over="ignore"):
        residual = np.abs(following - np.roll(solved.states, -1, axis=1)).max((1, 2), initial=0.0)
    above = modulus > 1
    status = stability_words(np.abs(modulus - 1) < NEUTRAL, above)
    points = ("cycle", "phase")
    variables = {
        "state": ((*points, "latent"), solved.states, "1", "state"),
        "mask": ((*points, "gate"), words, "1", "whether a rectifier is open"),
        "modulus": (("cycle", "latent"), modulus, "1", "modulus of the eigenvalues"),
        "angle": (("cycle", "latent"), np.angle(values), "rad", "angle of the eigenvalues"),
        "stability": ("cycle", status, "1", "linear stability"),
        "n_unstable": ("cycle", above.sum(-1), "1", "number of unstable directions"),
        "real": ("cycle", solved.real, "1", "whether it lies in the regions assumed"),
        "residual": ("cycle", residual, "1", "largest error of a step around the cycle"),
    }
    outputs = pieces.readout(solved.states.reshape(n * k, latents))
    if outputs is not None:
        outputs = outputs.reshape(n, k, outputs.shape[-1])
        variables["outputs"] = ((*points, "output"), outputs, "1", "output")
    codes = np.array(gate_codes(words.reshape(n * k, pieces.n_gates)))
    codes = codes.astype(f"<U{max(pieces.n_gates, 1)}").reshape(n, k)
    coords = {"code": described(points, codes, "1", "open rectifiers, as text")}
    return table(variables, coords, order=k, **about).isel(cycle=order)
