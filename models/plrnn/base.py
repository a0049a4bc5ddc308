"""The contract of piecewise-linear recurrent networks: a map that is linear in regions.

Weights are ``(pre, post)`` as in every model, ``W[i, j]`` from unit i to unit j, so that they act
as ``z @ W``. The papers write ``(post, pre)``, so their ``W z`` is ``W.T @ z`` here.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float, Int

from neurodyn.labels import in_positions
from neurodyn.models.plrnn.initial import turned
from neurodyn.models.plrnn.observation import AbstractObservation, make_observation
from neurodyn.models.plrnn.products import product
from neurodyn.params import Fixed
from neurodyn.params import bind as base
from neurodyn.params.base import changed, value_of
from neurodyn.system import AbstractMap, State, Variable

_GLOROT = jax.nn.initializers.glorot_uniform()


class AbstractPLRNN(AbstractMap):
    """A map ``z' = F(z) + u @ C`` that is linear in each region in which the same gates are open.

    A gate is one rectifier; it is open where its argument is above zero. An injected current is
    added to the next state.

    Attributes
    ----------
    n_inputs, n_units, n_outputs
        External inputs K, latent units M, observed variables N.
    n_relu
        Number of gates.
    observation
        Map from states to observations, and its inverse.
    C
        Weights ``(input, unit)`` of external inputs; None without inputs.
    start
        Observation that gives the initial state of a run, see :meth:`starting_from`.
    clock
        Time of the start: whole ms, billionths of a ms, steps, and whether the first two count
        steps instead of ms (else 0); None: at 0.
    """

    n_inputs: int = eqx.field(static=True)
    n_units: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    n_relu: int = eqx.field(static=True)
    observation: AbstractObservation
    C: eqx.AbstractVar[Any]
    start: eqx.AbstractVar[Any]
    clock: eqx.AbstractVar[Int[Array, "4"] | None]

    #: Fields that are transposed in older files, see `neurodyn.io.versions`.
    post_pre_in_version_1 = ("W", "C")
    #: Parameters of the latent map: its diagonal, and what is penalised with it.
    latent: ClassVar[tuple[str, ...]] = ("A", "W", "h")
    #: Arguments of `example` besides the sizes.
    small: ClassVar[dict[str, Any]]

    # --- implemented by each model -----------------------------------------------------------

    @abc.abstractmethod
    def advance(self, z: Float[Array, " unit *state"]) -> Float[Array, " unit *state"]:
        """The state after ``z`` without external input; ``z`` may be many states side by side."""

    @abc.abstractmethod
    def mask(self, z: Float[Array, " unit"]) -> Bool[Array, " gate"]:
        """The gates that are open in this state."""

    @abc.abstractmethod
    def affine(
        self, mask: Bool[Array, " gate"]
    ) -> tuple[Float[Array, "unit unit"], Float[Array, " unit"]]:
        """Matrix J and offset b of the map where these gates are open: ``z' = J @ z + b``."""

    @abc.abstractmethod
    def jacobian_bound(self) -> Float[Array, ""]:
        """An upper bound of the spectral norm of the Jacobian in any state."""

    # --- derived -----------------------------------------------------------------------------

    @classmethod
    def example(cls, key: Any = 0) -> Any:
        """A small model, for tests."""
        # From the origin, the weights that map the first observation to a state have no gradient.
        build: Any = cls
        return build(3, 8, 2, key=key, **cls.small).starting_from([0.5, -0.5])

    def penalties(self) -> dict[str, Float[Array, ""]]:
        """Penalties that training may add to the loss, by name.

        Returns
        -------
        dict
            ``"latent"``: ``|1 - A|^2`` plus the squared norms of W and h (of a shallow network W1,
            W2, h1 and h2); ``"observation"``: that of the observation.
        """
        A, *weights = self._values()
        latent = jnp.sum((1 - A) ** 2) + sum(jnp.sum(w**2) for w in weights)
        return {"latent": latent, "observation": self.observation.penalty()}

    def _values(self) -> list[Array]:
        """Values of the parameters of the latent map."""
        return [value_of(getattr(self, name)) for name in self.latent]

    def step(
        self, z: Float[Array, " unit *state"], u: Float[Array, " input *state"] | None = None
    ) -> Float[Array, " unit *state"]:
        """The state after ``z``, given the external input ``u``."""
        after = self.advance(z)
        return after if u is None or self.C is None else after + product(value_of(self.C), u)

    def steps(
        self, z: Float[Array, "unit state"], u: Float[Array, "input state"] | None = None
    ) -> Float[Array, "unit state"]:
        """The states after many, side by side: a faster ``jax.vmap(step, in_axes=1, out_axes=1)``.

        Parameters that are indexed must have been resolved for one trial. Reverse mode once.
        """
        return self.step(z, u)

    def region(
        self, z: Float[Array, " unit"]
    ) -> tuple[Float[Array, "unit unit"], Float[Array, " unit"]]:
        """Matrix and offset of :meth:`affine` in the linear region that ``z`` lies in."""
        return self.affine(self.mask(z))

    def jacobian(self, z: Float[Array, " unit"]) -> Float[Array, "unit unit"]:
        """Jacobian of a step from ``z``: ``J[i, j]`` is the derivative of ``z'[i]`` by ``z[j]``."""
        return self.region(z)[0]

    def symbol(self, z: Float[Array, " unit"]) -> Int[Array, ""]:
        """The region of ``z`` as a whole number: gate 0 is the highest bit.

        Raises
        ------
        ValueError
            With more than 31 gates, because the number has 31 bits; use :meth:`mask`.
        """
        if self.n_relu > 31:
            raise ValueError(
                f"{type(self).__name__} has {self.n_relu} gates, too many for a whole number: "
                "use mask(z)."
            )
        bits = jnp.asarray(2 ** np.arange(self.n_relu)[::-1], jnp.int32)
        return jnp.sum(self.mask(z).astype(jnp.int32) * bits, dtype=jnp.int32)

    def infer(self, x: Float[Array, " output"]) -> Float[Array, " unit"]:
        """The latent state inferred from an observation."""
        return self.observation.invert(x)

    @property
    def n_forced(self) -> int:
        """Number of first units that an observation determines."""
        return self.observation.n_forced

    def starting_from(self, x: Any) -> "AbstractPLRNN":
        """A copy whose runs start from the state inferred from this observation, and at its time.

        The time of a run without inputs starts at the time of the observation, so that outputs have
        the time labels of the data that they predict. Inputs and trials have their own time.

        Parameters
        ----------
        x
            One observation. A labelled one, such as ``recording.isel(time=0)``, has a `time` [ms].
            Labels of outputs that count from 0 are numbers of outputs; other labels must be in the
            order of the model. An array has no time. It is taken as the first sample of a series
            without labels, at a time of one step, so that the first output is at two steps.

        Raises
        ------
        ValueError
            If it has another size, is not finite, or has a time that is not in ms.
        """
        clock = _clock_of(x)
        if isinstance(x, xr.DataArray) and x.ndim == 1:
            x = in_positions(x, str(x.dims[0]), what="`x`")
        given = np.asarray(x)
        if given.shape != (self.n_outputs,) or not np.isfinite(given).all():
            raise ValueError(
                f"`x` is one observation, {self.n_outputs} finite numbers, got {given.dtype} of "
                f"shape {given.shape}."
            )
        start = Fixed(raw=jnp.asarray(given, value_of(self.start).dtype))
        return changed(self, start=start, clock=clock)

    def start_time(self, dt: float) -> float:
        """Time of the state before the first step [ms]."""
        if self.clock is None:
            return 0.0
        ms, billionths, steps, _ = (int(n) for n in np.asarray(self.clock))
        return ms + billionths * 1e-9 + steps * dt

    def time_unit(self) -> str:
        """Unit of that time: "ms", or "1" after starting from a sample in steps."""
        return "ms" if self.clock is None or not int(self.clock[3]) else "1"

    # --- the map as a system -----------------------------------------------------------------

    def initial_state(self, *, dt, trial=None, key=None):
        del dt, trial, key
        return State(self.infer(value_of(self.start)))

    def update(self, state, u, *, key):
        del key
        z = self.step(state.x, u.input)
        return State(z if u.current is None else z + u.current)

    def readout(self, state):
        return self.observation.readout(state.x)

    def observe(self, state):
        return {"z": state.x}

    def variables(self):
        return {"z": Variable(("unit",), "1", "latent state", "latent")}

    def unit_coords(self):
        return {}


