"""Growth of small deviations from a trajectory: a frame of them, carried along in one scan."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from neurodyn.engine import start, stepping
from neurodyn.engine.drive import Drive, as_drive
from neurodyn.engine.solvers import check_noise_solver, check_solver
from neurodyn.engine.start import has_diffusion, has_drive_noise, trial_keys
from neurodyn.params import with_values
from neurodyn.system import AbstractFlow, AbstractMap, State

#: Seed of the frame, whose directions are forgotten during the transient.
_FRAME = 0


def check_dt(system: Any, dt: float | None) -> None:
    """Refuse a step that is no number above 0, and a flow without one."""
    if dt is None and isinstance(system, AbstractFlow):
        raise ValueError("A flow needs the step of its solver: pass `dt=` [ms].")
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"`dt` must be a positive number of ms, got {dt}.")


def state_size(state: State) -> int:
    """Number of floats in the state of one trial, of a state with a leading trial axis."""
    leaves = jax.tree.leaves(eqx.filter(state, eqx.is_inexact_array))
    return sum(a.size // a.shape[0] for a in leaves)


@eqx.filter_jit
def initial_states(system: Any, dt: Any, trial: PyTree, key: Any, n_trials: int) -> State:
    """States to start from, drawn as :func:`neurodyn.integrate` draws them."""
    keys = trial_keys(key, 0, n_trials)
    return start.initial_states(with_values(system), dt, trial, keys, n_trials)


@eqx.filter_jit
def frame_growth(
    system: Any,
    source: Any,
    dt: Float[Array, ""],
    solver: Any,
    state: State,
    key: Any,
    trial: PyTree,
    noisy: bool,
    transient: int,
    rows: int,
    every: int,
    k: int,
) -> tuple[Float[Array, "row trial k"], Bool[Array, " trial"], Bool[Array, " trial"]]:
    """Logarithms of how a frame of `k` deviations grows between orthonormalisations.

    The step is that of :func:`neurodyn.integrate`: same solver, held inputs, same draws of noise.
    Deviations are of every float in the state, `memory` included.

    Parameters
    ----------
    system, source, dt, solver, state, key, trial, noisy
        As in :mod:`neurodyn.integrate`; `source` is a Drive ``(time, trial, ...)`` or a callable.
    transient
        Steps before the first row, in which state and frame settle.
    rows, every
        Number of orthonormalisations, and steps between them.
    k
        Deviations in the frame.

    Returns
    -------
    Logarithms of the diagonal of R in the QR decomposition, whether each trial stayed finite, and
    whether it rested where it started.
    """
    system = with_values(system)
    n_trials = jax.tree.leaves(state)[0].shape[0]
    keys = trial_keys(key, 0, n_trials)
    held = not callable(source)
    context = stepping.Context(
        system=system,
        dt=dt,
        solver=solver,
        force=None,
        interventions=(),
        trial=trial,
        noise_keys=None if keys is None else keys[:, 1],
        noisy=noisy,
        start=jnp.zeros((), jnp.int32),
        signal=source if callable(source) else None,
        drive_noise=has_drive_noise(system),
    )

    def advance(carry, at):
        state, frame = carry
        x, rest = eqx.partition(state, eqx.is_inexact_array)

        def step(x):
            new, *_ = stepping.step(context, eqx.combine(x, rest), *at)
            return eqx.partition(new, eqx.is_inexact_array)

        x, push, rest = jax.linearize(step, x, has_aux=True)
        return (eqx.combine(x, rest), jax.vmap(push)(frame)), None

    def row(carry, at):
        (state, frame), _ = jax.lax.scan(advance, carry, at)
        frame, size = _orthonormal(frame)
        return (state, frame), jnp.log(size)

    n_steps = transient + rows * every
    steps = (jnp.arange(n_steps, dtype=jnp.int32), source if held else None)
    settle, rest = (
        jax.tree.map(lambda a: a[:transient], steps),
        jax.tree.map(lambda a: a[transient:].reshape(rows, every, *a.shape[1:]), steps),
    )
    start = state
    first, *_ = stepping.step(context, state, *jax.tree.map(lambda a: a[0], steps))
    carry = (state, _random_frame(state, k))
    if transient:
        settle = jax.tree.map(lambda a: a[:, None], settle)
        carry, _ = jax.lax.scan(lambda c, at: (row(c, at)[0], None), carry, settle)
    (state, _), logs = jax.lax.scan(row, carry, rest)
    finite = ~jnp.isnan(logs).any((0, 2)) & (logs < jnp.inf).all((0, 2))
    for leaf in jax.tree.leaves(eqx.filter(state, eqx.is_inexact_array)):
        finite &= jnp.isfinite(leaf).reshape(n_trials, -1).all(1)
    return logs, finite, resting(start, first) & resting(start, state)


def resting(before: State, after: State) -> Bool[Array, " trial"]:
    """Whether each trial's state is the same, to the last bit."""
    pairs = zip(
        *(jax.tree.leaves(eqx.filter(s, eqx.is_inexact_array)) for s in (before, after)),
        strict=True,
    )
    same = [(a == b).reshape(a.shape[0], -1).all(1) for a, b in pairs]
    return jnp.stack(same).all(0)


