"""An optimiser whose learning rate decays by the epoch."""

import functools

import optax


@functools.cache
def radam(
    start: float = 1e-3,
    end: float = 1e-5,
    *,
    epochs: int = 2000,
    steps_per_epoch: int = 50,
    clip: float = 0.0,
) -> optax.GradientTransformation:
    """Rectified Adam with a learning rate that decays exponentially, once every epoch.

    Parameters
    ----------
    start, end
        Learning rate in the first epoch, and after the last. The defaults are those published for
        Lorenz's system.
    epochs, steps_per_epoch
        Number of epochs, and of updates in each.
    clip
        Global norm beyond which gradients are scaled down; default 0: never.

    Returns
    -------
    optax.GradientTransformation
        The same object for the same numbers, so that nothing compiles twice.

    References
    ----------
    Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.
    """
    if not (0 < end <= start):
        raise ValueError(f"Learning rates must fall: 0 < end <= start, got {start} and {end}.")
    if epochs < 1 or steps_per_epoch < 1 or clip < 0:
        raise ValueError(
            "`epochs` and `steps_per_epoch` must be at least 1 and `clip` at least 0, got "
            f"{epochs}, {steps_per_epoch} and {clip}."
        )
    schedule = optax.exponential_decay(
        start, steps_per_epoch, (end / start) ** (1 / epochs), staircase=True
    )
    optimizer = optax.radam(schedule)
    return optax.chain(optax.clip_by_global_norm(clip), optimizer) if clip else optimizer
