"""The laws of all measures, and the names that have none, with the reason."""

import numpy as np
import xarray as xr

from neurodyn import analysis, labels, spikes
from tests.conformance.scaling.law import (
    N_TIMES,
    N_TRIALS,
    WIDE,
    Law,
    X,
    Y,
    counts,
    flat,
    means,
    of_trials,
    trials,
)

TRIALS = trials()
COUNTS = np.random.default_rng(5).poisson(2.0, TRIALS.shape).astype(float)
#: Spike times of six units, as columns.
TIMES = np.sort(np.random.default_rng(6).uniform(0, 100, (1, 40, 6)), axis=1)
WAVE = np.sin(np.arange(400) / 7 + np.arange(6)[:, None]).T + 0.1 * np.arange(400)[:, None] % 1
ACF = np.exp(-np.arange(30)[:, None] / np.linspace(2, 8, 6)) * 0.7 + 0.1
POINTS = np.stack([np.arange(6.0) ** 2, np.arange(6.0) ** 3 / 8])
BETWEEN = np.hypot(*(POINTS[:, :, None] - POINTS[:, None]))
COVARIANCE = flat(X).T @ flat(X)


def _compare(x, y):
    rec = means(y, "recording")
    found = analysis.compare(means(x), rec, by="side", n_null=5, n_splits=2)
    return np.concatenate([found.score.values, found.p_value.values])


def _differences(x, y):
    runs = {"one": means(x), "other": means(x[::-1])}
    options = {"by": "side", "n_null": 0, "bootstrap": "condition", "n_bootstrap": 9}
    score = analysis.compare(runs, means(y, "recording"), ["cka", "procrustes"], **options)
    found = analysis.model_differences(score)
    return np.concatenate([found.difference.values.ravel(), found.low.values.ravel()])


def _pair(function, both, **options):
    """Of two populations with one scale, or of the two halves of the units of one."""
    n = both.shape[-1] // 2
    a, b = both if both.ndim == 4 else (both[..., :n], both[..., n:])
    return function([means(a), means(b)], **options)


def _encode(x, y):
    return analysis.encode(means(x), means(y, "recording"), by="side")


def _half_spread(y):
    return (y - y.mean(axis=0, keepdims=True)).std()


def _chunked(x):
    return [x[:, :9].swapaxes(0, 1), x[:, 9:].swapaxes(0, 1)]


def _lag_sums(x):
    first, second = _chunked(x)
    return analysis.LagSums(first, 4).add(second).autocovariance()


def _covariance(x):
    first, second = _chunked(x)
    return analysis.CovarianceSums(first).add(second).covariance().sum(0).diagonal()


def _trains(times):
    window = (times.min(), times.max() + np.diff(times, axis=1).max())
    return spikes.from_times([np.unique(unit) for unit in times[0].T], window=window)


def _of_sides(measure, x):
    return measure(counts(x).assign_coords(side=("trial", np.arange(len(x)) % 8)), "side")


def _of_variable(x):
    return analysis.synchrony(of_trials(x).to_dataset(), variable="rate")


def _detected(x):
    # The threshold moves with the potential, as its units do.
    dims, time = ("sweep", "time", "channel"), labels.time_axis(x.shape[1], 0.1)
    v = labels.dataset(
        {"v": (dims, x, "mV", "potential")}, {"time": time}, source="recording", values=False
    )
    middle = (x.max() + x.min()) / 2
    return analysis.detect_spikes(v, threshold=float(middle), refractory=0.0).spike_time


def _aligned(name):
    return lambda x, y: analysis.aligned_correlation(x[:, 0], y[:, 0], longest=9.0, dt=1.0)[name]


def _curves(x, fit, name):
    lags = {"lag": np.arange(len(x)) * 10.0}
    return fit(xr.DataArray(x, lags, ("lag", "unit")), first_lag=0.0)[name]


def _per_step(x, fit):
    """Lags in other units of time."""
    step = float(x[0, 0])
    acf = xr.DataArray(ACF, {"lag": np.arange(len(ACF)) * step}, ("lag", "unit"))
    return fit(acf, first_lag=0.0)["tau"]


