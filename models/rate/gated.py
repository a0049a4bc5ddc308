"""The constructor that gated networks share."""

from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from neurodyn.models.rate.connections import AbstractRateNetwork
from neurodyn.models.unit_labels import label_units, unit_areas
from neurodyn.params import AbstractDistribution, AbstractParameter
from neurodyn.params import bind as base
from neurodyn.system import AbstractMap


class AbstractGated(AbstractRateNetwork, AbstractMap):
    """A network with gates: its sizes, parameters and readout. Subclasses add the equations.

    Gates are blocks of columns of `W` and `U`, of which there are `n_gates`. The defaults are the
    usual ones of deep learning libraries: everything U(-k, k) with ``k = 1 / sqrt(n_units)``.
    """

    n_gates: ClassVar[int]
    areas: tuple[str, ...] | None = eqx.field(static=True)
    W: Float[Array, "unit gates"] | AbstractParameter
    U: Float[Array, "input gates"] | AbstractParameter
    b: Float[Array, " gates"] | AbstractParameter
    b_in: Float[Array, " gates"] | AbstractParameter
    W_out: Float[Array, "unit output"] | AbstractParameter
    b_out: Float[Array, " output"] | AbstractParameter
    initial: Float[Array, " unit"] | AbstractParameter | AbstractDistribution | None

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        W: Any = None,
        U: Any = None,
        b: Any = None,
        b_in: Any = None,
        W_out: Any = None,
        b_out: Any = None,
        initial: Any = "zeros",
        areas: Any = None,
        key: Any,
    ):
        sizes = base.check_sizes(n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs)
        keys = base.split_key(key, 7, name=f"this {type(self).__name__}")
        n, wide, law = n_units, self.n_gates * n_units, base.fan_in_uniform(n_units)
        self.n_inputs, self.n_units, self.n_outputs = sizes
        self.W = base.bind(W, (n, wide), keys[0], name="W", default=law)
        self.U = base.bind(U, (n_inputs, wide), keys[1], name="U", default=law)
        self.b = base.bind(b, (wide,), keys[2], name="b", default=law)
        self.b_in = base.bind(b_in, (wide,), keys[3], name="b_in", default=law)
        self.W_out = base.bind(W_out, (n, n_outputs), keys[4], name="W_out", default=law)
        self.b_out = base.bind(b_out, (n_outputs,), keys[5], name="b_out", default=law)
        self.initial = base.bind_initial(initial, (n,), keys[6])
        self.areas = unit_areas(areas, None, n)

    def unit_coords(self):
        return label_units(self.areas, None)
