"""Settings that hold one value for each layer of a network."""

import dataclasses
from typing import Annotated

from neurodyn.experiments.shared.limits import Count, Limits
from neurodyn.experiments.shared.values import spelled

__all__ = ["LayerSettings", "Sizes", "Taus", "check_layers"]

Sizes = tuple[Count, ...]
#: Time constants, which last a step at least.
Taus = tuple[Annotated[float, Limits(1)], ...]


@dataclasses.dataclass(frozen=True)
class LayerSettings:
    """Size of a PV-RNN.

    Attributes
    ----------
    n_units
        Units of each layer, the fastest first.
    n_latents
        Latents of each layer.
    tau
        Time constant of each layer [steps].
    """

    n_units: Sizes = (20, 10)
    n_latents: Sizes = (2, 2)
    tau: Taus = (2.0, 8.0)


def check_layers(settings: LayerSettings) -> None:
    """Refuse ``n_units``, ``n_latents`` and ``tau`` of unequal length.

    Raises
    ------
    ValueError
        If they are.
    """
    given = {name: getattr(settings, name) for name in ("n_units", "n_latents", "tau")}
    if len({len(values) for values in given.values()}) > 1:
        shown = "; ".join(f"{name}={spelled(values)}" for name, values in given.items())
        raise ValueError(
            f"Settings 'n_units', 'n_latents' and 'tau' have one value for each layer, got {shown}."
        )
