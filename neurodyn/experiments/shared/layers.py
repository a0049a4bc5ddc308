"""Settings with one value for each layer of a PV-RNN, and the network that they describe."""

import dataclasses
from typing import Annotated, Any

from neurodyn.experiments.running.limits import Count, Limits
from neurodyn.experiments.running.values import spelled
from neurodyn.models import PVRNN
from neurodyn.tasks import Sequences

Sizes = tuple[Count, ...]
#: Time constants of layers, at least one step.
Taus = tuple[Annotated[float, Limits(1)], ...]


@dataclasses.dataclass(frozen=True)
class LayerSettings:
    """Size of a PV-RNN.

    Attributes
    ----------
    n_units
        Units of each layer, the fastest layer first.
    n_latents
        Latents of each layer.
    tau
        Time constant of each layer [steps].
    """

    n_units: Sizes = (20, 10)
    n_latents: Sizes = (2, 2)
    tau: Taus = (2.0, 8.0)


def check_layers(settings: LayerSettings) -> None:
    """Refuse ``n_units``, ``n_latents`` and ``tau`` of different lengths.

    Raises
    ------
    ValueError
        If their lengths differ.
    """
    given = {name: getattr(settings, name) for name in ("n_units", "n_latents", "tau")}
    if len({len(values) for values in given.values()}) > 1:
        shown = "; ".join(f"{name}={spelled(values)}" for name, values in given.items())
        raise ValueError(
            f"Settings 'n_units', 'n_latents' and 'tau' have one value for each layer, got {shown}."
        )


def pvrnn(settings: Any, sequences: Sequences, *, w: float, key: Any, **options: Any) -> PVRNN:
    """PV-RNN of the size in the settings, which stores these sequences.

    Parameters
    ----------
    settings
        Settings with ``n_units``, ``n_latents`` and ``tau``.
    sequences
        Training sequences.
    w
        Meta-prior.
    key
        Seed or key of the initial weights.
    **options
        More arguments of :class:`~neurodyn.models.PVRNN`.
    """
    return PVRNN(
        sequences.n_outputs,
        settings.n_units,
        settings.n_latents,
        settings.tau,
        sequences=(sequences.n_items, sequences.n_steps),
        w=w,
        key=key,
        **options,
    )
