"""Sweeps whose workers, or whose own process, are killed; and two sweeps into one store."""

import json
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
import zarr

import neurodyn as nd
from tests.neurodyn.sweeps import points

CHILD = "import sys; from tests.neurodyn.sweeps.points import child; child(*sys.argv[1:])"


def started(folder, **options):
    """A process that sweeps over `hazard`."""
    settings = {"folder": str(folder), **options.pop("settings", {})}
    text = json.dumps({**options, "settings": settings})
    command = [sys.executable, "-c", f"if __name__ == '__main__':\n    {CHILD}", str(folder), text]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def states(folder):
    """State of every point in the store, also while another process writes it."""
    if not (folder / "s.zarr").exists():
        return np.zeros(1)
    return zarr.open_group(str(folder / "s.zarr"), mode="r")["point_state"][...].ravel()


def wait_for(process, folder, n, seconds):
    """Wait until a number of points is recorded."""
    until = time.monotonic() + seconds
    while (states(folder) > 0).sum() < n:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until, states(folder)
        time.sleep(0.05)


def check(found, raisers):
    """Every point is right, or has its own error."""
    n = found.sizes["i"]
    key = jax.random.fold_in(jax.random.key(0), 0)
    for i in range(n):
        at = found.isel(i=i, seed=0)
        if i in raisers:
            assert at["point_state"] == 2
            assert at["point_error"] == f"point {i} is not to be"
            assert np.isnan(at["square"])
        else:
            assert at["point_state"] == 1
            assert at["square"] == i**2
            assert at["value"].values == jax.random.uniform(key) + i
    assert found.attrs["n_done"] + found.attrs["n_failed"] == n


def test_a_killed_sweep_is_resumed_and_a_second_one_refused(client, tmp_path):
    options = {"killers": [1], "raisers": [2], "gate": 5}
    call = {"grid": {"i": list(range(8))}, "retries": 0, "settings": options}
    child = started(tmp_path, workers=1, **call)
    try:
        wait_for(child, tmp_path, 5, 120)
        call |= {"work": points.hazard, "client": client, "out": tmp_path / "s.zarr"}
        call["settings"] = {"folder": str(tmp_path), **options}
        with pytest.raises(FileExistsError, match=f"process {child.pid}. is writing into"):
            nd.sweep(resume=True, **call)
    finally:
        child.kill()
        child.communicate()
    assert states(tmp_path).tolist() == [1, 1, 2, 1, 1, 0, 0, 0]
    (tmp_path / "open").touch()
    found = nd.sweep(resume=True, **call)
    check(found, raisers=[2])
    begun = points.notes(tmp_path, "begin")
    assert begun[[0, 2, 3, 4]].tolist() == [1] * 4  # recorded once, never again
    assert begun[1] == 2  # its worker was killed
    assert not (tmp_path / "s.zarr.lock").exists()


@pytest.mark.slow
def test_sixty_four_points_with_six_killed_workers_and_three_that_raise(tmp_path):
    killers, raisers = [3, 11, 24, 25, 40, 63], [7, 50, 51]
    settings = {"folder": str(tmp_path), "killers": killers, "raisers": raisers}
    call = {"grid": {"i": range(64)}, "settings": settings, "out": tmp_path / "s.zarr"}
    found = nd.sweep(points.hazard, workers=2, **call)
    assert (found.attrs["n_done"], found.attrs["n_failed"]) == (61, 3)
    check(found, raisers)
    assert len(list(tmp_path.glob("killed-*"))) == 6
    assert found["point_attempts"].isel(seed=0)[raisers].values.tolist() == [3, 3, 3]
    ended = points.notes(tmp_path, "end")
    # What was finished on a worker that died before its result was fetched runs again; no more.
    assert (ended[[i for i in range(64) if i not in raisers]] >= 1).all()
    assert ended.sum() <= 61 + 6


@pytest.mark.slow
def test_the_process_of_a_sweep_is_killed_again_and_again(tmp_path):
    settings = {"killers": [5, 25, 45, 59]}
    call = {"grid": {"i": list(range(64))}, "workers": 2, "resume": True}
    for stop in (10, 30, 50, 64):
        done = states(tmp_path) > 0 if stop > 10 else np.zeros(64, bool)
        before = _begun(tmp_path)
        child = started(tmp_path, settings=settings, **call)
        if stop < 64:
            wait_for(child, tmp_path, stop, 240)
            child.kill()
        _, said = child.communicate(timeout=240)
        assert stop < 64 or child.returncode == 0, said
        assert (_begun(tmp_path)[done] == before[done]).all()  # nothing recorded runs again
    settings |= {"folder": str(tmp_path)}
    check(nd.sweep(points.hazard, **call, settings=settings, out=tmp_path / "s.zarr"), raisers=[])


def _begun(folder):
    counts = points.notes(folder, "begin") if (folder / "notes").exists() else np.zeros(0, int)
    return np.pad(counts, (0, 64 - len(counts)))


@pytest.mark.slow
def test_a_point_that_always_kills_its_worker_is_recorded_and_harms_no_other(tmp_path):
    found = nd.sweep(points.deadly, {"i": range(3)}, workers=1, out=tmp_path / "s.zarr")
    assert found["point_state"].values.tolist() == [1, 2, 1]
    assert found["point_error_type"].values[1] == "KilledWorker"
    assert "takes more memory" in str(found["point_error"].values[1])


ALONE = """
import sys
import jax, numpy
from tests.neurodyn.sweeps import points
key = jax.random.fold_in(jax.random.key(0), 3)
numpy.save(sys.argv[1], points.fitted(16, int(sys.argv[2]), key=key)["outputs"])
"""


@pytest.mark.slow
def test_a_trained_network_is_the_same_to_the_last_bit(tmp_path):
    call = {"grid": {"steps": [5, 10]}, "settings": {"units": 16}, "keep": ["outputs"]}
    found = nd.sweep(points.fitted, **call, seeds=[3], workers=1, out=tmp_path / "s.zarr")
    assert found.attrs["n_done"] == 2, found["point_error"].values
    for steps in (5, 10):
        # In a process of its own: the settings of the test suite change how XLA compiles.
        path = tmp_path / f"{steps}.npy"
        subprocess.run([sys.executable, "-c", ALONE, str(path), str(steps)], check=True)
        at = found["outputs"].sel(steps=steps, seed=3).transpose("trial", "time", "output")
        np.testing.assert_array_equal(at, np.load(path), strict=True)
