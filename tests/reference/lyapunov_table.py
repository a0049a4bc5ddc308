"""The table of docs/results/lyapunov.md: ``python -m tests.reference.lyapunov_table [FIGURES]``."""

import sys
from pathlib import Path

import numpy as np

from neurodyn import analysis, plot, tasks
from neurodyn.models import reference

#: System, step, number of steps, what is known of it.
ROWS = [
    ("Logistic, r = 4", reference.Logistic(), None, 200_000, "log 2 = 0.6931"),
    ("Hénon", reference.Henon(), None, 200_000, None),
    ("Lorenz63", reference.Lorenz63(), 0.01, 200_000, None),
    ("Rössler", reference.Roessler(), 0.05, 200_000, None),
    ("Duffing", reference.Duffing(), 0.05, 100_000, "sum -0.3"),
    ("van der Pol, mu = 1", reference.VanDerPol(), 0.05, 40_000, "0; sum -1.0594"),
    ("Lorenz96, 20 sites", reference.Lorenz96(20), 0.02, 20_000, "sum -20"),
    ("Hindmarsh-Rose", reference.HindmarshRose(), 0.05, 200_000, "one 0"),
    ("Hodgkin-Huxley, 10 uA/cm2", reference.HodgkinHuxley(), 0.01, 100_000, "one 0"),
    ("FitzHugh-Nagumo", reference.FitzHughNagumo(), 0.1, 50_000, "one 0"),
    ("Wilson-Cowan", reference.WilsonCowan(), 0.2, 50_000, "one 0"),
    ("Kuramoto, 6 alike", reference.Kuramoto(6, K=0.3, omega=0.1), 0.1, 20_000, None),
]


def main() -> None:
    """Print the table, row by row."""
    figures = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print("| system | step | steps | exponents | standard errors | sum | dimension | known |")
    print("|---|---|---|---|---|---|---|---|")
    for name, system, dt, n, known in ROWS:
        got = analysis.lyapunov(system, n_steps=n, dt=dt, transient=5000)
        values, error = got["lyapunov"].values[0], got["standard_error"].values[0]
        exact = system.exponents()
        known = ", ".join(f"{v:.4g}" for v in exact) if known is None else known
        head = 3 if len(values) > 6 else len(values)
        cells = [
            name,
            "1" if dt is None else f"{dt:g} ms",
            f"{n}",
            ", ".join(f"{v:.4f}" for v in values[:head]) + (", ..." if head < len(values) else ""),
            ", ".join(f"{v:.1g}" for v in error[:head]),
            f"{values.sum():.4f}",
            f"{got['kaplan_yorke'].item():.3f}",
            known,
        ]
        print("| " + " | ".join(cells) + " |", flush=True)
        if figures and name == "Lorenz63":
            plot.lyapunov(got, known=exact).savefig(figures / "lyapunov_lorenz63.png")
    if figures:
        sweep = analysis.bifurcation(
            reference.Logistic(), "r", np.linspace(2.8, 4.0, 600), n_steps=300, n_points=300
        )
        plot.bifurcation(sweep).savefig(figures / "bifurcation_logistic.png")
        task = tasks.Attractor(reference.Lorenz63(), 20_000, dt=0.01)
        plot.projections(task.train[0], task.test[0]).savefig(figures / "projections.png")
        p, q = (analysis.power_spectrum(x[0]) for x in (task.train, task.test))
        distance = analysis.spectral_distance(task.test[0], task.train[0])
        plot.spectra(p, q, distance=distance).savefig(figures / "spectra.png")


if __name__ == "__main__":
    main()