def _predicted(states, targets):
    out = analysis.ridge_readout(states, targets, penalty=1e-3)
    return (states @ out["weights"].values + out["bias"].values) @ np.ones(targets.shape[1])


def _mixture(x):
    # The Gaussians are as wide as the data say, because their variance has units.
    generated, truth = x
    return analysis.mixture_divergence(generated, truth, variance=float(truth.var()) / 9)["d_stsp"]


def _states(function):
    """A measure of a run against the truth, which share their units."""
    return lambda both: function(flat(both[0])[:190], flat(both[1])[:190])


def _d(protocol):
    return _states(
        lambda x, y: analysis.state_space_divergence(x, y, n_bins=4, protocol=protocol)["d_stsp"]
    )


BOTH = np.stack([X, X + 0.1 * Y])
ONE = np.ones((1, 1))

#: Distances of points on a line.
FAR = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
MIXED = FAR[:, [1, 4, 0, 3, 2]][[1, 4, 0, 3, 2]]


def _square(x):
    return xr.DataArray((x + x.T) / 2, dims=("condition", "condition_2"))


def _subjects(x):
    noise = np.random.default_rng(7).uniform(0, x.max(), (4, *x.shape)) * (FAR > 0)
    return _square(x) + xr.DataArray(
        noise + noise.swapaxes(1, 2), dims=("subject", "condition", "condition_2")
    )


def _rdm(*args, **options):
    return analysis.rdm(*args, **options).dissimilarity.values[np.triu_indices(8, 1)]


