"""Networks, tasks and optimisers, as published."""

from typing import Any, NamedTuple, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import optax

from neurodyn.experiments.timescales.settings import Settings
from neurodyn.models import GRU, LSTM, LeakyRNN
from neurodyn.params import AbstractParameter, Clamped, Fixed, Scaled, Uniform
from neurodyn.tasks import NDMS, NParity
from neurodyn.training import Heads

_TASKS: dict[str, Any] = {"n_parity": NParity, "n_dms": NDMS}
#: Number of heads of a sliding window, and number of N by which it moves.
_WINDOW = 10, 5
#: Largest N of the first buffer; smaller buffers cost more in compilation than they save.
_CAPACITY = 7


class Variant(NamedTuple):
    """One training of a sweep: its curriculum, time constants and seed."""

    curriculum: str
    tau: str
    seed: int

    @property
    def name(self) -> str:
        """Name of its files and bars, e.g. ``single-trained-0``."""
        return f"{self.curriculum}-{self.tau}-{self.seed}"


def variants(settings: Settings) -> list[Variant]:
    """All trainings of a sweep, seed by seed.

    Raises
    ------
    ValueError
        For an unknown treatment of tau, a name that occurs twice, or ``n_last`` out of range.
    """
    curricula, taus = list(settings.curricula), list(settings.taus)
    for name in taus:
        _tau(name)
    for name, several in (("curricula", curricula), ("taus", taus)):
        if len(set(several)) < len(several):
            raise ValueError(f"Setting {name!r} names one of {several} twice.")
    if settings.cell in ("lstm", "gru") and taus != ["trained"]:
        raise ValueError(f"Setting 'taus': a {settings.cell} has no time constants, leave it out.")
    first = _WINDOW[0] + 1 if "sliding" in curricula else 2
    if settings.n_last < first or settings.n_last > settings.n_heads + 1:
        raise ValueError(
            f"Setting 'n_last' must lie between {first} and n_heads + 1 = {settings.n_heads + 1} "
            f"with these curricula, got {settings.n_last}."
        )
    return [
        Variant(curriculum, tau, settings.seed + i)
        for i in range(settings.n_seeds)
        for tau in taus
        for curriculum in curricula
    ]


def task_of(settings: Settings, variant: Variant) -> Any:
    """Task of the first stage."""
    ns: Any = 2
    n_heads = settings.n_heads if variant.curriculum == "cumulative" else 1
    if variant.curriculum == "sliding":
        n_heads = _WINDOW[0]
        ns = list(range(2, 2 + n_heads))
    elif variant.curriculum == "no_curriculum":
        ns = settings.n_last
    options: dict[str, Any] = {}
    if settings.cell in ("lstm", "gru"):  # as in the published script for LSTMs; assumed for GRUs
        options = {"p": 0.5, "levels": (-1.0, 1.0)}
    return _TASKS[settings.task](
        ns, n_heads=n_heads, capacity=_CAPACITY, hold=settings.hold, **options
    )


def curriculum_of(settings: Settings, variant: Variant) -> Heads:
    """Curriculum of a training."""
    options: dict[str, Any] = {"threshold": settings.threshold}
    if variant.curriculum == "sliding":
        return Heads.sliding(*_WINDOW, **options)
    makers = {
        "single": Heads.single,
        "cumulative": Heads.cumulative,
        "no_curriculum": Heads.constant,
    }
    return makers[variant.curriculum](**options)


def network(settings: Settings, variant: Variant, *, key: Any) -> Any:
    """Network before training."""
    task = task_of(settings, variant)
    shape = task.n_inputs, settings.n_units, task.n_outputs
    if settings.cell in ("lstm", "gru"):
        return {"lstm": LSTM, "gru": GRU}[settings.cell](*shape, key=key)
    fixed = _tau(variant.tau)
    trained = Clamped(1 / settings.hold, init=Uniform(1.0, 2.0))
    tau: Any = trained if fixed is None else Fixed(fixed)
    if settings.hold > 1:  # in bits, at least one step
        tau = Scaled(settings.hold, tau)
    form = "update" if settings.cell == "leaky" else "rate"
    return LeakyRNN(*shape, tau=tau, form=form, key=key)


