"""Figures of attractors and symbols show what they are given."""

import io

import numpy as np
import pytest
import xarray as xr

from neurodyn import analysis, plot
from tests.analysis.dynamics.piecewise import lozi, orbit


@pytest.fixture(scope="module")
def coded():
    states = orbit(lozi(), [0.1, 0.1, 0.1], 600)[100:]
    time = np.arange(1.0, 501.0)
    trajectory = xr.DataArray(states, {"time": time}, ("time", "latent"))
    return trajectory, analysis.symbols(lozi(), trajectory)


def drawn(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    for ax in figure.axes:
        assert not ax.get_visible() or ax.has_data()
    return buffer.getvalue()


def with_output(points):
    return points.assign(outputs=points["state"].rename(latent="output"))


def test_every_step_of_an_attractor_is_drawn_in_the_colour_of_its_region(coded):
    trajectory, symbols = coded
    points = with_output(analysis.fixed_points(lozi(), virtual=True))
    figure = plot.attractor(
        trajectory,
        symbols,
        points=points,
        cycles=with_output(analysis.cycles(lozi(), 2)),
        components=(0, 1),
    )
    drawn(figure)
    ax = figure.axes[0]
    regions = [line for line in ax.lines if line.get_label().startswith("region")]
    assert len(regions) == symbols.sizes["region"] == 2
    for region, line in enumerate(regions):
        x = line.get_xdata()
        inside = symbols["symbol"].values == region
        np.testing.assert_array_equal(x[inside], trajectory.values[inside, 0])
        far = ~inside & ~np.r_[False, inside[:-1]]
        assert np.isnan(x[far]).all()
    texts = {line.get_label() for line in ax.lines}
    assert {"saddle fixed point", "cycle of 2 points"} <= texts


def test_three_dimensions_and_a_reference(coded):
    trajectory, symbols = coded
    assert drawn(plot.attractor(trajectory, symbols, reference=trajectory))
    assert drawn(plot.attractor(trajectory))


def test_graphs_have_a_node_for_each_region_and_an_arrow_for_each_edge(coded):
    trajectory, symbols = coded
    graph = analysis.transitions(symbols)
    for figure in (
        plot.symbol_graph(graph, symbols),
        plot.symbol_graph(analysis.transitions(np.arange(30) % 15)),
        plot.geometric_graph(
            symbols, graph, points=analysis.fixed_points(lozi()), trajectory=trajectory
        ),
    ):
        figure.savefig(io.BytesIO(), format="png")
        kinds = [type(p).__name__ for p in figure.axes[0].patches]
        n = 15 if kinds.count("Circle") == 15 else 2
        assert kinds.count("Circle") == n
        edges = int(graph["adjacency"].sum()) if n == 2 else 15
        assert kinds.count("FancyArrowPatch") == edges


def test_bad_input(coded):
    trajectory, symbols = coded
    with pytest.raises(ValueError, match="two entries"):
        plot.attractor(trajectory[:, :1], symbols)
    with pytest.raises(ValueError, match="not those"):
        plot.attractor(trajectory[:100], symbols)
    with pytest.raises(ValueError, match="choose one"):
        plot.attractor(trajectory.expand_dims("seed"))
    with pytest.raises(ValueError, match="dims time"):
        plot.attractor(trajectory.rename(time="step"))


def history(values):
    step = ("evaluation", np.arange(1, 5) * 100)
    about = {"units": "1", "long_name": "divergence"}
    return xr.Dataset({"d": (("seed", "evaluation"), values, about)}, {"evaluation": step})


def test_best_and_last_checkpoints_are_marked():
    values = np.array([[5.0, 2.0, 3.0, 4.0], [6.0, np.nan, 1.0, np.nan]])
    figure = plot.checkpoints(history(values), measure="d", bar=3.5)
    drawn(figure)
    marked = {
        kind: sorted((float(x[0]), float(y[0])) for x, y in points)
        for kind in "os"
        for points in [
            [line.get_data() for line in figure.axes[0].lines if line.get_marker() == kind]
        ]
    }
    assert marked == {"o": [(200.0, 2.0), (300.0, 1.0)], "s": [(400.0, 4.0)]}
    # Each mark is explained once, whichever member has it.
    for rows in (values, values[::-1]):
        legend = plot.checkpoints(history(rows), measure="d").axes[0].get_legend()
        assert sorted(text.get_text() for text in legend.get_texts()) == ["best", "last"]
    with pytest.raises(ValueError, match="no 'e'"):
        plot.checkpoints(history(values), measure="e")
    with pytest.raises(ValueError, match="never"):
        plot.checkpoints(history(np.full((1, 4), np.nan)), measure="d")


def test_elbow_draws_every_seed_and_the_median():
    scores = xr.DataArray(
        [[4.0, 5.0, 6.0], [1.0, np.nan, 2.0]],
        {"n_relu": ("sweep", [1, 2], {"long_name": "rectifiers"})},
        ("sweep", "seed"),
        "d",
        {"long_name": "divergence", "units": "1"},
    )
    figure = plot.elbow(scores, by="n_relu")
    drawn(figure)
    median = figure.axes[0].lines[-1]
    assert median.get_ydata().tolist() == [5.0, 1.5]
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [len(line.get_xdata()) for line in crosses] == [1]
    assert figure.axes[0].get_xlabel() == "rectifiers"
    with pytest.raises(ValueError, match="sweep"):
        plot.elbow(scores.isel(seed=0), by="n_relu")
