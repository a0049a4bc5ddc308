"""The bundled example recording, and the code that made it."""

import numpy as np
import pytest

from neurodyn import datasets, spikes, trials

POOLS = {"A": 30, "B": 30, "nonselective": 20, "inhibitory": 20}


@pytest.fixture(scope="module")
def recording():
    return datasets.load("decision_example")


@pytest.fixture(scope="module")
def rates(recording):
    return spikes.bin(recording, bin_width=50.0)["spike_count"] * 20.0


def test_it_says_what_it_is(recording):
    assert recording.attrs["synthetic"] == 1
    assert recording.attrs["species"] == "simulation"
    assert recording.attrs["source"] == "recording"
    assert recording.attrs["align_event"] == "stimulus_on_time"
    assert "SYNTHETIC" in recording.attrs["session_description"]
    assert datasets.path("decision_example").stat().st_size < 2_000_000


def test_units_and_trials(recording):
    pools, numbers = np.unique(recording.pool.values, return_counts=True)
    assert dict(zip(pools, numbers, strict=True)) == POOLS
    np.testing.assert_array_equal(recording.ei == -1, recording.pool == "inhibitory")
    levels, numbers = np.unique(recording.coherence.values, return_counts=True)
    np.testing.assert_allclose(
        levels, [-0.512, -0.256, -0.128, -0.064, 0, 0.064, 0.128, 0.256, 0.512]
    )
    assert set(numbers) == {40}
    assert set(recording.choice.values) == {0, 1}
    np.testing.assert_array_equal(recording.correct, recording.choice == recording.target)
    graded = recording.coherence.values != 0
    np.testing.assert_array_equal(
        recording.target.values[graded], recording.coherence.values[graded] > 0
    )


def test_every_spike_of_the_file_lies_in_a_trial(recording):
    from neurodyn import io

    session = io.read(datasets.path("decision_example"))
    assert session.sizes["spike"] == recording.sizes["spike"]
    assert spikes.times(session)[0].size > 0
    times = recording.spike_time.values
    assert times.min() >= -250.0
    assert times.max() < 1250.0


def test_psychometric_curve(recording):
    right = recording.choice.groupby(recording.coherence).mean()
    assert right.sel(coherence=[-0.512, -0.256]).max() <= 0.05
    assert right.sel(coherence=[0.256, 0.512]).min() >= 0.95
    assert 0.3 < right.sel(coherence=0.0) < 0.7
    assert right.diff("coherence").min() > -0.1


def test_reaction_times_fall_with_coherence(recording):
    rt = recording.rt.groupby(np.abs(recording.coherence)).mean()
    assert rt.values[0] > 350
    assert rt.values[-1] < 300
    assert rt.sel(coherence=0.064) > rt.sel(coherence=0.128) > rt.sel(coherence=0.256)
    assert rt.sel(coherence=0.256) > rt.sel(coherence=0.512)
    assert np.isnan(recording.rt).mean() < 0.05
    errors = recording.correct == 0
    graded = np.abs(recording.coherence) == 0.064
    assert recording.rt[errors & graded].mean() > recording.rt[~errors].mean()


def test_baseline_is_flat_and_low(rates):
    before = rates.sel(time=slice(-250, 0)).mean("trial")
    for pool in POOLS:
        course = before.isel(unit=np.flatnonzero(rates.pool.values == pool)).mean("unit")
        assert 1.0 < course.mean() < 10.0
        assert np.ptp(course.values) < 0.25 * course.mean()


def test_selective_units_ramp_to_their_choice(rates):
    for pool, choice in (("A", 0), ("B", 1)):
        own = rates.isel(unit=np.flatnonzero(rates.pool.values == pool))
        preferred, other = (
            own.isel(trial=np.flatnonzero(rates.choice.values == c)).mean("trial")
            for c in (choice, 1 - choice)
        )
        late = slice(700, 1000)
        assert (preferred - other).sel(time=late).mean("time").min() > 5.0, "every single unit"
        course = preferred.mean("unit").sel(time=slice(0, 500)).values
        assert np.polyfit(np.arange(course.size), course, 1)[0] > 0
        early = slice(100, 300)
        strong = np.abs(rates.coherence.values) == 0.512
        weak = np.abs(rates.coherence.values) <= 0.064
        slopes = [
            own.isel(trial=np.flatnonzero(level & (rates.choice.values == choice)))
            .mean(("trial", "unit"))
            .sel(time=early)
            .polyfit("time", 1)
            .polyfit_coefficients[0]
            for level in (strong, weak)
        ]
        assert slopes[0] > 1.5 * slopes[1], "stronger evidence, steeper ramp"