def _random_frame(state: State, k: int) -> PyTree:
    x = eqx.filter(state, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(x)
    keys = jax.random.split(jax.random.key(_FRAME), len(leaves))
    # The same frame in every trial, so that its exponents do not depend on other trials.
    drawn = [
        jnp.broadcast_to(jax.random.normal(q, (k, 1, *a.shape[1:]), a.dtype), (k, *a.shape))
        for q, a in zip(keys, leaves, strict=True)
    ]
    return _orthonormal(jax.tree.unflatten(structure, drawn))[0]


def _orthonormal(frame: PyTree) -> tuple[PyTree, Float[Array, "trial k"]]:
    """Orthonormal directions of a frame ``(k, trial, ...)``, and the length of each before."""
    leaves, structure = jax.tree.flatten(frame)
    k, n_trials = leaves[0].shape[:2]
    flat = jnp.concatenate([a.reshape(k, n_trials, -1) for a in leaves], axis=2)
    q, r = jnp.linalg.qr(jnp.transpose(flat, (1, 2, 0)))
    size = jnp.abs(jnp.diagonal(r, axis1=1, axis2=2))
    back, new, at = jnp.transpose(q, (2, 0, 1)), [], 0
    for a in leaves:
        width = a.size // (k * n_trials)
        new.append(back[:, :, at : at + width].reshape(a.shape))
        at += width
    return jax.tree.unflatten(structure, new), size


def is_noisy(system: Any, state: State, trial: PyTree, source: Any) -> bool:
    """Whether a flow has noise, asked without computing anything."""

    def first():
        one, its_trial = jax.tree.map(lambda a: a[0], (state, trial))
        held = isinstance(source, Drive)
        u = jax.tree.map(lambda a: a[0, 0], source) if held else as_drive(source(jnp.zeros(())))
        return one, u, its_trial

    return has_diffusion(system, first)


def forward_solver(system: Any, solver: Any, noisy: bool) -> Any:
    """The solver of the steps, which can be differentiated forwards.

    Raises
    ------
    ValueError
        If a map is given one, or it does not suit noise.
    """
    if isinstance(system, AbstractMap):
        if solver is not None:
            raise ValueError("A map takes its own steps: leave out `solver`.")
        return diffrax.Euler()
    if solver is None:
        solver = diffrax.Euler() if noisy else diffrax.Tsit5()
    check_solver(solver)
    check_noise_solver(solver, noisy)
    return _forward(solver)


def _forward(solver):
    """The solver with its stages in a loop that can be differentiated forwards."""
    if isinstance(solver, diffrax.AbstractWrappedSolver):
        inner: Any = solver.solver
        return eqx.tree_at(lambda s: s.solver, solver, _forward(inner))
    if not hasattr(solver, "scan_kind"):
        return solver
    return eqx.tree_at(lambda s: s.scan_kind, solver, "lax", is_leaf=lambda x: x is None)
