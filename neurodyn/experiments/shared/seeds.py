"""Seeds of an experiment: the network labelled with a seed is the same in every run.

An experiment with ``seed=3`` and two networks has the networks 3 and 4. All that networks share,
such as the data that they are trained on, does not depend on the seed. So results of several runs
can be joined by `seed`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn.experiments.shared.limits import Seed
from neurodyn.labels import encode_attrs

__all__ = ["SeededSettings", "result", "seeds_of", "shared_key"]

ABOUT = {"units": "1", "long_name": "seed of the network"}


@dataclasses.dataclass(frozen=True)
class SeededSettings:
    """What every experiment has.

    Attributes
    ----------
    seed
        Seed of the first network; the next ones count on.
    """

    seed: Seed = 0


def seeds_of(settings: SeededSettings, n: int) -> tuple[int, ...]:
    """The seeds of an experiment's networks: its own and those that follow."""
    return tuple(settings.seed + i for i in range(n))


def shared_key(part: int) -> Any:
    """The key of one part of an experiment, which all networks share whatever their seeds."""
    return jax.random.fold_in(jax.random.key(0), part)


def result(
    parts: Mapping[str, xr.Dataset | None], settings: SeededSettings, **attrs: Any
) -> xr.DataTree:
    """The labelled result of an experiment: its parts, with seeds and settings written down.

    Parameters
    ----------
    parts
        Datasets by path. Networks on `seed` are in the order of their seeds.
    settings
        Of the experiment.
    **attrs
        What else is written down about the whole.
    """
    labelled = {}
    for path, ds in parts.items():
        if ds is not None and "seed" in ds.dims:
            seeds = np.array(seeds_of(settings, ds.sizes["seed"]), np.int64)
            ds = ds.assign_coords(seed=("seed", seeds, ABOUT))
        labelled[path] = ds
    tree = xr.DataTree.from_dict(labelled)
    tree.attrs |= encode_attrs({"settings": dataclasses.asdict(settings), **attrs})
    return tree
