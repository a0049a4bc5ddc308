"""Files of format version 1, whose matrices are (post, pre), against the arrays in them.

The files in `version_1` were written by version 0.1.0 of neurodyn.
"""

from operator import attrgetter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, params, tasks
from neurodyn.io import archive
from neurodyn.io.versions import other_orientation
from neurodyn.models import plrnn as plrnn_models
from neurodyn.training import SparseTeacherForcing

OLD = Path(__file__).parent / "version_1"
M, N, K = 4, 3, 2
Z, U = 1.5 * np.linspace(-1, 1, M), np.array([0.3, -0.7])


def relu(x):
    return np.maximum(0, x)


def stored(name):
    """The raw arrays of a file by their path in the model."""
    header, arrays = archive.read_archive(OLD / f"{name}.nd", kind="object")
    assert header["version"] == 1
    return {path.partition(".")[2]: np.asarray(x, float) for path, x in arrays.items()}


def alrnn(a):
    """Almost linear; Dale over a mask, which act on rows, the receiving units."""
    W = a["W.sign"][:, None] * np.abs(a["W.inner.mask"] * a["W.inner.inner"])
    z = a["A"] * Z + W @ np.r_[Z[:2], relu(Z[2:])] + a["h"] + a["C"] @ U
    B = a["observation.B"]
    return z, B @ Z, np.linalg.pinv(B) @ Z[:N]


def plrnn(a):
    """With a fixed C."""
    W = a["W.mask"] * a["W.inner"]
    z = a["A"] * Z + W @ relu(Z) + a["h"] + a["C.raw"] @ U
    return z, Z[:N], np.r_[Z[:N], a["observation.L"] @ Z[:N]]


def dendritic(a):
    """W of two areas; what rows of the first receive from the second is bounded."""
    W = np.zeros((M, M))
    W[:1, :1], W[1:, 1:] = a["W.blocks[0][0]"], a["W.blocks[1][1]"]
    low, high = a["W.blocks[0][1].low"], a["W.blocks[0][1].high"]
    W[:1, 1:] = low + (high - low) / (1 + np.exp(-a["W.blocks[0][1].raw"]))
    phi = (relu(Z[:, None] - a["H"]) - relu(Z)[:, None]) @ a["alpha"]
    z = a["A"] * Z + W @ phi + a["h"] + a["C"] @ U
    return z, Z[:N], np.r_[Z[:N], a["observation.L"] @ Z[:N]]


def shallow(a):
    """W1 of rank 2; W2 scaled and clamped."""
    W1 = a["W1.n"] @ a["W1.m"].T / M
    W2 = a["W2.factor"] * np.maximum(a["W2.inner.raw"], a["W2.inner.minimum"])
    hidden = relu(W2 @ Z + a["h2"]) - relu(W2 @ Z)
    z = a["A"] * Z + W1 @ hidden + a["h1"] + a["C"] @ U
    return z, Z[:N], np.r_[Z[:N], a["observation.L"] @ Z[:N]]


def subjects(a):
    """A matrix for each subject."""
    z = a["A"] * Z + a["W.values"][1] @ np.r_[Z[:3], relu(Z[3:])] + a["h"]
    return z, Z[:N], np.r_[Z[:N], a["observation.L"] @ Z[:N]]


BY_HAND = {f.__name__: f for f in (alrnn, plrnn, dendritic, shallow, subjects)}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.filterwarnings("ignore:These weights were saved with a sign:UserWarning")
def test_models_of_old_files_step_as_they_did(name, tmp_path):
    nd.save(tmp_path / "again.nd", nd.load(OLD / f"{name}.nd"))
    expected = BY_HAND[name](stored(name))
    for path in (OLD / f"{name}.nd", tmp_path / "again.nd"):
        model = nd.load(path)
        model = params.rows(model, subject=1) if name == "subjects" else model
        model = params.with_values(model)
        z, x = jnp.asarray(Z, jnp.float32), jnp.asarray(Z[:N], jnp.float32)
        u = jnp.asarray(U, jnp.float32) if model.n_inputs else None
        got = model.step(z, u), model.observation.readout(z), model.infer(x)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_signs_of_receiving_units_are_kept_and_said():
    with pytest.warns(UserWarning, match="sign for each receiving unit.*build the model anew"):
        model = nd.load(OLD / "alrnn.nd")
    W = np.asarray(params.with_values(model).W)
    assert (W * stored("alrnn")["W.sign"] >= 0).all()


