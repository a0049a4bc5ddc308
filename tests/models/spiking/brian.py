"""The same networks in Brian2, as an independent reference."""

import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses old names of its parser
    import brian2 as b2


def prepare():
    """Brian2 without a compiler, and without what earlier tests left."""
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.set_device("runtime")
    b2.seed(0)


def spikes_of(monitor, dt):
    """Step and unit of every spike, in order."""
    steps = np.round(np.asarray(monitor.t / b2.ms) / dt).astype(int)
    units = np.asarray(monitor.i)
    order = np.lexsort((units, steps))
    return np.stack([steps[order], units[order]])


def regular_spiking(dt, duration=1000.0):
    """Steps of the spikes and the potential of one RS cell with I = 10."""
    prepare()
    cell = b2.NeuronGroup(
        1,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + 10)/ms : 1
        du/dt = 0.02*(0.2*v - u)/ms : 1""",
        threshold="v >= 30",
        reset="v = -65; u += 8",
        method="euler",
        dt=dt * b2.ms,
    )
    cell.v, cell.u = -65, -13
    spikes = b2.SpikeMonitor(cell)
    trace = b2.StateMonitor(cell, ["v", "u"], record=0, dt=dt * b2.ms)
    b2.Network(cell, spikes, trace).run(duration * b2.ms)
    return spikes_of(spikes, dt)[0], np.asarray(trace.v[0]), np.asarray(trace.u[0])


def two_currents(p, dt, steps, delay=None):
    """Spikes of a network with two exponential currents; ``p`` holds its arrays."""
    prepare()
    n, n_e = len(p["a"]), p["n_e"]
    group = b2.NeuronGroup(
        n,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + drive + ge - gi)/ms : 1
        du/dt = a*(b*v - u)/ms : 1
        dge/dt = -ge/(5*ms) : 1
        dgi/dt = -gi/(10*ms) : 1
        a : 1
        b : 1
        c : 1
        d : 1
        drive : 1""",
        threshold="v >= 30",
        reset="v = c; u += d",
        method="euler",
        dt=dt * b2.ms,
    )
    for name in "abcd":
        setattr(group, name, p[name])
    group.drive, group.v, group.u = p["drive"], p["v0"], p["b"] * p["v0"]
    parts = [group]
    for source, rows, target in (
        (group[:n_e], slice(0, n_e), "ge"),
        (group[n_e:], slice(n_e, n), "gi"),
    ):
        pre, post = np.nonzero(p["mask"][rows])
        synapses = b2.Synapses(source, group, "w : 1", on_pre=f"{target}_post += w")
        synapses.connect(i=pre, j=post)
        synapses.w = p["W"][rows][pre, post]
        if delay is not None:
            late = delay if np.ndim(delay) == 0 else delay[rows][pre, post]
            synapses.delay = late * b2.ms
        parts.append(synapses)
    spikes = b2.SpikeMonitor(group)
    b2.Network(*parts, spikes).run(steps * dt * b2.ms)
    return spikes_of(spikes, dt)


def network_of_2003(p, dt, steps):
    """Spikes of the network of 2003 with white noise; ``p`` holds its arrays."""
    prepare()
    group = b2.NeuronGroup(
        len(p["a"]),
        """dv/dt = (0.04*v**2 + 5*v + 140 - u)/ms + sigma*xi*ms**-0.5 : 1
        du/dt = a*(b*v - u)/ms : 1
        a : 1
        b : 1
        c : 1
        d : 1
        sigma : 1""",
        threshold="v >= 30",
        reset="v = c; u += d",
        method="euler",
        dt=dt * b2.ms,
    )
    for name in ("a", "b", "c", "d", "sigma"):
        setattr(group, name, p[name])
    group.v, group.u = -65, -65 * p["b"]
    synapses = b2.Synapses(group, group, "w : 1", on_pre="v_post += w")
    synapses.connect()
    synapses.w = p["W"].ravel()
    spikes = b2.SpikeMonitor(group)
    b2.Network(group, synapses, spikes).run(steps * dt * b2.ms)
    return spikes_of(spikes, dt)


def coupled(equations, *, threshold, reset, on_pre, W, dt, steps, start, refractory=False, **names):
    """Spikes of one group coupled to itself by ``W``, with equations of any kind."""
    prepare()
    group = b2.NeuronGroup(
        len(W),
        equations,
        threshold=threshold,
        reset=reset,
        refractory=refractory,
        method="euler",
        dt=dt * b2.ms,
        namespace=names,
    )
    for name, value in start.items():
        setattr(group, name, value)
    synapses = b2.Synapses(group, group, "w : 1", on_pre=on_pre, namespace=names)
    pre, post = np.nonzero(W)
    synapses.connect(i=pre, j=post)
    synapses.w = W[pre, post]
    spikes = b2.SpikeMonitor(group)
    b2.Network(group, synapses, spikes).run(steps * dt * b2.ms)
    return spikes_of(spikes, dt)


def short_term(U, tau_d, tau_f, times, dt, steps):
    """What a synapse with short-term plasticity releases at each of its spikes."""
    prepare()
    source = b2.SpikeGeneratorGroup(1, np.zeros(len(times), int), times * b2.ms, dt=dt * b2.ms)
    target = b2.NeuronGroup(1, "g : 1", dt=dt * b2.ms)
    synapse = b2.Synapses(
        source,
        target,
        """dx/dt = (1 - x)/(tau_d*ms) : 1 (clock-driven)
        dy/dt = (U - y)/(tau_f*ms) : 1 (clock-driven)""",
        on_pre="""y += U*(1 - y)
        g_post += x*y
        x -= x*y""",
        method="exact",
        dt=dt * b2.ms,
        namespace={"U": U, "tau_d": tau_d, "tau_f": tau_f},
    )
    synapse.connect()
    synapse.x, synapse.y = 1, U
    trace = b2.StateMonitor(target, "g", record=0, when="end", dt=dt * b2.ms)
    b2.Network(source, target, synapse, trace).run(steps * dt * b2.ms)
    return np.asarray(trace.g[0])


def learning(pre, W, dt, delay, names):
    """Spikes of leaky units that given spikes drive through synapses with STDP; last weights."""
    prepare()
    steps, units = np.nonzero(pre)
    source = b2.SpikeGeneratorGroup(
        pre.shape[1], units, steps * dt * b2.ms, dt=dt * b2.ms, sorted=True
    )
    group = b2.NeuronGroup(
        W.shape[1],
        """dv/dt = (-60 - v + g)/(20*ms) : 1
        dg/dt = -g/(5*ms) : 1""",
        threshold="v >= -50",
        reset="v = -60",
        method="euler",
        dt=dt * b2.ms,
    )
    group.v = -60
    synapses = b2.Synapses(
        source,
        group,
        """w : 1
        dx/dt = -x / (15*ms) : 1 (event-driven)
        dy/dt = -y / (30*ms) : 1 (event-driven)""",
        on_pre="g_post += w\nx += 1\nw = clip(w - a_minus * y, 0, w_max)",
        on_post="y += 1\nw = clip(w + a_plus * x, 0, w_max)",
        dt=dt * b2.ms,
        namespace=names,
    )
    i, j = np.nonzero(W)
    synapses.connect(i=i, j=j)
    synapses.w = W[i, j]
    synapses.pre.delay = delay * b2.ms
    spikes = b2.SpikeMonitor(group)
    b2.Network(source, group, synapses, spikes).run(len(pre) * dt * b2.ms)
    last = np.zeros_like(W)
    last[np.asarray(synapses.i), np.asarray(synapses.j)] = synapses.w
    return spikes_of(spikes, dt), last
