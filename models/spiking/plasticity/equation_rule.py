"""A learning rule, or a synapse that tires, of any equations, given as text."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.models.spiking.cells import expression
from neurodyn.models.spiking.cells.notation import parsed_equations, parsed_statements
from neurodyn.models.spiking.cells.schemes import ExponentialEuler
from neurodyn.models.spiking.plasticity.base import AbstractProjectionRule
from neurodyn.params import Fixed
from neurodyn.params.base import value_of

#: The weight, and what a spike delivers.
WEIGHT, SENT = "w", "sent"


class EquationRule(AbstractProjectionRule):
    """A learning rule, or a synapse that tires, of any equations, given as text.

    Every synapse has variables of its own that follow equations between spikes, and statements that
    are carried out when a spike arrives (`on_pre`) or the target spikes (`on_post`).

    Parameters
    ----------
    equations
        A line ``dx/dt = expression`` for each variable, in ms; each is advanced exactly where it is
        linear in itself and does not depend on the others.
    on_pre, on_post
        Statements ``x = ...`` or ``x += ...``, in their order. ``w`` is the weight; ``sent = ...``
        in `on_pre` is what the spike delivers at this point; default ``w`` before the statements.
        Other new names are for use below them.
    constants
        Values of the other names: a number, or one for each synapse (in the order of the weights).
    start
        Initial values of the variables, in the same form; default 0.

    Raises
    ------
    ValueError
        If a text cannot be parsed, or a name has no value.

    Notes
    -----
    In one step presynaptic spikes come first, as in Brian2: they see traces without the
    postsynaptic spikes of the same step. Text is never executed as a program. A step computes all
    synapses, so prefer sparse projections; :class:`PairSTDP` is faster for additive pair-based
    rules.

    References
    ----------
    Stimberg, Brette & Goodman, "Brian 2, an intuitive and efficient neural simulator", eLife
    8:e47314, 2019 (the notation).

    Examples
    --------
    Inhibitory plasticity of Vogels et al. (2011):

    >>> from neurodyn.models.spiking import plasticity
    >>> rule = plasticity.EquationRule(
    ...     '''dpre/dt = -pre/tau
    ...     dpost/dt = -post/tau''',
    ...     on_pre="pre += 1; w = clip(w + (post - alpha)*eta, 0, 100); sent = w",
    ...     on_post="post += 1; w = clip(w + pre*eta, 0, 100)",
    ...     constants={"tau": 20.0, "alpha": 0.12, "eta": 0.01},
    ... )
    """

    equations: str = eqx.field(static=True)
    on_pre: str = eqx.field(static=True)
    on_post: str = eqx.field(static=True)
    constants: dict[str, Any]
    initial: dict[str, Any]

    reference: ClassVar[tuple[str, ...]] = ("stimberg2019",)

    def __init__(
        self,
        equations: str,
        *,
        on_pre: str = "",
        on_post: str = "",
        constants: Mapping[str, Any] | None = None,
        start: Mapping[str, Any] | None = None,
    ):
        self.equations, self.on_pre, self.on_post = equations, on_pre, on_post
        self.constants = {n: _fixed(n, x) for n, x in sorted(dict(constants or {}).items())}
        given = dict(start or {})
        self.initial = {n: _fixed(n, given.pop(n, 0.0)) for n in sorted(self._names)}
        if given:
            raise ValueError(f"EquationRule: {sorted(given)} are no variables: {self._names}.")
        self._check_names()

    @property
    def _names(self) -> list[str]:
        return list(parsed_equations(self.equations).rates)

    def _check_names(self) -> None:
        rates, short = parsed_equations(self.equations)
        if short or WEIGHT in rates or SENT in rates:
            raise ValueError(
                f"EquationRule: equations are 'dx/dt = ...' of variables other than {WEIGHT} and "
                f"{SENT}, got {[*short, *rates]}."
            )
        known = {*rates, *self.constants}
        for rate in rates.values():
            expression.check_names("EquationRule", rate.text, known)
        for code in (self.on_pre, self.on_post):
            seen = known | {WEIGHT}
            for name, text in parsed_statements(code):
                expression.check_names("EquationRule", text, seen)
                seen.add(name)
                if name in self.constants or (name == SENT and code is self.on_post):
                    raise ValueError(f"EquationRule: '{name} = {text}' sets what does not change.")

    def check(self, weights):
        """Any weights are taken."""

    def start(self, W, n_pre, n_post):
        """The initial values of each synapse."""
        del n_pre, n_post
        return {
            name: jnp.broadcast_to(value_of(x).astype(W.values.dtype), W.values.shape)
            for name, x in self.initial.items()
        }

    def arrive(self, dt, memory, W, pre):
        """The statements of presynaptic spikes."""
        del dt
        fired = pre[W.pre] > 0
        memory, values, found = self._carry_out(self.on_pre, fired, memory, W.values)
        sent = jnp.where(fired, jnp.broadcast_to(found.get(SENT, W.values), values.shape), 0.0)
        return memory, dataclasses.replace(W, values=values), sent

    def update(self, t, dt, memory, W, pre, post, state, u, *, key):
        """The statements of postsynaptic spikes; then the variables go to the next step."""
        del t, pre, state, u, key
        fired = post[W.post] > 0
        memory, values, _ = self._carry_out(self.on_post, fired, memory, W.values)
        if memory:
            memory = ExponentialEuler().advance(self._rates, memory, dt)
        return memory, dataclasses.replace(W, values=values)

    def _rates(self, memory: dict[str, Array]) -> dict[str, Array]:
        values = memory | {name: value_of(x) for name, x in self.constants.items()}
        rates = parsed_equations(self.equations).rates
        return {
            name: jnp.broadcast_to(expression.evaluate(rates[name].text, values), x.shape)
            for name, x in memory.items()
        }

    def _carry_out(
        self, code: str, fired: Array, memory: dict[str, Array], w: Array
    ) -> tuple[dict[str, Array], Array, dict[str, Any]]:
        """Variables and weights after statements where synapses fired, and all names."""
        old = memory | {WEIGHT: w}
        values = old | {name: value_of(x) for name, x in self.constants.items()}
        for name, text in parsed_statements(code):
            values[name] = expression.evaluate(text, values)
        new = {n: jnp.where(fired, jnp.asarray(values[n], x.dtype), x) for n, x in old.items()}
        return {name: new[name] for name in memory}, new[WEIGHT], values


def _fixed(name: str, value: Any) -> Fixed:
    numbers = np.asarray(value_of(value), float)
    if not np.isfinite(numbers).all():
        raise ValueError(f"EquationRule: {name} must be finite.")
    return Fixed(raw=jnp.asarray(numbers, jnp.result_type(float)))
