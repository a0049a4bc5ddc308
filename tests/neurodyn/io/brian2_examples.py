"""Small versions of published networks among Brian2's examples, as their scripts are written."""

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, nS, pA

from tests.models.spiking.brian import spikes_of


def cuba(n=400):
    """Vogels & Abbott's network with currents (Brette et al. 2007, benchmark 2)."""
    names = {
        "taum": 20 * ms,
        "taue": 5 * ms,
        "taui": 10 * ms,
        "Vt": -50 * mV,
        "Vr": -60 * mV,
        "El": -49 * mV,
        "we": 10 * 1.62 * mV,
        "wi": -10 * 9 * mV,
    }
    P = b2.NeuronGroup(
        n,
        """dv/dt  = (ge+gi-(v-El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt""",
        threshold="v>Vt",
        reset="v = Vr",
        refractory=5 * ms,
        method="exact",
        namespace=names,
    )
    P.v = "Vr + rand() * (Vt - Vr)"
    Ce = b2.Synapses(P, P, on_pre="ge += we", namespace=names)
    Ci = b2.Synapses(P, P, on_pre="gi += wi", namespace=names)
    Ce.connect(f"i<{n * 4 // 5}", p=0.02)
    Ci.connect(f"i>={n * 4 // 5}", p=0.02)
    return P, (Ce, Ci)