@pytest.mark.parametrize(
    ("name", "make", "drawn"),
    [
        ("alrnn", models.ALRNN, ("A", "h", "C", "observation.B")),
        ("plrnn", models.PLRNN, ("A", "W", "h", "observation.L")),
        ("dendritic", models.DendriticPLRNN, ("alpha", "H", "C", "observation.L")),
        ("shallow", models.ShallowPLRNN, ("A", "h1", "h2", "C", "observation.L")),
    ],
)
@pytest.mark.filterwarnings("ignore:These weights were saved with a sign:UserWarning")
def test_seeds_stand_for_the_networks_that_they_did(name, make, drawn):
    sizes = {"alrnn": {"n_relu": 2, "observation": "affine"}, "plrnn": {}}
    sizes |= {"dendritic": {"n_branches": 2}, "shallow": {"n_hidden": 5}}
    new = params.with_values(make(K, M, N, **sizes[name], key=list(BY_HAND).index(name)))
    old = params.with_values(nd.load(OLD / f"{name}.nd"))
    for path in drawn:
        a, b = (attrgetter(path)(model) for model in (new, old))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def network():
    """Of exact numbers, since fingerprints are of bits."""
    L = np.array([[0.5, 0.125], [-0.25, 0.75]])
    return models.ALRNN(
        1,
        4,
        2,
        n_relu=2,
        observation=plrnn_models.IdentityObservation(2, 4, L=L, key=jax.random.key(0)),
        A=np.array([0.5, 0.25, -0.5, 0.75]),
        W=(np.arange(16.0).reshape(4, 4) / 16 - 0.5).T,
        C=np.array([[1.0, -0.5, 0.25, 2.0]]),
        key=0,
    )


def test_checkpoints_of_old_runs_are_resumed(tmp_path):
    rng = np.random.default_rng(0)
    task = tasks.Windows(rng.normal(size=(60, 2)), 8, inputs=rng.normal(size=(60, 1)))

    def train(steps, **options):
        objective = SparseTeacherForcing(4)
        options |= {"batch_size": 4, "evaluate": False, "key": 0, "progress": False}
        return nd.fit(network(), task, objective=objective, steps=steps, **options)

    path = tmp_path / "run.ckpt"
    train(5, checkpoint=path)
    header, arrays = archive.read_archive(path, kind="checkpoint")
    matrices = (".W", ".C", ".L")
    arrays = {k: x.T if k.endswith(matrices) else x for k, x in arrays.items()}
    assert sum(k.endswith(matrices) for k in arrays) == 9  # weights, their means and squares
    header = {k: v for k, v in header.items() if k not in ("format", "version", "kind")}

    # Fingerprints were other ones, since classes had other names.
    settings = header["settings"] | {"model": "05755a120bcf760c", "objective": "0f"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "VERSION", 1)
        about = header | {"settings": settings}
        archive.write_archive(path, about, arrays, kind="checkpoint", overwrite=True)
    with pytest.warns(UserWarning, match="same arguments"):
        resumed = train(10, checkpoint=path, resume=True)
    for a, b in zip(*map(jax.tree.leaves, (resumed.model, train(10).model)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_turning_twice_changes_nothing():
    for model in (network(), models.PLRNN(2, 5, 2, observation="affine", key=0)):
        turned = other_orientation(model)
        assert turned.C.shape == (model.n_units, model.n_inputs)
        again = other_orientation(turned)
        assert jax.tree.structure(again) == jax.tree.structure(model)
        for a, b in zip(*map(jax.tree.leaves, (again, model)), strict=True):
            np.testing.assert_array_equal(a, b)
