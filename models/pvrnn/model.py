"""The predictive-coding-inspired variational recurrent network."""

from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.models.pvrnn import dynamics, layers, sampling
from neurodyn.models.pvrnn.adaptive import adaptive_vectors
from neurodyn.models.pvrnn.heads import AbstractHead, as_head
from neurodyn.models.pvrnn.latents import VARIABLES, Latents, unit_labels
from neurodyn.models.pvrnn.objective import Scale, negative_elbo
from neurodyn.models.pvrnn.sampling import Noise, Sampling
from neurodyn.params import AbstractParameter, Fixed
from neurodyn.params import bind as base
from neurodyn.system import AbstractMap, State
from neurodyn.task import Trial

Weights = Float[Array, "pre post"] | AbstractParameter


class PVRNN(AbstractMap):
    r"""A variational recurrent network whose latents are inferred by prediction errors.

    Layers :math:`l = 1 \dots L`, the lowest (usually fastest) first, each with deterministic units
    :math:`d = \tanh u` and latents :math:`z`:

    .. math::
        \mu^p_t, \log\sigma^p_t &= \tanh(d_{t-1} W_{\mu p} + b), \; d_{t-1} W_{\sigma p} + b
            \qquad (\mathcal{N}(0, 1) \text{ at } t = 1) \\
        \mu^q_t, \log\sigma^q_t &= \tanh(d_{t-1} W_{\mu q} + b + A^\mu_t), \;
            d_{t-1} W_{\sigma q} + b + A^\sigma_t \\
        z_t &= \mu_t + \sigma_t \epsilon_t \\
        u_t &= (1 - 1/\tau) u_{t-1} + (d_{t-1} W + z_t W_z + b) / \tau \\
        o_t &= \mathrm{head}(d^1_t W_{out} + b_{out})

    The network does not receive data as input. Every training sequence has its own adaptive vectors
    ``A``, one for each step. Training changes them together with the weights, and errors of later
    steps change them by backpropagation through time. Units start at 0, so all differences between
    sequences come from ``z``.

    Priors, posteriors and latents belong to their own layer. The units of a layer receive input
    from their own and the neighbouring layers.

    Parameters
    ----------
    n_outputs
        Size of the output.
    n_units, n_latents
        Deterministic units and latents of each layer.
    tau
        Time constant of each layer [steps], at least 1: one for all, one for each layer, or for
        each layer an array with one for each unit. A parameter is bound to the packed units.
    sequences
        ``(number, steps)`` of the training sequences, which sizes ``A``; None: no
        training sequences, for networks that generate, or that infer latents from observations
        (:func:`neurodyn.models.pvrnn.error_regression`). The weights are the same either way.
    w
        Meta-prior of each layer: the weight of the divergence in the loss. A large ``w`` keeps the
        posterior close to the prior. Published values lie between 1e-4 and 1.
    w_first
        The same for the first step, where the prior is the unit Gaussian; 0.01 in the code that is
        closest to the paper.
    posterior
        ``"d+A"``, as above; ``"A"``: the adaptive vectors alone (later work of the same groups).
    bottom_up
        Whether units receive input from the layer below (at t-1).
    top_down
        Whether units receive the layer above at the previous step (``"previous"``) or at the same
        step (``"current"``; layers are then computed from the top down).
    head
        ``"tanh"`` or ``"linear"`` with the squared error, ``"gaussian"``, ``"softmax"`` (a
        population code), or a head of :mod:`neurodyn.models.pvrnn`.
    scale
        Divisors of the terms of the loss.
    A
        Initial adaptive vectors: ``"zeros"``; ``"normal"``, standard normal; ``"prior"``: such that
        the posterior equals the prior along a first draw; or a number, array or initializer.
    W, b, W_z, W_prior, b_prior, W_posterior, b_posterior, W_out, b_out
        Packed weights and biases: a number, an array, an initializer or a parameter of
        :mod:`neurodyn.params`; entries between layers that are not connected stay 0. Default:
        U(-k, k) with ``k = 1 / sqrt(sources)``. For the frozen random biases of some studies pass
        ``b=frozen_bias()``.
    key
        Seed or key of the initial weights.

    References
    ----------
    Ahmadi & Tani, "A novel predictive-coding-inspired variational RNN model for online prediction
    and recognition", Neural Comput. 2019.
    """

    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    n_units: tuple[int, ...] = eqx.field(static=True)
    n_latents: tuple[int, ...] = eqx.field(static=True)
    top_down: Literal["previous", "current"] = eqx.field(static=True)
    head: AbstractHead
    scale: Scale
    sampling: Sampling
    W: Weights
    W_down: Weights | None
    b: Float[Array, " unit"] | AbstractParameter
    W_z: Weights
    W_prior: Weights
    b_prior: Float[Array, " raw"] | AbstractParameter
    W_posterior: Weights | None
    b_posterior: Float[Array, " raw"] | AbstractParameter | None
    W_out: Weights
    b_out: Float[Array, " raw"] | AbstractParameter
    A: Any
    tau: Float[Array, " unit"] | AbstractParameter
    w: Float[Array, " layer"] | Fixed
    w_first: Float[Array, " layer"] | Fixed

    reference: ClassVar[tuple[str, ...]] = ("ahmadi2019",)
    first_step: ClassVar[str] = "first step, whose prior is the unit Gaussian"

    def __init__(
        self,
        n_outputs: int,
        n_units: Any = (20, 10, 10),
        n_latents: Any = (2, 2, 2),
        tau: Any = (2.0, 8.0, 32.0),
        *,
        sequences: tuple[int, int] | None = None,
        w: Any = 0.01,
        w_first: Any = 0.01,
        posterior: str = "d+A",
        bottom_up: bool = True,
        top_down: str = "previous",
        head: Any = "tanh",
        scale: Scale | None = None,
        A: Any = "zeros",
        W: Any = None,
        b: Any = None,
        W_z: Any = None,
        W_prior: Any = None,
        b_prior: Any = None,
        W_posterior: Any = None,
        b_posterior: Any = None,
        W_out: Any = None,
        b_out: Any = None,
        key: Any,
    ):
        layers.check_choice("posterior", posterior, ("d+A", "A"))
        layers.check_choice("top_down", top_down, ("previous", "current"))
        layers.sizes("n_outputs", n_outputs)
        self.n_inputs, self.n_outputs = 0, int(n_outputs)
        self.n_units = layers.sizes("n_units", n_units)
        n_layers = len(self.n_units)
        self.n_latents = layers.sizes("n_latents", n_latents, n_layers)
        self.top_down = top_down
        self.head, self.scale = as_head(head), Scale() if scale is None else scale
        bind = layers.Binder(base.split_key(key, 13, name="a PVRNN"))
        before = top_down == "previous"
        steps = [0, *[1] * bool(bottom_up), *[-1] * before]
        units = layers.units_mask(self.n_units, steps)
        to_units = layers.own_mask(self.n_latents, self.n_units)
        to_law = layers.own_mask(self.n_units, self.n_latents, repeats=2)
        self.W = bind.weights("W", W, units)
        down = layers.units_mask(self.n_units, [-1])
        self.W_down = None if before or n_layers == 1 else bind.weights("W_down", None, down)
        self.b = bind.bias("b", b, units.sum(0))
        self.W_z = bind.weights("W_z", W_z, to_units)
        self.W_prior = bind.weights("W_prior", W_prior, to_law)
        self.b_prior = bind.bias("b_prior", b_prior, to_law.sum(0))
        self.W_posterior = self.b_posterior = None
        if posterior == "d+A":
            self.W_posterior = bind.weights("W_posterior", W_posterior, to_law)
            self.b_posterior = bind.bias("b_posterior", b_posterior, to_law.sum(0))
        elif W_posterior is not None or b_posterior is not None:
            raise ValueError("W_posterior and b_posterior need posterior='d+A'.")
        fastest, raw = self.n_units[0], self.head.per_output * self.n_outputs
        self.W_out = bind.weights("W_out", W_out, np.ones((fastest, raw), bool))
        self.b_out = bind.bias("b_out", b_out, np.full(raw, fastest))
        self.tau = layers.bind_tau(tau, self.n_units, next(bind.keys))
        self.w = layers.fixed(layers.by_layer("w", w, n_layers))
        self.w_first = layers.fixed(layers.by_layer("w_first", w_first, n_layers))
        self.A = None
        self.sampling = Sampling(jnp.asarray(0, jnp.int32))
        if sequences is not None:
            self.A = adaptive_vectors(self, sequences, A, next(bind.keys))
            self.sampling = Sampling(jnp.asarray(sequences[1], jnp.int32))

    @classmethod
    def example(cls, key: Any = 0) -> "PVRNN":
        """A small model, for tests."""
        # Nothing is inferred without sequences: weights of a posterior would have no gradient.
        layers_ = (5, 3), (2, 1), (2.0, 8.0)
        return cls(2, *layers_, head="linear", posterior="A", key=key)

    # --- stepping ----------------------------------------------------------------------------

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial, key
        blank = jnp.zeros(sum(self.n_latents), self.b.dtype)
        kl = jnp.zeros(len(self.n_latents), self.b.dtype)
        memory = Latents(jnp.asarray(0, jnp.int32), blank, blank, blank, blank, blank, kl)
        return State(jnp.zeros(sum(self.n_units), self.b.dtype), memory)

    def update(self, state, u, *, key):
        inferred = dynamics.infer(self, state.x, state.memory.step, key)
        x = dynamics.advance(self, state.x, inferred.z, u.current)
        return State(x, inferred)

    def raw_outputs(self, d: Float[Array, "*batch unit"]) -> Float[Array, "*batch raw"]:
        """Raw outputs, which the head turns into outputs."""
        W_out: Any = self.W_out  # a value by now, see with_values
        b_out: Any = self.b_out
        raw = d[..., : self.n_units[0]] @ W_out
        return raw + jnp.broadcast_to(b_out, raw.shape)

    def readout(self, state):
        return self.head.outputs(self.raw_outputs(jnp.tanh(state.x)))

    def observe(self, state):
        seen = state.memory._asdict()
        del seen["step"]
        return {"d": jnp.tanh(state.x), **seen}

    def variables(self):
        return dict(VARIABLES)

    def unit_coords(self):
        return unit_labels(self)

    # --- modes -------------------------------------------------------------------------------

    def mode(
        self,
        name: Literal["posterior", "target", "free"] | str,
        *,
        steps: int = 1,
        noise: Noise | str = "every",
    ) -> "PVRNN":
        """The same network with another source of its latents.

        Parameters
        ----------
        name
            ``"posterior"``: a training sequence is reconstructed. ``"target"``: the posterior for
            the first ``steps``, then the prior: the sequence is generated anew from its beginning.
            ``"free"``: the prior throughout, from a unit Gaussian; needs no sequence.
        steps
            Steps with the posterior in target mode. Another number recompiles nothing.
        noise
            Latents are drawn in ``"every"`` step, in the ``"first"`` only, or in ``"none"`` (all
            trials of free generation are then the same).

        Raises
        ------
        ValueError
            For unknown names, or a posterior of a network that was built without sequences.
        """
        return sampling.in_mode(self, name, steps, noise)

    def hold(
        self,
        values: dict[tuple[int, int], Any],
        *,
        what: Literal["z", "eps"] | str = "z",
    ) -> "PVRNN":
        """The same network with some latents held: traversals of the latent space.

        Parameters
        ----------
        values
            ``{(layer, latent): value}``, layers numbered from 1 and latents from 0.
        what
            ``"z"``: the latent itself; ``"eps"``: its standardised deviation from the mean.
        """
        return sampling.hold(self, values, what)

    def cut(self, units: Any, *, incoming: bool = True, outgoing: bool = True) -> "PVRNN":
        """Disconnect some of the (packed) units, as :meth:`CTRNN.cut` does."""
        return sampling.cut_units(self, units, incoming=incoming, outgoing=outgoing)

    # --- learning ----------------------------------------------------------------------------

    def negative_elbo(
        self, trials: Trial, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " trial"], dict[str, Float[Array, ""]]]:
        """Negative lower bound of each trial, and its parts.

        Returns
        -------
        loss
            Of each trial, summed over its steps.
        parts
            ``error`` for each step; ``kl_1``, ``kl_2``... of each layer [nats] for each step but
            the first, and ``kl_first`` of the first step, all layers together.
        """
        return negative_elbo(self, trials, key)