def raw_tau(model: Any) -> np.ndarray | None:
    """Time constants in bits, trained ones not clamped; None for networks without them."""
    tau: Any = getattr(model, "tau", None)
    tau = tau.of if isinstance(tau, Scaled) else tau
    return (
        np.asarray(cast(Any, tau).raw, np.float64) if isinstance(tau, AbstractParameter) else None
    )


def at_hold(model: Any, hold: int) -> Any:
    """A network trained with bits of several steps, for bits of another number of steps.

    Its time constants in bits stay the same, but are at least one of the new steps.

    Raises
    ------
    ValueError
        If its time constants are not in bits.
    """
    if not isinstance(getattr(model, "tau", None), Scaled):
        raise ValueError("at_hold: train the network with hold > 1, so that tau is in bits.")
    old = model.tau
    new = jnp.asarray(hold, old.factor.dtype)
    model = eqx.tree_at(lambda m: m.tau.factor, model, new)
    if isinstance(old.of, Fixed):
        return model
    return eqx.tree_at(lambda m: m.tau.of.minimum, model, 1 / new)


def optimizer_of(settings: Settings) -> optax.GradientTransformation:
    """Published optimiser of this cell, after clipping of the gradient norm at 2.

    Two details differ from the paper. It gives no recipe for GRUs, so they use that of LSTMs (here,
    in :func:`sizes`, and in :func:`task_of`). The clipped norm leaves out the diagonal of the
    recurrent weights, because the diagonal is no parameter here; the published program sets it to
    zero before every pass, but counts its gradient.
    """
    if settings.cell in ("lstm", "gru"):
        rule = optax.adam(1e-3)
    else:
        rule = optax.sgd(0.05, momentum=0.1, nesterov=True)
    return optax.chain(optax.clip_by_global_norm(2.0), rule)


def sizes(settings: Settings) -> tuple[int, int]:
    """Trials per update and updates per epoch; published for LSTMs, assumed for GRUs."""
    batch_size, epoch = (64, 300) if settings.cell in ("lstm", "gru") else (256, 600)
    return settings.batch_size or batch_size, settings.epoch or epoch


def shaping(settings: Settings, variant: Variant) -> dict[str, Any]:
    """Settings that a training depends on, beside those in its name.

    Largest N and epochs are not among them, so that a training can be extended.
    """
    names = ["task", "cell", "hold", "n_units", "n_test", "threshold"]
    more = {"cumulative": ["n_heads"], "no_curriculum": ["n_last"]}
    names += more.get(variant.curriculum, [])
    batch_size, epoch = sizes(settings)
    found = {name: getattr(settings, name) for name in names}
    return found | {"batch_size": batch_size, "epoch": epoch}


def shown_by(model: Any) -> dict[str, Any]:
    """Settings of training that can be read from a trained network."""
    gated = {LSTM: "lstm", GRU: "gru"}
    cell = gated.get(type(model)) or {"update": "leaky", "rate": "rate"}[model.form]
    found = {"cell": cell, "n_units": model.n_units, "n_heads": model.n_outputs // 2}
    tau: Any = getattr(model, "tau", None)
    if tau is not None:
        found["hold"] = int(tau.factor) if isinstance(tau, Scaled) else 1
    return found


def _tau(name: str) -> float | None:
    """Fixed value of tau [steps]; None for trained time constants."""
    if name == "trained":
        return None
    try:
        tau = float(name)
    except ValueError:
        tau = 0.0
    if not 1 <= tau < float("inf"):
        raise ValueError(
            f"Setting 'taus' takes 'trained' or a number of steps of at least 1, got {name!r}."
        )
    return tau