def _clock_of(x: Any) -> Int[Array, "4"]:
    """Time of an observation in whole numbers, because float32 does not resolve late times."""
    if not isinstance(x, xr.DataArray) or "time" not in x.coords:
        return jnp.asarray([0, 0, 1, 0], jnp.int32)
    time = x["time"]
    unit = time.attrs.get("units", "ms")
    known = unit in ("ms", "1")  # ms, and steps of maps
    if time.ndim or time.dtype.kind not in "iuf" or not np.isfinite(time) or not known:
        raise ValueError(
            f"`x` is one observation at one time in ms, got a time of shape {time.shape} and dtype "
            f"{time.dtype} in {unit!r}: select one, e.g. x.isel(time=0), of a series in ms."
        )
    ms = np.floor(float(time))
    if abs(ms) > np.iinfo(np.int32).max - 1:
        raise ValueError(f"`x` was observed at {float(time):g} ms, too far from 0 to be counted.")
    rest = round((float(time) - ms) * 1e9)
    return jnp.asarray([int(ms), rest, 0, int(unit == "1")], jnp.int32)


class Parts:
    """Sets what all models share, and binds the other parameters, one key for each.

    Parameters
    ----------
    model
        The model that is being built.
    key
        Seed or key.
    sizes
        Of the model: inputs, units, outputs.
    observation, C
        As given to the model.
    """

    def __init__(self, model: Any, key: Any, sizes: tuple[int, int, int], observation: Any, C: Any):
        name, names = type(model).__name__, ("n_inputs", "n_units", "n_outputs")
        n_inputs, n_units, n_outputs = base.check_sizes(**dict(zip(names, sizes, strict=True)))
        if n_outputs < 1:
            raise ValueError(f"`n_outputs` must be at least 1 for a {name}, got {n_outputs}.")
        for_C, for_observation, *keys = base.split_key(key, 10, name=f"a {name}")
        self._keys = iter(keys)
        model.n_inputs, model.n_units, model.n_outputs = n_inputs, n_units, n_outputs
        model.observation = make_observation(observation, n_outputs, n_units, for_observation)
        model.C = None
        if n_inputs:
            model.C = base.bind(C, (n_inputs, n_units), for_C, name="C", default=turned(_GLOROT))
        elif C is not None:
            raise ValueError("`C` weighs external inputs, but n_inputs=0.")
        # Runs start from the mean of standardised data.
        model.start = Fixed(raw=jnp.zeros(n_outputs, jnp.result_type(float)))
        model.clock = None

    def bind(self, name: str, value: Any, shape: tuple[int, ...], default: Any) -> Any:
        """One parameter."""
        key = next(self._keys)
        return base.bind(value, shape, key, name=name, default=default, balance="cancel")

    def bind_pair(self, first: tuple, second: tuple) -> tuple[Any, Any]:
        """Two parameters whose default values come from the same draw."""
        key = next(self._keys)

        def bound(name, value, shape, default):
            same_draw = lambda _, shape, dtype: default(key, shape, dtype)  # noqa: E731
            return base.bind(value, shape, key, name=name, default=same_draw, balance="cancel")

        return bound(*first), bound(*second)
