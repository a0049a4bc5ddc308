"""Measures of Jacobians against SciPy, and against motion step by step."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import xarray as xr

from neurodyn import analysis, labels, models

RNG = np.random.default_rng(0)
#: Stable flows: random ones, a chain without a basis of eigenvectors, a normal matrix.
CHAIN = -np.eye(4) + 3 * np.eye(4, k=-1)
NORMAL = scipy.linalg.block_diag([[-1.0, 2.0], [-2.0, -1.0]], -0.5, -3.0)
FLOWS = np.stack([*(RNG.standard_normal((3, 4, 4)) - 4 * np.eye(4)), CHAIN, NORMAL])
B, C = RNG.standard_normal((5, 4, 2)), RNG.standard_normal((5, 3, 4))


def linear_of(J, is_map=False, **coords):
    """A labelled result as of `linearise`."""
    per = "1" if is_map else "1/ms"
    point = "equilibrium"
    return labels.dataset(
        {
            "jacobian": ((point, "presynaptic", "unit"), J.swapaxes(1, 2), per, "J"),
            "input_jacobian": ((point, "unit", "input"), B[: len(J)], per, "B"),
            "output_jacobian": ((point, "unit", "output"), C[: len(J)].swapaxes(1, 2), "1", "C"),
        },
        coords,
        source="analysis",
        kind=None,
    )


def test_departure_and_schur_form():
    found = analysis.non_normality(linear_of(FLOWS))
    labels.check(found)
    for i, J in enumerate(FLOWS):
        upper = np.triu(scipy.linalg.schur(J, output="complex")[0], 1)
        one = found.isel(equilibrium=i)
        assert float(one["departure"]) == pytest.approx(np.linalg.norm(upper), abs=1e-7)
        start = np.log(np.linalg.norm(scipy.linalg.expm(1e-7 * J), 2)) / 1e-7
        assert float(one["initial_growth_rate"]) == pytest.approx(start, abs=1e-5)
        end = np.linalg.eigvals(J).real.max()
        assert float(one["final_growth_rate"]) == pytest.approx(end, abs=1e-3)
        T, Q = one["schur"].values.T, one["schur_vectors"].values
        np.testing.assert_allclose(Q.T @ Q, np.eye(4), atol=1e-12)
        np.testing.assert_allclose(Q @ T @ Q.T, J, atol=1e-11)
        assert np.abs(np.tril(T, -2)).max() == 0
        turning = np.diag(T, -1) != 0
        assert 2 * turning.sum() == (np.linalg.eigvals(T).imag != 0).sum()
        assert i == 3 or (np.diff(np.diag(T)) <= 1e-9)[~turning].all() or turning.any()
    assert found["relative_departure"].values[-1] == 0
    assert found["eigenvector_condition"].values[-1] == pytest.approx(1)
    assert np.isnan(found["eigenvector_condition"].values[3])
    turned = scipy.linalg.qr(RNG.standard_normal((4, 4)))[0]
    again = analysis.non_normality(linear_of(turned @ FLOWS @ turned.T))
    for name in ("departure", "initial_growth_rate"):
        np.testing.assert_allclose(again[name], found[name], atol=1e-6)
    maps = analysis.non_normality(linear_of(0.1 * FLOWS, True))
    norms = [np.log(np.linalg.norm(0.1 * J, 2)) for J in FLOWS]
    np.testing.assert_allclose(maps["initial_growth_rate"], norms)


def test_transient_growth_is_the_norm_of_what_moves():
    times = np.array([0.0, 0.1, 0.3, 0.4, 0.5, 1.5])
    found = analysis.transient_growth(linear_of(FLOWS), times)
    labels.check(found)
    want = np.array([[np.linalg.norm(scipy.linalg.expm(t * J), 2) for t in times] for J in FLOWS])
    np.testing.assert_allclose(found["growth"].T, want, rtol=1e-12)
    np.testing.assert_allclose(found["when"], times[want.argmax(1)])
    assert (found["when"] == 0).any()
    for i, J in enumerate(FLOWS):
        if not float(found["when"][i]):
            assert np.isnan(found["optimal"][i]).all()
            continue
        moved = scipy.linalg.expm(float(found["when"][i]) * J) @ found["optimal"].values[i]
        np.testing.assert_allclose(
            moved, float(found["largest"][i]) * found["response"].values[i], atol=1e-12
        )
    steps = analysis.transient_growth(linear_of(0.1 * FLOWS, True), [0, 1, 3, 4])
    want = [
        [np.linalg.norm(np.linalg.matrix_power(0.1 * J, n), 2) for n in (0, 1, 3, 4)] for J in FLOWS
    ]
    np.testing.assert_allclose(steps["growth"].T, want, rtol=1e-12)


def test_gramians_solve_lyapunov_equations():
    found = analysis.controllability(linear_of(FLOWS))
    labels.check(found)
    ends = analysis.controllability(linear_of(FLOWS), horizon=0.7)
    maps = analysis.controllability(linear_of(0.1 * FLOWS, True))
    for i, J in enumerate(FLOWS):
        b, c, eye = B[i], C[i], np.eye(4)
        want = scipy.linalg.solve_continuous_lyapunov(J, -b @ b.T)
        np.testing.assert_allclose(found["controllability"][i], want, rtol=1e-9, atol=1e-9)
        seen = scipy.linalg.solve_continuous_lyapunov(J.T, -c.T @ c)
        np.testing.assert_allclose(found["observability"][i], seen, rtol=1e-9, atol=1e-9)
        hankel = np.sqrt(np.sort(np.linalg.eigvals(want @ seen).real)[::-1])
        np.testing.assert_allclose(found["hankel"][i], hankel, rtol=1e-6, atol=1e-9)
        each = scipy.linalg.solve_continuous_lyapunov(J.T, -eye)
        np.testing.assert_allclose(found["unit_energy"][i], np.diag(each), rtol=1e-9)
        np.testing.assert_allclose(found["input_energy"][i], np.diag(b.T @ each @ b), rtol=1e-9)

        def pushed(t, J=J, b=b):
            moved = scipy.linalg.expm(J * t) @ b
            return (moved @ moved.T).ravel()

        whole = scipy.integrate.quad_vec(pushed, 0, 0.7, epsrel=1e-11)[0].reshape(4, 4)
        np.testing.assert_allclose(ends["controllability"][i], whole, rtol=1e-9, atol=1e-10)
        want = scipy.linalg.solve_discrete_lyapunov(0.1 * J, b @ b.T)
        np.testing.assert_allclose(maps["controllability"][i], want, rtol=1e-9, atol=1e-9)
    four = analysis.controllability(linear_of(FLOWS, True), horizon=4)["unit_energy"]
    sums = [[(np.linalg.matrix_power(J, k) ** 2).sum(0) for k in range(4)] for J in FLOWS]
    np.testing.assert_allclose(four, np.sum(sums, 1), rtol=1e-12)


def test_a_push_moves_the_state_along_the_line_as_selected():
    J = FLOWS.copy()
    J[:, 0, 0] += 3  # some lines are slow
    linear = linear_of(J[:3] - np.linalg.eigvals(J[:3]).real.max(1)[:, None, None] * np.eye(4))
    found = analysis.selection(linear)
    for i in range(3):
        one = found.isel(equilibrium=i)
        if float(one["frequency"]) > 0:
            # What is left after a while turns, in the plane of the pair, with this length.
            turns = round(20 * float(one["frequency"])) / float(one["frequency"])
            end = scipy.linalg.expm(1e3 * turns * linear["jacobian"].values[i].T) @ B[i]
            np.testing.assert_allclose(
                np.linalg.norm(end, axis=0) / np.linalg.norm(B[i], axis=0),
                one["selected_fraction"], rtol=1e-4,
            )  # fmt: skip
            np.testing.assert_allclose(one["line"].values @ end, one["selected"], atol=1e-4)
            continue
        end = scipy.linalg.expm(1e3 * linear["jacobian"].values[i].T) @ B[i]
        np.testing.assert_allclose(
            end, np.outer(one["line"], one["selected"]), atol=1e-6 * np.abs(end).max()
        )
        np.testing.assert_allclose(one["read"], C[i] @ one["line"].values, atol=1e-12)
    assert (np.abs(found["growth_rate"]) < 1e-9).any()
    normal = analysis.selection(linear_of(NORMAL[None]))
    labels.check(normal)
    assert float(normal["line_angle"][0]) == pytest.approx(0, abs=1e-5)
    assert float(normal["timescale"][0]) == pytest.approx(2.0)
    assert float(normal["next_timescale"][0]) == pytest.approx(1.0)
    angle = np.degrees(np.arccos(np.abs(B[0, 2]) / np.linalg.norm(B[0], axis=0)))
    np.testing.assert_allclose(normal["input_angle"][0], angle)
    np.testing.assert_allclose(np.abs(normal["selected"][0]), np.abs(B[0, 2]))
    assert (found["frequency"] > 0).any()
    assert (found["frequency"] == 0).any()


def test_labels_say_which_unit_is_which_and_what_does_not_fit_is_refused():
    linear = linear_of(FLOWS, unit=list("abcd"), presynaptic=list("abcd"))
    mixed = linear.isel(unit=[2, 0, 3, 1], presynaptic=[1, 0, 2, 3])
    for measure, name in (
        (analysis.controllability, "unit_energy"),
        (analysis.non_normality, "departure"),
        (lambda x: analysis.transient_growth(x, [0.5, 1.0]), "optimal"),
        (analysis.selection, "line_angle"),
    ):
        want, got = measure(linear)[name], measure(mixed)[name]
        got = got.sel(unit=list("abcd")) if "unit" in got.dims else got
        np.testing.assert_allclose(got, want, atol=1e-6)
    model = models.CTRNN(1, 2, 1, W=2 * np.eye(2, dtype="float32"), key=0)
    unstable = analysis.linearise(model, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="3 of 3 states are not stable"):
        analysis.controllability(unstable)
    assert (analysis.controllability(unstable, horizon=10.0)["unit_energy"] > 10).all()
    for call, error, said in (
        (lambda: analysis.selection(np.eye(2)), TypeError, "linearise"),
        (lambda: analysis.non_normality(xr.Dataset({"W": 1.0})), ValueError, "no variable"),
        (lambda: analysis.non_normality(linear.isel(unit=[0, 1])), ValueError, "square"),
        (lambda: analysis.transient_growth(linear, [1.0, 0.5]), ValueError, "increase"),
        (lambda: analysis.transient_growth(linear_of(FLOWS, True), [0.5]), ValueError, "steps"),
        (lambda: analysis.controllability(linear, horizon=-1.0), ValueError, "positive"),
        (lambda: analysis.controllability(linear_of(FLOWS, True), horizon=3), ValueError, "two"),
    ):
        with pytest.raises(error, match=said):
            call()
