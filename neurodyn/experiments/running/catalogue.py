"""Experiments by name: those of neurodyn, and those that users register."""

import importlib
from collections.abc import Iterator, Mapping, Sequence

from neurodyn.experiments.running.experiment import Experiment


class Catalogue(Mapping[str, Experiment]):
    """Experiments by name.

    Parameters
    ----------
    names
        Names of packages in ``neurodyn.experiments``, each with an ``EXPERIMENT`` of that name. A
        package is imported when its experiment is first asked for. Experiments of users, which
        :func:`neurodyn.register` adds, follow.
    """

    def __init__(self, names: Sequence[str]):
        self._names = tuple(names)
        self._own: dict[str, Experiment] = {}

    def __getitem__(self, name: str) -> Experiment:
        if name in self._names:
            return importlib.import_module(f"neurodyn.experiments.{name}").EXPERIMENT
        return self._own[name]

    def __setitem__(self, name: str, experiment: Experiment) -> None:
        if name in self._names:
            raise ValueError(f"neurodyn has an experiment {name!r} already: choose another name.")
        self._own[name] = experiment

    def __iter__(self) -> Iterator[str]:
        return iter((*self._names, *self._own))

    def __len__(self) -> int:
        return len(self._names) + len(self._own)

    def __contains__(self, name: object) -> bool:
        return name in self._names or name in self._own

    def find(self, name: str) -> Experiment:
        """The experiment of this name.

        Raises
        ------
        ValueError
            If there is none, with all names.
        """
        if name not in self:
            raise ValueError(f"There is no experiment {name!r}; there are {', '.join(self)}.")
        return self[name]


#: Every experiment by name. A new one of neurodyn needs a package of its name, and a line here.
EXPERIMENTS = Catalogue(
    (
        "perceptual_decision",
        "context_decision",
        "meta_prior",
        "hierarchy",
        "error_regression",
        "neural_prediction",
        "symbolic_attractors",
        "gtf",
        "hmm_networks",
        "timescales",
        "brain_timescales",
        "izhikevich2003",
        "fit_izhikevich",
        "flip_flop",
        "reaching",
        "force_sine",
        "what_when",
        "what_a_score_means",
        "yang2019",
    )
)
