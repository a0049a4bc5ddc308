"""Settings that hold one value for each layer of a network."""

from typing import Any

from neurodyn.experiments.values import spelled

__all__ = ["check_layers"]


def check_layers(settings: Any) -> None:
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
