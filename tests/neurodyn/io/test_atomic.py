"""Files appear whole or not at all."""

import os
import subprocess
import sys
import textwrap

import pytest

from neurodyn.io import atomic_path


def test_a_file_appears_when_the_block_has_ended(tmp_path):
    target = tmp_path / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("all")
        assert not target.exists()
        assert temporary.suffix == ".txt"
        assert temporary.parent.parent == tmp_path
    assert target.read_text() == "all"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_too(tmp_path):
    target = tmp_path / "a.zarr"
    for text in ("old", "new"):
        with atomic_path(target, overwrite=True) as temporary:
            (temporary / "group").mkdir(parents=True)
            (temporary / "group" / "0").write_text(text)
    assert (target / "group" / "0").read_text() == "new"
    assert os.listdir(tmp_path) == ["a.zarr"]


@pytest.mark.parametrize("old", ["file", "folder", None])
def test_failure_leaves_everything_as_it_was(tmp_path, old):
    target = tmp_path / "a"
    if old == "file":
        target.write_text("old")
    elif old == "folder":
        target.mkdir()
        (target / "x").write_text("old")
    before = sorted(os.listdir(tmp_path))

    def fail():
        with atomic_path(target, overwrite=True) as temporary:
            temporary.write_text("half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    assert sorted(os.listdir(tmp_path)) == before
    if old == "file":
        assert target.read_text() == "old"
    if old == "folder":
        assert (target / "x").read_text() == "old"


@pytest.mark.parametrize(("old", "new"), [("file", "folder"), ("folder", "file")])
def test_kinds_may_change(tmp_path, old, new):
    target = tmp_path / "a"
    for kind in (old, new):
        with atomic_path(target, overwrite=True) as temporary:
            if kind == "file":
                temporary.write_text("x")
            else:
                temporary.mkdir()
    assert target.is_dir() == (new == "folder")
    assert os.listdir(tmp_path) == ["a"]


def test_a_killed_writer_leaves_no_file_of_that_name(tmp_path):
    code = f"""
        import os, signal
        from neurodyn.io.atomic import atomic_path
        with atomic_path({str(tmp_path / "a.txt")!r}) as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -9
    assert not (tmp_path / "a.txt").exists()


def test_refuses_what_it_cannot_do(tmp_path):
    (tmp_path / "there").write_text("x")
    with pytest.raises(FileExistsError, match="overwrite=True"), atomic_path(tmp_path / "there"):
        pass
    with (
        pytest.raises(FileNotFoundError, match="Create it first"),
        atomic_path(tmp_path / "no" / "a"),
    ):
        pass
    with (
        pytest.raises(NotADirectoryError, match="is a file"),
        atomic_path(tmp_path / "there" / "a"),
    ):
        pass
    with pytest.raises(FileNotFoundError, match="Nothing was written"), atomic_path(tmp_path / "a"):
        pass


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "a"

    def write():
        with atomic_path(target) as temporary:
            temporary.write_text("ours")
            target.write_text("theirs")

    with pytest.raises(FileExistsError):
        write()
    assert target.read_text() == "theirs"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(PermissionError, match="cannot be written to"),
            atomic_path(tmp_path / "a"),
        ):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_without_rights_says_so(tmp_path, monkeypatch):
    """The same for root, for whom no folder is closed."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("neurodyn.io.atomic.tempfile.mkdtemp", refuse)
    with pytest.raises(PermissionError, match="cannot be written to"), atomic_path(tmp_path / "a"):
        pass
