"""A spiking network that decides between two alternatives, in Brian2, many trials at a time.

The network of Wang (2002) [1]_ at a fifth of its size: leaky integrate-and-fire neurons, two pools
of excitatory neurons selective for alternatives A and B, non-selective excitatory neurons, and
inhibitory neurons; AMPA, NMDA (with magnesium block and saturation) and GABA-A synapses; Poisson
background to every neuron and, during the stimulus, Poisson input to the two pools whose difference
is the coherence. Slow NMDA reverberation integrates, shared inhibition makes the pools compete.

Connections are all-to-all, and their weights depend on the pools only. The summed gating variables
of each pool are therefore one row of a small group to which the neurons are linked, without a
synapse for each pair, and many trials run as copies of the network in one simulation.

Some constants differ from the paper, because 400 neurons fluctuate more than 2,000 (recurrent
conductances are scaled by 2000 / 400): pools of a quarter of the excitatory neurons (0.15 in the
paper) with ``w_plus`` 1.41 (1.7), GABA decay 10 ms at 0.6 times its conductance (5 ms), NMDA
conductance times 1.1, a background of 2352 Hz (2400), stimulus of 80 Hz (40). Units differ in their
background and in the gain of the stimulus, which are the same in all trials, so that recorded units
are not all alike.

References
----------
.. [1] Wang, X.-J. (2002). Probabilistic decision making by slow reverberation in cortical circuits.
   Neuron 36, 955-968. doi:10.1016/S0896-6273(02)01092-9
"""

from __future__ import annotations

from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV

from neurodyn.datasets.decision_cells import (
    EXCITATORY,
    EXCITATORY_CELL,
    INHIBITORY_CELL,
    MEMBRANE,
    SHARED,
    scaled,
)

DT = 0.2  # ms; the fastest time constants (AMPA, NMDA rise) are ten times that
NOISE_STEP = 50.0  # ms between new values of the stimulus, as in the paper


