"""Make the bundled example recording: a simulated decision network, read out like an experiment.

Run as ``python -m neurodyn.datasets.make_example --out decision_example.nwb``; it takes about a
minute and needs no compiler. The network is `neurodyn.datasets.decision_network`.

The task is a two-choice discrimination: 250 ms of baseline, a stimulus of 1000 ms whose signed
coherence favours alternative A (negative) or B (positive), 250 ms after it. Each trial is a
simulation of its own; in the file, trials follow one another. The network chooses the pool whose
rate (all its neurons, the last 50 ms, every 5 ms) is the first to reach 20 Hz. The time of this
crossing is the reaction time, without any motor delay. In trials without a crossing, the choice is
the pool with the higher rate in the last 250 ms of the stimulus, and there is no reaction time
(NaN).

At coherence 0 no choice is right. As in experiments, the rewarded alternative (`target`) is then
drawn by a fair coin, and `correct` compares the choice with it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from neurodyn.datasets.decision_network import Network, Spikes, simulate
from neurodyn.io.atomic import atomic_path

COHERENCES = (-0.512, -0.256, -0.128, -0.064, 0.0, 0.064, 0.128, 0.256, 0.512)
BEFORE, STIMULUS, AFTER = 250.0, 1000.0, 250.0  # ms
LENGTH = BEFORE + STIMULUS + AFTER
THRESHOLD = 20.0  # Hz
STEP, WINDOW = 5.0, 50.0  # ms, of the rates that are compared with the threshold
CLOCK = 8192  # Hz; spike times lie on its ticks, which floats represent exactly (and compress)
RECORDED = {"A": 30, "B": 30, "nonselective": 20, "inhibitory": 20}


@dataclass(frozen=True)
class Session:
    """A recorded session.

    Parameters
    ----------
    coherence, choice, target, rt
        Values of each trial, shape ``(trial,)``; `rt` in ms from stimulus onset.
    pool
        Pool of each unit, shape ``(unit,)``.
    spike_times
        For each unit its spike times on the clock of the session [s].
    """

    coherence: np.ndarray
    choice: np.ndarray
    target: np.ndarray
    rt: np.ndarray
    pool: np.ndarray
    spike_times: list[np.ndarray]


def make_session(*, n_repeats: int = 40, seed: int = 1, network: Network | None = None) -> Session:
    """Simulate a session.

    Parameters
    ----------
    n_repeats
        Trials of each coherence, in random order.
    seed
        Number that sets all random draws.
    network
        Parameters of the network; default `Network()`.
    """
    network = network or Network()
    rng = np.random.default_rng([seed, 1])
    coherence = rng.permutation(np.repeat(COHERENCES, n_repeats))
    excitatory, inhibitory = simulate(
        coherence, network=network, before=BEFORE, stimulus=STIMULUS, after=AFTER, seed=seed
    )
    choice, rt = _decide(_pool_rates(excitatory, network, len(coherence)))
    coin = rng.integers(0, 2, len(coherence))
    target = np.where(coherence == 0, coin, coherence > 0).astype(np.int64)

    first = {"A": 0, "B": network.n_selective, "nonselective": 2 * network.n_selective}
    spike_times = []
    for pool, number in RECORDED.items():
        source = inhibitory if pool == "inhibitory" else excitatory
        start = first.get(pool, 0)
        spike_times += [_session_times(source, unit) for unit in range(start, start + number)]
    pool = np.repeat(list(RECORDED), list(RECORDED.values()))
    return Session(coherence, choice, target, rt, pool, spike_times)


def _pool_rates(spikes: Spikes, network: Network, n: int) -> np.ndarray:
    """Rate of pools A and B over the last `WINDOW`, every `STEP`, ``(pool, trial, step)`` [Hz]."""
    steps = round(LENGTH / STEP)
    pool = network.pool[spikes.unit]
    selective = pool < 2
    step = np.minimum((spikes.time / STEP).astype(np.int64), steps - 1)
    flat = (pool * n + spikes.trial) * steps + step
    counts = np.bincount(flat[selective], minlength=2 * n * steps).reshape(2, n, steps)
    width = round(WINDOW / STEP)
    total = np.cumsum(counts, axis=-1)
    total[..., width:] -= total[..., :-width].copy()
    return total / (network.n_selective * WINDOW / 1e3)


def _decide(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choice and reaction time [ms] of each trial."""
    onset, offset = round(BEFORE / STEP), round((BEFORE + STIMULUS) / STEP)
    reached = rates[..., onset:] >= THRESHOLD
    decided = np.asarray(reached.any(axis=(0, -1)))
    first = reached.any(axis=0).argmax(axis=-1)
    at_decision = rates[:, np.arange(rates.shape[1]), onset + first]
    at_end = rates[..., offset - round(AFTER / STEP) : offset].mean(axis=-1)
    compared = np.where(decided[None, :], at_decision, at_end)
    choice = (compared[1] > compared[0]).astype(np.int64)
    return choice, np.where(decided, (first + 1) * STEP, np.nan)


