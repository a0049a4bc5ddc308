"""Echo-state network: a fixed random reservoir whose readout alone is trained."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from neurodyn.common.checks import number, plain_number
from neurodyn.models.activations import Activation, activation_function, activation_name
from neurodyn.models.rate.connections import summed_input
from neurodyn.models.rules import AbstractReadoutRule
from neurodyn.params import AbstractDistribution, AbstractParameter, Fixed, Uniform
from neurodyn.params import bind as base
from neurodyn.params.base import changed
from neurodyn.system import AbstractMap, State, Variable


class EchoStateMemory(NamedTuple):
    """Memory of an echo-state network with feedback or a rule, beside the state of its units.

    Attributes
    ----------
    z
        Output of the last step.
    W_out
        Readout weights, where a rule changes them; else None.
    rule
        Memory of the rule.
    """

    z: Float[Array, " output"]
    W_out: Float[Array, "unit output"] | None
    rule: PyTree


class EchoState(AbstractMap):
    r"""A leaky echo-state network.

    .. math:: x_t = (1 - a)\, x_{t-1} + a\, \phi(x_{t-1} W + u_t U + z_{t-1} E + b), \quad
        z_t = x_t W_\mathrm{out} + b_\mathrm{out}

    ``W``, ``U``, ``E`` and ``b`` are random and stay fixed. The readout is found in closed form
    (:func:`neurodyn.analysis.ridge_readout`, :meth:`with_readout`), by gradient
    (:func:`neurodyn.fit` trains nothing else) or while the network runs, by a ``rule``.

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        Sizes.
    spectral_radius
        Largest modulus of the eigenvalues of ``W``, to which it is scaled; default 0.9, below 1 as
        is usual where there is input.
    leak
        :math:`a`, in (0, 1]; a number, or one per unit. Default 1.
    density
        Fraction of connections that are not zero; default: ten per unit, but no more than all.
    input_scale, bias_scale, feedback_scale
        ``U``, ``b`` and ``E`` are uniform in plus or minus these. Defaults 1, 0 and 0, so that
        there is no feedback.
    activation
        Name or function; default tanh. ``"linear"`` for theory.
    rule
        Learning rule of the readout, e.g. :class:`~neurodyn.models.spiking.plasticity.RLS`; its
        intervals count in steps of the run. Targets and gates come with the drive.
    W, U
        Weights given instead of random ones; numbers and arrays stay fixed.
    W_out, b_out
        Readout, trained unless it is ``params.Fixed``. Default ``W_out``: zero with a rule and
        U(-k, k), ``k = 1 / sqrt(n_units)``, without; ``b_out``: 0.
    initial
        Initial state, as for :class:`CTRNN`. Default (None): zeros; with a rule, feedback and no
        bias U(-0.5, 0.5), drawn for every trial, because a network that starts from zeros has no
        output, hence no feedback, and no activity to learn from.
    key
        Seed or key of the weights.

    Raises
    ------
    ValueError
        On sizes or numbers out of range, or for a network that could never leave zero.

    References
    ----------
    Jaeger, GMD Report 148, 2001; Jaeger, Lukosevicius, Popovici & Siewert, Neural Netw. 2007.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import neurodyn as nd
    >>> from neurodyn.models import EchoState
    >>> run = nd.integrate(EchoState(1, 50, 1, key=0), jnp.ones((100, 1)), dt=1.0)
    >>> run.outputs.shape
    (100, 1)
    """

    n_inputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)
    W: Float[Array, "unit unit"] | AbstractParameter
    U: Float[Array, "input unit"] | AbstractParameter
    b: Float[Array, " unit"] | AbstractParameter
    E: Float[Array, "output unit"] | AbstractParameter | None
    leak: Float[Array, "..."] | AbstractParameter
    W_out: Float[Array, "unit output"] | AbstractParameter
    b_out: Float[Array, " output"] | AbstractParameter
    initial: Float[Array, " unit"] | AbstractParameter | AbstractDistribution | None
    rule: AbstractReadoutRule | None

    reference: ClassVar[tuple[str, ...]] = ("jaeger2001", "jaeger2007")

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        spectral_radius: Any = 0.9,
        leak: Any = 1.0,
        density: Any = None,
        input_scale: Any = 1.0,
        bias_scale: Any = 0.0,
        feedback_scale: Any = 0.0,
        activation: Any = "tanh",
        rule: AbstractReadoutRule | None = None,
        W: Any = None,
        U: Any = None,
        W_out: Any = None,
        b_out: Any = 0.0,
        initial: Any = None,
        key: Any,
    ):
        sizes = base.check_sizes(n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs)
        keys, n = base.split_key(key, 7, name="an EchoState"), n_units
        self.n_inputs, self.n_units, self.n_outputs = sizes
        self.activation = activation_name(activation)
        if W is None:
            W = random_reservoir(n, spectral_radius, density, key=keys[0])
        self.W = base.bind(base.constant_or_parameter(W), (n, n), keys[0], name="W", default=None)
        scales = {"input_scale": input_scale, "bias_scale": bias_scale}
        scales["feedback_scale"] = feedback_scale
        inward, offset, back = (plain_number(k, v, low=0) for k, v in scales.items())
        U = _uniform(inward) if U is None else base.constant_or_parameter(U)
        self.U = base.bind(U, (n_inputs, n), keys[1], name="U", default=None)
        self.b = base.bind(_uniform(offset), (n,), keys[2], name="b", default=None)
        self.E = None
        if back:
            self.E = base.bind(_uniform(back), (n_outputs, n), keys[3], name="E", default=None)
        leak = base.bind(base.constant_or_parameter(leak), (n,), keys[4], name="leak", default=None)
        self.leak = _check_leak(leak)
        readout = 0.0 if rule is not None else base.fan_in_uniform(n)
        self.W_out = base.bind(W_out, (n, n_outputs), keys[5], name="W_out", default=readout)
        self.b_out = base.bind(b_out, (n_outputs,), keys[6], name="b_out", default=0.0)
        # Feedback that is learned from zero weights stays zero if there is no other activity.
        resting = rule is not None and self.E is not None and not offset and W_out is None
        if resting and initial is None:
            initial = Uniform(-0.5, 0.5)
        self.initial = base.bind_initial(initial, (n,), keys[6])
        if resting and self.initial is None and not n_inputs and base.is_zero(self.b_out):
            raise ValueError(
                "This EchoState could never start: state, bias, readout and feedback are zero, and "
                "it has no inputs. Pass a random `initial`, e.g. params.Uniform(-0.5, 0.5), or a "
                "`bias_scale` above 0."
            )
        self.rule = rule

    @classmethod
    def example(cls, key: Any = 0) -> "EchoState":
        """A small model, for tests."""
        return cls(3, 8, 2, density=0.5, feedback_scale=0.2, key=key)

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial
        x = base.start(self.initial, self.n_units, self.b.dtype, key, name="this EchoState")
        if self.E is None and self.rule is None:
            return State(x)
        rule = None if self.rule is None else self.rule.start(self.W_out, key=key)
        W_out = None if self.rule is None else self.W_out
        return State(x, EchoStateMemory(x @ self.W_out + self.b_out, W_out, rule))

    def update(self, state, u, *, key):
        x, memory = state.x, state.memory
        total = summed_input(x, self.W, self.U, self.b, u)
        if self.E is not None:
            total = total + memory.z @ self.E
        x = (1 - self.leak) * x + self.leak * activation_function(self.activation)(total)
        if memory is None:
            return State(x)
        if self.rule is None:
            return State(x, EchoStateMemory(x @ self.W_out + self.b_out, None, None))
        z = x @ memory.W_out + self.b_out
        one = jnp.ones((), x.dtype)
        learned = self.rule.update(u.step, one, memory.rule, memory.W_out, x, z, u, key=key)
        return State(x, EchoStateMemory(z, learned[1], learned[0]))

    def readout(self, state):
        if state.memory is not None:
            return state.memory.z
        return state.x @ self.W_out + self.b_out

    def observe(self, state):
        seen = {"rate": state.x}
        if self.rule is not None:
            seen["decoder"] = state.memory.W_out
        return seen

    def variables(self):
        found = {"rate": Variable(("unit",), "1", "activity of the reservoir", "rate")}
        if self.rule is not None:
            found["decoder"] = Variable(("unit", "output"), "1", "readout weights", "weight")
        return found

    def unit_coords(self):
        return {}

    def with_readout(
        self,
        W_out: Float[Array, "unit output"] | Float[np.ndarray, "unit output"],
        b_out: Float[Array, " output"] | Float[np.ndarray, " output"] | float = 0.0,
    ) -> "EchoState":
        """A copy with this readout.

        Raises
        ------
        ValueError
            If the weights are not ``(unit, output)``.
        """
        shape = (self.n_units, self.n_outputs)
        if np.shape(W_out) != shape or np.shape(b_out) not in ((), shape[1:]):
            raise ValueError(
                f"The readout must be weights {shape} and a bias {shape[1:]}, got "
                f"{np.shape(W_out)} and {np.shape(b_out)}."
            )
        weights = base.bind(W_out, shape, jax.random.key(0), name="W_out", default=None)
        bias = base.bind(b_out, shape[1:], jax.random.key(0), name="b_out", default=None)
        return changed(self, W_out=weights, b_out=bias)


def random_reservoir(
    n_units: int, spectral_radius: Any = 0.9, density: Any = None, *, key: Any
) -> Float[Array, "unit unit"]:
    """Sparse Gaussian weights with this spectral radius.

    Parameters
    ----------
    n_units
        Number of units.
    spectral_radius
        Largest modulus of the eigenvalues.
    density
        Fraction of weights that are not zero; default ten per unit, at most all.
    key
        Seed or key.

    Raises
    ------
    ValueError
        On a density outside (0, 1], or when no weight is left that carries a cycle, so that all
        eigenvalues are zero.
    """
    radius = number("spectral_radius", spectral_radius, low=0)
    density = min(1.0, 10.0 / n_units) if density is None else density
    density = number("density", density, above=0, high=1)
    k_weights, k_mask = base.split_key(key, 2, name="a reservoir")
    weights = jax.random.normal(k_weights, (n_units, n_units))
    kept = jax.random.uniform(k_mask, weights.shape) < density
    weights = jnp.where(kept, weights, jnp.zeros((), weights.dtype))
    if isinstance(weights, jax.core.Tracer):
        shape = jax.ShapeDtypeStruct((), weights.dtype)
        largest = jax.pure_callback(_radius, shape, weights, vmap_method="broadcast_all")
    else:
        largest = _radius(np.asarray(weights))
        if not largest > 1e-6:
            raise ValueError(
                f"No cycle among the {n_units} units at density {float(density):g}, so the "
                "spectral radius cannot be set: take a higher density or another key."
            )
    return weights * (radius / largest).astype(weights.dtype)


def _radius(weights: Any) -> np.ndarray:
    values = np.linalg.eigvals(np.asarray(weights))
    return np.asarray(np.abs(values).max(-1), weights.dtype)


def _uniform(scale: float) -> Fixed:
    return Fixed(Uniform(-scale, scale) if scale else 0.0)


def _check_leak(leak: Any) -> Any:
    numbers = base.numbers_of(leak)
    if numbers is not None and not ((numbers > 0) & (numbers <= 1)).all():
        raise ValueError(
            f"`leak` must lie in (0, 1], got {float(numbers.min()):g} to {float(numbers.max()):g}."
        )
    return leak
