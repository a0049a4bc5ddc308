"""Weights of PyTorch, Keras and hand-written networks act in ours as they did there."""

import json
import warnings
from types import SimpleNamespace

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import integrate, io, models, params
from neurodyn.io import FileFormatError
from neurodyn.params.base import numbers_of

N = 3  # units, of 2 inputs and 2 outputs
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def numbers(shape, start):
    return 0.8 * np.sin(start + np.arange(np.prod(shape, dtype=int))).reshape(shape)


X = numbers((5, 1, 2), 0.5)


def torch_state(kind):
    rows = GATES[kind] * N
    shapes = {
        "rnn.weight_ih_l0": (rows, 2),
        "rnn.weight_hh_l0": (rows, N),
        "rnn.bias_ih_l0": (rows,),
        "rnn.bias_hh_l0": (rows,),
        "fc.weight": (2, N),
        "fc.bias": (2,),
    }
    return {name: numbers(shape, i) for i, (name, shape) in enumerate(shapes.items())}


def vanilla(**options):
    options = {"tau": 1.0, "activation": "tanh", "W": params.Free(), "initial": "zeros"} | options
    return models.LeakyRNN(2, N, 2, **options, key=0)


MODELS = {
    "RNN": vanilla,
    "GRU": lambda: models.GRU(2, N, 2, key=0),
    "LSTM": lambda: models.LSTM(2, N, 2, key=0),
}

#: Outputs of `torch_net(kind)(X)` of PyTorch 2.13 in float64.
OF_TORCH = {
    "RNN": [
        [-0.987651344, -0.179985201],
        [-0.751948753, -0.404231306],
        [-0.352878808, -0.761336634],
        [-1.122881682, -0.032409295],
        [-0.80253085, -0.362776179],
    ],
    "GRU": [
        [-1.180090292, 0.117860577],
        [-1.265668875, 0.194312637],
        [-1.011258142, -0.084930439],
        [-1.207265826, 0.104516114],
        [-1.213417499, 0.124185808],
    ],
    "LSTM": [
        [-0.955441571, -0.047054388],
        [-0.859608307, -0.15685332],
        [-0.787917739, -0.258112225],
        [-0.905800969, -0.130423843],
        [-0.889983247, -0.143845151],
    ],
}