LAWS: dict[str, list[Law]] = {
    "optimise": [
        Law(
            lambda x: analysis.optimise("cka", means(x), by="side", steps=2, n_saved=1)["captured"],
            (X,),
        )
    ],
    "score_reference": [
        Law(
            lambda x: analysis.score_reference("cka", means(x), n_draws=0)["without_component"],
            (X,),
        )
    ],
    "compare": [Law(_compare, (X, Y))],
    "cka": [
        Law(lambda x, y: analysis.cka(means(x), means(y)), (X, Y)),
        Law(lambda x, y: analysis.cka(means(x), means(y), estimator="song"), (X, Y)),
        Law(lambda x, y: analysis.cka(means(x), means(y), kernel="rbf"), (X, Y)),
        Law(lambda x, y: analysis.cka(means(x), means(y)), (WIDE, Y)),
    ],
    "nbs": [Law(lambda x, y: analysis.nbs(means(x), means(y)), (X, Y))],
    "cca": [Law(lambda x, y: analysis.cca(means(x), means(y)), (X, Y), condition=1e4)],
    "svcca": [
        Law(lambda x, y: analysis.svcca(means(x), means(y), keep=3), (WIDE, Y), condition=1e4)
    ],
    "pwcca": [Law(lambda x, y: analysis.pwcca(means(x), means(y)), (X, Y), condition=1e4)],
    "distance_correlation": [
        Law(lambda x, y: analysis.distance_correlation(means(x), means(y)), (X, Y))
    ],
    "linear_r2": [
        Law(lambda x, y: analysis.linear_r2(means(x), means(y)), (X, Y), condition=1e4),
        Law(lambda x, y: analysis.linear_r2(means(x), means(y), penalty=0.1), (WIDE, Y)),
    ],
    "Similarity": [
        Law(lambda x, y: analysis.Similarity(**parts)(flat(x), flat(y)), (X, Y), condition=1e4)
        for parts in (
            {"embed": "laplace", "report": "angle"},
            {"embed": "rbf", "compare": "bures"},
            {"embed": "distances", "centre": "song"},
            {"embed": "whitened", "compare": "mean_correlation"},
        )
    ],
    "procrustes": [Law(lambda x, y: analysis.procrustes(means(x), means(y)), (X, Y))],
    "linear_cka": [Law(lambda x, y: analysis.linear_cka(flat(x), flat(y)), (X, Y))],
    "debiased_cka": [
        Law(lambda x, y: analysis.debiased_cka(flat(x), flat(y)), (X, Y)),
        Law(lambda x, y: analysis.debiased_cka(flat(x), flat(y)), (WIDE, WIDE[..., ::3])),
    ],
    "procrustes_angle": [Law(lambda x, y: analysis.procrustes_angle(flat(x), flat(y)), (X, Y))],
    "shape_angle": [
        Law(lambda x, y: analysis.shape_angle(flat(x), flat(y), alpha=0.0), (X, Y)),
        Law(lambda x, y: analysis.shape_angle(flat(x), flat(y)), (X, Y)),
    ],
    "shape_distances": [
        *[
            Law(
                lambda x, y, a=alpha: analysis.shape_distances(
                    means(x), means(y), alpha=a, n_folds=3
                ).distance,
                (X, Y), digits=np.float64, condition=condition,
            )
            # Whitening divides by the smallest spread, about 30 times below the largest.
            for alpha, condition in ((1.0, 300.0), (0.0, 1e4))
        ],
        Law(lambda x: _pair(analysis.shape_distances, x, alpha=0.0).distance, (WIDE,),
            digits=np.float64, condition=1e4),
        Law(
            lambda x: _pair(analysis.shape_distances, x, form="euclidean").distance,
            (BOTH,), 1, digits=np.float64, condition=1e4,
        ),
    ],
    "embed_distances": [
        Law(
            lambda d: analysis.embed_distances(
                xr.DataArray(
                    d, {"system": np.arange(6), "other": np.arange(6)}, ("system", "other")
                )
            ).position,
            (BETWEEN,),
            1, "matters", units=None, digits=np.float64, condition=1e4,
        )
    ],
    "mean_shape": [
        Law(lambda x, y: analysis.mean_shape([means(x), means(y)]).distance, (X, Y),
            digits=np.float64),
        Law(lambda x: _pair(analysis.mean_shape, x, scale=False).distance, (BOTH,), 1,
            digits=np.float64),
    ],
    "stochastic_distances": [
        Law(
            lambda x: analysis.stochastic_distances(
                of_trials(x), of_trials(x[:, ::-1]), by="coherence", n_starts=1
            ).distance,
            (TRIALS,), 1, digits=np.float64, condition=1e5,
        )
    ],
    "match_units": [
        Law(
            lambda x, y: analysis.match_units(flat(x)[:40], flat(y)[:40], kind).score,
            (X, Y[..., :4]), own=True, digits=np.float64,
        )
        for kind in ("permutation", "soft")
    ],
    "neighbour_overlap": [
        Law(lambda x, y: analysis.neighbour_overlap(means(x), means(y)), (X, Y),
            digits=np.float64),
        Law(lambda x, y: analysis.neighbour_overlap(means(x), means(y)), (WIDE, Y),
            digits=np.float64),
    ],
    "rsa": [
        Law(lambda x, y: analysis.rsa(means(x), means(y)), (X, Y)),
        Law(
            lambda x, y: analysis.rsa(
                means(x), means(y), dissimilarity="squared_euclidean", comparison="whitened_cosine"
            ),
            (WIDE, Y),
        ),
    ],
    "rdm": [
        Law(lambda x: _rdm(means(x)), power=2, digits=np.float64, condition=1e4),
        Law(
            lambda x: _rdm(
                of_trials(x), "coherence", dissimilarity="crossnobis", noise="diagonal",
                times="mean",
            ),
            (TRIALS,), own=True, digits=np.float64, condition=1e5,
        ),
        Law(
            lambda x: _rdm(means(x), dissimilarity="correlation", centred=True),
            digits=np.float64, condition=1e4,
        ),
    ],
    "noise_precision": [
        Law(
            lambda x: analysis.noise_precision(of_trials(x), "coherence").covariance.sum(),
            (TRIALS,), 2, digits=np.float64, condition=1e4,
        )
    ],
    "compare_rdms": [
        Law(
            lambda x, y: analysis.compare_rdms(_square(x), _square(y), name),
            (FAR, MIXED), offset="matters", units=None, digits=np.float64,
            condition=1e5,
        )
        for name in ("spearman", "whitened_cosine", "bures")
    ],
    "rdm_ceiling": [
        Law(
            lambda x: analysis.rdm_ceiling(_subjects(x), "pearson").lower,
            (FAR,), offset="matters", units=None, digits=np.float64, condition=1e4,
        )
    ],
    "evaluate_rdms": [
        Law(
            lambda x: analysis.evaluate_rdms(
                _subjects(x), {"line": _square(FAR)}, "pearson", n_boot=20, n_null=9
            ).score,
            (FAR,), offset="matters", units=None, digits=np.float64, condition=1e4,
        )
    ],
    "split_half_reliability": [
        Law(
            lambda x: analysis.split_half_reliability(
                of_trials(x), "coherence", n_splits=4
            ).reliability,
            (TRIALS,), own=True, units="along",
        )
    ],
    "corrected": [
        Law(
            lambda x: analysis.corrected(
                xr.DataArray(x[0, 0], dims="unit"), xr.DataArray(np.full(6, 0.7), dims="unit")
            ),
            power=1, offset="matters", own=True, units="along", digits=np.float64,
        )
    ],
    "shuffle_null": [
        Law(lambda x: analysis.shuffle_null(_half_spread, means(x), n=3), power=1, offset="matters")
    ],
    "p_value": [
        Law(lambda x: analysis.p_value(x[:, 0], x.swapaxes(1, 2)), own=True, units="along")
    ],
    "factor_analysis": [
        Law(
            lambda x: analysis.factor_analysis(of_trials(x), 2, by="coherence").shared,
            (TRIALS,), own=True, units="along", condition=3e4,
        )
    ],
    "subspace_angles": [
        Law(lambda x, y: analysis.subspace_angles(means(x), means(y), n_draws=3).angle, (X, Y))
    ],
    "alignment_index": [
        Law(
            lambda x, y: analysis.alignment_index(means(x), means(y), 2, n_draws=3)["index"],
            (X, Y),
        )
    ],
    "model_differences": [Law(_differences, (X, Y))],
    "bootstrap": [
        Law(
            lambda x: analysis.bootstrap(of_trials(x), "trial", n_draws=9).low,
            (TRIALS,), 1, "carried", True, "along", digits=np.float64,
        )
    ],
    "rebin": [
        Law(
            lambda x: analysis.rebin(of_trials(x), of_trials(x)[:, ::2]),
            (TRIALS,), 1, "carried", True, "along", digits=np.float64,
        )
    ],
    "pca": [
        Law(lambda x: analysis.pca(means(x)).explained),
        Law(lambda x: analysis.pca(means(x)).variance, power=2),
        Law(lambda x: analysis.pca(means(x)).scores, power=1),
        Law(lambda x: abs(analysis.pca(means(x)).loadings), units=None),
        Law(lambda x: analysis.pca(means(x)).explained, (WIDE,)),
    ],
    "dpca": [
        Law(
            lambda x: analysis.dpca(of_trials(x), "coherence").marginal_variance,
            (TRIALS,),
            condition=1e3,
        )
    ],
    "jpca": [
        Law(
            lambda x: analysis.jpca(means(x), 2, soft=float(np.ptp(x, axis=(0, 1)).max()), n_null=0)
            .explained,
            condition=1e3,
        )
    ],
    "tangling": [
        Law(lambda x: analysis.tangling(means(x), soft=None).tangling.values, condition=1e4),
        Law(
            lambda x: analysis.tangling(means(x), soft=0.0).tangling.values,
            own=True, condition=1e4,
        ),
    ],
    "divergence": [
        Law(
            lambda x: analysis.divergence(means(x), soft=0.0).divergence.values[:, :-1],
            own=True, condition=1e4,
        )
    ],
    "targeted_axes": [
        Law(
            lambda x: analysis.targeted_axes(of_trials(x), "coherence").axes.values[:, 0],
            (TRIALS,), own=True, units="along", condition=1e4,
        )
    ],
    "dsa": [
        Law(
            lambda x, y: analysis.dsa(means(x), means(y), 2, rank=3, form="wasserstein"),
            (X, Y),
            condition=1e3,
        ),
        Law(lambda x, y: analysis.dsa(means(x), means(y), rank=3), (X, Y), condition=1e4),
    ],
    "linear_operator": [
        Law(lambda x: analysis.linear_operator(means(x), rank=3).prediction_error, condition=1e3),
        Law(
            lambda x: analysis.linear_operator(means(x), rank=3, n_steps=2).transition.sum(
                "presynaptic"
            ).sum(),
            condition=1e3,
        ),
    ],
    "choose_delays": [
        Law(
            lambda x: analysis.choose_delays(means(x), (1, 2), (2, 3), n_steps=2).mean_error,
            condition=1e3,
        )
    ],
    "delay_embedding": [
        Law(
            lambda x: analysis.delay_embedding(x, 2),
            power=1, offset="carried", own=True, units="along", digits=np.float64,
        )
    ],
    "operator_distance": [
        Law(
            lambda a, b: analysis.operator_distance(a, b),
            (COVARIANCE[:3, :3], COVARIANCE[3:, 3:] + np.triu(COVARIANCE[:3, 3:])),
            offset="matters", units=None, digits=np.float64, condition=1e8,
        )
    ],
    "local_linear": [
        Law(lambda x: analysis.local_linear(of_trials(x)).r2, (TRIALS,), condition=1e5),
    ],
    "participation_ratio": [
        Law(lambda x: analysis.participation_ratio(means(x))),
        Law(lambda x: analysis.participation_ratio(means(x)), (WIDE,)),
        Law(
            lambda x: analysis.participation_ratio(
                of_trials(x), covariance="noise", by="coherence"
            ),
            (TRIALS,),
        ),
    ],
    "n_components": [Law(lambda x: analysis.n_components(means(x)))],
    "components_for": [
        Law(lambda c: analysis.components_for(c), (COVARIANCE,), offset="matters", units=None)
    ],
    "principal_angles": [
        Law(
            lambda a, b: analysis.principal_angles(a, b),
            (flat(X)[:40, :3], flat(Y)[:40, :2]), offset="matters", own=True, digits=np.float64,
        )
    ],
    "ridge_r": [
        Law(lambda x, y: analysis.ridge_r(x, y).sum(), (X, Y)),
        Law(lambda y: analysis.ridge_r(X, y), (Y,), own=True, units="along"),
    ],
    "encode": [
        Law(lambda x, y: _encode(x, y).r2.sum(), (X, Y)),
    ],
    "signal_power": [
        Law(
            lambda x: analysis.signal_power(of_trials(x), "coherence").signal_power,
            (TRIALS,), 2, own=False, units="along",
        )
    ],
    "pls_r": [
        Law(lambda x, y: analysis.pls_r(x, y, n_components=3).sum(), (X, Y)),
        Law(lambda y: analysis.pls_r(X, y, n_components=3), (Y,), units="along"),
    ],
    "nonnegative_r": [
        Law(lambda x, y: analysis.nonnegative_r(x, y).sum(), (X, Y)),
        Law(lambda x, y: analysis.nonnegative_r(x, y), (X, Y[..., :1]), own=True, units=None),
    ],
    "decode": [
        Law(lambda x: analysis.decode(of_trials(x), "coherence", n_folds=3).prediction, (TRIALS,)),
        Law(
            lambda y: analysis.decode(
                of_trials(TRIALS), np.repeat(y, N_TRIALS), n_folds=3
            ).prediction,
            (np.arange(8.0)[:, None],), 1, "carried",
        ),
        Law(
            lambda y: analysis.decode(of_trials(TRIALS), np.repeat(y, N_TRIALS), n_folds=3).r2,
            (np.arange(8.0)[:, None],),
        ),
    ],
    "firing_rate": [
        Law(
            lambda x: analysis.firing_rate(means(x)),
            power=1, offset="carried", own=True, units="along", digits=np.float64,
        )
    ],
    "fano_factor": [
        Law(
            lambda x: analysis.fano_factor(counts(x)),
            (COUNTS,), 1, "matters", True, "along", digits=np.float64,
        )
    ],
    "psth": [
        Law(
            lambda x, name=name: analysis.psth(counts(x), [])[name],
            (COUNTS,), 1, "matters", True, "along", digits=np.float32,
        )
        for name in ("rate", "sem", "high")
    ],
    "count_moments": [
        Law(
            lambda x, name=name: analysis.count_moments(counts(x), [])[name],
            (COUNTS,), power, offset, True, "along", digits=np.float64,
        )
        for name, power, offset in (
            ("mean_count", 1, "carried"), ("count_variance", 2, "ignored"), ("fano", 1, "matters")
        )
    ],
    "count_correlation": [
        Law(
            lambda x: analysis.count_correlation(counts(x)).correlation[::5, ::5],
            (COUNTS,), own=True, units="same", digits=np.float64,
        )
    ],
    "noise_correlation": [
        Law(
            lambda x: _of_sides(analysis.noise_correlation, x).correlation[::5, ::5],
            (COUNTS,), own=True, units="same", digits=np.float64,
        )
    ],
    "signal_correlation": [
        Law(
            lambda x: _of_sides(analysis.signal_correlation, x).correlation[::5, ::5],
            (COUNTS,), own=True, units="same", digits=np.float64,
        )
    ],
    "tuning_curve": [
        Law(
            lambda x, name=name: _of_sides(analysis.tuning_curve, x)[name],
            (COUNTS,), power, offset, True, "along", digits=np.float64,
        )
        for name, power, offset in (
            ("rate", 1, "matters"), ("depth", 0, "matters"), ("explained", 0, "ignored"),
            ("p_value", 0, "ignored"),
        )
    ],
    "population_rate": [
        Law(lambda x: analysis.population_rate(counts(x)).rate, (COUNTS,), 1, "matters")
    ],
    "population_spectrum": [
        Law(
            lambda x: analysis.population_spectrum(counts(x), segment=200.0).power,
            (COUNTS,), 2, "matters",
        ),
        Law(
            lambda x: analysis.population_spectrum(counts(x), segment=200.0).beta,
            (COUNTS,), offset="matters",
        ),
    ],
    # Times are in ms, in which their tolerance is 1e-6: so they are not scaled without bound.
    "spike_intervals": [
        Law(
            lambda t: analysis.spike_intervals(_trains(t)).interspike_interval,
            (TIMES,), 1, units=None, most=3.0, digits=np.float64,
        )
    ],
    "interval_statistics": [
        Law(
            lambda t, name=name: analysis.interval_statistics(_trains(t))[name],
            (TIMES,), units="along", most=3.0, digits=np.float64,
        )
        for name in ("cv", "cv2", "lv")
    ],
    "synchrony": [
        Law(lambda x: _of_variable(x).chi, (TRIALS,), digits=np.float64),
        Law(lambda x: _of_variable(x).correlation, (TRIALS,), own=True, digits=np.float64),
    ],
    "detect_spikes": [Law(_detected, (WAVE[None],), units=None, digits=np.float64)],
    "aligned_correlation": [
        Law(_aligned("correlation"), (WAVE, WAVE[:, 1:]), units=None, digits=np.float64),
        Law(_aligned("shift"), (WAVE, WAVE[:, 1:]), units=None, digits=np.float64),
        Law(
            lambda x: _aligned("gain")(x, WAVE[:, 1:]),
            (WAVE,), 1, units=None, digits=np.float64,
        ),
        Law(
            lambda both: _aligned("rmse")(both[0], both[1]),
            (np.stack([WAVE, WAVE[:, ::-1]]),), 1, units=None, digits=np.float64,
        ),
    ],
    "main_frequency": [
        Law(
            lambda x: analysis.main_frequency(x[:, 0], dt=1.0),
            (WAVE,), units=None, digits=np.float64, condition=1e6,
        )
    ],
    "autocorrelation": [
        Law(
            lambda x: analysis.autocorrelation(of_trials(x), across=across),
            (TRIALS,), own=True, units="along",
        )
        for across in ("trials", "all", "time")
    ],
    "population_activity": [
        Law(
            lambda x: analysis.population_activity(of_trials(x)),
            (TRIALS,), 1, "matters", digits=np.float64,
        )
    ],
    "streaming_autocorrelation": [
        Law(
            lambda x: analysis.streaming_autocorrelation(_chunked(x), 4),
            (TRIALS,), own=True, units="along",
        )
    ],
    "LagSums": [Law(_lag_sums, (TRIALS,), 2, own=True, units="along")],
    "CovarianceSums": [Law(_covariance, (TRIALS,), 2, own=True, units="along")],
    "timescale": [
        Law(
            lambda x: analysis.timescale(of_trials(x), 100.0, offset=False).r2,
            (TRIALS,), own=True, units="along", condition=1e4,
        )
    ],
    "intrinsic_timescale": [
        Law(
            lambda x: analysis.intrinsic_timescale(of_trials(x), 100.0, n_draws=2).autocorrelation,
            (TRIALS,), own=True, units="along",
        )
    ],
    "fit_exponential": [
        Law(
            lambda x: _curves(x, analysis.fit_exponential, "tau"),
            (ACF,), offset="matters", own=True, units="along", condition=1e4,
        ),
        Law(
            lambda x: _curves(x, analysis.fit_exponential, "amplitude"),
            (ACF,), 1, "matters", True, "along", condition=1e4,
        ),
        Law(lambda x: _per_step(x, analysis.fit_exponential), (ONE,), 1, "matters", most=9.0,
            condition=1e4),
    ],
    "fit_exponentials": [
        Law(lambda x: _per_step(x, analysis.fit_exponentials), (ONE,), 1, "matters", most=9.0,
            condition=1e4)
    ],
    "timescale_summary": [
        Law(
            lambda x: analysis.timescale_summary(
                xr.Dataset({"tau": ("unit", x[0], {"units": "ms"})}), above=float(np.median(x[0]))
            ).mean_above,
            (1.0 + np.arange(6.0)[None],), 1, "carried", digits=np.float64,
        )
    ],
    "kaplan_yorke_dimension": [
        Law(
            lambda x: analysis.kaplan_yorke_dimension(x[0]),
            (np.array([[0.9, 0.0, -14.5]]),), offset="matters", digits=np.float64,
        )
    ],
    "symbolise": [
        Law(
            lambda x: analysis.symbolise(
                xr.DataArray(x[0], dims=("time", "output")), x[0, :5]
            ),
            own=False, digits=np.float64,
        )
    ],
    "state_space_divergence": [
        Law(_d(protocol), (BOTH,), own=True, digits=np.float64)
        for protocol in ("margin", "two_sd", "inner")
    ],
    "mixture_divergence": [
        Law(_states(lambda x, y: _mixture((x, y))), (BOTH,), units=None, digits=np.float64)
    ],
    "reconstruction": [
        Law(
            _states(lambda x, y: analysis.reconstruction(x, y, n_bins=4, sigma=2.0)[name]),
            (BOTH,), own=True, digits=np.float64,
        )
        for name in ("d_stsp", "d_h")
    ],
    "reconstruction_floor": [
        Law(
            lambda x: analysis.reconstruction_floor(flat(x), n_bins=3, sigma=2.0).d_stsp,
            own=True, digits=np.float64,
        )
    ],
    "power_spectrum": [
        Law(
            lambda x: analysis.power_spectrum(x, sigma=1.0),
            own=True, units="along", digits=np.float64,
        )
    ],
    "spectral_distance": [
        Law(
            lambda x, y: analysis.spectral_distance(flat(x), flat(y), sigma=2.0).d_h,
            (X, Y), own=True, units=None, digits=np.float64,
        )
    ],
    "valid_prediction_time": [
        Law(
            _states(lambda x, y: analysis.valid_prediction_time(x, y, threshold=0.05).valid_time),
            (BOTH,), own=True, digits=np.float64,
        )
    ],
    "forecast_error": [
        Law(
            lambda both: analysis.forecast_error(
                xr.DataArray(
                    both[0][:, :, None],
                    {"time": np.arange(1.0, N_TIMES + 1), "horizon": [1], "trial": np.arange(8)},
                    ("trial", "time", "horizon", "output"),
                ),
                both[1],
            ),
            (BOTH,), 2, digits=np.float64,
        )
    ],
    "ridge_forecast": [
        Law(
            lambda x: analysis.ridge_forecast(x, x, n_horizons=1, n_lags=2).prediction,
            power=1, offset="carried", units="along", digits=np.float64, condition=1e5,
        )
    ],
    "extreme_units": [
        Law(lambda x: np.stack(analysis.extreme_units(x[0, 0], 2)), units=None)
    ],
    "ridge_readout": [
        Law(lambda x: _predicted(flat(x), flat(Y)), digits=np.float64, condition=1e5),
        Law(
            lambda y: _predicted(flat(X), flat(y)), (Y,), 1, "matters",
            digits=np.float64, condition=1e5,
        ),
    ],
}  # fmt: skip

