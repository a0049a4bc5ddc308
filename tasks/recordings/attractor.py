"""Trajectories of a known system as a task, to train and test models that reconstruct it."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.labels import encode_attrs, time_axis
from neurodyn.system import AbstractFlow, AbstractMap, AbstractSpiking
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.recordings.runs import passed_on, trajectories
from neurodyn.tasks.recordings.windows import Windows


class Attractor(AbstractTask):
    """Trajectories of a system on its attractor, for training and, from other starts, for testing.

    As a task: windows of the training trajectories, as :class:`~neurodyn.tasks.Windows` draws them;
    validation is on windows of the test trajectories. ``train`` and ``test`` are the trajectories
    themselves, labelled, for measures of reconstruction.

    Parameters
    ----------
    system
        A flow without spikes, or a map. Its starts must differ between trials (`spread` of the
        reference systems).
    n_samples
        Samples of each trajectory.
    dt
        Sampling step [ms]; a label only for maps.
    length
        Steps of a window that are predicted.
    n_trials
        Trajectories for training, and as many for testing.
    transient
        Samples that are dropped at the start of each trajectory.
    noise_std
        Standard deviation of observation noise, in units of that of the training data without
        noise; on both sets. Default 0; published benchmarks use 0.05 and draw it anew for each
        window, which is ``window_noise_std``.
    window_noise_std
        Standard deviation of noise that is drawn anew for every training window, in units of what
        is trained on.
    standardise
        Whether all is brought to zero mean and unit standard deviation of the training data.
    rtol, atol
        Tolerances of the adaptive solver, in each step. (No tolerance keeps a chaotic trajectory
        near the exact one for long; it keeps the statistics.) The solver steps exactly to each
        sample and nothing is interpolated. Not for maps; flows with noise run by Euler's method
        with 20 steps a sample.
    solver
        Of diffrax, default ``Tsit5()``.
    key
        Seed or key of starts and noise.

    Attributes
    ----------
    train, test
        Trajectories ``(trial, time, output)`` as trained on; attributes say how they were made.
    mean, std
        What was subtracted and divided by, ``(output,)``.

    Raises
    ------
    ValueError, TypeError
        If numbers are out of range, trajectories diverge or stand still, or all start alike.

    References
    ----------
    Hess, Monfared, Brenner & Durstewitz, "Generalized teacher forcing for learning chaotic
    dynamics", ICML 2023 (windows, noise).

    Examples
    --------
    >>> from neurodyn import models, tasks
    >>> task = tasks.Attractor(models.reference.Henon(), n_samples=500, length=20)
    >>> task.train.dims, task.batch(0, 16).targets.shape
    (('trial', 'time', 'output'), (16, 21, 2))
    """

    align_event: ClassVar[str] = "window start"
    scored: ClassVar[Literal["every", "last"]] = "every"
    reference: ClassVar[tuple[str, ...]] = ("hess2023",)

    windows: Windows
    held_out: Windows
    mean: Float[Array, " output"]
    std: Float[Array, " output"]
    made: tuple[tuple[str, str], ...] = eqx.field(static=True)
    numbers: dict[str, np.ndarray]

    def __init__(
        self,
        system: Any,
        n_samples: int = 10_000,
        *,
        dt: float | int = 1.0,
        length: int = 200,
        n_trials: int = 1,
        transient: int = 1000,
        noise_std: float | int = 0.0,
        window_noise_std: float | int = 0.0,
        standardise: bool = True,
        rtol: float = 1e-8,
        atol: float = 1e-8,
        solver: diffrax.AbstractSolver | None = None,
        key: Any = 0,
    ):
        if isinstance(system, AbstractSpiking) or not isinstance(
            system, (AbstractFlow, AbstractMap)
        ):
            raise TypeError(
                f"`system` must be a map or a flow without spikes, got {type(system).__name__}."
            )
        whole("n_samples", n_samples, 2)
        whole("n_trials", n_trials)
        if isinstance(transient, bool) or transient < 0 or transient != int(transient):
            raise ValueError(f"`transient` must be a number of samples >= 0, got {transient!r}.")
        number("dt", dt, above=0)
        number("noise_std", noise_std, low=0)
        step, noise_std = float(dt), float(noise_std)
        key = as_key(key, needed_for="An attractor")
        run_key, noise_key = jax.random.split(key)
        x, made = trajectories(
            system,
            int(n_samples),
            dt=step,
            transient=int(transient),
            n_trials=2 * n_trials,
            key=run_key,
            rtol=rtol,
            atol=atol,
            solver=solver,
        )
        if np.array_equal(x[0], x[n_trials]):
            raise ValueError(
                f"All trials of this {type(system).__name__} start alike, so that training and "
                "test data would be the same: give it a `spread`."
            )
        scale = x[:n_trials].std((0, 1))
        if (scale == 0).any():
            raise ValueError(
                f"Outputs {np.flatnonzero(scale == 0).tolist()} of this {type(system).__name__} "
                "stand still after the transient: there is no attractor to learn there."
            )
        seed = np.asarray(jax.random.key_data(noise_key)).astype(np.uint32).tolist()
        x = x + noise_std * scale * np.random.default_rng(seed).standard_normal(x.shape)
        train, test = x[:n_trials], x[n_trials:]
        mean, std = np.zeros(len(scale)), np.ones(len(scale))
        if standardise:
            mean, std = train.mean((0, 1)), train.std((0, 1))
        float_type = jnp.result_type(float)
        self.mean, self.std = jnp.asarray(mean, float_type), jnp.asarray(std, float_type)
        names = getattr(system, "names", ())
        names = names if len(names) == x.shape[2] else [f"output {i}" for i in range(x.shape[2])]
        unit = "1" if isinstance(system, AbstractMap) else "ms"
        train, test = (_labelled((each - mean) / std, step, unit, names) for each in (train, test))
        self.windows = Windows(train, length, noise_std=window_noise_std)
        self.held_out = Windows(test, length)
        made |= {
            "system": type(system).__name__,
            "dt": step,
            "transient": int(transient),
            "noise_std": noise_std,
            "standardised": int(standardise),
        }
        # Numbers as arrays: a static number would be one more that compiles anew when it changes.
        self.made = tuple((name, value) for name, value in made.items() if isinstance(value, str))
        self.numbers = {n: np.asarray(v) for n, v in made.items() if not isinstance(v, str)}

    @property
    def train(self) -> xr.DataArray:
        """Trajectories for training, ``(trial, time, output)``."""
        return self._named(self.windows)

    @property
    def test(self) -> xr.DataArray:
        """Trajectories for testing, from other starts."""
        return self._named(self.held_out)

    def validation(self) -> Trial:
        """512 windows of the test trajectories, at even distances."""
        return self.held_out.validation()

    # Sizes, names, times, and what is drawn and scored are those of `windows`.
    n_inputs = passed_on("windows", "n_inputs")
    n_outputs = passed_on("windows", "n_outputs")
    input_names = passed_on("windows", "input_names")
    output_names = passed_on("windows", "output_names")
    n_steps = passed_on("windows", "n_steps")
    dt = passed_on("windows", "dt")
    t0 = passed_on("windows", "t0")
    sample = passed_on("windows", "sample")
    batch = passed_on("windows", "batch")
    loss = passed_on("windows", "loss")
    score = passed_on("windows", "score")
    limits = passed_on("windows", "limits")
    units = passed_on("windows", "units")
    coordinates = passed_on("windows", "coordinates")

    def raw(self, values: Any) -> Any:
        """Values ``(..., output)`` in the units of the system again."""
        return values * np.asarray(self.std) + np.asarray(self.mean)

    def standardised(self, values: Any) -> Any:
        """Values ``(..., output)`` of the system, such as its equilibria, as trained on."""
        return (values - np.asarray(self.mean)) / np.asarray(self.std)

    def _named(self, windows: Windows) -> xr.DataArray:
        old = {"noise": "noise_std"}  # in files of version 0.1
        numbers = {old.get(name, name): x.item() for name, x in self.numbers.items()}
        about = dict(self.made) | numbers
        data = np.asarray(windows.data)
        named = _labelled(data, self.dt, windows.unit, self.output_names)
        attrs = {"units": "1", "long_name": "state of the system"} | about
        return named.assign_attrs(encode_attrs(attrs))


def _labelled(data: np.ndarray, dt: float, unit: str, names: Sequence[str]) -> xr.DataArray:
    """Trajectories under their labels."""
    units = {"units": unit, "long_name": "time after the transient"}
    coords = {
        "trial": ("trial", np.arange(len(data)), {"units": "1", "long_name": "trial"}),
        "time": ("time", time_axis(data.shape[1], dt), units),
        "output": ("output", list(names)),
    }
    return xr.DataArray(data, coords, ("trial", "time", "output"))
