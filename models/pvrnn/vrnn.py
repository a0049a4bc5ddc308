"""The variational recurrent neural network, which receives its observations as input."""

from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.masked import masked_sum
from neurodyn.engine.drive import Drive
from neurodyn.models.pvrnn.gaussian import (
    Dense,
    DiagonalGaussian,
    GaussianNet,
    divergence,
    negative_log_density,
)
from neurodyn.models.pvrnn.latents import VARIABLES
from neurodyn.models.pvrnn.objective import counted
from neurodyn.params import AbstractParameter, Fixed, with_values
from neurodyn.params import bind as base
from neurodyn.system import AbstractMap, State, Variable
from neurodyn.task import Trial

#: Lower bound of the standard deviations of latents, which keeps divergences finite.
_LEAST = 1e-4


class VRNNState(NamedTuple):
    """State of a VRNN."""

    hidden: Float[Array, "*trial unit"]
    cell: Float[Array, "*trial unit"]
    latent: Float[Array, "*trial latent"]
    output: Float[Array, "*trial output"]


class Beliefs(NamedTuple):
    """The distributions of one step: prior and posterior of the latents, and the decoder's."""

    prior: DiagonalGaussian
    posterior: DiagonalGaussian
    decoded: DiagonalGaussian


class VRNN(AbstractMap):
    r"""A variational recurrent neural network: it reads observations and has latents that it draws.

    .. math::
        p(z_t) &= N(\mu_p, \sigma_p)(h_{t-1}) \\
        q(z_t | x_t) &= N(\mu_q, \sigma_q)(\varphi_x(x_t), h_{t-1}) \\
        p(x_t | z_t) &= N(\mu_x, \sigma_x)(\varphi_z(z_t), h_{t-1}) \\
        h_t &= \mathrm{LSTM}(\varphi_x(x_t), \varphi_z(z_t), h_{t-1})

    Each Gaussian comes from a network with one rectified hidden layer, with linear means and
    softplus standard deviations; :math:`\varphi_x` and :math:`\varphi_z` are rectified layers.

    The input of a step is the observation. Without one (a drive whose input is None) the step is
    generated: the latent comes from the prior and the network reads its own decoded mean. The
    readout is the decoded mean of the step. Without a key, latents take their means. An injected
    current is added to the candidate of the memory cells, before its tanh.

    Parameters
    ----------
    n_outputs
        Size of an observation; it is the number of inputs and of outputs.
    n_units
        LSTM units.
    n_latents
        Latents.
    n_features
        Width of the hidden layers and of the features; default ``n_units``.
    min_std
        Lower bound of the decoder's standard deviation: without one the density of noise-free data
        is unbounded. Default 0.01, for data of order 1.
    key
        Seed or key of the initial weights.

    References
    ----------
    Chung, Kastner, Dinh, Goel, Courville & Bengio, "A recurrent latent variable model for
    sequential data", NeurIPS 2015 (equations 5 to 11; their networks are deeper).
    """

    n_inputs: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    n_latents: int = eqx.field(static=True)
    n_features: int = eqx.field(static=True)
    observation: Dense
    feature: Dense
    prior: GaussianNet
    posterior: GaussianNet
    decoder: GaussianNet
    W: Float[Array, "unit gates"]
    U: Dense
    min_std: Float[Array, ""] | AbstractParameter

    reference: ClassVar[tuple[str, ...]] = ("chung2015",)
    first_step: ClassVar[str] = "first step, whose prior knows nothing of the sequence"
    reads_targets: ClassVar[bool] = True

    def __init__(
        self,
        n_outputs: int,
        n_units: int,
        n_latents: int,
        *,
        n_features: int | None = None,
        min_std: float = 0.01,
        key: Any,
    ):
        n_features = n_units if n_features is None else n_features
        sizes = base.check_sizes(
            n_outputs=n_outputs, n_units=n_units, n_latents=n_latents, n_features=n_features
        )
        if not (jnp.ndim(min_std) == 0 and float(min_std) > 0):
            raise ValueError(f"`min_std` must be a number above 0, got {min_std!r}.")
        keys = base.split_key(key, 7, name="a VRNN")
        self.n_outputs, self.n_units, self.n_latents, self.n_features = sizes
        self.n_inputs = self.n_outputs
        self.observation = Dense(n_outputs, n_features, key=keys[0])
        self.feature = Dense(n_latents, n_features, key=keys[1])
        self.prior = GaussianNet(n_units, n_features, n_latents, key=keys[2])
        self.posterior = GaussianNet(n_features + n_units, n_features, n_latents, key=keys[3])
        self.decoder = GaussianNet(n_features + n_units, n_features, n_outputs, key=keys[4])
        law = base.fan_in_uniform(n_units)
        self.W = base.bind(None, (n_units, 4 * n_units), keys[5], name="W", default=law)
        self.U = Dense(2 * n_features, 4 * n_units, key=keys[6])
        self.min_std = Fixed(float(min_std)).build((), keys[0])

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial, key
        return self._start(())

    def update(self, state, u, *, key):
        h = state.x.hidden
        noise = None if key is None else jax.random.normal(key, (self.n_latents,), h.dtype)
        prior = self.prior(h, self._least(h))
        if u.input is None:
            posterior = prior
            z, decoded = self._decode(prior.sample(noise), h)
            x = self._observe(decoded.mean)
        else:
            x = self._observe(u.input)
            posterior = self._recognise(x, h)
            z, decoded = self._decode(posterior.sample(noise), h)
        latent = posterior.sample(noise)
        hidden, cell = self._recur(x, z, h, state.x.cell, u.current)
        return State(
            VRNNState(hidden, cell, latent, decoded.mean),
            memory=Beliefs(prior, posterior, decoded),
        )

    def generate(self, state: State, *, key: PRNGKeyArray | None) -> State:
        """The next state without an observation; its readout is the prediction."""
        return self.update(state, Drive(), key=key)

    def readout(self, state):
        return state.x.output

    def observe(self, state):
        prior, posterior, decoded = state.memory
        return {
            "hidden": state.x.hidden,
            "cell": state.x.cell,
            "z": state.x.latent,
            "mean": posterior.mean,
            "sigma": posterior.sigma,
            "prior_mean": prior.mean,
            "prior_sigma": prior.sigma,
            "output_sigma": decoded.sigma,
            "kl": jnp.sum(divergence(posterior, prior), keepdims=True),
        }

    def variables(self):
        of_latents = {name: label for name, label in VARIABLES.items() if name not in ("d", "kl")}
        spread = "standard deviation of the observation"
        return {
            "hidden": Variable(("unit",), "1", "hidden state", "hidden"),
            "cell": Variable(("unit",), "1", "memory cell", "hidden"),
            **of_latents,
            "output_sigma": Variable(("output",), "1", spread, "output"),
            "kl": VARIABLES["kl"],
        }

    def unit_coords(self):
        one = np.ones(self.n_latents, int)
        return {"latent_layer": ("latent", one), "layer": ("layer", one[:1])}

    def bound(
        self,
        observed: Float[Array, "time trial output"],
        noise: Float[Array, "time trial latent"],
    ) -> tuple[Float[Array, "time trial output"], Float[Array, "time trial latent"]]:
        """The two parts of the negative evidence lower bound, for a batch of sequences.

        Parameters
        ----------
        observed
            Sequences.
        noise
            Standard normal draws, one for every latent and step.

        Returns
        -------
        nll
            Negative log density of every observed number [nats].
        kl
            Divergence of the posterior from the prior of every latent [nats].
        """
        own = with_values(self)
        # Quantities that do not depend on the recurrence are computed for all steps at once.
        features = own._observe(observed)
        start = own._start(observed.shape[1:2]).x

        def body(carry, now):
            hidden, cell = carry
            x, eps = now
            posterior = own._recognise(x, hidden)
            z = jax.nn.relu(own.feature(posterior.sample(eps)))
            return own._recur(x, z, hidden, cell), (hidden, z, posterior)

        _, (h, z, posterior) = jax.lax.scan(body, (start.hidden, start.cell), (features, noise))
        decoded = own.decoder(jnp.concatenate([z, h], -1), own.min_std)
        prior = own.prior(h, own._least(h))
        return negative_log_density(observed, decoded), divergence(posterior, prior)

    def negative_elbo(
        self, trials: Trial, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " trial"], dict[str, Float[Array, ""]]]:
        """Negative lower bound of each trial [nats], summed over its steps, and its two parts.

        The network reads the targets of the trials; steps after the last one that is scored do not
        count. A number that is not scored may be unknown (NaN). It is read as 0, so that the
        features that the network makes of an observation come from its other numbers alone.

        Returns
        -------
        loss
            Of each trial.
        parts
            ``error``, the negative log density, and ``kl``, both for each step.
        """
        observed, mask = (jnp.swapaxes(x, 0, 1) for x in (trials.targets, trials.mask))
        known = jnp.isfinite(observed) | (mask > 0)
        observed = jnp.where(known, observed, jnp.zeros_like(observed))
        shape = (*observed.shape[:2], self.n_latents)
        nll, kl = self.bound(observed, jax.random.normal(key, shape, observed.dtype))
        counts = counted(mask).astype(kl.dtype)
        error = masked_sum(nll, mask, -1)
        kl = counts * jnp.sum(kl, -1)
        n = jnp.sum(counts)
        return jnp.sum(error + kl, 0), {"error": jnp.sum(error) / n, "kl": jnp.sum(kl) / n}

    def _start(self, batch: tuple[int, ...]) -> State:
        dtype = self.W.dtype

        def blank(n):
            return jnp.zeros((*batch, n), dtype)

        z, x = blank(self.n_latents), blank(self.n_outputs)
        unit = DiagonalGaussian(z, jnp.zeros_like(z))
        return State(
            VRNNState(blank(self.n_units), blank(self.n_units), z, x),
            memory=Beliefs(unit, unit, DiagonalGaussian(x, jnp.zeros_like(x))),
        )

    def _observe(self, x):
        return jax.nn.relu(self.observation(x))

    def _recognise(self, x, h) -> DiagonalGaussian:
        return self.posterior(jnp.concatenate([x, h], -1), self._least(h))

    def _decode(self, latent, h):
        z = jax.nn.relu(self.feature(latent))
        return z, self.decoder(jnp.concatenate([z, h], -1), self.min_std)

    def _recur(self, x, z, h, cell, current=None):
        gates = self.U(jnp.concatenate([x, z], -1)) + h @ self.W
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        g = g if current is None else g + current
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(cell), cell

    def _least(self, h):
        return jnp.asarray(_LEAST, h.dtype)
