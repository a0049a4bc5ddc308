"""The discrete leaky network with trainable time constants."""

from typing import Any, ClassVar

from jaxtyping import Array, Float

from neurodyn.models.activations import activation_function, activation_name
from neurodyn.models.rate.connections import AbstractLeaky, summed_input
from neurodyn.models.unit_labels import unit_areas, unit_signs
from neurodyn.params import AbstractDistribution, AbstractParameter, Clamped, Free, Masked, Uniform
from neurodyn.params import bind as base
from neurodyn.system import AbstractMap, State, Variable


class LeakyRNN(AbstractLeaky, AbstractMap):
    r"""A leaky recurrent network in discrete time, with trainable time constants.

    .. math:: h_t = \phi\big((1 - 1/\tau) h_{t-1}
        + (1/\tau) (h_{t-1} W + b + x_t U + b_\mathrm{in})\big)

    with time constants in steps, or with ``form="rate"`` the nonlinearity on the drive alone:

    .. math:: h_t = (1 - 1/\tau) h_{t-1}
        + (1/\tau) \phi(h_{t-1} W + b + x_t U + b_\mathrm{in})

    All defaults are those of the published networks.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        Sizes.
    tau
        Time constants [steps], at least 1. Numbers and arrays stay fixed; a parameter is trained.
        Default: trained, clamped at 1 in the forward pass (a raw value that falls below stays
        there, having no gradient), from U(1, 2).
    form
        ``"update"`` (default): the nonlinearity around the whole update; ``"rate"``: on the drive.
    activation
        Name or function. Default leaky ReLU, slope 0.01.
    W, b
        Recurrent weights ``(unit, unit)`` and bias. Default U(-k, k), ``k = 1 / sqrt(n_units)``,
        the weights without self-connections.
    U, b_in
        Input weights ``(input, unit)`` and their own bias. Default U(-k, k), ``k = 1 /
        sqrt(n_inputs)``.
    W_out, b_out
        Readout. Default U(-k, k), ``k = 1 / sqrt(n_units)``.
    initial
        Initial state, as for :class:`CTRNN`. Default ``"uniform"``: drawn from U(0, 0.1) for every
        trial, as in the published networks.
    areas
        As for :class:`CTRNN`.
    key
        Seed or key of the initial weights.

    References
    ----------
    Khajehabdollahi, Zeraati, Giannakakis, Schaefer, Martius & Levina, "Emergent mechanisms for long
    timescales depend on training curriculum and affect performance in memory tasks", ICLR 2024.
    """

    b_in: Float[Array, " unit"] | AbstractParameter
    W_out: Float[Array, "unit output"] | AbstractParameter
    b_out: Float[Array, " output"] | AbstractParameter
    initial: Float[Array, " unit"] | AbstractParameter | AbstractDistribution | None

    reference: ClassVar[tuple[str, ...]] = ("khajehabdollahi2024",)

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        tau: Any = None,
        form: str = "update",
        activation: Any = "leaky_relu",
        W: Any = None,
        U: Any = None,
        b: Any = None,
        b_in: Any = None,
        W_out: Any = None,
        b_out: Any = None,
        initial: Any = "uniform",
        areas: Any = None,
        key: Any,
    ):
        sizes = base.check_sizes(n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs)
        if form not in ("update", "rate"):
            raise ValueError(f'`form` must be "update" or "rate", got {form!r}.')
        keys = base.split_key(key, 8, name="a LeakyRNN")
        n = n_units
        self.n_inputs, self.n_units, self.n_outputs = sizes
        self.form, self.activation = form, activation_name(activation)
        tau = Clamped(1.0, init=Uniform(1.0, 2.0)) if tau is None else tau
        self.tau = base.bind_tau(tau, n, keys[0], least=1.0, unit="step")
        recurrent, inward = base.fan_in_uniform(n), base.fan_in_uniform(n_inputs)
        W = Masked("off-diagonal", Free(recurrent)) if W is None else W
        self.W = base.bind(W, (n, n), keys[1], name="W", default=recurrent)
        self.U = base.bind(U, (n_inputs, n), keys[2], name="U", default=inward)
        self.b = base.bind(b, (n,), keys[3], name="b", default=recurrent)
        self.b_in = base.bind(b_in, (n,), keys[4], name="b_in", default=inward)
        self.W_out = base.bind(W_out, (n, n_outputs), keys[5], name="W_out", default=recurrent)
        self.b_out = base.bind(b_out, (n_outputs,), keys[6], name="b_out", default=recurrent)
        law = Uniform(0.0, 0.1)
        self.initial = base.bind_initial(initial, (n,), keys[7], uniform=law)
        self.areas = unit_areas(areas, W, n)
        self.ei = unit_signs(self.W)

    def update(self, state, u, *, key):
        del key
        h, alpha = state.x, 1 / self.tau
        z = summed_input(h, self.W, self.U, self.b + self.b_in, u)
        act = activation_function(self.activation)
        if self.form == "rate":
            return State((1 - alpha) * h + alpha * act(z))
        return State(act((1 - alpha) * h + alpha * z))

    def readout(self, state):
        return state.x @ self.W_out + self.b_out

    def observe(self, state):
        return {"rate": state.x}

    def variables(self):
        return {"rate": Variable(("unit",), "1", "firing rate", "rate")}

    def unit_coords(self):
        coords = super().unit_coords()
        if "tau" in coords:
            coords["tau"] = ("unit", coords["tau"], "steps", "time constant")
        return coords

    def fused(self, inputs, x0, *, dt, noise, length, last):
        del dt, noise
        b, alpha = self.b + self.b_in, 1 / self.tau
        return self._scan(b, alpha, inputs, x0, length=length, last=last)
