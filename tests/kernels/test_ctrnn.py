"""ctrnn_scan against a step-by-step NumPy oracle."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn.kernels import ctrnn_scan
from tests.kernels import oracle
from tests.kernels.compiler import RATE_BACKENDS, needs_vectors

FORMS = ("rate", "current", "update")
ACTIVATIONS = ("tanh", "sigmoid", "softplus", "relu", "leaky_relu", "identity", "linear")
NAMES = ("W", "U", "b", "alpha", "x", "h0")


@pytest.fixture(params=RATE_BACKENDS)
def backend(request):
    return request.param


def problem(n_steps=7, n_batch=3, n_inputs=2, n_units=5, low=0.05, seed=0):
    """Arguments by name, noise and the cotangent of the states, float64."""
    rng = np.random.default_rng(seed)
    arguments = {
        "W": 0.7 * rng.standard_normal((n_units, n_units)) / np.sqrt(n_units),
        "U": rng.standard_normal((n_inputs, n_units)),
        "b": 0.3 * rng.standard_normal(n_units),
        "alpha": rng.uniform(low, 0.9, n_units),
        "x": rng.standard_normal((n_steps, n_batch, n_inputs)),
        "h0": rng.standard_normal((n_batch, n_units)),
    }
    noise = 0.1 * rng.standard_normal((n_steps, n_batch, n_units))
    return arguments, noise, rng.standard_normal(noise.shape)


@partial(jax.jit, static_argnames=("form", "activation", "backend", "last"))
def states_and_grads(
    arguments, h_bar, length=None, form="rate", activation="tanh", backend="xla", last=False
):
    """States and the gradients of all arrays in `arguments`, which may contain noise."""
    options = {"form": form, "activation": activation, "backend": backend, "last": last}
    states, pull = jax.vjp(lambda a: ctrnn_scan(**a, **options, length=length), arguments)
    return states, pull(h_bar)[0]


def check(backend, arguments, noise, h_bar, form, activation, length=None, tolerance=1e-11):
    given = arguments if noise is None else {**arguments, "noise": noise}
    states, grads = states_and_grads(
        given, h_bar, length, form=form, activation=activation, backend=backend
    )
    expected = oracle.forward(form, activation, **given, length=length)
    np.testing.assert_allclose(states, expected, rtol=0, atol=tolerance * abs(expected).max())
    known = {"h_bar": h_bar, "length": length, "states": expected}
    expected = oracle.backward(form, activation, **given, **known)
    for name, grad in grads.items():
        scale = abs(expected[name]).max(initial=1.0)
        np.testing.assert_allclose(
            grad, expected[name], rtol=0, atol=tolerance * scale, err_msg=name
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_oracle_agrees_with_complex_steps(form, activation):
    arguments, noise, h_bar = problem(n_steps=4)
    grads = oracle.backward(form, activation, **arguments, h_bar=h_bar, noise=noise, length=3)
    arguments["noise"] = noise
    rng = np.random.default_rng(1)
    for name in (*NAMES, "noise"):
        direction = rng.standard_normal(arguments[name].shape)
        nudged = {**arguments, name: arguments[name] + 1e-30j * direction}
        slope = (h_bar * oracle.forward(form, activation, **nudged, length=3)).sum().imag / 1e-30
        np.testing.assert_allclose((grads[name] * direction).sum(), slope, rtol=1e-12)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("form", "activation"),
    [  # each activation needs a program of its own; one form uses it as another does
        *(("rate", activation) for activation in ACTIVATIONS[:-1]),
        *((form, activation) for form in FORMS[1:] for activation in ("tanh", "leaky_relu")),
    ],
)
def test_states_and_gradients(form, activation, backend, x64):
    arguments, noise, h_bar = problem()
    check(backend, arguments, noise, h_bar, form, activation, length=4)
    if form == "rate" and activation == "leaky_relu":  # the others are in test_lengths
        check(backend, arguments, None, h_bar, form, activation)


@pytest.mark.thorough
@needs_vectors
@pytest.mark.parametrize(
    "registers", [(64, 8, 3), (32, 4, 3)], indirect=True, ids=["512 bits", "256 bits"]
)
@pytest.mark.parametrize(("form", "activation"), [("rate", "tanh"), ("update", "leaky_relu")])
def test_every_width_of_registers_gives_the_same(registers, form, activation, x64):
    arguments, noise, h_bar = problem(n_steps=5, n_batch=21, n_inputs=3, n_units=53)
    check("compiled", arguments, noise, h_bar, form, activation, length=4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("length", [None, 0, 1, 4])
def test_last_state_alone(form, length, backend, x64):
    arguments, noise, h_bar = problem()
    arguments["noise"] = noise
    options = {"form": form, "activation": "leaky_relu", "length": length, "backend": backend}
    expected = oracle.forward(form, "leaky_relu", **arguments, length=length)
    run = len(expected) if length is None else length
    expected = expected[run - 1] if run else arguments["h0"]
    end, grads = states_and_grads(arguments, h_bar[0], **options, last=True)
    np.testing.assert_allclose(end, expected, rtol=1e-12)
    np.testing.assert_allclose(ctrnn_scan(**arguments, **options, last=True), expected, rtol=1e-12)
    only_last = np.zeros_like(h_bar)
    only_last[max(run - 1, 0)] = h_bar[0] if run else 0
    wanted = oracle.backward(form, "leaky_relu", **arguments, h_bar=only_last, length=length)
    if not run:
        wanted = {name: np.zeros_like(a) for name, a in wanted.items()} | {"h0": h_bar[0]}
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, wanted[name], rtol=0, atol=1e-11, err_msg=name)


@pytest.mark.parametrize(
    ("form", "activation", "n_steps", "n_batch", "n_units"),
    [
        ("rate", "tanh", 1, 3, 5),
        ("current", "tanh", 1, 3, 5),
        ("rate", "relu", 333, 5, 33),
        ("current", "tanh", 333, 5, 33),
        ("update", "sigmoid", 333, 5, 33),
        ("rate", "tanh", 10007, 3, 7),
    ],
)
def test_odd_and_large_sizes(form, activation, n_steps, n_batch, n_units, x64):
    arguments, noise, h_bar = problem(n_steps, n_batch, 3, n_units)
    check("xla", arguments, noise, h_bar, form, activation, tolerance=1e-9)


@pytest.mark.parametrize("n_batch", [1, 64, 700])
def test_block_sizes(n_batch, x64):
    arguments, _, h_bar = problem(n_steps=29, n_batch=n_batch)
    check("xla", arguments, None, h_bar, "rate", "tanh")


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("alpha", [0.0, 1e-7, 1e-3])
def test_small_alpha_is_recomputed(activation, alpha, x64):
    arguments, noise, h_bar = problem(n_steps=20)
    arguments["alpha"][1] = alpha
    check("xla", arguments, None, h_bar, "rate", activation)
    check("xla", arguments, noise, h_bar, "rate", activation)


@pytest.mark.parametrize("form", ["current", "update"])
def test_zero_alpha(form, x64):
    arguments, noise, h_bar = problem()
    arguments["alpha"][1] = 0.0
    check("xla", arguments, noise, h_bar, form, "tanh")


def test_no_inputs(backend, x64):
    arguments, noise, h_bar = problem(n_inputs=0)
    check(backend, arguments, noise, h_bar, "rate", "tanh")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("form", "activation"),
    [
        ("rate", "tanh"),
        ("rate", "sigmoid"),
        ("rate", "softplus"),
        ("current", "softplus"),
        ("update", "softplus"),
    ],
)
def test_float32(form, activation, backend):
    """Includes the smallest alpha for which the activation is recovered: it loses most bits."""
    arguments, noise, h_bar = problem(n_steps=333, n_units=33, low=1 / 128)
    arguments, noise, h_bar = jax.tree.map(
        lambda a: a.astype(np.float32), (arguments, noise, h_bar)
    )
    arguments["alpha"][0] = 1 / 128
    double = jax.tree.map(lambda a: a.astype(np.float64), (arguments, noise, h_bar))
    given = {**arguments, "noise": noise}
    states, grads = states_and_grads(
        given, h_bar, form=form, activation=activation, backend=backend
    )
    assert states.dtype == jnp.float32
    expected = oracle.backward(form, activation, **double[0], noise=double[1], h_bar=double[2])
    for name, grad in grads.items():
        scale = abs(expected[name]).max()
        np.testing.assert_allclose(grad, expected[name], rtol=0, atol=2e-5 * scale, err_msg=name)


def test_float32_gradient_below_the_kink_is_zero(backend):
    """Units far below the kink get a gradient of exactly zero, in spite of rounding."""
    arguments, noise, h_bar = problem(n_steps=50)
    arguments["b"][:3] = -1e3
    given = jax.tree.map(lambda a: a.astype(np.float32), {**arguments, "noise": noise})
    _, grads = states_and_grads(given, h_bar.astype(np.float32), activation="relu", backend=backend)
    assert not np.any(grads["b"][:3])
    assert not np.any(grads["W"][:, :3])
    assert np.all(grads["b"][3:] != 0)


def test_finite_differences(backend, x64):
    arguments, noise, h_bar = problem(n_steps=30)
    arguments = {**arguments, "noise": noise}
    _, grads = states_and_grads(arguments, h_bar, 25, backend=backend)
    rng = np.random.default_rng(2)
    for name, value in arguments.items():
        direction = rng.standard_normal(value.shape)

        def loss(size, name=name, value=value, direction=direction):
            moved = {**arguments, name: value + size * direction}
            return (h_bar * ctrnn_scan(**moved, length=25, backend=backend)).sum()

        slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
        np.testing.assert_allclose((grads[name] * direction).sum(), slope, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("activation", ["softplus", "relu"])
def test_noise_inside_the_activation(activation, backend, x64):
    """It acts as further inputs do, one for each unit; also where alpha is too small to recover."""
    for low, length in ((0.05, 5), (1e-4, None)):
        arguments, noise, h_bar = problem(n_batch=5, n_units=9, low=low)
        wider = arguments | {
            "U": np.concatenate([arguments["U"], np.eye(9)]),
            "x": np.concatenate([arguments["x"], noise], axis=2),
        }

        def run(given, length=length):
            options = {"activation": activation, "noise_at": "drive", "backend": backend}
            return ctrnn_scan(**given, **options, length=length)

        states, pull = jax.vjp(jax.jit(run), {**arguments, "noise": noise})
        expected = oracle.forward("rate", activation, **wider, length=length)
        np.testing.assert_allclose(states, expected, rtol=0, atol=1e-11)
        found = pull(jnp.asarray(h_bar))[0]
        wanted = oracle.backward("rate", activation, **wider, h_bar=h_bar, length=length)
        wanted |= {"U": wanted["U"][:2], "x": wanted["x"][..., :2], "noise": wanted["x"][..., 2:]}
        for name, grad in found.items():
            np.testing.assert_allclose(grad, wanted[name], rtol=0, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("length", [0, 1, 2, 7])
@pytest.mark.parametrize("form", FORMS)
def test_lengths(form, length, backend, x64):
    arguments, noise, h_bar = problem()
    activation = "tanh" if form == "rate" else "leaky_relu"
    check(backend, arguments, None, h_bar, form, activation, length=length)
    check(backend, arguments, noise, h_bar, form, activation, length=length)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_noise_without_length(form, activation, x64):
    arguments, noise, h_bar = problem()
    check("xla", arguments, noise, h_bar, form, activation)


def test_rows_beyond_length_do_not_matter(backend, x64):
    arguments, noise, h_bar = problem()
    states, grads = states_and_grads({**arguments, "noise": noise}, h_bar, 4, backend=backend)
    for late in (arguments["x"], noise, h_bar):
        late[4:] = np.nan
    spoilt_states, spoilt_grads = states_and_grads(
        {**arguments, "noise": noise}, h_bar, 4, backend=backend
    )
    jax.tree.map(np.testing.assert_array_equal, (states, grads), (spoilt_states, spoilt_grads))
    assert not np.any(states[4:])


def test_traced_length_is_limited_to_the_steps_given(backend, x64):
    arguments, _, h_bar = problem()
    whole = states_and_grads(arguments, h_bar, backend=backend)
    beyond = states_and_grads(arguments, h_bar, length=99, backend=backend)
    close = partial(np.testing.assert_allclose, rtol=1e-13, atol=1e-13)
    jax.tree.map(close, whole, beyond)


def test_one_trace_for_every_length(backend):
    arguments, _, h_bar = problem()
    arguments = {name: jnp.asarray(a, jnp.float32) for name, a in arguments.items()}
    h_bar = jnp.asarray(h_bar, jnp.float32)
    traces = []

    @jax.jit
    def grads(arguments, length):
        traces.append(length)
        return jax.grad(lambda a: (ctrnn_scan(**a, length=length, backend=backend) * h_bar).sum())(
            arguments
        )

    for length in range(8):
        grads({**arguments, "b": arguments["b"] + length}, length)
    assert len(traces) == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_per_example_gradients(form, activation, x64):
    """Each example keeps its own weight gradient: nothing is summed over the mapped axis."""
    arguments, noise, h_bar = problem(n_steps=11, n_batch=4)
    shared = {name: jnp.asarray(arguments[name]) for name in ("W", "U", "b", "alpha")}

    def loss(shared, x, h0, noise, h_bar, length):
        h = ctrnn_scan(
            **shared, x=x[:, None], h0=h0[None], noise=noise[:, None], length=length,
            form=form, activation=activation, backend="xla",
        )  # fmt: skip
        return (h[:, 0] * h_bar).sum()

    per_example = jax.vmap(jax.grad(loss), in_axes=(None, 1, 0, 1, 1, None))
    grads = jax.jit(per_example)(shared, arguments["x"], arguments["h0"], noise, h_bar, 9)
    for i in range(4):
        expected = oracle.backward(
            form, activation, **{name: arguments[name] for name in shared},
            x=arguments["x"][:, [i]], h0=arguments["h0"][[i]],
            h_bar=h_bar[:, [i]], noise=noise[:, [i]], length=9,
        )  # fmt: skip
        for name, grad in grads.items():
            np.testing.assert_allclose(grad[i], expected[name], rtol=1e-9, atol=1e-11)


def test_stacked_models_with_their_own_lengths(backend, x64):
    """Seeds of a model, one of them with a small alpha, and lengths that differ."""
    problems = [problem(seed=seed)[0] for seed in range(3)]
    problems[1]["alpha"][0] = 1e-5
    _, _, h_bar = problem()
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)
    lengths = np.array([7, 0, 4])

    def loss(arguments, length):
        return (ctrnn_scan(**arguments, length=length, backend=backend) * h_bar).sum()

    grads = jax.jit(jax.vmap(jax.grad(loss)))(stacked, lengths)
    for i, (arguments, length) in enumerate(zip(problems, lengths, strict=True)):
        expected = oracle.backward("rate", "tanh", **arguments, h_bar=h_bar, length=length)
        for name, grad in grads.items():
            np.testing.assert_allclose(grad[i], expected[name], rtol=1e-9, atol=1e-11)


def test_mean_gradient_over_a_mapped_batch(backend, x64):
    arguments, _, h_bar = problem(n_steps=9, n_batch=4)
    x, h0 = arguments.pop("x"), arguments.pop("h0")

    def loss(arguments):
        def one(x, h0):
            return ctrnn_scan(**arguments, x=x[:, None], h0=h0[None], backend=backend)[:, 0]

        return (jax.vmap(one, in_axes=(1, 0), out_axes=1)(x, h0) * h_bar).sum()

    grads = jax.jit(jax.grad(loss))(jax.tree.map(jnp.asarray, arguments))
    expected = oracle.backward("rate", "tanh", **arguments, x=x, h0=h0, h_bar=h_bar)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-9, atol=1e-11)


def test_masked_weights_get_the_chain_rule(x64):
    """A parametrisation outside the call: the gradient reaches the raw weights through it."""
    arguments, _, h_bar = problem()
    mask = np.tril(np.ones((5, 5)))
    raw = arguments.pop("W")

    def loss(raw):
        return (ctrnn_scan(raw * mask, **arguments) * h_bar).sum()

    expected = oracle.backward("rate", "tanh", raw * mask, **arguments, h_bar=h_bar)["W"] * mask
    np.testing.assert_allclose(jax.grad(loss)(jnp.asarray(raw)), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"form": "leaky"}, ValueError, "form must be one of 'rate', 'current', 'update'"),
        ({"activation": "swish"}, ValueError, "activation must be one of 'tanh'"),
        ({"noise_at": "input"}, ValueError, "noise_at must be one of 'state', 'drive'"),
        ({"form": "update", "noise_at": "drive"}, ValueError, 'form="rate".*alpha \\* noise'),
        ({"backend": "gpu"}, ValueError, "backend must be one of 'auto', 'xla', 'compiled'"),
        ({"W": np.zeros((5, 4))}, ValueError, r"W must .*unit = 5.*\(5, 4\)"),
        ({"W": np.zeros(5)}, ValueError, r"W must have dims \(unit, unit\), got shape \(5,\)"),
        ({"U": np.zeros((2, 6))}, ValueError, "U must .*unit = 5, as in W"),
        ({"b": np.zeros(4)}, ValueError, "b must .*unit = 5"),
        ({"alpha": np.float64(0.1)}, ValueError, r"alpha must have dims \(unit\), got shape \(\)"),
        ({"x": np.zeros((7, 3, 9))}, ValueError, "x must .*input = 2, as in U"),
        ({"x": np.zeros((7, 2))}, ValueError, r"x must have dims \(time, batch, input\)"),
        ({"h0": np.zeros((4, 5))}, ValueError, "h0 must .*batch = 3, as in x"),
        ({"noise": np.zeros((6, 3, 5))}, ValueError, "noise must .*time = 7, as in x"),
        ({"x": np.zeros((0, 3, 2))}, ValueError, "x has no time entries"),
        ({"b": None}, TypeError, "needs b"),
        ({"b": np.zeros(5, int)}, TypeError, "all be float32 or all float64.*b int"),
        ({"h0": jnp.zeros((3, 5), jnp.float16)}, TypeError, "h0 float16"),
        ({"length": 8}, ValueError, r"length must lie in 0..7, the steps of x, got 8"),
        ({"length": -1}, ValueError, r"length must lie in 0..7"),
        ({"length": 2.0}, TypeError, "length must be an integer"),
        ({"length": np.array([3, 4, 5])}, ValueError, "scalar shared by the whole batch"),
    ],
)
def test_bad_input(change, error, words):
    arguments, _, _ = problem()
    with pytest.raises(error, match=words):
        ctrnn_scan(**{**arguments, **change})


# --- the compiled backend ------------------------------------------------------------------------


@needs_vectors
@pytest.mark.parametrize("form", FORMS)
def test_many_trials_and_units_in_float32(form):
    """Several parts, panels and blocks, all with a remainder, against XLA."""
    arguments, noise, h_bar = problem(n_steps=6, n_batch=297, n_inputs=19, n_units=211)
    given = {**arguments, "noise": noise}
    given, h_bar = jax.tree.map(lambda a: a.astype(np.float32), (given, h_bar))
    results = [
        states_and_grads(given, h_bar, 5, form=form, activation="softplus", backend=b)
        for b in ("xla", "compiled")
    ]

    def close(plain, compiled):
        scale = max(1.0, abs(plain).max())
        np.testing.assert_allclose(compiled, plain, rtol=0, atol=1e-5 * scale)

    jax.tree.map(close, *results)


@needs_vectors
@pytest.mark.parametrize("activation", ACTIVATIONS[:-1])
def test_activations_far_from_zero(activation, x64):
    """One step from zero with alpha = 1 is the activation of the input."""
    z = np.concatenate([-np.geomspace(1e-12, 1e3, 60), [0.0], np.geomspace(1e-12, 1e3, 60)])
    nothing, one = np.zeros((1, 1)), np.ones((1, 1))

    def states(backend, dtype):
        given = (nothing, one, nothing[0], one[0], z[None, :, None], np.zeros((z.size, 1)))
        given = [a.astype(dtype) for a in given]
        h = ctrnn_scan(*given, activation=activation, backend=backend)
        return np.asarray(h)[0, :, 0]

    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 1e-6)):
        plain, compiled = states("xla", dtype), states("compiled", dtype)
        np.testing.assert_allclose(compiled, plain, rtol=tolerance, atol=1e-37)


@needs_vectors
def test_nan_is_kept(x64):
    arguments, _, _ = problem(n_batch=9)
    arguments["h0"][4, 2] = np.nan
    for activation in ACTIVATIONS[:-1]:
        states = ctrnn_scan(**arguments, activation=activation, backend="compiled")
        assert np.isnan(states[:, 4, 2]).all()
        assert not np.isnan(np.delete(states, 4, axis=1)).any()


@needs_vectors
def test_the_same_bits_every_time():
    arguments, noise, h_bar = problem(n_steps=9, n_batch=130, n_units=70)
    given = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), {**arguments, "noise": noise})
    h_bar = jnp.asarray(h_bar, jnp.float32)
    first = states_and_grads(given, h_bar, backend="compiled")
    for _ in range(20):
        again = states_and_grads(given, h_bar, backend="compiled")
        jax.tree.map(np.testing.assert_array_equal, first, again)


@needs_vectors
def test_auto_is_for_larger_networks():
    def chosen(n_batch, n_units):
        arguments, _, _ = problem(n_steps=2, n_batch=n_batch, n_units=n_units)
        return "ffi_call" in str(jax.make_jaxpr(lambda: ctrnn_scan(**arguments))())

    assert chosen(64, 64)
    assert not chosen(1, 64)
    assert not chosen(64, 5)


def test_without_the_compiler(no_llvmlite):
    arguments, _, _ = problem(n_batch=32, n_units=64)
    expected = oracle.forward("rate", "tanh", **arguments)
    states = ctrnn_scan(**{n: jnp.asarray(a, jnp.float32) for n, a in arguments.items()})
    with pytest.raises(ModuleNotFoundError, match=r"llvmlite, .*'neurodyn\[fast\]'"):
        ctrnn_scan(**arguments, backend="compiled")
    np.testing.assert_allclose(states, expected, rtol=0, atol=1e-5)
