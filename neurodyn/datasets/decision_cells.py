"""The neurons of the decision network: their equations and constants, after Wang (2002).

In the equations, `w_all` is the weight of all excitatory neurons of the trial, and `w_own` an
additional weight of the neuron's own pool; `ampa_all` and so on are sums of gating variables.
"""

from __future__ import annotations

from brian2 import ms, mV, nF, nS

MEMBRANE = """
    dv/dt = (g_l * (E_l - v) - g_ext * s_ext * v
             - g_ampa * (w_all * ampa_all + w_own * ampa_own) * v
             - g_nmda * (w_all * nmda_all + w_own * nmda_own) * unblocked * v
             + g_gaba * gaba * (E_i - v)) / C : volt (unless refractory)
    unblocked = 1 / (1 + exp(-0.062 * v / mV) / 3.57) : 1 (constant over dt)
    ds_ext/dt = -s_ext / tau_ampa : 1
    background : Hz (constant)
    w_all : 1 (constant)
    w_own : 1 (constant)
    ampa_all : 1 (linked)
    nmda_all : 1 (linked)
    ampa_own : 1 (linked)
    nmda_own : 1 (linked)
    gaba : 1 (linked)
"""
EXCITATORY = (
    MEMBRANE
    + """
    ds_nmda/dt = -s_nmda / tau_nmda + alpha * x * (1 - s_nmda) : 1
    dx/dt = -x / tau_rise : 1
    gain : 1 (constant)
    column : integer (constant)
"""
)
SHARED = {
    "E_l": -70 * mV,
    "E_i": -70 * mV,
    "tau_ampa": 2 * ms,
    "tau_nmda": 100 * ms,
    "tau_rise": 2 * ms,
    "tau_gaba": 10 * ms,
    "alpha": 0.5 / ms,
}
# Recurrent conductances (g_ampa, g_nmda, g_gaba) are those of a network of 2,000 neurons; the
# factors before the paper's values are explained in neurodyn.datasets.decision_network.
EXCITATORY_CELL = SHARED | {
    "C": 0.5 * nF,
    "g_l": 25 * nS,
    "g_ext": 2.1 * nS,
    "g_ampa": 0.05 * nS,
    "g_nmda": 1.1 * 0.165 * nS,
    "g_gaba": 0.6 * 1.3 * nS,
}
INHIBITORY_CELL = SHARED | {
    "C": 0.2 * nF,
    "g_l": 20 * nS,
    "g_ext": 1.62 * nS,
    "g_ampa": 0.04 * nS,
    "g_nmda": 1.1 * 0.13 * nS,
    "g_gaba": 0.6 * 1.0 * nS,
}


def scaled(cell: dict, n_neurons: int) -> dict:
    """Scale the recurrent conductances to a network of another size."""
    scale = 2000 / n_neurons
    return cell | {name: cell[name] * scale for name in ("g_ampa", "g_nmda", "g_gaba")}
