"""Devices and integration methods of Brian2, and the schemes that are theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.engine.drive import Drive
from neurodyn.models.spiking.cells.equation_cell import EquationCell
from neurodyn.params import with_values

#: Schemes by Brian2's names of methods.
_SCHEMES = {
    "euler": "euler",
    "exact": "exact",
    "linear": "exact",
    "independent": "exact",
    "exponential_euler": "exponential_euler",
    "rk2": "rk2",
    "rk4": "rk4",
    "heun": "heun",
    # Of noise that does not depend on the state, which alone is read.
    "milstein": "euler",
}
#: Largest product of a step and the fastest rate for which the exact scheme is exact.
_FASTEST = 4.0


def check_device(b2: Any, net: Any) -> None:
    """Refuse what holds no values here: generated code that runs by itself, the magic network.

    Raises
    ------
    ValueError
        With what to do.
    """
    from brian2.core.magic import MagicNetwork
    from brian2.devices.device import RuntimeDevice, get_device

    names = ", ".join(each.name for each in net.objects) or "its objects"
    if not isinstance(get_device(), RuntimeDevice):
        raise ValueError(
            f"from_brian2: with the device {type(get_device()).__name__} (cpp_standalone or another"
            f" that writes code) the values of {names} are in generated code, not in Python: make "
            "the network after brian2.set_device('runtime')."
        )
    if isinstance(net, MagicNetwork):
        raise ValueError(
            "from_brian2: magic_network is filled by run() and holds nothing before it: pass "
            "brian2.Network(brian2.collect()), called where your groups and synapses are visible, "
            "or brian2.Network(...) of them."
        )


def scheme_of(groups: Sequence[Any], namespace: Mapping[str, Any]) -> str:
    """The scheme of the methods by which Brian2 integrates the groups.

    Raises
    ------
    ValueError
        If a method has no counterpart, or the groups have different ones.
    """
    moving = [each for each in groups if each.equations.diff_eq_names]
    methods = {each.name: _method(each, namespace) for each in moving}
    for name, method in methods.items():
        if method not in _SCHEMES:
            raise ValueError(
                f"from_brian2: {name} is integrated with the method {method!r}, which has no "
                f"counterpart here; {', '.join(_SCHEMES)} have. Build it with one of these, or "
                'pass scheme="euler" (or a diffrax solver) to go on with another one, whose spikes '
                "then differ a little."
            )
    for each in moving:
        _check_same(each, methods[each.name], namespace)
    schemes = {_SCHEMES[method] for method in methods.values()}
    if len(schemes) > 1:
        raise ValueError(
            f"from_brian2: the groups are integrated with different methods, {methods}; a network "
            'has one scheme: build them with one method, or pass scheme="euler" (or another one).'
        )
    return schemes.pop() if schemes else "euler"


def _check_same(group: Any, method: str, namespace: Mapping[str, Any]) -> None:
    """Refuse equations for which Brian2's method does something of its own.

    Raises
    ------
    ValueError
        With the equation.
    """
    import sympy as sp
    from brian2.stateupdaters.exponential_euler import get_conditionally_linear_system

    name = group.name
    arrays = _arrays(group, namespace)
    if method in ("rk2", "rk4", "heun") and arrays:
        raise ValueError(
            f"from_brian2: {name} is integrated with {method!r}, which looks up {arrays} within "
            "a step; here an input is held over it: build it with another method, or pass "
            f'scheme="{method}" to go on.'
        )
    if method != "exponential_euler":
        return
    system = get_conditionally_linear_system(group.equations, _variables(group, namespace))
    for variable, parts in system.items():
        symbol = sp.Symbol(variable, real=True)
        if any(sp.sympify(part).has(symbol) for part in parts):
            raise ValueError(
                f"from_brian2: {name}: d{variable}/dt = {group.equations[variable].expr} is not "
                f"linear in {variable}, and Brian2's 'exponential_euler' then holds a part of it: "
                'build it with another method, or pass scheme="exponential_euler" to go on with '
                "the tangent, whose spikes differ a little."
            )


def _arrays(group: Any, namespace: Mapping[str, Any]) -> list[str]:
    """Names of the TimedArrays in the equations of a group."""
    import brian2 as b2

    found = group.resolve_all(
        group.equations.identifiers, namespace, user_identifiers=set()
    ).items()
    return sorted(name for name, value in found if isinstance(value, b2.TimedArray))


def _variables(group: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    wanted = group.equations.names | group.equations.identifiers | {"dt"}
    return group.resolve_all(wanted, namespace, user_identifiers=set())


def _method(group: Any, namespace: Mapping[str, Any]) -> Any:
    """Name of the method that Brian2 takes for a group."""
    from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

    method = group.method_choice
    if isinstance(method, str) or not isinstance(method, (list, tuple)):
        return method
    variables = _variables(group, namespace)
    for each in method:
        try:
            StateUpdateMethod.stateupdaters[each](group.equations, variables)
        except UnsupportedEquationsException:
            continue
        return each
    return None


def check_linear(network: Any, dt: float) -> None:
    """Refuse the exact scheme where a time constant is much shorter than the step [ms]."""
    # The time constants of other neurons are compared with the step when they run.
    if network.scheme_name != "exact" or not any(
        isinstance(kind, EquationCell) for kind in network.kinds
    ):
        return
    network = with_values(network).sized(dt)
    state = network.initial_state(dt=dt, key=0)
    _, tangent = jax.linearize(lambda x: network.drift(0.0, state._replace(x=x), Drive()), state.x)
    leaves, structure = jax.tree.flatten(state.x)
    columns = []
    for k in range(len(leaves)):
        along = [jnp.full_like(x, float(i == k)) for i, x in enumerate(leaves)]
        moved = jax.tree.leaves(tangent(jax.tree.unflatten(structure, along)))
        columns.append([float(jnp.abs(x).max()) for x in moved])
    # Rates of variables, and of pairs that drive each other, whatever their units.
    J = np.array(columns)
    fastest = float(np.sqrt(J * J.T).max()) * dt
    if fastest > _FASTEST:
        raise ValueError(
            f"from_brian2: with the step of {dt:g} ms the fastest rate of change is {fastest:.3g} "
            f"per step; the exact scheme takes up to {_FASTEST:g}: use a shorter dt."
        )