@dataclass(frozen=True)
class Network:
    """Size, weights and drive of the network.

    Parameters
    ----------
    n_excitatory, n_inhibitory
        Numbers of neurons.
    n_selective
        Excitatory neurons in each of the two selective pools.
    w_plus
        Weight within a selective pool, relative to the mean; the other weights onto the pool
        follow so that the mean stays 1.
    background
        Mean rate of the Poisson background of each neuron [Hz].
    background_spread
        Standard deviation of the background over units, as a fraction of its mean.
    stimulus
        Mean rate of the stimulus to each selective neuron at coherence 0 [Hz].
    stimulus_noise
        Standard deviation of the stimulus over the steps of a trial [Hz], shared by a pool.
    gain_spread
        Standard deviation over units of the logarithm of the stimulus gain.
    """

    n_excitatory: int = 320
    n_inhibitory: int = 80
    n_selective: int = 80
    w_plus: float = 1.41
    background: float = 2352.0
    background_spread: float = 0.03
    stimulus: float = 80.0
    stimulus_noise: float = 4.0
    gain_spread: float = 0.5

    @property
    def n_neurons(self) -> int:
        """Number of all neurons."""
        return self.n_excitatory + self.n_inhibitory

    @property
    def w_minus(self) -> float:
        """Weight onto a selective pool from all other excitatory neurons."""
        f = self.n_selective / self.n_excitatory
        return 1 - f * (self.w_plus - 1) / (1 - f)

    @property
    def pool(self) -> np.ndarray:
        """Pool of each excitatory neuron: 0 is A, 1 is B, 2 non-selective. Shape ``(unit,)``."""
        return np.minimum(np.arange(self.n_excitatory) // self.n_selective, 2)


@dataclass(frozen=True)
class Spikes:
    """Spikes of one population: time from the start of the trial [ms], unit and trial of each."""

    time: np.ndarray
    unit: np.ndarray
    trial: np.ndarray


def simulate(
    coherence: np.ndarray,
    *,
    network: Network | None = None,
    before: float = 200.0,
    stimulus: float = 1000.0,
    after: float = 250.0,
    settle: float = 500.0,
    seed: int = 0,
) -> tuple[Spikes, Spikes]:
    """Simulate one trial per coherence.

    Parameters
    ----------
    coherence
        Signed coherence of each trial, -1 to 1; positive favours pool B. Shape ``(trial,)``.
    network
        Parameters; default `Network()`.
    before, stimulus, after
        Time before, during and after the stimulus [ms], multiples of 50 ms.
    settle
        Time simulated before the trial and left out [ms], a multiple of 50 ms, so that the network
        has reached its resting state.
    seed
        Number that sets all random draws; the spikes are the same on one machine with the same
        library versions. It sets NumPy's global generator, from which Brian2 draws.

    Returns
    -------
    Spikes of the excitatory and of the inhibitory neurons.
    """
    # Every group has an `order`, because Brian2 otherwise updates groups in the order of their
    # default names, which depend on earlier simulations in the same process.
    network = network or Network()
    rng = np.random.default_rng(seed)
    n = len(coherence)
    steps = [round(length / NOISE_STEP) for length in (settle + before, stimulus, after)]
    with _numpy_target():
        b2.seed(seed)
        clock = b2.Clock(DT * ms)
        exc = _excitatory(network, n, clock, _stimulus(network, coherence, steps, rng), rng)
        inh = _inhibitory(network, n, clock, rng)
        parts = [exc, inh, *_couple(network, n, clock, exc, inh)]
        monitors = b2.SpikeMonitor(exc), b2.SpikeMonitor(inh)
        b2.Network(*parts, *monitors).run(sum(steps) * NOISE_STEP * ms, namespace={})
    return _spikes(monitors[0], n, settle), _spikes(monitors[1], n, settle)


class _numpy_target:
    """Let Brian2 generate NumPy code, which needs no compiler and is fast for many trials."""

    def __enter__(self):
        self._before = b2.prefs.codegen.target
        b2.prefs.codegen.target = "numpy"

    def __exit__(self, *_):
        b2.prefs.codegen.target = self._before


def _stimulus(network: Network, coherence, steps, rng) -> b2.TimedArray:
    """Rates of the stimulus, ``(step, pool * trial)``; nothing for the non-selective pool."""
    before, during, after = steps
    n = len(coherence)
    mean = network.stimulus * (1 + np.array([-1.0, 1.0])[:, None] * coherence[None, :])
    noise = network.stimulus_noise * rng.standard_normal((during, 2, n))
    rates = np.zeros((before + during + after, 3, n))
    rates[before : before + during, :2] = np.maximum(mean[None] + noise, 0)
    return b2.TimedArray(rates.reshape(len(rates), -1) * Hz, dt=NOISE_STEP * ms)


def _excitatory(network: Network, n: int, clock, stimulus, rng) -> b2.NeuronGroup:
    group = b2.NeuronGroup(
        network.n_excitatory * n,
        EXCITATORY,
        threshold="v > -50*mV",
        reset="v = -55*mV; x += 1",
        refractory=2 * ms,
        method="exponential_euler",
        namespace=scaled(EXCITATORY_CELL, network.n_neurons) | {"stimulus": stimulus},
        clock=clock,
        order=0,
    )
    pool = network.pool
    selective = pool < 2
    group.w_all = np.repeat(np.where(selective, network.w_minus, 1.0), n)
    group.w_own = np.repeat(np.where(selective, network.w_plus - network.w_minus, 0.0), n)
    group.background = np.repeat(_backgrounds(network, pool, rng), n) * Hz
    group.gain = np.repeat(_gains(network, pool, rng), n)
    group.column = _rows(pool, n)
    arrivals = "s_ext += poisson((background + gain * stimulus(t, column)) * dt)"
    group.run_regularly(arrivals, order=0)
    _start(group, rng)
    return group


def _inhibitory(network: Network, n: int, clock, rng) -> b2.NeuronGroup:
    group = b2.NeuronGroup(
        network.n_inhibitory * n,
        MEMBRANE,
        threshold="v > -50*mV",
        reset="v = -55*mV",
        refractory=1 * ms,
        method="exponential_euler",
        namespace=scaled(INHIBITORY_CELL, network.n_neurons),
        clock=clock,
        order=1,
    )
    group.w_all = 1.0
    one_pool = np.zeros(network.n_inhibitory, int)
    group.background = np.repeat(_backgrounds(network, one_pool, rng), n) * Hz
    group.run_regularly("s_ext += poisson(background * dt)", order=1)
    _start(group, rng)
    return group


def _couple(network: Network, n: int, clock, exc, inh) -> list:
    """Sum the gating variables of each trial's pools and link every neuron to its sums."""
    # Rows of `sums`: pool A of every trial, pool B of every trial, all excitatory neurons.
    sums = b2.NeuronGroup(
        3 * n,
        "ds_ampa/dt = -s_ampa / tau_ampa : 1\nnmda : 1",
        method="exact",
        namespace=SHARED,
        clock=clock,
        order=2,
    )
    inhibition = b2.NeuronGroup(
        n,
        "ds_gaba/dt = -s_gaba / tau_gaba : 1",
        method="exact",
        namespace=SHARED,
        clock=clock,
        order=3,
    )
    pools = {exc: network.pool, inh: np.full(network.n_inhibitory, 2)}
    for group, pool in pools.items():
        own, everything = _rows(pool, n), _rows(np.full_like(pool, 2), n)
        group.ampa_own = b2.linked_var(sums, "s_ampa", index=own)
        group.nmda_own = b2.linked_var(sums, "nmda", index=own)
        group.ampa_all = b2.linked_var(sums, "s_ampa", index=everything)
        group.nmda_all = b2.linked_var(sums, "nmda", index=everything)
        group.gaba = b2.linked_var(inhibition, "s_gaba", index=np.tile(np.arange(n), len(pool)))

    selective = np.arange(2 * network.n_selective * n)
    pre = np.concatenate([np.arange(len(exc)), selective])
    own = _rows(network.pool, n)[selective]
    post = np.concatenate([2 * n + np.arange(len(exc)) % n, own])
    ampa = b2.Synapses(exc, sums, on_pre="s_ampa_post += 1", delay=0.5 * ms, clock=clock)
    nmda = b2.Synapses(exc, sums, "nmda_post = s_nmda_pre : 1 (summed)", clock=clock)
    gaba = b2.Synapses(inh, inhibition, on_pre="s_gaba_post += 1", delay=0.5 * ms, clock=clock)
    ampa.connect(i=pre, j=post)
    nmda.connect(i=pre, j=post)
    gaba.connect(i=np.arange(len(inh)), j=np.arange(len(inh)) % n)
    return [sums, inhibition, ampa, nmda, gaba]


def _rows(pool: np.ndarray, n: int) -> np.ndarray:
    """Row ``pool * n + trial`` of every neuron; neurons are numbered ``unit * n + trial``."""
    return (pool[:, None] * n + np.arange(n)[None, :]).ravel()


def _backgrounds(network: Network, pool: np.ndarray, rng) -> np.ndarray:
    spread = rng.standard_normal(len(pool))
    for p in np.unique(pool):  # the same mean and spread in every pool, or one would be favoured
        members = pool == p
        spread[members] = (spread[members] - spread[members].mean()) / spread[members].std()
    return network.background * (1 + network.background_spread * spread)


def _gains(network: Network, pool: np.ndarray, rng) -> np.ndarray:
    gain = np.exp(network.gain_spread * rng.standard_normal(len(pool)))
    for p in np.unique(pool):
        gain[pool == p] /= gain[pool == p].mean()
    return gain


def _start(group: b2.NeuronGroup, rng) -> None:
    """Start near the resting state of the network."""
    group.v = (-58 + 5 * rng.random(len(group))) * mV
    group.s_ext = 4.8


def _spikes(monitor: b2.SpikeMonitor, n: int, settle: float) -> Spikes:
    time, index = np.asarray(monitor.t / ms) - settle, np.asarray(monitor.i)
    kept = time >= 0
    return Spikes(time[kept], index[kept] // n, index[kept] % n)
