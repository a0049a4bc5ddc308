"""The continuous-time rate network with trainable time constants."""

import warnings
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.models.activations import activation_function, activation_name
from neurodyn.models.rate.connections import AbstractLeaky, summed_input
from neurodyn.models.unit_labels import unit_areas, unit_signs
from neurodyn.params import AbstractDistribution, AbstractParameter, Bounded, Dale, Uniform
from neurodyn.params import bind as base
from neurodyn.params.describe import described
from neurodyn.system import AbstractFlow, Variable

#: Activations that give exactly 0 over a range.
_RECTIFIED = ("relu", "relu6", "retanh")


class CTRNN(AbstractLeaky, AbstractFlow):
    r"""A continuous-time recurrent neural network.

    ``form="rate"`` (the nonlinearity inside the leak):

    .. math:: \tau \dot r = -r + \phi(r W + u U + b)

    ``form="current"``, where the state is the summed current ``x`` and ``r = phi(x)``:

    .. math:: \tau \dot x = -x + \phi(x) W + u U + b

    With ``noise_std`` the right-hand side gains ``sigma sqrt(2 tau) dW/dt``. Then ``sigma`` is the
    stationary standard deviation of a unit without connections, for any ``tau`` (with Euler
    steps of length dt it is ``sigma / sqrt(1 - dt / (2 tau))``). The output is
    ``r W_out + b_out``.

    In the rate form this noise is added to the rate itself, after the nonlinearity. Rates of
    rectified units therefore go below zero: half of the time where ``phi`` gives 0, and a fraction
    ``Phi(-r / sigma)`` of the time where it gives r. The negative rate is recorded and sent, so an
    excitatory unit inhibits for that time, also under :class:`~neurodyn.params.Dale`. In the
    current form the noise is inside the nonlinearity, and rectified rates stay at 0 or above.

    ``noise_at="drive"`` puts the noise of the rate form inside the nonlinearity, as Yang et al.
    (2019) do: :math:`\phi(r W + u U + b + \sigma \sqrt{2 \tau / dt}\, \xi)`, with standard normal
    ``xi`` drawn anew for each step of ``dt``. A linear unit does the same with it as with noise of
    the state. A nonlinear one averages it: the noise raises the mean rate of a convex ``phi``, the
    more the shorter the step, so that the model depends on ``dt``.

    Every weight argument takes a number, an array, an initializer ``(key, shape, dtype)`` or a
    parameter of :mod:`neurodyn.params`, such as a constraint (Dale, sparsity, rank, areas).

    Parameters
    ----------
    n_inputs, n_units, n_outputs
        Sizes.
    tau
        Time constants [ms]. A number or an array stays fixed; a parameter is trained, per unit, or
        per group (:class:`~neurodyn.params.Grouped`), or shared (:class:`~neurodyn.params.Shared`).
        Default: trained per unit between 20 and 500 ms, from 100 ms (Yang et al. 2019 use 100 ms at
        dt = 20 ms). No tau may be shorter than the step of a run.
    form
        ``"rate"`` or ``"current"``.
    activation
        Name (``"tanh"``, ``"relu"``, ``"softplus"``...) or function. ``tanh``, ``sigmoid``,
        ``softplus``, ``relu``, ``leaky_relu`` and ``identity`` have a fast path.
    W
        Recurrent weights ``(unit, unit)``. Default: random orthogonal, because an orthogonal matrix
        keeps the norm of the activity (Yang et al. 2019).
    U
        Input weights ``(input, unit)``. Default: normal with variance ``1 / n_inputs``.
    b
        Bias ``(unit,)``. Default 0.
    W_out
        Readout weights ``(unit, output)``. Default: normal with variance ``1 / n_units``.
    b_out
        Readout bias ``(output,)``. Default 0.
    noise_std
        Stationary standard deviation ``sigma`` of the noise, in units of the state. None: no noise.
        A number or array (per unit) stays fixed; a parameter is trained.
    noise_at
        ``"state"`` (default): noise is added to the state; ``"drive"``: inside the nonlinearity,
        for the rate form only (in the current form noise of the state is inside it).
    initial
        Initial state (of ``r`` or ``x``): ``"zeros"``; a number or an array, which stays fixed; a
        parameter, which is learned (``params.Free(0.0)``; ``params.Indexed(n)`` for one per
        sequence); a law such as ``params.Uniform(0.0, 0.1)``, drawn for every trial.
    areas
        Area of each unit, or the number of units in each area; taken from
        :class:`~neurodyn.params.Blocks` where ``W`` is one.
    key
        Seed or key of the initial weights.

    Raises
    ------
    ValueError, TypeError
        If a size, shape, name or initial value does not fit; the message names the argument.

    References
    ----------
    Song, Yang & Wang, "Training excitatory-inhibitory recurrent neural networks for cognitive
    tasks", PLoS Comput. Biol. 2016 (noise convention; rates as state after a current form).
    Yang, Joglekar, Song, Newsome & Wang, "Task representations in neural networks trained to
    perform many cognitive tasks", Nat. Neurosci. 2019 (rate form, initial values).

    Examples
    --------
    >>> from neurodyn import models, params
    >>> model = models.CTRNN(3, 64, 2, tau=params.Bounded(20.0, 500.0, init=100.0), key=0)
    >>> model.n_units
    64
    """

    W_out: Float[Array, "unit output"] | AbstractParameter
    b_out: Float[Array, " output"] | AbstractParameter
    noise_std: Float[Array, " unit"] | AbstractParameter | None
    initial: Float[Array, " unit"] | AbstractParameter | AbstractDistribution | None
    noise_at: str = eqx.field(static=True, default="state")

    reference: ClassVar[tuple[str, ...]] = ("song2016", "yang2019")
    renamed_fields: ClassVar[dict[str, str]] = {"noise": "noise_std"}

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        tau: Any = None,
        form: str = "rate",
        activation: Any = "tanh",
        W: Any = None,
        U: Any = None,
        b: Any = None,
        W_out: Any = None,
        b_out: Any = None,
        noise_std: Any = None,
        noise_at: str = "state",
        initial: Any = "zeros",
        areas: Any = None,
        key: Any,
    ):
        sizes = base.check_sizes(n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs)
        if form not in ("rate", "current"):
            raise ValueError(
                f'`form` must be "rate" or "current", got {form!r}. '
                "For a nonlinearity around the whole update see LeakyRNN."
            )
        if noise_at not in ("state", "drive"):
            raise ValueError(f'`noise_at` must be "state" or "drive", got {noise_at!r}.')
        if noise_at == "drive" and form != "rate":
            raise ValueError(
                'noise_at="drive" is for form="rate": in the current form the noise is already '
                "inside the nonlinearity, so leave `noise_at` out."
            )
        keys = base.split_key(key, 8, name="a CTRNN")
        n = n_units
        self.n_inputs, self.n_units, self.n_outputs = sizes
        self.form, self.activation = form, activation_name(activation)
        tau = Bounded(20.0, 500.0, 100.0) if tau is None else tau
        self.tau = base.bind_tau(tau, n, keys[0], least=0.0, unit="ms")
        self.W = base.bind(W, (n, n), keys[1], name="W", default=base.ORTHOGONAL)
        self.U = base.bind(U, (n_inputs, n), keys[2], name="U", default=base.LECUN_NORMAL)
        self.b = base.bind(b, (n,), keys[3], name="b", default=0.0)
        self.W_out = base.bind(
            W_out, (n, n_outputs), keys[4], name="W_out", default=base.LECUN_NORMAL
        )
        self.b_out = base.bind(b_out, (n_outputs,), keys[5], name="b_out", default=0.0)
        self.noise_std = base.bind_noise(noise_std, n, keys[6])
        self.noise_at = noise_at
        outside = form == "rate" and noise_at == "state"
        if outside and self.activation in _RECTIFIED and not base.is_zero(self.noise_std):
            warnings.warn(
                "Noise in the rate form is added after the rectification. Rates of "
                f"{self.activation} units therefore go below zero, and such a unit acts with the "
                'opposite sign. form="current" and noise_at="drive" rectify after it is added.',
                stacklevel=3,
            )
        self.initial = base.bind_initial(initial, (n,), keys[7])
        self.areas = unit_areas(areas, W, n)
        self.ei = unit_signs(self.W)

    def __repr__(self) -> str:
        return described(self, hide=() if self.noise_at == "drive" else ("noise_at",))

    @classmethod
    def example(cls, key: Any = 0) -> "CTRNN":
        """A small model, for tests."""
        law, areas = Uniform(0.0, 0.1), {"V1": 5, "PFC": 3}
        return cls(3, 8, 2, W=Dale(0.75), noise_std=0.05, initial=law, areas=areas, key=key)

    def check_step(self, dt: float) -> None:
        """Raise ValueError where a time constant is shorter than ``dt`` [ms]."""
        base.check_tau(self.tau, dt)

    def rate(self, x: Float[Array, " unit"]) -> Float[Array, " unit"]:
        """Firing rates in state ``x``."""
        return x if self.form == "rate" else activation_function(self.activation)(x)

    def drift(self, t, state, u):
        del t
        x = state.x
        z = summed_input(self.rate(x), self.W, self.U, self.b, u)
        target = activation_function(self.activation)(z) if self.form == "rate" else z
        return (target - x) / self.tau

    def diffusion(self, t, state, u):
        del t, state, u
        if self.noise_std is None or self.noise_at == "drive":
            return None
        return self.noise_std * jnp.sqrt(2 / self.tau)

    def drive_noise(self, dt):
        """Standard deviation of the noise inside the nonlinearity, for steps of ``dt`` [ms]."""
        if self.noise_std is None or self.noise_at == "state":
            return None
        return self.noise_std * jnp.sqrt(2 * self.tau / jnp.asarray(dt, self.tau.dtype))

    def readout(self, state):
        return self.rate(state.x) @ self.W_out + self.b_out

    def observe(self, state):
        if self.form == "rate":
            return {"rate": state.x}
        return {"rate": self.rate(state.x), "current": state.x}

    def variables(self):
        labels = {"rate": Variable(("unit",), "1", "firing rate", "rate")}
        if self.form == "current":
            labels["current"] = Variable(("unit",), "1", "summed current", "hidden")
        return labels

    def fused(self, inputs, x0, *, dt, noise, length, last):
        alpha = jnp.asarray(dt, self.tau.dtype) / self.tau
        if noise is not None:
            inside = self.noise_at == "drive"
            scale = jnp.sqrt(2 / alpha) if inside else jnp.sqrt(2 * alpha)
            noise = noise * (self.noise_std * scale)[None, None, :]
        kind = {"noise": noise, "noise_at": self.noise_at}
        return self._scan(self.b, alpha, inputs, x0, **kind, length=length, last=last)
