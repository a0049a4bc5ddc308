"""Data of the reconstruction experiments: standardised simulations and recordings."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from neurodyn import datasets
from neurodyn.models import reference
from neurodyn.tasks.recordings.runs import trajectories

#: Steps that are dropped until a system has reached its attractor.
TRANSIENT = 2000


class _System(NamedTuple):
    """A simulated system; one unit of its time is taken as a second."""

    make: Any
    dt: float
    start: tuple[float, ...]


SYSTEMS = {
    "lorenz63": _System(reference.Lorenz63, 10.0, (1.0, 1.0, 20.0)),
    "rossler": _System(reference.Roessler, 80.0, (1.0, 1.0, 0.0)),
}
RECORDINGS = ("ecg", "fmri_tasks")


class AttractorData(NamedTuple):
    """Training and test data of a model.

    Attributes
    ----------
    train, test
        Standardised by the mean and standard deviation of ``train``. ``test`` is another
        trajectory of the same system, a later part of the recording, or None.
    dt
        Sampling step [ms].
    names
        Names of the observed variables.
    equilibria
        Known equilibria, standardised; None for recordings.
    exponents
        Known Lyapunov exponents [1/ms]; None for recordings.
    """

    train: Float[np.ndarray, "time output"]
    test: Float[np.ndarray, "time output"] | None
    dt: float
    names: tuple[str, ...]
    equilibria: Float[np.ndarray, "equilibrium output"] | None = None
    exponents: Float[np.ndarray, " exponent"] | None = None

    def labelled(self, values: Any) -> xr.DataArray:
        """Samples as a labelled trajectory."""
        return self._trajectory(values, "output", "standardised value").assign_coords(
            output=list(self.names)
        )

    def labelled_states(self, states: Any) -> xr.DataArray:
        """Latent states as a labelled trajectory."""
        return self._trajectory(states, "latent", "latent state")

    def _trajectory(self, values: Any, dim: str, long_name: str) -> xr.DataArray:
        values = np.asarray(values, np.float64)
        time = np.arange(1, len(values) + 1) * self.dt
        return xr.DataArray(
            values,
            {"time": ("time", time, {"units": "ms", "long_name": "time"})},
            ("time", dim),
            attrs={"units": "1", "long_name": long_name},
        )


def attractor_data(name: str, *, n_samples: int, key: Any) -> AttractorData:
    """Training and test data by name.

    Parameters
    ----------
    name
        ``"lorenz63"`` or ``"rossler"``, simulated by a fifth-order method at the sampling step of
        the published data (0.01 and 0.08 of their unit of time, which lasts a second here);
        ``"ecg"`` (trained on the first part at 70 Hz, tested on the second) or ``"fmri_tasks"``
        (no test data).
    n_samples
        Length of simulated trajectories; recordings are used whole.
    key
        Seed or key of the initial states of simulated systems.

    Raises
    ------
    ValueError
        For an unknown name.
    neurodyn.datasets.DatasetError
        If a recording is neither on this machine nor can be downloaded.
    """
    if name in SYSTEMS:
        return _simulated(SYSTEMS[name], n_samples, key)
    if name == "ecg":
        recording = datasets.load("ecg_pecuzal", every=10)
        values = np.asarray(recording["ecg"])
        train, test = standardised(values[0], values[1])
        delays = np.asarray(recording["delay"])
        names = tuple(f"ECG, {delay:.0f} ms" for delay in delays)
        return AttractorData(train, test, recording.attrs["sampling_step"], names)
    if name == "fmri_tasks":
        recording = datasets.load("fmri_tasks")
        train, _ = standardised(np.asarray(recording["bold"]), None)
        names = tuple(f"region {i}" for i in range(train.shape[1]))
        return AttractorData(train, None, recording.attrs["sampling_step"], names)
    raise ValueError(f"There are no data {name!r}; there are {', '.join((*SYSTEMS, *RECORDINGS))}.")


def _simulated(system: _System, n_samples: int, key: Any) -> AttractorData:
    model = system.make(time_unit=1000.0, start=system.start)
    # One step of the solver for each sample, as in the published data.
    (train, test), _ = trajectories(
        model,
        n_samples,
        dt=system.dt,
        transient=TRANSIENT,
        n_trials=2,
        key=key,
        rtol=None,
        atol=None,
    )
    mean, spread = train.mean(0), train.std(0)
    train, test = standardised(train, test)
    return AttractorData(
        train,
        test,
        system.dt,
        tuple(model.names),
        (model.equilibria() - mean) / spread,
        model.exponents(),
    )


def standardised(train: Any, test: Any) -> tuple[Any, Any]:
    """Training and test data, or None, by the mean and standard deviation of the training data."""
    mean, spread = train.mean(0), train.std(0)
    return (train - mean) / spread, None if test is None else (test - mean) / spread
