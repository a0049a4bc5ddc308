"""Labelled runs on several devices: checks of the mesh, and members that run together."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.sharding import Mesh

from neurodyn.engine import devices, placement
from neurodyn.engine.abilities import with_room
from neurodyn.engine.intervene import AbstractIntervention
from neurodyn.engine.spread import execute_on
from neurodyn.simulation.runner import Runner, on_host
from neurodyn.system import State


def checked_mesh(
    mesh: Any,
    members: Sequence[Any],
    *,
    ensemble: bool,
    n_trials: int,
    chunk: int | None,
    interventions: Sequence[AbstractIntervention],
) -> Mesh | None:
    """The devices in the order of the engine; None without a mesh.

    Raises
    ------
    TypeError, ValueError
        If the mesh does not fit the run; the message says what to change.
    """
    if mesh is None:
        return None
    name = type(members[0]).__name__
    sizes = {"trial": ("the number of trials", n_trials)}
    if ensemble:
        sizes["seed"] = ("the number of members", len(members))
    split = "unit" in getattr(mesh, "axis_names", ())
    n_units = placement.count_units(members[0]) if split else None
    if n_units is not None:
        sizes["unit"] = (f"the number of units of this {name}", n_units)
    found = placement.ordered(devices.check_mesh(mesh, sizes, "simulation"))
    if chunk is not None and chunk % found.shape["trial"]:
        raise ValueError(
            f"`chunk`={chunk} trials cannot be shared out evenly over the {found.shape['trial']} "
            "devices of `mesh` along 'trial': take a multiple, or leave `chunk` out."
        )
    none = AbstractIntervention.replaced
    replaced = [type(each).__name__ for each in interventions if type(each).replaced is not none]
    if found.shape["unit"] > 1 and replaced:
        raise ValueError(
            f"{replaced[0]} holds a second set of weights, which is not split by units: run it on "
            "a mesh with 'trial', or change the model and run the parts of the time one after the "
            "other."
        )
    if found.shape["seed"] > 1:
        _check_alike(members)
    return found


def _check_alike(members: Sequence[Any]) -> None:
    """Refuse members that cannot run as one program."""

    def described(member: Any) -> Any:
        arrays, static = eqx.partition(member, eqx.is_array)
        shapes = [(x.shape, x.dtype) for x in jax.tree.leaves(arrays)]
        return jax.tree.structure(arrays), shapes, jax.tree.leaves(static)

    first = described(members[0])
    for i, member in enumerate(members):
        if described(member) != first:
            raise ValueError(
                f"Members 0 ({type(members[0]).__name__}) and {i} ({type(member).__name__}) differ "
                "in more than the values of their arrays, so that no mesh can share them out along "
                "'seed': use a mesh with 'trial', or simulate them one by one."
            )


def divided(member: Any, mesh: Mesh | None, interventions: Sequence[AbstractIntervention]) -> Any:
    """A model as it runs on a mesh."""
    if mesh is None:
        return member
    return placement.divided(member if interventions else with_room(member), mesh)


def labelling(members: Sequence[Any], mesh: Mesh | None) -> list[Any]:
    """The models with the numbers that label units, where other processes hold a part of them."""
    if not devices.spans_hosts(mesh):
        return list(members)

    def known(x: Any) -> Any:
        away = isinstance(x, jax.Array) and not x.is_fully_addressable
        return jnp.asarray(devices.fetched(x)) if away and x.ndim < 2 else x

    return [jax.tree.map(known, member) for member in members]


def run_together(runs: Sequence[Runner], mesh: Mesh, advance: Callable) -> list[xr.Dataset]:
    """The labelled results of members that share out the devices along ``"seed"``."""
    first_run, n = runs[0], len(runs)
    systems = [run.prepared(0, 0, None).system for run in runs]
    together = jax.tree.map(
        lambda *x: np.stack(devices.fetched(x)) if eqx.is_array(x[0]) else x[0], *systems
    )
    system = placement.placed(together, mesh, leading="seed", like=systems[0])
    blocks: list[list[Any]] = [[] for _ in runs]
    for first in first_run.blocks:
        pieces: list[list[Any]] = [[] for _ in runs]
        state = None
        for start in first_run.starts:
            plan = first_run.prepared(first, start, None)._replace(system=system, state=state)
            done = execute_on(mesh, plan, n_members=n)
            state = done.final_state
            done = on_host(done)
            done = eqx.tree_at(lambda run: run.final_state, done, State(devices.fetched(state.x)))
            for i, run in enumerate(runs):
                own = jax.tree.map(lambda a, i=i: a[i], done)
                pieces[i].append(run.collect(own, first, start))
            advance()
        for i, run in enumerate(runs):
            blocks[i].append(run.joined(pieces[i]))
    return [run.labelled(parts) for run, parts in zip(runs, blocks, strict=True)]