def test_other_units_do_not_tell_the_choice(rates):
    late = rates.sel(time=slice(500, 1000)).mean("time")
    for pool in ("nonselective", "inhibitory"):
        own = late.isel(unit=np.flatnonzero(rates.pool.values == pool)).mean("unit")
        a, b = (own.values[rates.choice.values == c] for c in (0, 1))
        error = np.sqrt(a.var() / a.size + b.var() / b.size)
        assert abs(a.mean() - b.mean()) < 4 * error


def test_units_are_not_all_alike(rates):
    mean = rates.mean(("trial", "time")).values
    for pool in POOLS:
        own = mean[rates.pool.values == pool]
        assert own.std() / own.mean() > 0.15


def test_conditions_by_choice(recording):
    averaged = trials.psth(recording, ["coherence", "choice"], bin_width=50.0)
    assert averaged.n_trials.sum() == 360
    assert averaged.sizes["condition"] >= 12


brian2_warns = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@brian2_warns
def test_same_seed_same_spikes():
    from neurodyn.datasets.decision_network import simulate

    short = {"before": 50.0, "stimulus": 50.0, "after": 0.0, "settle": 0.0}
    coherence = np.array([-1.0, 0.0, 1.0])
    first, other, again = (simulate(coherence, seed=seed, **short) for seed in (1, 2, 1))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.time, b.time)
        np.testing.assert_array_equal(a.unit, b.unit)
        np.testing.assert_array_equal(a.trial, b.trial)
    assert not np.array_equal(first[0].time, other[0].time)


@brian2_warns
def test_pooled_sums_equal_synapse_by_synapse():
    """The rows that neurons are linked to hold the sums over the synapses of their own trial."""
    import brian2 as b2

    from neurodyn.datasets import decision_network as dn

    network, n = dn.Network(n_excitatory=40, n_inhibitory=10, n_selective=10), 3
    rng = np.random.default_rng(0)
    with dn._numpy_target():
        clock = b2.Clock(dn.DT * b2.ms)
        stimulus = dn._stimulus(network, np.array([-0.5, 0.0, 0.5]), (0, 2, 0), rng)
        exc = dn._excitatory(network, n, clock, stimulus, rng)
        inh = dn._inhibitory(network, n, clock, rng)
        sums, inhibition, *synapses = dn._couple(network, n, clock, exc, inh)
        exc.s_nmda = rng.random(len(exc))
        run = b2.Network(exc, inh, sums, inhibition, *synapses)
        gates = np.array(exc.s_nmda)
        run.run(dn.DT * b2.ms, namespace={})
        held = np.array(sums.nmda).reshape(3, n)
        by_unit = gates.reshape(network.n_excitatory, n)
        members = [slice(0, 10), slice(10, 20), slice(0, 40)]
        np.testing.assert_allclose(held, [by_unit[m].sum(axis=0) for m in members], rtol=0.01)

        # a weighted sum over all synapses of a neuron, against what its equations add up
        weight = np.ones((40, 40))
        weight[:20] = network.w_minus
        weight[:10, :10] = weight[10:20, 10:20] = network.w_plus
        assert weight[0].mean() == pytest.approx(1.0)
        every = np.array(sums.nmda).reshape(3, n)[network.pool.clip(max=2)]
        own = np.array(exc.w_own).reshape(40, n) * every
        total = np.array(exc.w_all).reshape(40, n) * held[2] + own
        np.testing.assert_allclose(total, weight @ by_unit, rtol=0.01)


