"""Brian2 networks that are not read: by which name and equation."""

import pytest

from neurodyn import io
from neurodyn.models.spiking import Exponential, Izhikevich2003, Network, Projection

b2 = pytest.importorskip("brian2")

# Brian2 2.9 calls what pyparsing, numpy and sympy have deprecated since.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("numpy_target", "x64"),
]


def cells(model="dv/dt = (10 - v)/(5*ms) : 1", **options):
    given = {"threshold": "v > 1", "reset": "v = 0", "method": "euler", "name": "cells"}
    return b2.NeuronGroup(2, model, **(given | options))


def synapses(model="w : 1", on_pre="v_post += w", target=None, **options):
    group = cells() if target is None else target
    found = b2.Synapses(group, group, model, on_pre=on_pre, name="links", **options)
    found.connect()
    return b2.Network(group, found)


def translated(synapse, **options):
    network = Network(
        Izhikevich2003(2),
        synapses={"s": synapse},
        projections={"p": Projection("all", "all", "s", W=1.0, **options)},
    )
    return io.to_brian2(network, dt=0.1)


ARRAY = b2.TimedArray([1.0, 2.0], dt=1 * b2.ms)
REFUSED = {
    "function of time": (
        lambda: b2.Network(cells("dv/dt = (sin(t/ms) - v)/ms : 1")),
        r"dv/dt = .*sin\(t/ms\).*'t' changes",
    ),
    "random threshold": (lambda: b2.Network(cells(threshold="rand() < 0.1")), r"rand\(...\)"),
    "linked": (lambda: linked(), r"linked variables \['x'\]"),
    "events": (lambda: b2.Network(cells(events={"low": "v < 0"})), "events .*low"),
    "no value": (lambda: b2.Network(cells("dv/dt = -v/tau_m : 1")), "'tau_m' has no value"),
    "method": (lambda: b2.Network(cells(method="gsl_rk4")), "cells .*method 'gsl_rk4'"),
    "condition": (
        lambda: synapses(
            target=cells("dv/dt = -v/ms : 1 (unless refractory)", refractory="v > 0.5")
        ),
        r"refractory='v > 0.5' is a condition that holds \['v'\]",
    ),
    "noise on a synaptic variable": (
        lambda: b2.Network(
            cells("dv/dt = (g - v)/ms : 1\ndg/dt = -g/ms + xi*ms**-0.5 : 1", method="euler")
        ),
        r"cells: dg/dt = .*xi.*white noise \(xi\) is read on the potential v alone",
    ),
    "multiplied noise": (
        lambda: b2.Network(cells("dv/dt = -v/ms + v*xi*ms**-0.5 : 1", method="milstein")),
        r"cells: dv/dt = .*factor of xi must be constant: 'v' changes",
    ),
    "operation": (
        lambda: b2.Network(g := cells(), g.run_regularly("v += 1", dt=1 * b2.ms, name="kicks")),
        r"cells: the run_regularly operation kicks \('v \+= 1'",
    ),
    "function": (lambda: network_operation(), "looking .*NetworkOperation"),
    "plasticity": (lambda: synapses(on_pre="v_post += w\nw += v_post"), "links: 'w \\+= v_post'"),
    "on_post": (lambda: synapses(on_post="v_pre += 1"), "links: .*on_post"),
    "on_post alone": (lambda: synapses(on_pre=None, on_post="w += 1"), "links: .*no .* on_pre"),
    "weight": (lambda: synapses(on_pre="v_post += rand()*w"), r"links: rand\(...\)"),
    "input": (
        lambda: b2.Network(g := cells(), b2.PoissonInput(g, "v", 1, 5 * b2.Hz, "v")),
        r"poissoninput.*\(1 Poisson trains onto v of cells, weight v\): 'v' changes",
    ),
    "graded": (
        lambda: synapses("dg/dt = -g/ms : 1 (clock-driven)", on_pre="g += 1", method="exact"),
        r"links: it has equations .* in every step \(\['g'\]",
    ),
    "two targets": (lambda: synapses("w : 1", on_pre="w += 1\nv_post += w\nv_post += 1"), "second"),
    "exact": (lambda: translated(Exponential(5.0, exact=True)), "run_regularly"),
    "no neurons": (lambda: b2.Network(b2.PoissonGroup(1, 5 * b2.Hz)), "no NeuronGroup"),
    "magic": (lambda: b2.magic_network, r"brian2.Network\(brian2.collect\(\)\)"),
    "methods": (
        lambda: b2.Network(cells(), cells(name="others", method="exact")),
        "different methods, .*'others': 'exact'",
    ),
    "array within a step": (
        lambda: b2.Network(
            cells("dv/dt = (10*array(t) - v)/ms : 1", method="rk4", namespace={"array": ARRAY})
        ),
        r"cells is integrated with 'rk4', which looks up \['array'\] within a step",
    ),
    "not linear in itself": (
        lambda: b2.Network(cells("dv/dt = -v*tanh(v)/ms : 1", method="exponential_euler")),
        r"cells: dv/dt = .*tanh\(v\).* is not linear in v",
    ),
    "step": (
        lambda: b2.Network(cells("dv/dt = (w - v)/(10*us) : 1\nw : 1", reset="", method="exact")),
        "shorter dt",
    ),
}


def linked():
    first, second = cells(name="first"), cells("dv/dt = (x - v)/ms : 1\nx : 1 (linked)")
    second.x = b2.linked_var(first, "v")
    return b2.Network(first, second)


def network_operation():
    @b2.network_operation(name="looking")
    def looking():
        pass

    return b2.Network(cells(), looking)


@pytest.mark.parametrize("case", REFUSED)
def test_says_what_is_not_read(case):
    build, message = REFUSED[case]
    net = build()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        io.from_brian2(net, namespace={})


def test_a_standalone_device_is_refused():
    b2.set_device("cpp_standalone", build_on_run=False)
    try:
        with pytest.raises(ValueError, match=r"cpp_standalone.*cells.*set_device\('runtime'\)"):
            io.from_brian2(b2.Network(cells()))
    finally:
        b2.set_device("runtime")


def test_a_network_that_has_run_is_refused_and_another_scheme_is_taken():
    group = cells(method="exact")
    net = b2.Network(group)
    assert io.from_brian2(net).scheme_name == "exact"
    assert io.from_brian2(net, scheme="euler").scheme_name == "euler"
    net.run(1 * b2.ms)
    with pytest.raises(ValueError, match="has run until 1"):
        io.from_brian2(net, scheme="euler")
