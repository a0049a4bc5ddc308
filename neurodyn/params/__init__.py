"""Parametrisations: a constraint is a way of building a parameter.

A user passes a *spec* (:class:`Bounded`, :class:`Dale`, :class:`LowRank`...); a model binds it with
``spec.build(shape, key)``, which returns a raw array or a bound parameter; :func:`resolve` replaces
every bound parameter by its value once, before the time loop, so that models read ``self.W`` as an
array. Weight matrices have shape ``(pre, post)`` and are used as ``rates @ W``.
"""

from neurodyn.params.base import (
    AbstractDistribution,
    AbstractParameter,
    AbstractSpec,
    Normal,
    Uniform,
)
from neurodyn.params.dale import Dale, DaleParameter, signs_of
from neurodyn.params.entries import (
    Bounded,
    BoundedParameter,
    Clamped,
    ClampedParameter,
    Fixed,
    FixedParameter,
    Free,
    Grouped,
    GroupedParameter,
    Indexed,
    IndexedParameter,
    Shared,
)
from neurodyn.params.scaled import Scaled, ScaledParameter
from neurodyn.params.use import as_spec, resolve, rows, trainable, whole_model
from neurodyn.params.weights import (
    Blocks,
    BlocksParameter,
    LowRank,
    LowRankParameter,
    Masked,
    MaskedParameter,
    areas_of,
    only,
)

__all__ = [
    "AbstractDistribution",
    "AbstractParameter",
    "AbstractSpec",
    "Blocks",
    "BlocksParameter",
    "Bounded",
    "BoundedParameter",
    "Clamped",
    "ClampedParameter",
    "Dale",
    "DaleParameter",
    "Fixed",
    "FixedParameter",
    "Free",
    "Grouped",
    "GroupedParameter",
    "Indexed",
    "IndexedParameter",
    "LowRank",
    "LowRankParameter",
    "Masked",
    "MaskedParameter",
    "Normal",
    "Scaled",
    "ScaledParameter",
    "Shared",
    "Uniform",
    "areas_of",
    "as_spec",
    "only",
    "resolve",
    "rows",
    "signs_of",
    "trainable",
    "whole_model",
]
