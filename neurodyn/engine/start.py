"""How a run begins: keys and initial states of its trials, and checks of its first step."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from neurodyn.engine.abilities import HasDriveNoise
from neurodyn.engine.dependence import check_current, reached, stepped
from neurodyn.engine.drive import as_drive
from neurodyn.engine.inputs import starts_from_first
from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.intervene.replaced import differing
from neurodyn.engine.plan import Plan
from neurodyn.engine.units import shapes_of, unit_axis
from neurodyn.params import with_values
from neurodyn.system import AbstractFlow, AbstractSystem, Drive, State


def trial_keys(key: Any, first_trial: Any, n_trials: int) -> Key[Array, "trial 2"] | None:
    """Two keys of each trial, ``(trial, 2)``: for its initial state and for its steps."""
    if key is None:
        return None
    numbers = first_trial + jnp.arange(n_trials, dtype=jnp.uint32)
    return jax.vmap(jax.random.split)(jax.vmap(jax.random.fold_in, (None, 0))(key, numbers))


def initial_states(system: AbstractSystem, dt: Any, trial: PyTree, keys: Any, n: int) -> State:
    """The state that each of ``n`` trials starts from."""

    def one(trial, key, _):
        own = with_values(system, trial)
        if starts_from_first(own, trial):
            return State(own.infer(trial.targets[0]))
        return own.initial_state(dt=dt, trial=trial, key=key)

    return jax.vmap(one)(trial, None if keys is None else keys[:, 0], jnp.arange(n))


def precision(state: State, inputs: Any, dt: Array) -> Any:
    """The floating point type of the state, in which time is counted too."""
    floats = [a.dtype for a in jax.tree.leaves(state.x) if jnp.issubdtype(a.dtype, jnp.inexact)]
    own = floats[0] if floats else dt.dtype
    for leaf in jax.tree.leaves(inputs) if isinstance(inputs, Drive) else ():
        if jnp.issubdtype(leaf.dtype, jnp.inexact) and leaf.dtype.itemsize > own.itemsize:
            raise TypeError(
                f"The inputs are {leaf.dtype}, but the state is {own}: convert the inputs with "
                ".astype, or build the model in double precision too."
            )
    return own


def has_diffusion(system: AbstractSystem, first: Callable[[], tuple[State, Drive, PyTree]]) -> bool:
    """Whether a system is a flow with diffusion, asked without computing anything.

    Parameters
    ----------
    system
        The system.
    first
        Gives a state, the drive and the trial of one step.
    """
    if not isinstance(system, AbstractFlow):
        return False

    def amplitude():
        state, u, trial = first()
        return with_values(system, trial).diffusion(jnp.zeros(()), state, u)

    return eqx.filter_eval_shape(amplitude) is not None


def has_drive_noise(system: AbstractSystem) -> bool:
    """Whether the noise of a system is a current into its units."""
    if not isinstance(system, HasDriveNoise):
        return False
    own = with_values(system)
    return eqx.filter_eval_shape(lambda: own.drive_noise(jnp.ones(()))) is not None


def is_stochastic(system: AbstractSystem, dt: Any) -> bool:
    """Whether a system has noise in a run of its own, without inputs."""

    def first():
        key = jax.random.key(0)  # of no effect: only shapes are looked at
        return with_values(system).initial_state(dt=dt, key=key), Drive(), None

    return has_drive_noise(system) or has_diffusion(system, first)


def is_noisy(system: AbstractSystem, state: State, plan: Plan) -> bool:
    """Whether the system has diffusion; if it has this or noise of the drive, it needs a key."""
    noisy = has_diffusion(system, lambda: _first(state, plan, None, jnp.zeros(()))[:3])
    if (noisy or has_drive_noise(system)) and plan.key is None:
        raise ValueError(
            f"This {type(system).__name__} has noise: pass `key=` (a seed, e.g. key=0)."
        )
    return noisy


def check_currents(system: AbstractSystem, state: State, plan: Plan, keys: Any) -> None:
    """Refuse currents that change nothing, of the inputs or of interventions."""
    inputs = plan.inputs
    if isinstance(inputs, Drive) and inputs.current is None and not plan.interventions:
        return
    one, drive, trial, key = _first(state, plan, keys, plan.dt)
    for each in plan.interventions:
        drive = each.on_drive(jnp.zeros((), plan.dt.dtype), drive)
    axis = unit_axis(system, shapes_of(system, state, plan.trial, plan.dt))
    n = None if axis is None else axis[1]
    check_current(system, one, drive, trial, dt=plan.dt, n_units=n, key=key)


def check_changes(plan: Plan) -> None:
    """Refuse interventions that replace arrays that no step reads; nothing is run.

    Traced arrays are left out, since they may be equal.

    Raises
    ------
    ValueError
        If there is one.
    """
    none = AbstractIntervention.replaced
    changes = [each for each in plan.interventions if type(each).replaced is not none]
    if not changes:
        return
    system = with_values(plan.system)

    def first():
        keys, state = trial_keys(plan.key, 0, plan.n_trials), plan.state
        if state is None:
            state = initial_states(system, plan.dt, plan.trial, keys, plan.n_trials)
        return _first(state, plan, keys, plan.dt)

    def after(changed, state, drive, trial, key):
        own = with_values(eqx.combine(changed, system), trial)
        arrays = stepped(own, state, drive, plan.dt, key), own.readout(state), own.observe(state)
        return eqx.filter(arrays, eqx.is_array)

    one = eqx.filter_eval_shape(first)
    for each in changes:
        if (other := each.replaced(system)) is None:
            continue
        changed = differing(each, other, system)
        leaves = jax.tree_util.tree_leaves_with_path(changed)
        jaxpr = jax.make_jaxpr(after)(changed, *one).jaxpr
        for i, (path, leaf) in enumerate(leaves):
            alone = [i == other for other in range(len(jaxpr.invars))]
            if not isinstance(leaf, jax.core.Tracer) and not any(reached(jaxpr, alone)):
                name = jax.tree_util.keystr(path).removeprefix(".")
                by, what = type(each).__name__, type(system).__name__
                raise ValueError(
                    f"{by}: `{name}` of the changed {what} differs, but "
                    "no step reads it there, so the change would have no effect. Weights that a "
                    "rule learns and initial states are in the state of a run: run up to then with "
                    "nd.integrate, change `final_state`, and go on with state= and start=. Or "
                    f"leave `{name}` as it is in the model that runs."
                )


def _first(state: State, plan: Plan, keys: Any, dt: Any) -> tuple[State, Drive, PyTree, Any]:
    """State, drive, trial and key of the first trial in its first step."""
    state, trial, keys = jax.tree.map(lambda a: a[0], (state, plan.trial, keys))
    if isinstance(plan.inputs, Drive):
        drive = jax.tree.map(lambda a: a[0, 0], plan.inputs)
    else:
        drive = as_drive(plan.inputs(jnp.zeros((), dt.dtype)))
    return state, drive, trial, None if keys is None else keys[1]
