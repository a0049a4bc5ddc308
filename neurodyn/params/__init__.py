"""Parameters of models: constraints, initial values, and which of them are trained.

A user passes a parameter (:class:`Bounded`, :class:`Dale`, :class:`LowRank`...) to a model, which
binds it to a shape by ``build(shape, key)``. :func:`with_values` replaces every parameter by its
value once, before the time loop, so that models read ``self.W`` as an array. Weight matrices have
shape ``(pre, post)`` and are used as ``rates @ W``.
"""

from neurodyn.params.base import AbstractParameter
from neurodyn.params.blocks import Blocks
from neurodyn.params.dale import Dale
from neurodyn.params.entries import Bounded, Clamped, Fixed, Free
from neurodyn.params.kinds import AbstractElementwise, AbstractWrapper
from neurodyn.params.laws import AbstractDistribution, Init, Normal, Uniform, initial_value
from neurodyn.params.scaled import Scaled
from neurodyn.params.shared import Grouped, Indexed, Shared
from neurodyn.params.use import as_parameter, rows, trainable, whole_model, with_values
from neurodyn.params.weights import LowRank, Masked, areas_of, only, signs_of

__all__ = [
    # Entry by entry
    "Free",
    "Fixed",
    "Bounded",
    "Clamped",
    # Shared by units, or own values for each sequence or subject
    "Shared",
    "Grouped",
    "Indexed",
    # Constraints on weights and on other parameters
    "Dale",
    "Masked",
    "LowRank",
    "Blocks",
    "Scaled",
    # Laws to draw initial values from
    "Normal",
    "Uniform",
    # Parameters of a model
    "areas_of",
    "only",
    "rows",
    "signs_of",
    "trainable",
    "whole_model",
    "with_values",
    # To write your own
    "AbstractDistribution",
    "AbstractElementwise",
    "AbstractParameter",
    "AbstractWrapper",
    "Init",
    "as_parameter",
    "initial_value",
]
