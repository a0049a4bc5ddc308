"""Parameter sweeps against what is known of the logistic map, Rössler's system and a centre."""

import importlib

import equinox as eqx
import numpy as np
import pytest

from neurodyn import analysis, labels
from neurodyn.models import reference


def distinct(points):
    points = points[np.isfinite(points)]
    return len(np.unique(points.round(3)))


def test_logistic_doubles_its_period():
    values = np.array([0.5, 2.5, 3.2, 3.5, 4.0])
    sweep = analysis.bifurcation(reference.Logistic(), "r", values, n_steps=400, transient=2000)
    labels.check(sweep, values=False)
    found = [distinct(p) for p in sweep["point"].values[:, 0]]
    assert found[:4] == [1, 1, 2, 4]
    assert found[4] > 100
    np.testing.assert_allclose(sweep["value"], values)
    np.testing.assert_allclose(sweep["point"].values[1, 0], 0.6, atol=1e-6)
    r = 3.2
    cycle = (r + 1 + np.array([-1, 1]) * np.sqrt((r - 3) * (r + 1))) / (2 * r)
    np.testing.assert_allclose(np.unique(sweep["point"].values[2, 0].round(5)), cycle, atol=2e-5)


def test_a_run_that_never_left_its_start_is_told_apart():
    start = reference.Logistic(start=(0.0,))
    sweep = analysis.bifurcation(start, "r", [0.5, 4.0], n_steps=20, transient=10)
    assert (sweep["status"] == "at rest").all()
    sweep = analysis.bifurcation(reference.Logistic(), "r", [2.5, 4.0], n_steps=20, transient=2000)
    assert (sweep["status"] == "ok").all()  # also where it came to rest


def test_maxima_of_rossler_double_too():
    sweep = analysis.bifurcation(
        reference.Roessler(), "c", [2.5, 3.5], n_steps=4000, dt=0.05, transient=4000
    )
    shown = [np.unique(p[np.isfinite(p)].round(2)) for p in sweep["point"].values[:, 0]]
    assert [len(s) for s in shown] == [1, 2]


def test_maxima_and_section_of_a_circle_are_exact():
    """Without nonlinearity the oscillator stays on its circle of radius 2."""
    options = {"n_steps": 200, "dt": 0.2, "transient": 0, "n_points": 20}
    system = reference.VanDerPol(mu=0.0)
    maxima = analysis.bifurcation(system, "mu", [0.0], **options)["point"].values.ravel()
    assert np.isfinite(maxima).sum() == 6
    np.testing.assert_allclose(maxima[:6], 2.0, atol=1e-3)
    minima = analysis.bifurcation(system, "mu", [0.0], points="minima", **options)
    np.testing.assert_allclose(np.nanmean(minima["point"]), -2.0, atol=1e-3)
    section = analysis.bifurcation(
        system, "mu", [0.0], points="section", section=(1, 0.0), **options
    )
    # x where the velocity turns from negative to positive: the minima
    np.testing.assert_allclose(np.nanmean(section["point"]), -2.0, atol=0.02)


def test_last_points_are_kept_and_the_rest_counted():
    sweep = analysis.bifurcation(reference.Logistic(), "r", [3.2], n_steps=50, n_points=8)
    assert sweep.sizes["sample"] == 8
    assert sweep["n_points"].item() == 50


def test_new_values_of_a_named_parameter_do_not_compile_again(monkeypatch):
    module, traces = importlib.import_module("neurodyn.analysis.dynamics.bifurcation"), []
    original = module._points

    def counted(*arguments):
        traces.append(1)
        return original(*arguments)

    monkeypatch.setattr(module, "_points", counted)
    for values in ([3.2, 3.4], [3.3, 3.7]):
        analysis.bifurcation(reference.Logistic(), "r", values, n_steps=21, transient=31)
    assert len(traces) == 1


def test_what_follows_the_transient_is_what_one_long_run_ends_in():
    """With noise too: its draws go on where those of the transient end."""
    system = reference.VanDerPol(noise=0.3)
    options = {"dt": 0.1, "points": "samples", "n_points": 30, "key": 1}
    cut = analysis.bifurcation(system, "mu", [1.0], n_steps=30, transient=50, **options)
    whole = analysis.bifurcation(system, "mu", [1.0], n_steps=80, transient=0, **options)
    np.testing.assert_allclose(cut["point"], whole["point"], rtol=1e-5)


def test_divergence_is_reported_for_its_value_only():
    sweep = analysis.bifurcation(
        reference.Henon(), lambda s: s.a, [1.4, 3.0], n_steps=50, transient=100
    )
    assert sweep["status"].values.ravel().tolist() == ["ok", "diverged"]
    assert np.isnan(sweep["point"].values[1]).all()


def test_coexisting_attractors_show_in_trials():
    wells = reference.Duffing(gamma=0.0, spread=2.0)
    sweep = analysis.bifurcation(
        wells,
        "delta",
        [0.5],
        n_steps=50,
        dt=0.1,
        transient=1500,
        points="samples",
        n_trials=12,
        n_points=50,
        key=0,
    )
    ends = sweep["point"].values[0, :, -1]
    np.testing.assert_allclose(np.abs(ends), 1.0, atol=1e-3)
    assert {-1.0, 1.0} == set(np.sign(ends))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameter": "rho"}, "it has r"),
        ({"values": [[1.0]]}, "shape"),
        ({"values": [np.nan]}, "NaN"),
        ({"points": "all"}, "samples, maxima"),
        ({"points": "section"}, "goes with"),
        ({"n_steps": 1}, "`n_steps`"),
        ({"output": 3}, "1 outputs"),
        ({"system": reference.Roessler()}, "pass `dt=`"),
    ],
)
def test_bad_arguments_are_named(options, message):
    given = {
        "system": reference.Logistic(),
        "parameter": "r",
        "values": [3.0],
        "n_steps": 10,
    } | options
    with pytest.raises(ValueError, match=message):
        analysis.bifurcation(**given)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="map or a flow"):
        analysis.bifurcation(3, "r", [1.0], n_steps=10)
    with pytest.raises(TypeError, match="could be swept"):
        analysis.bifurcation(reference.Lorenz96(5), "n", [1.0], n_steps=10, dt=0.1)


def test_whole_arrays_can_be_swept():
    system = reference.Kuramoto(3)
    rows = np.array([[0.1, 0.1, 0.1], [0.0, 1.0, 2.0]])
    sweep = analysis.bifurcation(
        system, "omega", rows, n_steps=10, dt=0.1, points="samples", transient=0
    )
    assert "value" not in sweep
    assert eqx.is_inexact_array(system.omega)