def test_decision_is_the_first_pool_to_reach_threshold():
    from neurodyn.datasets import make_example as me

    steps = round(me.LENGTH / me.STEP)
    onset = round(me.BEFORE / me.STEP)
    rates = np.zeros((2, 4, steps))
    rates[:, :, :onset] = 30.0  # above threshold before the stimulus: does not count
    rates[0, 0, onset + 9 :] = 25.0
    rates[1, 0, onset + 10 :] = 60.0  # later
    rates[1, 1, onset:] = 20.0  # at once
    rates[0, 2, onset:], rates[1, 2, onset:] = 5.0, 4.0  # never
    rates[0, 3, onset + 50], rates[1, 3, onset + 50] = 21.0, 22.0  # both, in the same step
    choice, rt = me._decide(rates)
    np.testing.assert_array_equal(choice, [0, 1, 0, 1])
    np.testing.assert_array_equal(rt, [50.0, 5.0, np.nan, 255.0])


def test_pool_rates_count_spikes_of_the_last_50_ms():
    from neurodyn.datasets import make_example as me
    from neurodyn.datasets.decision_network import Network, Spikes

    network = Network()
    time = np.array([102.0, 102.0, 102.0, 900.0, 902.0])
    unit = np.array([0, 1, 80, 200, 79])
    rates = me._pool_rates(Spikes(time, unit, np.array([0, 0, 0, 0, 1])), network, 2)
    assert rates.shape == (2, 2, 300)
    one = 1 / (80 * 0.05)  # Hz, one spike
    expected = np.zeros(300)
    expected[20:30] = 2 * one
    np.testing.assert_allclose(rates[0, 0], expected)
    np.testing.assert_allclose(rates[1, 0], expected / 2)
    assert rates[0, 1].sum() == pytest.approx(10 * one)
    assert rates[1, 1].sum() == 0


def test_written_sessions_come_back(tmp_path):
    from neurodyn import io
    from neurodyn.datasets import make_example as me

    times = [np.array([0.25, 1.0, 2.0]), np.array([]), np.array([2.5])]
    session = me.Session(
        coherence=np.array([-0.5, 0.0]),
        choice=np.array([0, 1]),
        target=np.array([0, 0]),
        rt=np.array([300.0, np.nan]),
        pool=np.array(["A", "B", "inhibitory"]),
        spike_times=times,
    )
    me.write(session, tmp_path / "session.nwb")
    back = io.read(tmp_path / "session.nwb")
    for train, expected in zip(spikes.times(back), times, strict=True):
        np.testing.assert_array_equal(train, expected * 1e3)
    np.testing.assert_array_equal(back.coherence, session.coherence)
    np.testing.assert_array_equal(back.correct, [1, 0])
    np.testing.assert_array_equal(back.rt, session.rt)
    np.testing.assert_array_equal(back.stimulus_on_time, [250.0, 1750.0])
    np.testing.assert_array_equal(back.stop_time, [1500.0, 3000.0])
    with pytest.raises(FileExistsError):
        me.write(session, tmp_path / "session.nwb")


@pytest.mark.slow
@brian2_warns
def test_the_code_makes_the_bundled_recording(recording, rates):
    """Afresh with another seed: the same behaviour and rates, within what 40 trials can tell."""
    from neurodyn.datasets.make_example import COHERENCES, make_session

    session = make_session(seed=2)
    for coherence in COHERENCES:
        a = session.choice[session.coherence == coherence]
        b = recording.choice.values[recording.coherence.values == coherence]
        pooled = np.concatenate([a, b]).mean()
        assert abs(a.mean() - b.mean()) <= 4 * np.sqrt(2 * pooled * (1 - pooled) / 40) + 1e-9
    assert abs(np.nanmean(session.rt) - np.nanmean(recording.rt)) < 60
    seconds = 1.5 * len(session.coherence)
    for pool in POOLS:
        own = recording.pool.values == pool
        counts = [len(session.spike_times[unit]) for unit in np.flatnonzero(own)]
        bundled = rates.mean(("trial", "time")).values[own].mean()
        assert np.mean(counts) / seconds == pytest.approx(bundled, rel=0.1)
