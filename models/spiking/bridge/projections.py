"""Synapses of Brian2 as projections."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from neurodyn.models.spiking.bridge.expressions import Expressions, exact
from neurodyn.models.spiking.bridge.groups import Group
from neurodyn.models.spiking.bridge.plastic import PlasticReader, is_plastic, scaled
from neurodyn.models.spiking.bridge.scales import scale_of
from neurodyn.models.spiking.cells.notation import Statement, statements
from neurodyn.models.spiking.network.connect import Pairs
from neurodyn.models.spiking.network.projection import Projection
from neurodyn.models.spiking.synapses.inputs import Poisson
from neurodyn.params import Fixed

_MS = 1e-3


def _whole(b2: Any, group: Any) -> Any:
    """The group of a part of it."""
    return group.source if isinstance(group, b2.Subgroup) else group


def written_variables(
    b2: Any, groups: Iterable[Any], synapses: Iterable[Any], inputs: Iterable[Any]
) -> dict[str, set[str]]:
    """Variables of each group that synapses and Poisson inputs change."""
    found: dict[str, set[str]] = {group.name: set() for group in groups}
    for each in synapses:
        target = _whole(b2, each.target)
        for statement in (x for pathway in each._pathways for x in statements(pathway.code)):
            name = statement.name.removesuffix("_post")
            if target.name in found and name in target.variables and name not in each.equations:
                found[target.name].add(name)
    for each in inputs:
        target = _whole(b2, each._group)
        if target.name in found:
            found[target.name].add(each.target_var)
    return found


def read_poisson_input(
    b2: Any, each: Any, groups: Mapping[str, Group], names: Mapping, namespace: Mapping
) -> tuple[Poisson, Projection]:
    """A PoissonInput as a source with a unit for each of its targets."""
    target = _whole(b2, each._group)
    try:
        if target.name not in groups:
            raise ValueError(f"its target {target.name} is not in the Network")
        first = each._group.start if isinstance(each._group, b2.Subgroup) else 0
        n, group = len(each._group), groups[target.name]
        if each.when != "synapses":
            raise ValueError(f"it acts in the slot '{each.when}', not 'synapses'")
        expressions = Expressions(each._group, namespace, target.equations.diff_eq_names)
        given = each.weight
        weight = expressions.numbers(given) if isinstance(given, str) else float(given)
        synapse, scale = _reached(group, each.target_var, names, target.name)
        weight = exact(np.broadcast_to(weight, (n,)) * scale[first : first + n])
    except ValueError as error:
        raise ValueError(
            f"from_brian2: {each.name} ({each.N} Poisson trains onto {each.target_var} of "
            f"{target.name}, weight {each.weight}): {error}."
        ) from error
    units = np.arange(n)
    # The weights of one train are those of all.
    projection = _projection(
        each.name, target.name, synapse, units, units + first, weight, np.zeros(n)
    )
    return Poisson(n, float(each.rate), trains=int(each.N)), projection


def read_projections(
    b2: Any, synapses: Any, groups: Mapping[str, Group], names: Mapping, namespace: Mapping
) -> Iterator[tuple[str, Projection]]:
    """The projections of one Synapses object: one for each statement of each pathway."""
    try:
        own = set(synapses.equations.diff_eq_names)
        if synapses.event_driven is not None:
            own -= set(synapses.event_driven.diff_eq_names)
        own |= set(synapses.summed_updaters)
        if own:
            raise ValueError(
                f"it has equations of its own that are advanced in every step ({sorted(own)}: NMDA "
                "receptors, gap junctions, graded synapses)"
            )
        source, target = _whole(b2, synapses.source), _whole(b2, synapses.target)
        if target.name not in groups:
            raise ValueError(f"its target {target.name} is not in the Network")
        # Before a run indices are those of the whole groups, also for parts of them.
        pre = np.array(synapses.variables["_synaptic_pre"].get_value(), np.int64)
        post = np.array(synapses.variables["_synaptic_post"].get_value(), np.int64)
        if is_plastic(synapses):
            if pre.size:
                group = groups[target.name]
                projection = _plastic(b2, synapses, source, group, names, namespace, pre, post)
                yield synapses.name, projection
            return
        jumps = [(pathway, x) for pathway in synapses._pathways for x in statements(pathway.code)]
        for k, (pathway, jump) in enumerate(jumps):
            if pathway.prepost != "pre" or pathway.event != "spike":
                raise ValueError(f"'{jump}' on_{pathway.prepost} (plasticity)")
            written = groups[target.name].variables
            variable, weight = _jump(synapses, target, jump, namespace, written)
            synapse, scale = _reached(groups[target.name], variable, names, target.name)
            weight = exact(np.broadcast_to(weight, pre.shape) * scale[post])
            delay = np.asarray(pathway.variables["delay"].get_value(), float)
            delay = exact(np.broadcast_to(delay, pre.shape) / _MS)
            if not pre.size:
                continue
            yield (
                synapses.name if len(jumps) == 1 else f"{synapses.name}_{k}",
                _projection(source.name, target.name, synapse, *_merged(pre, post, weight, delay)),
            )
    except ValueError as error:
        raise ValueError(
            f"from_brian2: {synapses.name}: {error}. Supported are jumps 'x_post += w' of the "
            "potential or a synaptic variable on a presynaptic spike, w being any expression of "
            "constants, and event-driven variables of synapses with statements on_pre and on_post."
        ) from error


def _plastic(b2, synapses, source, group, names, namespace, pre, post) -> Projection:
    """A projection whose synapses have variables of their own."""
    target = _whole(b2, synapses.target)
    order = np.lexsort((post, pre))
    pre, post = pre[order], post[order]
    if ((np.diff(pre) == 0) & (np.diff(post) == 0)).any():
        raise ValueError("it connects the same pair several times")
    variable, rule, weight = PlasticReader(b2, synapses, target, namespace, order).read()
    synapse, scale = _reached(group, variable, names, target.name)
    factor = exact(scale[post] * scale_of(target.variables[variable].dim))
    delay = np.asarray(synapses.pre.variables["delay"].get_value(), float)
    delay = exact(np.broadcast_to(delay, pre.shape) / _MS)
    if (delay != delay[0]).any():
        raise ValueError("its delays differ, and a rule sees spikes as they arrive, all together")
    projection = _projection(source.name, target.name, synapse, pre, post, weight, delay)
    return dataclasses.replace(projection, rule=scaled(rule, factor))


def _jump(
    synapses: Any,
    target: Any,
    jump: Statement,
    namespace: Mapping[str, Any],
    written: Iterable[str],
) -> tuple[str, np.ndarray]:
    """The variable of the target that jumps, and the size of the jump."""
    name = jump.name.removesuffix("_post")
    ours = name in target.equations.names and name not in synapses.equations
    if jump.operator not in ("+", "-") or not ours:
        raise ValueError(f"'{jump}' is not supported")
    moving = {
        f"{variable}{side}"
        for side in ("_pre", "_post", "")
        for variable in {
            *("t", "lastspike", "not_refractory"),
            *written,
            *target.equations.diff_eq_names,
            *getattr(getattr(synapses.source, "equations", None), "diff_eq_names", ()),
        }
    } - set(synapses.equations)
    weight = Expressions(synapses, namespace, moving).numbers(jump.text)
    return name, np.asarray(weight if jump.operator == "+" else -weight)


def _reached(
    group: Group, variable: str, names: Mapping, population: str
) -> tuple[str, np.ndarray]:
    """The synapse that jumps of a variable reach, and the weight of a jump by 1 in SI units."""
    v, size = group.v
    if variable in group.variables:
        own, size = group.variables[variable]
        synapse = "jump" if own == "v" else f"jump_{own}"
        return synapse, np.full(group.population.n, 1 / size)
    if variable == v:
        return "jump", np.full(group.population.n, 1 / size)
    for name, receptor in group.receptors.items():
        if receptor.entry == variable:
            return names[population, name], receptor.gain
    raise ValueError(f"jumps of {variable} reach no synapse of its target")


def _merged(pre: Any, post: Any, weight: Any, delay: Any) -> tuple[Any, Any, Any, Any]:
    """Synapses in the order of their units, those of the same pair and delay as one."""
    order = np.lexsort((post, pre))
    pre, post, weight, delay = (each[order] for each in (pre, post, weight, delay))
    new = np.r_[True, (np.diff(pre) != 0) | (np.diff(post) != 0)]
    first = np.flatnonzero(new)
    if (delay != delay[first][np.cumsum(new) - 1]).any():
        raise ValueError("it connects the same pair several times, with different delays")
    return pre[first], post[first], np.add.reduceat(weight, first), delay[first]


def _projection(source, target, synapse, pre, post, weight, delay) -> Projection:
    one = (delay == delay[0]).all()
    return Projection(
        source,
        target,
        synapse,
        W=Fixed(weight),
        connect=Pairs(pre, post),
        delay=(float(delay[0]) or None) if one else delay,
        format="csr",
    )