def _session_times(spikes: Spikes, unit: int) -> np.ndarray:
    own = np.flatnonzero(spikes.unit == unit)
    seconds = np.floor(spikes.time[own] / 1e3 * CLOCK) / CLOCK
    return np.sort(spikes.trial[own] * (LENGTH / 1e3) + seconds)


def write(session: Session, path: str | os.PathLike, *, overwrite: bool = False) -> None:
    """Write a session as NWB.

    Parameters
    ----------
    session
        From `make_session`.
    path
        File to write, all or nothing.
    overwrite
        Whether an existing file may be replaced.
    """
    from pynwb import NWBHDF5IO

    nwbfile = _empty_file()
    _add_trials(nwbfile, session)
    _add_units(nwbfile, session)
    with atomic_path(path, overwrite=overwrite) as temporary, NWBHDF5IO(str(temporary), "w") as io:
        io.write(nwbfile)


def _empty_file():
    from pynwb import NWBFile
    from pynwb.file import Subject

    epoch = datetime(1970, 1, 1, tzinfo=UTC)  # the format asks for a date; a simulation has none
    return NWBFile(
        session_description=(
            "SYNTHETIC: spikes of a simulated two-choice decision network (after Wang 2002), made "
            "by neurodyn.datasets.make_example with Brian2. Not a recording from an animal."
        ),
        identifier="neurodyn-decision-example",
        session_start_time=epoch,
        file_create_date=epoch,
        experiment_description=__doc__,
        keywords=["synthetic", "simulation", "decision making"],
        subject=Subject(
            subject_id="network",
            species="simulation",
            description="400 leaky integrate-and-fire neurons, of which 100 are in this file.",
            age="P0D",
        ),
    )


def _add_trials(nwbfile, session: Session) -> None:
    columns = {
        "stimulus_on_time": "onset of the stimulus [s]",
        "stimulus_off_time": "end of the stimulus [s]",
        "coherence": "signed coherence as a fraction; positive favours B",
        "choice": "chosen alternative: 0 is A, 1 is B",
        "target": "rewarded alternative: 0 is A, 1 is B; by a fair coin at coherence 0",
        "correct": "whether the choice was the rewarded one: 0 or 1",
        "rt": "reaction time from stimulus onset [ms]; NaN where no threshold was reached",
    }
    for name, description in columns.items():
        nwbfile.add_trial_column(name, description)
    for trial, coherence in enumerate(session.coherence):
        start = trial * LENGTH / 1e3
        choice, target = int(session.choice[trial]), int(session.target[trial])
        nwbfile.add_trial(
            start_time=start,
            stop_time=start + LENGTH / 1e3,
            stimulus_on_time=start + BEFORE / 1e3,
            stimulus_off_time=start + (BEFORE + STIMULUS) / 1e3,
            coherence=float(coherence),
            choice=choice,
            target=target,
            correct=int(choice == target),
            rt=float(session.rt[trial]),
        )


def _add_units(nwbfile, session: Session) -> None:
    from pynwb import H5DataIO

    nwbfile.add_unit_column("pool", "pool of the network: A, B, nonselective, inhibitory")
    nwbfile.add_unit_column("cell_type", "excitatory or inhibitory")
    nwbfile.add_unit_column("ei", "sign of the unit's synapses: 1 or -1")
    duration = len(session.coherence) * LENGTH / 1e3
    for pool, times in zip(session.pool, session.spike_times, strict=True):
        inhibitory = pool == "inhibitory"
        nwbfile.add_unit(
            spike_times=times,
            obs_intervals=[[0.0, duration]],
            pool=str(pool),
            cell_type="inhibitory" if inhibitory else "excitatory",
            ei=-1 if inhibitory else 1,
        )
    nwbfile.units.resolution = 1 / CLOCK
    column = nwbfile.units["spike_times"].target
    column.set_data_io(H5DataIO, {"compression": "gzip", "compression_opts": 9, "shuffle": True})


def main() -> None:
    """Write the file that the command line names, and print its size and hash."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="NWB file to write")
    parser.add_argument("--repeats", type=int, default=40, help="trials of each coherence")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--overwrite", action="store_true")
    options = parser.parse_args()
    session = make_session(n_repeats=options.repeats, seed=options.seed)
    write(session, options.out, overwrite=options.overwrite)
    for coherence in COHERENCES:
        own = np.flatnonzero(session.coherence == coherence)
        chosen, rt = session.choice[own].mean(), np.nanmean(session.rt[own])
        print(f"coherence {coherence:+.3f}: B chosen in {chosen:4.0%}, mean rt {rt:4.0f} ms")
    contents = options.out.read_bytes()
    print(f"{options.out}: {len(contents)} bytes, SHA-256 {hashlib.sha256(contents).hexdigest()}")


if __name__ == "__main__":
    main()
