"""The predictive-coding-inspired variational recurrent network."""

from typing import Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.kernels import standard_normal
from neurodyn.models.pvrnn import dynamics, layers
from neurodyn.models.pvrnn.adaptive import adaptive_vectors
from neurodyn.models.pvrnn.cut import cut_units
from neurodyn.models.pvrnn.gaussian import divergence
from neurodyn.models.pvrnn.heads import AbstractHead, as_head
from neurodyn.models.pvrnn.objective import Scale, counted, parts, terms
from neurodyn.models.pvrnn.rollout import rollout
from neurodyn.models.pvrnn.sampling import Held, Noise, Sampling
from neurodyn.params import (
    AbstractParameter,
    Fixed,
    with_values,
)
from neurodyn.params import bind as base
from neurodyn.system import AbstractMap, State, Variable
from neurodyn.task import Trial

__all__ = ["PVRNN", "Latents"]

Weights = Float[Array, "pre post"] | AbstractParameter


class Latents(NamedTuple):
    """What a PV-RNN remembers of its last step, beside the state of its units.

    Attributes
    ----------
    step
        Number of steps taken.
    z
        Latents drawn.
    mean, sigma
        The law they were drawn from: posterior or prior.
    prior_mean, prior_sigma
        The prior.
    kl
        Divergence of that law from the prior, for each layer [nats].
    """

    step: Int[Array, "*batch"]
    z: Float[Array, "*batch latent"]
    mean: Float[Array, "*batch latent"]
    sigma: Float[Array, "*batch latent"]
    prior_mean: Float[Array, "*batch latent"]
    prior_sigma: Float[Array, "*batch latent"]
    kl: Float[Array, "*batch layer"]


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

    The network sees no data: every training sequence has adaptive vectors ``A`` of its own for
    every step, which training moves together with the weights, and into which the errors of later
    steps flow back. Units start at 0, so that all that sets sequences apart comes through ``z``.

    Priors, posteriors and latents belong to their own layer. The units of a layer hear themselves
    and the neighbouring layers.

    Parameters
    ----------
    n_outputs
        Size of the output.
    n_units, n_latents
        Deterministic units and latents of each layer.
    tau
        Time constant of each layer [steps], at least 1: one for all, one for each layer, or for
        each layer an array with one for each unit. A spec is bound to the packed units.
    sequences
        ``(number, steps)`` of the training sequences, which sizes ``A``; None: it has no sequences
        of its own: it generates, and infers what it is shown by
        :func:`neurodyn.models.pvrnn.error_regression`. Its weights are the same either way.
    w
        Meta-prior of each layer: what the divergence weighs in the loss. A large ``w`` presses the
        posterior towards the prior. Published values lie between 1e-4 and 1.
    w_first
        The same for the first step, where the prior is the unit Gaussian; 0.01 in the code that is
        closest to the paper.
    posterior
        ``"d+A"``, as above; ``"A"``: the adaptive vectors alone (later work of the same groups).
    bottom_up
        Whether units hear the layer below (at t-1).
    top_down
        Whether units hear the layer above as it was at the step before (``"previous"``), or as it
        is now (``"current"``), layers then being computed from the top down.
    head
        ``"tanh"`` or ``"linear"`` with the squared error, ``"gaussian"``, ``"softmax"`` (a
        population code), or a head of :mod:`neurodyn.models.pvrnn`.
    scale
        By what the terms of the loss are divided.
    A
        Initial adaptive vectors: ``"zeros"``; ``"normal"``, standard normal; ``"prior"``: such that
        the posterior equals the prior along a first draw; or a number, array or initializer.
    W, b, W_z, W_prior, b_prior, W_posterior, b_posterior, W_out, b_out
        Packed weights and biases: a number, an array, an initializer or a spec of
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
        self.n_latents = layers.sizes("n_latents", n_latents)
        n_layers = len(self.n_units)
        if len(self.n_latents) != n_layers:
            raise ValueError(
                f"`n_units` has {n_layers} layers, but `n_latents` has {len(self.n_latents)}."
            )
        self.top_down = top_down
        self.head, self.scale = as_head(head), Scale() if scale is None else scale
        keys = iter(base.split_key(key, 13, name="a PVRNN"))
        before = top_down == "previous"
        units = layers.units_mask(self.n_units, bottom_up=bottom_up, top_down=before)
        to_units = layers.own_mask(self.n_latents, self.n_units)
        to_law = layers.own_mask(self.n_units, self.n_latents, repeats=2)

        def weights(name: str, value: Any, mask: np.ndarray) -> Any:
            return layers.bind_masked(value, mask, next(keys), name=name)

        def bias(name: str, value: Any, sources: np.ndarray) -> Any:
            law = layers.bias_law(sources)
            shape = np.shape(sources)
            return base.bind(value, shape, next(keys), name=name, default=law)

        self.W = weights("W", W, units)
        down = layers.down_mask(self.n_units)
        self.W_down = None if before or n_layers == 1 else weights("W_down", None, down)
        self.b = bias("b", b, units.sum(0))
        self.W_z = weights("W_z", W_z, to_units)
        self.W_prior = weights("W_prior", W_prior, to_law)
        self.b_prior = bias("b_prior", b_prior, to_law.sum(0))
        self.W_posterior = self.b_posterior = None
        if posterior == "d+A":
            self.W_posterior = weights("W_posterior", W_posterior, to_law)
            self.b_posterior = bias("b_posterior", b_posterior, to_law.sum(0))
        elif W_posterior is not None or b_posterior is not None:
            raise ValueError("W_posterior and b_posterior need posterior='d+A'.")
        fastest, raw = self.n_units[0], self.head.per_output * self.n_outputs
        self.W_out = weights("W_out", W_out, np.ones((fastest, raw), bool))
        self.b_out = bias("b_out", b_out, np.full(raw, fastest))
        self.tau = layers.bind_tau(tau, self.n_units, next(keys))
        self.w = layers.fixed(layers.by_layer("w", w, n_layers))
        self.w_first = layers.fixed(layers.by_layer("w_first", w_first, n_layers))
        self.A = None
        self.sampling = Sampling(jnp.asarray(0, jnp.int32))
        if sequences is not None:
            self.A = adaptive_vectors(self, sequences, A, next(keys))
            self.sampling = Sampling(jnp.asarray(sequences[1], jnp.int32))

    # --- stepping ----------------------------------------------------------------------------

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial, key
        blank = jnp.zeros(sum(self.n_latents), self.b.dtype)
        kl = jnp.zeros(len(self.n_latents), self.b.dtype)
        memory = Latents(jnp.asarray(0, jnp.int32), blank, blank, blank, blank, blank, kl)
        return State(jnp.zeros(sum(self.n_units), self.b.dtype), memory)

    def update(self, state, u, *, key):
        step, d = state.memory.step, jnp.tanh(state.x)
        p = q = dynamics.prior(self, d, step == 0)
        if self.A is not None:
            here = dynamics.posterior(self, d, self.A[jnp.minimum(step, self.A.shape[0] - 1)])
            inferred = step < self.sampling.until
            q = jax.tree.map(lambda a, b: jnp.where(inferred, a, b), here, p)
        eps = self.sampling.deviations(step == 0, q.mean, key)
        z = q.sample(eps) if self.sampling.z is None else self.sampling.z(q.sample(eps))
        kl = dynamics.sum_by_layer(divergence(q, p), self.n_latents)
        memory = Latents(step + 1, z, q.mean, q.sigma, p.mean, p.sigma, kl)
        return State(dynamics.advance(self, state.x, z, u.current), memory)

    def raw_outputs(self, d: Float[Array, "*batch unit"]) -> Float[Array, "*batch raw"]:
        """What the head makes outputs of."""
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
        def of_latents(long_name: str) -> Variable:
            return Variable(("latent",), "1", long_name, "latent")

        return {
            "d": Variable(("unit",), "1", "deterministic units", "hidden"),
            "z": of_latents("latents"),
            "mean": of_latents("mean of the law that the latents were drawn from"),
            "sigma": of_latents("standard deviation of the law that the latents were drawn from"),
            "prior_mean": of_latents("mean of the prior"),
            "prior_sigma": of_latents("standard deviation of the prior"),
            "kl": Variable(("layer",), "nat", "divergence from the prior", "statistic"),
        }

    def unit_coords(self):
        coords = {
            "unit_layer": layers.layer_of(self.n_units) + 1,
            "latent_layer": ("latent", layers.layer_of(self.n_latents) + 1),
            "layer": ("layer", np.arange(len(self.n_units)) + 1),
        }
        known = base.label_units(None, None, self.tau)
        if "tau" in known:
            coords["tau"] = ("unit", known["tau"], "steps", "time constant")
        return coords

    # --- modes -------------------------------------------------------------------------------

    def mode(
        self,
        name: Literal["posterior", "target", "free"] | str,
        *,
        steps: int = 1,
        noise: Noise | str = "every",
    ) -> "PVRNN":
        """The same network with its latents drawn in another way.

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
        layers.check_choice("name", name, ("posterior", "target", "free"))
        layers.check_choice("noise", noise, ("every", "first", "none"))
        if name != "free" and self.A is None:
            raise ValueError(
                f"mode({name!r}) needs the posterior of training sequences, which this network "
                "does not have (built without `sequences`, or taken from mode('free'))."
            )
        if name == "free":
            return self._sampled(0, noise, None)
        n_steps = self.A.values.shape[1]
        if isinstance(steps, bool) or not 0 <= int(steps) <= n_steps:
            raise ValueError(f"`steps` lies between 0 and the {n_steps} there are, got {steps!r}.")
        return self._sampled(n_steps if name == "posterior" else int(steps), noise, self.A)

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
        layers.check_choice("what", what, ("z", "eps"))
        places = {self._place(*where): value for where, value in values.items()}
        held = Held.of(sum(self.n_latents), places) if places else None
        return eqx.tree_at(
            lambda m: getattr(m.sampling, what), self, held, is_leaf=lambda x: x is None
        )

    def cut(
        self,
        units: Any,
        *,
        incoming: bool = True,
        outgoing: bool = True,
    ) -> "PVRNN":
        """Disconnect some of the (packed) units, as :meth:`CTRNN.cut` does."""
        return cut_units(self, units, incoming=incoming, outgoing=outgoing)

    def _place(self, layer: int, latent: int) -> int:
        if not 1 <= layer <= len(self.n_latents) or not 0 <= latent < self.n_latents[layer - 1]:
            raise ValueError(
                f"There is no latent {latent} in layer {layer}; layers 1, 2... have "
                f"{self.n_latents} latents, numbered from 0."
            )
        return layers.slices(self.n_latents)[layer - 1].start + latent

    def _sampled(self, until: int, noise: Any, A: Any) -> "PVRNN":
        old = self.sampling
        new = Sampling(jnp.asarray(until, jnp.int32), old.z, old.eps, noise)
        return eqx.tree_at(lambda m: (m.sampling, m.A), self, (new, A), is_leaf=lambda x: x is None)

    # --- learning ----------------------------------------------------------------------------

    def negative_elbo(
        self, trials: Trial, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " trial"], dict[str, Float[Array, ""]]]:
        """Negative lower bound of each trial and what it is made of.

        Returns
        -------
        loss
            Of each trial, summed over its steps.
        parts
            ``error`` for each step; ``kl_1``, ``kl_2``... of each layer [nats] for each step but
            the first, and ``kl_first`` of the first step, all layers together.
        """
        if self.A is None:
            raise ValueError(
                "This PVRNN has no posterior to train: build it with "
                "sequences=(task.n_items, task.n_steps)."
            )
        targets, mask = (jnp.swapaxes(x, 0, 1) for x in (trials.targets, trials.mask))
        A = jnp.swapaxes(self.A.row(trials), 0, 1)
        if targets.shape[0] != A.shape[0]:
            raise ValueError(
                f"This PVRNN was built for sequences of {A.shape[0]} steps, but the trials have "
                f"{targets.shape[0]}: build it with sequences=(task.n_items, task.n_steps)."
            )
        model = with_values(self)
        eps = standard_normal(key, (*A.shape[:2], A.shape[2] // 2), A.dtype)
        run = rollout(model, A, eps)
        got = terms(model, run.d, run.q, run.p, targets, mask)
        counts = counted(mask)
        return got.loss(counts), parts(got, counts)
