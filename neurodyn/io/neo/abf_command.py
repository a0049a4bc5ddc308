"""Commands to the cell, built from the table of epochs in the protocol of an Axon file.

Clampex stores no waveform, but for each analog output (DAC) a holding level and up to 50 epochs,
with increments from sweep to sweep. A sweep starts with 1/64 of its length at the holding level.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

#: Numbers of the types of epochs in the format.
OFF, STEP, RAMP, PULSES, TRIANGLES, COSINES, RESISTANCE, BIPHASIC = range(8)


class Epoch(NamedTuple):
    """One column of the waveform table.

    Attributes
    ----------
    number
        Place in the table, from 0.
    kind
        Type of the epoch: 1 step, 2 ramp, 3 pulse train, 4 triangle train, 5 cosine train,
        6 resistance, 7 biphasic train; 0 is off.
    level, level_step
        Level in the first sweep, and its increment from sweep to sweep.
    duration, duration_step
        Samples in the first sweep, and their increment.
    period, width
        Period and width of the pulses of a train [samples].
    """

    number: int
    kind: int
    level: float
    level_step: float
    duration: int
    duration_step: int
    period: int = 0
    width: int = 0


class UserList(NamedTuple):
    """Values that replace one parameter of one epoch, sweep after sweep.

    Attributes
    ----------
    parameter
        "level", "duration", "period" or "width".
    epoch
        Number of the epoch.
    values
        One value for each sweep.
    repeat
        Whether the list starts again after its end; otherwise the last value stays.
    """

    parameter: str
    epoch: int
    values: tuple[float, ...]
    repeat: bool = False


class Output(NamedTuple):
    """What a protocol says of one analog output.

    Attributes
    ----------
    name, unit
        As the file spells them.
    holding
        Level at which a sweep starts, and to which it returns.
    epochs
        The table.
    last_level_holds
        Whether the last level is held until the first epoch of the next sweep.
    user_list
        Values that replace those of the table.
    silent
        Which sweeps the output spends at its holding level because outputs alternate: 0 or 1 for
        the sweeps with even or odd numbers (from 0), None if they do not alternate.
    start
        Level at which each sweep starts if a train before the sweep ends at another than `holding`.
    sweeps
        Sweeps that the protocol has; more of them are not known.
    missing
        Why the command cannot be built, in words; empty if it can.
    """

    name: str
    unit: str
    holding: float
    epochs: tuple[Epoch, ...]
    last_level_holds: bool = False
    user_list: UserList | None = None
    silent: int | None = None
    start: float | None = None
    sweeps: int | None = None
    missing: str = ""


class CommandError(ValueError):
    """The command cannot be built from what the file holds."""


def command(output: Output, n_sweeps: int, n_samples: int) -> Float[np.ndarray, "sweep time"]:
    """Build the command of one output.

    Parameters
    ----------
    output
        Its protocol.
    n_sweeps, n_samples
        Number of sweeps, and of samples in each.

    Raises
    ------
    CommandError
        If the file does not hold the waveform, or the table does not fit the sweeps.

    Examples
    --------
    >>> step = Epoch(0, STEP, level=5.0, level_step=5.0, duration=2, duration_step=1)
    >>> command(Output("Cmd 0", "pA", 0.0, (step,)), n_sweeps=2, n_samples=5).tolist()
    [[0.0, 5.0, 5.0, 0.0, 0.0], [0.0, 10.0, 10.0, 10.0, 0.0]]
    """
    if output.missing:
        raise CommandError(output.missing)
    if output.sweeps is not None and n_sweeps > output.sweeps:
        raise CommandError(f"the file has {n_sweeps} sweeps, its protocol {output.sweeps}")
    first = max(n_samples // 64, 1)
    before, sweeps = output.holding, []
    for sweep in range(n_sweeps):
        before = before if output.start is None else output.start
        epochs = [_in_sweep(epoch, output.user_list, sweep) for epoch in output.epochs]
        epochs = [epoch for epoch in epochs if epoch.kind != OFF and epoch.duration > 0]
        rest = n_samples - first - sum(epoch.duration for epoch in epochs)
        if rest < 0:
            raise CommandError(f"its epochs are {-rest} samples longer than sweep {sweep}")
        pieces, level = [np.full(first, before)], before
        for epoch in epochs:
            still = output.silent == sweep % 2
            pieces.append(np.full(epoch.duration, before) if still else _piece(epoch, level))
            level = epoch.level
        level = level if output.last_level_holds else output.holding
        sweeps.append(np.concatenate([*pieces, np.full(rest, level)]))
        before = level
    return np.stack(sweeps)


def _in_sweep(epoch: Epoch, user_list: UserList | None, sweep: int) -> Epoch:
    """The epoch with the values of one sweep."""
    now = epoch._replace(
        level=epoch.level + sweep * epoch.level_step,
        duration=epoch.duration + sweep * epoch.duration_step,
    )
    if user_list is None or user_list.epoch != epoch.number:
        return now
    values: Sequence[float] = user_list.values
    value = values[sweep % len(values) if user_list.repeat else min(sweep, len(values) - 1)]
    if user_list.parameter == "level":
        return now._replace(level=value)
    return now._replace(**{user_list.parameter: int(value)})


def _piece(epoch: Epoch, before: float) -> Float[np.ndarray, " time"]:
    """Samples of one epoch that follows the level `before`."""
    n, level = epoch.duration, epoch.level
    if epoch.kind == STEP:
        return np.full(n, level)
    if epoch.kind == RAMP:
        return np.linspace(before, level, n)
    if epoch.kind not in (PULSES, TRIANGLES, COSINES, BIPHASIC):
        raise CommandError(f"epoch {epoch.number} is of type {epoch.kind}, which is not known")
    if epoch.period <= 0:
        raise CommandError(f"the train of epoch {epoch.number} has no period")
    # Only whole periods are played; what remains of the epoch stays at the level before it.
    piece, count = np.full(n, before), n // epoch.period
    if epoch.kind == COSINES:
        phase = np.linspace(0, 2 * np.pi * count, n)
        return before + (level - before) * (1 - np.cos(phase)) / 2
    if count:
        piece[: count * epoch.period] = np.tile(_pulse(epoch, before), count)
    return piece


def _pulse(epoch: Epoch, before: float) -> Float[np.ndarray, " time"]:
    """One period of a train."""
    level, width = epoch.level, min(max(epoch.width, 0), epoch.period)
    one = np.full(epoch.period, before)
    if epoch.kind == PULSES:
        one[:width] = level
    elif epoch.kind == TRIANGLES:
        one[:width] = np.linspace(before, level, width)
        one[width:] = np.linspace(level, before, epoch.period - width)
    else:
        one[: width // 2] = level
        one[width // 2 : width] = 2 * before - level
    return one