_RECORD = "describes measures, and holds no data"
_EMBEDDING = "makes an embedding; see Similarity"
_MODEL = "runs a model, whose units and scale are its own"
_JACOBIAN = "of Jacobians, whose scale is that of time"
_SYMBOLS = "of symbols, which have no scale"
_SPIKES = "of spike times, with parameters in ms; see spike_intervals"
LEFT_OUT = {
    "bayesian_decode": "it counts spikes, of which there is no other unit",
    "mean_matched_fano": "matches means in bins of spikes, which have no scale",
    "correlogram": _SPIKES,
    "spike_time_tiling": _SPIKES,
    "van_rossum_distance": _SPIKES,
    "victor_purpura_distance": _SPIKES,
    "tuning_map": _SPIKES,
    "Measure": _RECORD,
    "rsa_measure": _RECORD,
    "FlexibleRdm": _RECORD,
    "Pairwise": _RECORD,
    "of_samples": _RECORD,
    "CrossValidation": _RECORD,
    "MEASURES": _RECORD,
    "of_dynamics": _RECORD,
    "rbf_kernel": _EMBEDDING,
    "laplace_kernel": _EMBEDDING,
    "whitened": _EMBEDDING,
    "of_shapes": _RECORD,
    "of_units": _RECORD,
    "of_neighbours": _RECORD,
    "operator_alignment": "gives orthogonal matrices; see operator_distance",
    "RECONSTRUCTION_PROTOCOLS": _RECORD,
    "BANDS": "frequencies in Hz",
    "adjust": "of p-values, which have no scale",
    "psychometric": "of choices, which have no scale",
    "chronometric": "of reaction times in ms, trial by trial",
    "direction_errors": "of directions, which have no scale",
    "spearman_brown": "of correlations, which have no scale",
    "fi_curve": "counts spikes in a window of time; see spike_intervals",
    "effective_tau": "hands out the time constants of a model as they are",
    "timescale_recovery": "draws Poisson counts, whose scale is that of their noise",
    "modulated_counts": "draws Poisson counts, whose scale is that of their noise",
    "random_angles": "draws directions",
    "StateSpaceDivergence": "in test_scales.py, inside of a program",
    "MixtureDivergence": "in test_scales.py, inside of a program",
    "network_timescale": _MODEL,
    "driven_activity": _MODEL,
    "lyapunov": _MODEL,
    "bifurcation": _MODEL,
    "fixed_points": _MODEL,
    "cycles": _MODEL,
    "skeleton_distances": "of fixed points, whose layout is divided by its size",
    "linearise": _MODEL,
    "non_normality": _JACOBIAN,
    "transient_growth": _JACOBIAN,
    "controllability": _JACOBIAN,
    "selection": _JACOBIAN,
    "flow_field": _MODEL,
    "continuation": _MODEL,
    "limit_cycle": _MODEL,
    "phase_response": _MODEL,
    "basins": _MODEL,
    "nullclines": "of a field that a model makes",
    "prediction_error": "in test_scales.py, of a linear map",
    "forecast": _MODEL,
    "Generates": _MODEL,
    "ablation": _MODEL,
    "perturbation": _MODEL,
    "altered_scores": _MODEL,
    "memory_capacity": _MODEL,
    "latent_summary": "averages standard deviations and divergences that a model reports",
    "symbols": _SYMBOLS,
    "transitions": _SYMBOLS,
    "topological_entropy": _SYMBOLS,
    "word_growth": _SYMBOLS,
    "word_frequencies": _SYMBOLS,
    "true_words": _SYMBOLS,
    "word_divergence": _SYMBOLS,
    "entropy_rate": _SYMBOLS,
    "lagged_pairs": _SYMBOLS,
}
