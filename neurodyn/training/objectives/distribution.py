"""Training a network so that what it emits at random is distributed as the sequences of a task."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.engine.abilities import check_step
from neurodyn.engine.inputs import trials_for
from neurodyn.engine.integrate import integrate
from neurodyn.training.objectives.objective import AbstractObjective, check_sizes
from neurodyn.training.objectives.transport import sinkhorn_divergence


def gumbel_softmax(
    logits: Float[Array, "*batch symbol"], *, temperature: Any = 1.0, key: Any
) -> Float[Array, "*batch symbol"]:
    r"""Draw one symbol for each set of logits, in one-hot code, with a gradient.

    The symbol is :math:`\arg\max_k (a_k + \gamma_k)` with Gumbel noise :math:`\gamma`, which has
    the probability :math:`\mathrm{softmax}(a)_k` whatever the temperature. The gradient is that of
    :math:`\mathrm{softmax}((a + \gamma) / \mathrm{temperature})` (straight through).

    Parameters
    ----------
    logits
        Unnormalised log-probabilities :math:`a`.
    temperature
        Smoothness of the gradient: lower ones have less bias and more variance. Default 1 (Torre
        et al. 2025).
    key
        Seed or key of the noise.

    Returns
    -------
    Zeros, and a one for the symbol that was drawn.

    References
    ----------
    Jang, Gu & Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> logits = jnp.log(jnp.array([[0.25, 0.75, 0.0]] * 10_000))
    >>> gumbel_softmax(logits, key=0).sum(0).round(-2).astype(int).tolist()
    [2500, 7500, 0]
    """
    key = as_key(key, needed_for="Drawing symbols")
    temperature = number("temperature", temperature, above=0)
    logits = jnp.asarray(logits)
    noisy = logits + jax.random.gumbel(key, logits.shape, logits.dtype)
    soft = jax.nn.softmax(noisy / temperature.astype(logits.dtype), axis=-1)
    hard = jax.nn.one_hot(jnp.argmax(noisy, axis=-1), logits.shape[-1], dtype=logits.dtype)
    # Exactly `hard`, since the difference of a number from itself is 0.
    return hard + (soft - jax.lax.stop_gradient(soft))


class MatchDistribution(AbstractObjective):
    """The Sinkhorn divergence between sequences that the network emits and those of the task.

    Outputs of the network are logits of symbols, of which one is drawn at every step. A batch of
    drawn sequences, each flattened to one vector, is compared with the targets as a whole, so that
    no sequence has a target of its own. The network needs a source of randomness: noise among its
    inputs, as in :class:`~neurodyn.tasks.HiddenMarkov`, or of its own.

    Parameters
    ----------
    blur, iterations
        As of :func:`sinkhorn_divergence`.
    temperature
        As of :func:`gumbel_softmax`.

    Notes
    -----
    A batch that is compared with another one of the same source has a divergence above 0, and the
    smaller the batches and the longer the sequences, the more so. Its floor is the divergence
    between two batches of targets; evaluations tell it as ``floor``. A network below the floor is
    no better than the source: it may leave out what is rare, because such sequences are far from
    all others.

    References
    ----------
    Torre, Viscione, Pompe, Grewe & Mante, "Mechanistic interpretability of RNNs emulating hidden
    Markov models", NeurIPS 2025.
    """

    blur: Float[Array, ""]
    temperature: Float[Array, ""]
    iterations: int = eqx.field(static=True)

    def __init__(self, *, blur: Any = 0.2, temperature: Any = 1.0, iterations: int = 20):
        self.blur = number("blur", blur, above=0)
        self.temperature = number("temperature", temperature, above=0)
        self.iterations = whole("iterations", iterations, least=2)

    def check(self, model, task):
        fix = ": build the model with task.n_inputs and task.n_outputs."
        check_sizes(model, task, "n_inputs", "n_outputs", fix=fix)
        check_step(model, task.dt)
        drawn = jax.eval_shape(lambda: task.batch(0, 2))
        whole_targets = drawn.targets.shape[-1] == task.n_outputs
        if task.scored != "every" or not whole_targets or drawn.n_valid is not None:
            raise ValueError(
                "MatchDistribution needs a target for every output at every step, in trials of one "
                f"length; those of {type(task).__name__} are others. Tasks such as HiddenMarkov "
                "have them."
            )

    def __call__(self, model, task, trials, aux, *, key):
        return self._divergence(self._emitted(model, task, trials, key), trials.targets), {}, aux

    def evaluate(self, model, task, trials, aux, *, key):
        emitted, targets = self._emitted(model, task, trials, key), trials.targets
        half = len(targets) // 2
        return {
            "loss": self._divergence(emitted[:half], targets[:half]),
            "floor": self._divergence(targets[half : 2 * half], targets[:half]),
            "frequency_error": jnp.max(jnp.abs(jnp.mean(emitted - targets, axis=(0, 1)))),
        }

    def _emitted(
        self, model: Any, task: Any, trials: Any, key: PRNGKeyArray
    ) -> Float[Array, "trial time symbol"]:
        k_run, k_draw = jax.random.split(key)
        run = integrate(
            model,
            jnp.swapaxes(trials.inputs, 0, 1),
            dt=task.dt,
            key=k_run,
            trial=trials_for(model, trials),
        )
        logits = jnp.swapaxes(run.outputs, 0, 1)
        return gumbel_softmax(logits, temperature=self.temperature, key=k_draw)

    def _divergence(self, emitted: Array, targets: Array) -> Float[Array, ""]:
        flat = (np.prod(emitted.shape[1:]).item(),)
        return sinkhorn_divergence(
            emitted.reshape(-1, *flat),
            targets.reshape(-1, *flat),
            blur=self.blur,
            iterations=self.iterations,
        )