def torch_net(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = getattr(torch.nn, kind)(2, N)
            self.fc = torch.nn.Linear(N, 2)

        def forward(self, x):
            return self.fc(self.rnn(x)[0])

    net = Net().double()
    net.load_state_dict({k: torch.tensor(v) for k, v in torch_state(kind).items()})
    return torch, net


def outputs(model, dt=1.0):
    return np.asarray(integrate(model, jnp.asarray(X), dt=dt).outputs)[:, 0]


@pytest.mark.parametrize("kind", GATES)
def test_outputs_are_those_of_torch_and_weights_come_back(kind, x64, tmp_path):
    state, template = torch_state(kind), MODELS[kind]()
    model = io.from_weights(state, template)
    np.testing.assert_allclose(outputs(model), OF_TORCH[kind], atol=2e-9)
    if kind != "RNN":
        sent = io.to_weights(model, layout="torch")
        np.testing.assert_array_equal(sent["rnn.weight_hh_l0"], state["rnn.weight_hh_l0"])
        np.testing.assert_array_equal(sent["readout.weight"], state["fc.weight"])
    for layout in ("torch", "keras", "neurodyn"):
        path = tmp_path / f"{layout}.npz"
        np.savez(path, **io.to_weights(model, layout=layout))
        back = io.from_weights(path, template, layout=layout)
        for name in ("W", "U", "W_out", "b_out"):
            np.testing.assert_array_equal(numbers_of(getattr(back, name)), getattr(model, name))
        np.testing.assert_allclose(back.b + back.b_in, model.b + model.b_in, atol=1e-15)


@pytest.mark.parametrize("kind", GATES)
def test_torch_itself(kind, x64, tmp_path):
    torch, net = torch_net(kind)
    theirs = net(torch.tensor(X))[:, 0].detach().numpy()
    np.testing.assert_allclose(theirs, OF_TORCH[kind], atol=2e-9)
    template, expected = MODELS[kind](), torch_state(kind)["rnn.weight_hh_l0"].T
    torch.save(net.state_dict(), tmp_path / "state.pt")
    torch.save({"state_dict": net.state_dict(), "epoch": 3}, tmp_path / "light.ckpt")
    torch.save(net.bfloat16().state_dict(), tmp_path / "half.pt")
    for source, atol in (("state.pt", 0), ("light.ckpt", 0), ("half.pt", 5e-3)):
        loaded = io.from_weights(tmp_path / source, template)
        np.testing.assert_allclose(loaded.W, expected, atol=atol)
    torch.save(net.rnn, tmp_path / "model.pt")
    with pytest.raises(FileFormatError, match=r"can run any code. Write model.state_dict\(\)"):
        io.from_weights(tmp_path / "model.pt", template)


# --- Keras, by the equations of its documentation ------------------------------------------------


def keras_arrays(kind, bias):
    gates = GATES[kind]
    return {
        "kernel": numbers((2, gates * N), 1),
        "recurrent_kernel": numbers((N, gates * N), 2),
        "bias": numbers(bias, 3),
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def keras_gru(w, after):
    """Gates z, r, h; hh uses r * (h R) with reset_after, (r * h) R without."""
    h, K, R = np.zeros(N), w["kernel"], w["recurrent_kernel"]
    b_in, b_rec = w["bias"] if after else (w["bias"], np.zeros(3 * N))
    z_, r_, h_ = slice(0, N), slice(N, 2 * N), slice(2 * N, None)
    for x in X[:, 0]:
        u, v = x @ K + b_in, h @ R + b_rec
        z, r = sigmoid(u[z_] + v[z_]), sigmoid(u[r_] + v[r_])
        inner = r * v[h_] if after else (r * h) @ R[:, h_]
        h = z * h + (1 - z) * np.tanh(u[h_] + inner)
        yield h


def keras_lstm(w):
    """Gates i, f, c, o."""
    h = c = np.zeros(N)
    for x in X[:, 0]:
        z = x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


def keras_simple(w):
    h = np.zeros(N)
    for x in X[:, 0]:
        h = np.tanh(x @ w["kernel"] + w["bias"] + h @ w["recurrent_kernel"])
        yield h


KERAS = {
    "gru": ("GRU", (2, 3 * N), lambda w: keras_gru(w, True), MODELS["GRU"]),
    "gru_before": (
        "GRU",
        (3 * N,),
        lambda w: keras_gru(w, False),
        lambda: models.GRU(2, N, 2, reset="before", key=0),
    ),
    "lstm": ("LSTM", (4 * N,), keras_lstm, MODELS["LSTM"]),
    "simple_rnn": ("RNN", (N,), keras_simple, vanilla),
}


def write_keras(path, layer, cell, *, version):
    """A file as Keras 3 or Keras 2 writes it, with the state of an optimiser beside."""
    head = {"kernel": numbers((N, 2), 4), "bias": numbers((2,), 5)}
    with h5py.File(path, "w") as file:
        for name, arrays in ((layer, cell), ("dense", head)):
            for i, (key, x) in enumerate(arrays.items()):
                inside = f"{name}/cell" if name == layer else name
                old = f"model_weights/{name}/{name}/{name}_cell/{key}:0"
                file[f"layers/{inside}/vars/{i}" if version == 3 else old] = x
        file["optimizer/vars/0" if version == 3 else "optimizer_weights/training/iter:0"] = 7
        if version == 3:
            file[f"layers/{layer}/cell/seed_generator/vars/0"] = np.array([0, 7], np.uint32)
    return head


@pytest.mark.parametrize("name", KERAS)
def test_keras_follows_its_documentation(name, x64, tmp_path):
    kind, bias, follow, make = KERAS[name]
    cell = keras_arrays(kind, bias)
    head = write_keras(tmp_path / "new.weights.h5", name, cell, version=3)
    model = io.from_weights(tmp_path / "new.weights.h5", make())
    expected = np.array(list(follow(cell))) @ head["kernel"] + head["bias"]
    np.testing.assert_allclose(outputs(model), expected, atol=1e-12)
    write_keras(tmp_path / "old.h5", name, cell, version=2)
    variables = [
        SimpleNamespace(path=f"{name}/{name}_cell/{k}", numpy=lambda x=x: x)
        for k, x in cell.items()
    ]
    variables += [SimpleNamespace(path=f"dense/{k}", numpy=lambda x=x: x) for k, x in head.items()]
    for source in (tmp_path / "old.h5", SimpleNamespace(weights=variables)):
        again = io.from_weights(source, make())
        for field in ("W", "U", "b", "b_in", "W_out", "b_out"):
            np.testing.assert_array_equal(getattr(again, field), getattr(model, field))
    if kind == "GRU":
        other = models.GRU(2, N, 2, reset="before" if name == "gru" else "after", key=0)
        with pytest.raises(ValueError, match=r"reset_after=(True|False), another equation"):
            io.from_weights(tmp_path / "old.h5", other)


# --- Networks written by hand --------------------------------------------------------------------


def by_hand():
    """The leaky network of many tutorials: linear layers `input2h`, `h2h` and `fc`."""
    shapes = {"input2h": (N, 2), "h2h": (N, N), "fc": (2, N)}
    state = {}
    for i, (name, shape) in enumerate(shapes.items()):
        state |= {f"{name}.weight": numbers(shape, i), f"{name}.bias": numbers(shape[:1], i + 5)}
    return state


def test_leaky_networks_sum_their_biases_and_turn_alpha_into_tau(x64, tmp_path):
    state, alpha, h, expected = by_hand(), 0.25, np.full(N, 0.2), []
    for x in X[:, 0]:
        into = state["input2h.weight"] @ x + state["input2h.bias"]
        into = np.tanh(into + state["h2h.weight"] @ h + state["h2h.bias"])
        h = (1 - alpha) * h + alpha * into
        expected.append(state["fc.weight"] @ h + state["fc.bias"])
    more = {"alpha": np.float32(alpha), "h0": np.full((1, 1, N), 0.2)}
    ctrnn = models.CTRNN(2, N, 2, tau=params.Bounded(20.0, 500.0, init=90.0), key=0)
    for template, dt in ((ctrnn, 20.0), (vanilla(form="rate"), None)):
        model = io.from_weights(state | more, template, dt=dt)
        np.testing.assert_allclose(outputs(model, dt or 1.0), expected, atol=1e-9)
        assert np.allclose(numbers_of(model.tau), (dt or 1.0) / alpha)
    echo = models.EchoState(2, N, 2, key=0)
    np.testing.assert_allclose(outputs(io.from_weights(state | more, echo)), expected, atol=1e-9)
    # The same matrices the other way round, under other names.
    plain = {"W_rec": state["h2h.weight"].T, "W_in": state["input2h.weight"].T}
    plain |= {
        "out": state["fc.weight"].T,
        "beta": state["h2h.bias"],
        "gamma": state["input2h.bias"],
    }
    plain |= {"b_out": state["fc.bias"], "tau": np.full(N, 80.0), "opt.m": np.ones(3)} | {
        "h0": more["h0"]
    }
    names = {"b": ["beta", "gamma"]}
    model = io.from_weights(plain, ctrnn, layout="neurodyn", names=names, ignore=["opt.*"])
    np.testing.assert_allclose(outputs(model, 20.0), expected, atol=1e-9)
    kept = io.from_weights(
        {k: x for k, x in state.items() if "fc" not in k}, ctrnn, names={"W_out": None}
    )
    np.testing.assert_array_equal(kept.W_out, ctrnn.W_out)


def write_safetensors(path, arrays, dtype="F32"):
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, x in arrays.items():
        data = x.astype({"F32": "<f4", "F64": "<f8"}[dtype]).tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def test_files(tmp_path):
    template, path = MODELS["GRU"](), tmp_path / "gru.safetensors"
    write_safetensors(path, torch_state("GRU"))
    expected = torch_state("GRU")["rnn.weight_hh_l0"].T
    np.testing.assert_array_equal(io.from_weights(path, template).W, expected.astype(np.float32))
    whole = path.read_bytes()
    for i in (0, 5, 8, 9, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:i])
        with pytest.raises(FileFormatError):
            io.from_weights(path, template)
    (tmp_path / "a.txt").write_text("weights")
    np.savez(tmp_path / "objects.npz", W=np.array([{}], object))
    for name, message in (("a.txt", "is none of"), ("objects.npz", "objects"), (".", "SavedModel")):
        with pytest.raises(FileFormatError, match=message):
            io.from_weights(tmp_path / name, template)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        io.from_weights(tmp_path / "no.npz", template)


def ctrnn(**options):
    return models.CTRNN(2, N, 2, **{"tau": 80.0} | options, key=0)


def hand(**changes):
    """The arrays by hand; those that are None are left out."""
    return {k: x for k, x in (by_hand() | changes).items() if x is not None}


HOLED = np.where(np.eye(N), np.nan, 1.0)
POSITIVE = np.ones((N, N))
TAU = np.array([80.0, 10.0, 80.0])
REFUSED = {
    "missing": (hand(**{"h2h.weight": None}), ctrnn, {}, r"None was found for 'W' \(3, 3\)"),
    "left over": (hand(mask=POSITIVE), ctrnn, {}, r"Left over: 'mask' \(3, 3\)"),
    "two layers": (hand(**{"h2h.weight_2": POSITIVE}), ctrnn, {}, r"Left over: 'h2h.weight_2'"),
    "two of one": (hand(**{"a.hh.weight": POSITIVE}), ctrnn, {}, "2 arrays could be 'W'"),
    "nan": (hand(**{"h2h.weight": HOLED}), ctrnn, {}, r"nan in entry \[0, 0\]"),
    "size": (hand(), lambda: models.CTRNN(2, 4, 2, key=0), {}, "with n_units=3"),
    "gates": (torch_state("GRU"), MODELS["LSTM"], {}, "It belongs to a GRU"),
    "orientation": ({"W": POSITIVE, "U": POSITIVE}, ctrnn, {}, "do not tell whether"),
    "mixed": (
        hand(**{"h2h.weight": None, "h2h.bias": None, "W": POSITIVE}),
        ctrnn,
        {},
        "'W' does not tell",
    ),
    "names": (hand(), ctrnn, {"names": {"V": "fc.weight"}}, "`names` has 'V'"),
    "no array": (hand(), ctrnn, {"names": {"W": "x"}}, "asks for 'x'"),
    "layout": (hand(), ctrnn, {"layout": "jax"}, "`layout` is one of"),
    "dt": (hand(alpha=0.1), ctrnn, {}, r"pass `dt` \[ms\]"),
    "alpha": (hand(alpha=[0.1, 2.0, 0.1]), ctrnn, {"dt": 1.0}, "'alpha' is 2 in unit 1"),
    "both": (hand(alpha=0.1, tau=TAU), ctrnn, {"dt": 1.0}, "has both"),
    "tau in s": (hand(tau=[0.1, 0.1, 0.1]), vanilla, {}, "in steps, at least 1"),
    "leak": (torch_state("RNN"), lambda: vanilla(tau=2.0), {}, "torch.nn.RNN, which has no leak"),
    "start": (torch_state("RNN"), lambda: vanilla(initial="uniform"), {}, "starts from 0"),
    "relu": (torch_state("RNN"), lambda: vanilla(activation="sigmoid"), {}, "activation tanh"),
    "bounded": (
        hand(tau=TAU),
        lambda: ctrnn(tau=params.Bounded(20.0, 90.0, init=50.0)),
        {},
        "`tau`, unit 1: Bounded cannot hold the value 10",
    ),
    "clamped": (
        hand(tau=TAU),
        lambda: ctrnn(tau=params.Clamped(20.0, init=50.0)),
        {},
        "`tau`, unit 1: Clamped cannot hold the value 10",
    ),
    "shared": (
        hand(tau=TAU),
        lambda: ctrnn(tau=params.Shared(params.Free(50.0))),
        {},
        "`tau`, unit 1: Shared",
    ),
    "dale": (
        hand(**{"h2h.weight": POSITIVE}),
        lambda: ctrnn(W=params.Dale([1, 1, -1])),
        {},
        "`W`, from unit 2 to unit 0: Dale cannot hold the value 1",
    ),
    "masked": (
        hand(**{"h2h.weight": POSITIVE}),
        lambda: ctrnn(W=params.Dale([1, 1, 1], of=params.Masked("off-diagonal"))),
        {},
        "`W`, from unit 0 to unit 0: Masked cannot hold",
    ),
    "blocks": (
        hand(**{"h2h.weight": POSITIVE}),
        lambda: ctrnn(W=params.Blocks({"a": 1, "b": 2}, between={("a", "b"): params.Free()})),
        {},
        "`W`, from unit 1 to unit 0: Blocks cannot hold",
    ),
    "rank": (hand(), lambda: ctrnn(W=params.LowRank(1)), {}, r"LowRank\(1\) cannot hold a matrix"),
    "class": (hand(), lambda: models.GRU, {}, "the class GRU"),
    "nested": ({"a": {"b": POSITIVE}}, ctrnn, {}, "checkpoint\\['state_dict'\\]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    state, make, options, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message):
        io.from_weights(state, make(), **options)


def test_constraints_hold_what_they_can(x64):
    W = np.abs(numbers((N, N), 1)) * (1 - np.eye(N)) * np.array([[1], [1], [-1]])
    sparse = params.Masked("off-diagonal", of=params.Free(0.1))
    rank_one = np.outer([1.0, 2, 3], [1.0, -1, 2])
    blocks = np.array([[1.0, 2, 3], [0, 4, 5], [0, 6, 7]])
    between = {("a", "b"): params.Scaled(10.0, params.Free(0.1))}
    for spec, value in (
        (params.Dale([1, 1, -1], of=sparse), W),
        (params.LowRank(1), rank_one),
        (params.Blocks({"a": 1, "b": 2}, between=between), blocks),
        (params.Fixed(0.0), W),
    ):
        template = ctrnn(W=spec)
        model = io.from_weights(hand(**{"h2h.weight": value.T}), template)
        np.testing.assert_allclose(numbers_of(model.W), value, atol=1e-12)
        assert type(model.W) is type(template.W)
        np.testing.assert_allclose(io.to_weights(model)["h2h.weight"], value.T, atol=1e-12)
    groups = params.Grouped(["a", "b", "a"], params.Bounded(20.0, 500.0, init=50.0))
    model = io.from_weights(hand(tau=[30.0, 60.0, 30.0]), ctrnn(tau=groups))
    np.testing.assert_allclose(numbers_of(model.tau), [30, 60, 30])
