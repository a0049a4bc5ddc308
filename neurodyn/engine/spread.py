"""Runs of a plan on several devices.

Each device runs the program of its own trials, and of its own members of an ensemble, so that
compiled kernels run as on one device. The units of a run are left to XLA, which partitions the
program by where the arrays of the system lie, and adds the exchange between devices.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import PyTree

from neurodyn.engine import devices
from neurodyn.engine.plan import Plan
from neurodyn.engine.record import Trajectory
from neurodyn.engine.run import steps
from neurodyn.engine.start import trial_keys
from neurodyn.system import Drive


def execute_on(mesh: Mesh, plan: Plan, *, n_members: int | None = None) -> Trajectory:
    """Run a plan in one compiled program for several devices.

    Parameters
    ----------
    mesh
        Devices, of which the axes are in the order of
        :data:`neurodyn.engine.placement.ORDER`.
    plan
        The plan. Its system is on the devices already; all else is moved there.
    n_members
        How many members the arrays of the system hold, along a leading axis; None: one system.

    Returns
    -------
    The run of all trials, on the devices; with members, all arrays have them along a leading axis.
    """
    arrays, static = eqx.partition(plan._replace(system=None), eqx.is_array)
    specs = _specs(arrays, None if n_members is None else "seed")
    there = jax.tree.map(lambda spec: devices.along(mesh, *spec), specs)
    plan = eqx.combine(devices.placed(arrays, there), static)._replace(system=plan.system)
    return _execute(mesh, n_members, plan)


def _specs(arrays: Plan, member: str | None) -> Plan:
    """How the arrays of a plan are shared out over members and trials."""

    def shared(tree: PyTree, *axes: str | None) -> PyTree:
        return jax.tree.map(lambda x: PartitionSpec(*axes[: x.ndim]), tree)

    own = shared(arrays)
    return own._replace(
        inputs=shared(arrays.inputs, None, "trial")
        if isinstance(arrays.inputs, Drive)
        else own.inputs,
        trial=shared(arrays.trial, "trial"),
        state=shared(arrays.state, *([member] if member else []), "trial"),
    )


@eqx.filter_jit
def _execute(mesh: Mesh, n_members: int | None, plan: Plan) -> Trajectory:
    arrays, static = eqx.partition(plan, eqx.is_array)
    member = None if n_members is None else "seed"
    specs = _specs(arrays, member)
    leading = PartitionSpec() if member is None else PartitionSpec(member)
    specs = specs._replace(system=jax.tree.map(lambda _: leading, arrays.system))
    n_trials = plan.n_trials // mesh.shape["trial"]

    def local(arrays):
        here = jax.lax.axis_index("trial").astype(jnp.uint32)
        own = eqx.combine(arrays, static)
        own = own._replace(n_trials=n_trials, first_trial=own.first_trial + n_trials * here)
        keys = trial_keys(own.key, own.first_trial, n_trials)
        if member is None:
            return vars(steps(own, keys))
        varying, same = eqx.partition((own.system, own.state), eqx.is_array)

        def one(varying):
            system, state = eqx.combine(varying, same)
            return vars(steps(own._replace(system=system, state=state), keys))

        if n_members == mesh.shape["seed"]:
            run = one(jax.tree.map(lambda a: a[0], varying))
            return jax.tree.map(lambda a: a[None], run)
        return jax.lax.map(one, varying)

    def out(*axes):
        return PartitionSpec(*leading, *axes)

    run = jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(specs,),
        out_specs={
            "ts": out(),
            "variables": out(None, "trial"),
            "outputs": out(None, "trial"),
            "spikes": out(None, "trial"),
            "final_state": out("trial"),
            "stats": out("trial"),
        },
        # An axis that is not named here is left to XLA.
        axis_names={"seed", "trial"} | ({"unit"} if mesh.shape["unit"] == 1 else set()),
        check_vma=False,
    )
    return Trajectory(**run(arrays))
