"""Seeds of an experiment: a network labelled with a seed is the same network in every run.

An experiment with ``seed=3`` and two networks has the networks 3 and 4. Everything that networks
share, such as their training data, does not depend on the seed. Results of several runs can
therefore be joined along `seed`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr

from neurodyn.experiments.running.limits import Seed
from neurodyn.labels import encode_attrs

ABOUT = {"units": "1", "long_name": "seed of the network"}


@dataclasses.dataclass(frozen=True)
class SeededSettings:
    """Settings of every experiment of neurodyn.

    Attributes
    ----------
    seed
        Seed of the first network; the following networks have the following seeds.
    """

    seed: Seed = 0


def seeds_of(settings: SeededSettings, n: int) -> tuple[int, ...]:
    """Seeds of ``n`` networks: ``settings.seed`` and the following numbers."""
    return tuple(settings.seed + i for i in range(n))


def shared_key(part: int) -> Any:
    """Random key of one part of an experiment, the same for all networks and all seeds.

    Parameters
    ----------
    part
        Number of the part, e.g. 0 for the data and 1 for the training.
    """
    return jax.random.fold_in(jax.random.key(0), part)


def result(
    parts: Mapping[str, xr.Dataset | None], settings: SeededSettings, **attrs: Any
) -> xr.DataTree:
    """Labelled result of an experiment: datasets in one tree, with their seeds and the settings.

    Parameters
    ----------
    parts
        Datasets by path, such as ``"/model"`` or ``"/analysis/scores"``; None is left out. The dim
        `seed` of a dataset gets the seeds of :func:`seeds_of` as labels.
    settings
        Settings of the experiment, which the tree holds as JSON in its attribute ``settings``.
    **attrs
        More attributes of the tree.
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
