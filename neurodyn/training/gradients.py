"""How the gradient of an objective is formed."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx

from neurodyn.common.reprs import brief
from neurodyn.params import trainable
from neurodyn.training.objectives.objective import AbstractObjective


class AbstractGradient(eqx.Module):
    """Turns an objective into a function that also returns gradients."""

    __repr__ = brief

    @abc.abstractmethod
    def __call__(self, objective: AbstractObjective) -> Callable[..., tuple[Any, Any, Any, Any]]:
        """Make the gradient function.

        Returns
        -------
        ``(model, task, trials, aux, *, key) -> (loss, metrics, aux, grads)``, where ``grads`` has
        the structure of ``model`` with None for every leaf that is not trained.
        """


class BPTT(AbstractGradient):
    """Exact gradients by backpropagation through time.

    References
    ----------
    Werbos, "Backpropagation through time: what it does and how to do it", Proc. IEEE 1990.
    """

    def __call__(self, objective):
        @eqx.filter_value_and_grad(has_aux=True)
        def loss_of(params, rest, task, trials, aux, key):
            model = eqx.combine(params, rest)
            loss, metrics, aux = objective(model, task, trials, aux, key=key)
            return loss, (metrics, aux)

        def gradient(model, task, trials, aux, *, key):
            params, rest = eqx.partition(model, trainable(model))
            (loss, (metrics, aux)), grads = loss_of(params, rest, task, trials, aux, key)
            return loss, metrics, aux, grads

        return gradient