def cobahh(n=100):
    """Hodgkin-Huxley cells with conductances (Brette et al. 2007, benchmark 3)."""
    area = 20000 * b2.umetre**2
    names = {
        "Cm": (1 * b2.ufarad * b2.cm**-2) * area,
        "gl": (5e-5 * b2.siemens * b2.cm**-2) * area,
        "El": -60 * mV,
        "EK": -90 * mV,
        "ENa": 50 * mV,
        "g_na": (100 * b2.msiemens * b2.cm**-2) * area,
        "g_kd": (30 * b2.msiemens * b2.cm**-2) * area,
        "VT": -63 * mV,
        "taue": 5 * ms,
        "taui": 10 * ms,
        "Ee": 0 * mV,
        "Ei": -80 * mV,
        "we": 60 * nS,
        "wi": 670 * nS,
    }
    eqs = b2.Equations("""
    dv/dt = (gl*(El-v)+ge*(Ee-v)+gi*(Ei-v)-
             g_na*(m*m*m)*h*(v-ENa)-
             g_kd*(n*n*n*n)*(v-EK))/Cm : volt
    dm/dt = alpha_m*(1-m)-beta_m*m : 1
    dn/dt = alpha_n*(1-n)-beta_n*n : 1
    dh/dt = alpha_h*(1-h)-beta_h*h : 1
    dge/dt = -ge*(1./taue) : siemens
    dgi/dt = -gi*(1./taui) : siemens
    alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
    beta_m = 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
    beta_h = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
    alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
    beta_n = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz
    """)
    P = b2.NeuronGroup(
        n,
        eqs,
        threshold="v>-20*mV",
        refractory=3 * ms,
        method="exponential_euler",
        namespace=names,
    )
    Pe, Pi = P[: n * 4 // 5], P[n * 4 // 5 :]
    Ce = b2.Synapses(Pe, P, on_pre="ge+=we", namespace=names)
    Ci = b2.Synapses(Pi, P, on_pre="gi+=wi", namespace=names)
    Ce.connect(p=0.02)
    Ci.connect(p=0.02)
    P.v = "El + (randn() * 5 - 5)*mV"
    P.ge = "(randn() * 1.5 + 4) * 10.*nS"
    P.gi = "(randn() * 12 + 20) * 10.*nS"
    return P, (Ce, Ci)


def brunel_2000(n_e=200, g=5.0, drive=2.0, poisson=True):
    """Brunel's sparse network, with external Poisson input."""
    n_i, epsilon = n_e // 4, 0.1
    C_E = int(epsilon * n_e)
    tau, theta, J = 20 * ms, 20 * mV, 0.1 * mV * 1000 / C_E
    names = {"tau": tau, "theta": theta, "V_r": 10 * mV, "J": J, "g": g}
    neurons = b2.NeuronGroup(
        n_e + n_i,
        "dv/dt = -v/tau : volt (unless refractory)",
        threshold="v > theta",
        reset="v = V_r",
        refractory=2 * ms,
        method="exact",
        namespace=names,
    )
    neurons.v = "rand()*theta" if poisson else "2*rand()*theta"
    exc = b2.Synapses(neurons[:n_e], neurons, on_pre="v += J", delay=1.5 * ms, namespace=names)
    inh = b2.Synapses(neurons[n_e:], neurons, on_pre="v += -g*J", delay=1.5 * ms, namespace=names)
    exc.connect(p=epsilon)
    inh.connect(p=epsilon)
    rate = drive * theta / (J * C_E * tau)
    external = b2.PoissonInput(neurons, "v", N=C_E, rate=rate, weight=J)
    return neurons, (exc, inh, *([external] if poisson else []))


def brunel_hakim(n=400, noisy=True):
    """Brunel & Hakim's inhibitory network, whose weight is an expression of constants."""
    names = {
        "tau": 20 * ms,
        "muext": 25 * mV,
        "sigmaext": 1 * mV,
        "theta": 20 * mV,
        "Vr": 10 * mV,
        "J": 0.1 * mV * np.sqrt(5000.0),
        "K": n,
    }
    noise = " + sigmaext * sqrt(tau) * xi" * noisy
    group = b2.NeuronGroup(
        n,
        f"dV/dt = (-V+muext{noise})/tau : volt",
        threshold="V>theta",
        reset="V=Vr",
        refractory=2 * ms,
        method="euler",
        namespace=names,
    )
    group.V = "Vr + rand()*(theta - Vr)"
    conn = b2.Synapses(group, group, on_pre="V += -J/sqrt(K)", delay=2 * ms, namespace=names)
    conn.connect(p=0.2)
    return group, (conn,)


def izhikevich_2003(n_e=80, n_i=20, noisy=True):
    """Izhikevich's network of 2003, whose currents last for one step."""
    rng = np.random.default_rng(0)
    re, ri, n = rng.random(n_e), rng.random(n_i), n_e + n_i
    weights = np.hstack([0.5 * rng.random((n, n_e)), -rng.random((n, n_i))]).T * (1000 / n)
    N = b2.NeuronGroup(
        n,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + I + I_noise )/ms : 1
        du/dt = (a*(b*v - u))/ms  : 1
        I : 1
        I_noise : 1
        a : 1
        b : 1
        c : 1
        d : 1""",
        threshold="v>=30",
        reset="v=c; u+=d",
        method="euler",
        dt=1 * ms,
    )
    N.v = -65
    exc, inh = N[:n_e], N[n_e:]
    exc.a, exc.b, exc.c, exc.d = 0.02, 0.2, -65 + 15 * re**2, 8 - 6 * re**2
    inh.a, inh.b, inh.c, inh.d = 0.02 + 0.08 * ri, 0.25 - 0.05 * ri, -65, 2
    exc.u, inh.u = "b*v", "b*v"
    S = b2.Synapses(
        N,
        N,
        "w : 1",
        on_pre={"up": "I += w", "down": "I -= w"},
        delay={"up": 0 * ms, "down": 1 * ms},
    )
    S.connect()
    S.w[:] = weights.flatten()
    if noisy:
        exc.run_regularly("I_noise = 5*randn()", dt=1 * ms)
        inh.run_regularly("I_noise = 2*randn()", dt=1 * ms)
    else:
        N.I_noise = np.r_[np.full(n_e, 6.0), np.full(n_i, 2.0)]
    return N, (S,)


def vogels_2011(n_e=80, n_i=20, eta=0.05):
    """Inhibitory plasticity of Vogels et al. (2011)."""
    names = {
        "gl": 10.0 * nS,
        "el": -60 * mV,
        "er": -80 * mV,
        "vt": -50.0 * mV,
        "memc": 200.0 * b2.pfarad,
        "bgcurrent": 200 * pA,
        "tau_ampa": 5.0 * ms,
        "tau_gaba": 10.0 * ms,
        "tau_stdp": 20 * ms,
        "alpha": 3 * Hz * 20 * ms * 2,
        "gmax": 100,
        "eta": eta,
    }
    neurons = b2.NeuronGroup(
        n_e + n_i,
        """dv/dt=(-gl*(v-el)-(g_ampa*v+g_gaba*(v-er))+bgcurrent)/memc : volt (unless refractory)
        dg_ampa/dt = -g_ampa/tau_ampa : siemens
        dg_gaba/dt = -g_gaba/tau_gaba : siemens""",
        threshold="v > vt",
        reset="v=el",
        refractory=5 * ms,
        method="euler",
        namespace=names,
    )
    neurons.v = "el + 10*mV*rand()"
    Pe, Pi = neurons[:n_e], neurons[n_e:]
    con_e = b2.Synapses(Pe, neurons, on_pre="g_ampa += 3*nS")
    con_ii = b2.Synapses(Pi, Pi, on_pre="g_gaba += 3*nS")
    con_ie = b2.Synapses(
        Pi,
        Pe,
        model="""w : 1
        dApre/dt=-Apre/tau_stdp : 1 (event-driven)
        dApost/dt=-Apost/tau_stdp : 1 (event-driven)""",
        on_pre="""Apre += 1.
        w = clip(w+(Apost-alpha)*eta, 0, gmax)
        g_gaba += w*nS""",
        on_post="""Apost += 1.
        w = clip(w+Apre*eta, 0, gmax)""",
        namespace=names,
        name="learning",
    )
    for each in (con_e, con_ii, con_ie):
        each.connect(p=0.2)
    con_ie.w = 1e-10
    return neurons, (con_e, con_ii, con_ie)


def run(group, parts, duration, dt=0.1):
    """Step and unit of every spike in Brian2."""
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, *parts, monitor).run(duration * ms, namespace={})
    return spikes_of(monitor, dt).T
