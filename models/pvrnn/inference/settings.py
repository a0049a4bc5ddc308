"""Settings of error regression, with those of two published studies."""

from typing import Any, Literal

import equinox as eqx

from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.models.pvrnn import layers
from neurodyn.models.pvrnn.inference.descent import Adam, adam

NewEntry = Literal["prior", "previous", "zeros", "normal"]


class ErrorRegression(eqx.Module):
    """Settings of the inference of latents from a stream.

    At every new observation, the adaptive vectors of the last ``window`` steps are moved down the
    loss (errors of these steps and weighted divergences) by a fresh Adam, weights frozen; then the
    prior goes on from there. The state before the window is the state after the last step that
    left the window. In the first steps the window grows.

    The defaults are those of :meth:`soda2023`; :meth:`idei2022` is the other published setting.

    Parameters
    ----------
    window
        Steps.
    iterations
        Passes through the window for each observation.
    learning_rate, betas
        Of Adam.
    warm_start
        ``"in place"``: when the window moves, adaptive vectors stay at their place in it;
        ``"shifted"``: they move along with the steps that they belong to.
    new_entry
        Adaptive vector of a step that is new in the window (with ``"in place"``: only as long as
        the window grows): ``"prior"``, which makes the posterior equal the prior; ``"previous"``,
        that of the step before; ``"zeros"``; ``"normal"``, standard normal.
    edge_prior
        Prior of the first step of the window: ``"unit"``, always the unit Gaussian with the weight
        ``w_first``; ``"learned"``, only for the first step of the stream.
    evaluate_last
        Whether the last iteration is a pass without update; else one follows them.
    keep_best
        Whether the best pass counts instead of the last.
    w, w_first
        Meta-priors, one or one for each layer; None: those of training.
    noise
        Whether latents are drawn; else they take their means.

    References
    ----------
    Ahmadi & Tani, Neural Comput. 2019.
    """

    adam: Adam
    w: Any
    w_first: Any
    window: int = eqx.field(static=True)
    iterations: int = eqx.field(static=True)
    warm_start: str = eqx.field(static=True)
    new_entry: str = eqx.field(static=True)
    edge_prior: str = eqx.field(static=True)
    evaluate_last: bool = eqx.field(static=True)
    keep_best: bool = eqx.field(static=True)
    noise: bool = eqx.field(static=True)

    __repr__ = brief

    def __init__(
        self,
        window: int = 15,
        iterations: int = 20,
        learning_rate: float = 0.09,
        *,
        betas: tuple[float, float] = (0.5, 0.999),
        warm_start: Literal["in place", "shifted"] | str = "in place",
        new_entry: NewEntry | str = "normal",
        edge_prior: Literal["unit", "learned"] | str = "unit",
        evaluate_last: bool = True,
        keep_best: bool = False,
        w: Any = None,
        w_first: Any = None,
        noise: bool = True,
    ):
        check_whole(1, window=window, iterations=iterations)
        layers.check_choice("warm_start", warm_start, ("in place", "shifted"))
        layers.check_choice("new_entry", new_entry, ("prior", "previous", "zeros", "normal"))
        layers.check_choice("edge_prior", edge_prior, ("unit", "learned"))
        self.window, self.iterations = int(window), int(iterations)
        self.adam = adam(learning_rate, betas)
        self.warm_start, self.new_entry, self.edge_prior = warm_start, new_entry, edge_prior
        self.evaluate_last, self.keep_best, self.noise = evaluate_last, keep_best, noise
        self.w, self.w_first = w, w_first

    @staticmethod
    def soda2023(**changes: Any) -> "ErrorRegression":
        """As in Soda et al. (2023), the code closest to the paper: see the defaults.

        Soda, Ahmadi, Tani, Honda, Hanakawa & Yamashita, Front. Psychiatry 2023.
        """
        return ErrorRegression(**changes)

    @staticmethod
    def idei2022(**changes: Any) -> "ErrorRegression":
        """As in Idei et al. (2022).

        A window of 10 steps, 50 iterations, adaptive vectors that move along and start at the
        prior, the learned prior at the edge, and Adam's usual betas.

        Idei, Ohata, Yamashita, Ogata & Tani, Sci. Rep. 2022.
        """
        settings: dict[str, Any] = {
            "window": 10,
            "iterations": 50,
            "betas": (0.9, 0.999),
            "warm_start": "shifted",
            "new_entry": "prior",
            "edge_prior": "learned",
            "evaluate_last": False,
        }
        return ErrorRegression(**(settings | changes))

    @property
    def n_updates(self) -> int:
        """Updates for each observation."""
        return self.iterations - 1 if self.evaluate_last else self.iterations
