"""Where files come from: hashes, the local folder, downloads that go wrong."""

import gc
import hashlib
import http.server
import socket
import threading
import warnings
from dataclasses import replace

import pytest

from neurodyn import datasets
from neurodyn.datasets import files
from neurodyn.datasets.catalogue import RECORDS
from neurodyn.datasets.record import File

GOOD = b"spikes and stripes\n" * 1000


def sha256(contents):
    return hashlib.sha256(contents).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache and no local folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NEURODYN_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "neurodyn"


def record(*urls, source="Ask the authors."):
    made = [File(f"toy/{i}.bin", sha256(GOOD), len(GOOD), url) for i, url in enumerate(urls)]
    return replace(datasets.info("mante2013"), name="toy", files=tuple(made), source=source)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/bad": GOOD[:-1] + b"?", "/empty": b""}.get(self.path, GOOD)
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()
    # pooch leaves the connection of a failed download to the garbage collector, which complains.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def contents(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_download_once(cache, server, monkeypatch):
    toy = record(f"{server}/good", f"{server}/also")
    assert files.where(toy) == "download"
    paths = files.find(toy)
    assert [path.read_bytes() for path in paths] == [GOOD, GOOD]
    assert contents(cache) == ["0.bin", "1.bin"]
    assert files.where(toy) == str(cache)
    monkeypatch.setattr(Handler, "do_GET", None)  # from now on the server would fail
    assert files.find(toy) == paths


def test_a_damaged_file_in_the_cache_is_fetched_again(cache, server):
    toy = record(f"{server}/good")
    (path,) = files.find(toy)
    path.write_bytes(b"damaged")
    assert files.find(toy)[0].read_bytes() == GOOD


@pytest.mark.parametrize("route", ["bad", "cut", "empty", "missing"])
def test_failed_downloads_leave_nothing(cache, server, route):
    toy = record(f"{server}/{route}")
    with pytest.raises(datasets.DatasetError, match="Nothing was kept") as caught:
        files.find(toy)
    message = str(caught.value)
    for part in ("toy/0.bin", f"{server}/{route}", "NEURODYN_DATA", "Ask the authors."):
        assert part in message
    if route in ("bad", "empty"):
        assert sha256(GOOD) in message
    assert contents(cache) == []


def test_unreachable_address(cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(datasets.DatasetError, match="could not be downloaded from http://127"):
        files.find(record(f"http://127.0.0.1:{port}/good"))
    assert contents(cache) == []


def test_an_interrupted_download_leaves_nothing(cache, server, monkeypatch):
    import pooch

    def interrupted(self, url, output_file, pooch, check_only=False):
        with open(output_file, "wb") as file:
            file.write(GOOD[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.find(record(f"{server}/good"))
    assert contents(cache) == []


def test_a_cache_that_cannot_be_written(cache, server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(datasets.DatasetError, match="XDG_CACHE_HOME"):
        files.find(record(f"{server}/good"))


@pytest.mark.parametrize("below", ["", "neural"])
def test_local_folder_comes_first(cache, tmp_path, monkeypatch, below):
    root = tmp_path / "local"
    (root / below / "toy").mkdir(parents=True)
    (root / below / "toy" / "0.bin").write_bytes(GOOD)
    monkeypatch.setenv("NEURODYN_DATA", str(root))
    toy = record("http://127.0.0.1:1/never")
    assert files.find(toy) == [root / below / "toy" / "0.bin"]
    assert files.where(toy) == str(root / below)
    assert not cache.exists()


def test_local_file_with_another_hash(cache, tmp_path, monkeypatch):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "0.bin").write_bytes(b"something else")
    monkeypatch.setenv("NEURODYN_DATA", str(tmp_path))
    with pytest.raises(datasets.DatasetError) as caught:
        files.find(record("http://127.0.0.1:1/original"))
    message = str(caught.value)
    for part in (
        str(tmp_path / "toy" / "0.bin"),
        sha256(GOOD),
        sha256(b"something else"),
        "Replace the file by the original (http://127.0.0.1:1/original)",
        "unset NEURODYN_DATA",
    ):
        assert part in message


def test_incomplete_local_folder(cache, tmp_path, monkeypatch):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "0.bin").write_bytes(GOOD)
    monkeypatch.setenv("NEURODYN_DATA", str(tmp_path))
    with pytest.raises(datasets.DatasetError, match=r"1 of 2 files are missing.*'toy/1.bin'"):
        files.find(record(None, None))


def test_local_folder_without_the_dataset_is_passed_over(cache, server, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("NEURODYN_DATA", str(tmp_path / "elsewhere"))
    assert files.find(record(f"{server}/good"))[0].is_relative_to(cache)


def test_local_folder_that_is_none(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NEURODYN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(datasets.DatasetError, match=r"NEURODYN_DATA is set to .* not a folder"):
        files.find(record("http://127.0.0.1:1/never"))


def test_a_dataset_that_cannot_be_downloaded_says_how_to_get_it(cache):
    assert datasets.where("hatsopoulos2007") == "missing"
    with pytest.raises(datasets.DatasetError, match=r"pickle.*Set NEURODYN_DATA"):
        datasets.load("hatsopoulos2007")


def test_bundled_files_do_not_depend_on_the_environment(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NEURODYN_DATA", str(tmp_path / "nowhere"))
    assert datasets.path("decision_example").is_relative_to(files.BUNDLED)


def test_a_damaged_installation(cache, tmp_path, monkeypatch):
    example = replace(datasets.info("decision_example"), folder=tmp_path)
    (tmp_path / "decision_example.nwb").write_bytes(b"damaged")
    monkeypatch.setattr(files, "BUNDLED", tmp_path)
    monkeypatch.setitem(RECORDS, "decision_example", example)
    with pytest.raises(datasets.DatasetError, match="Reinstall neurodyn"):
        datasets.load("decision_example")


def test_pickles_are_not_loaded(cache, tmp_path, monkeypatch):
    """A file with the right name and hash that hides a pickle is refused by NumPy."""
    import numpy as np

    from neurodyn.datasets import hatsopoulos

    path = tmp_path / "hatsopoulos2007_m1_centerout.npz"
    np.savez(path, firing_rate=np.array([{"code": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        hatsopoulos.read([path])
