"""Axon files: commands from tables of epochs, sweeps, tags and scales."""

import struct

import numpy as np
import pytest

from neurodyn.io import read
from neurodyn.io.neo.abf_command import CommandError, Epoch, Output, UserList, command

with np.printoptions():  # it changes how arrays are printed
    pyabf = pytest.importorskip("pyabf")

STEP = Epoch(0, 1, 4.0, 0.0, 3, 0)


def one(*epochs, n=12, sweeps=1, **about):
    return command(Output("Cmd 0", "mV", -2.0, epochs, **about), sweeps, n).tolist()


class TestCommand:
    """Waveforms that were written down by hand; a sweep starts with one sample of holding."""

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (2, [-2, -1, 0, 1, 2, 3, 4, 5, 6]),
            (3, [6, 6, 6, -2, 6, 6, 6, -2, -2]),
            (4, [-2, 2, 6, 6, -2, 2, 6, 6, -2]),
            (5, [-2, 2, 6, 2, -2, 2, 6, 2, -2]),
            (7, [6, -10, -10, -2, 6, -10, -10, -2, -2]),
        ],
    )
    def test_each_kind_of_epoch(self, kind, expected):
        epoch = Epoch(0, kind, 6.0, 0.0, 9, 0, period=4, width=3)
        if kind == 4:  # it falls within the rest of the period, to where it began
            epoch, expected = epoch._replace(width=2), [-2, 6, 6, -2, -2, 6, 6, -2, -2]
        found = one(epoch)[0]
        np.testing.assert_allclose(found, [-2, *expected, -2, -2], atol=1e-12)

    def test_increments_and_the_level_between_sweeps(self):
        epochs = (
            STEP._replace(level_step=1.0, duration=1, duration_step=1),
            STEP._replace(kind=0),
            Epoch(2, 2, 0.0, 10.0, 3, 0),
        )
        assert one(*epochs, n=7, sweeps=2) == [
            [-2, 4, 4, 2, 0, -2, -2],
            [-2, 5, 5, 5, 7.5, 10, -2],
        ]
        assert one(*epochs, n=7, sweeps=2, last_level_holds=True) == [
            [-2, 4, 4, 2, 0, 0, 0],
            [0, 5, 5, 5, 7.5, 10, 10],
        ]
        assert one(STEP, n=6, start=-5.0) == [[-5, 4, 4, 4, -2, -2]]

    def test_lists_of_the_user_and_outputs_that_alternate(self):
        levels = UserList("level", 0, (1.0, 2.0))
        firsts = [row[1] for row in one(STEP, sweeps=3, user_list=levels)]
        assert firsts == [1, 2, 2]
        again = levels._replace(repeat=True)
        assert [row[1] for row in one(STEP, sweeps=3, user_list=again)] == [1, 2, 1]
        long = UserList("duration", 0, (1.0, 2.0))
        assert [row.count(4.0) for row in one(STEP, sweeps=2, user_list=long)] == [1, 2]
        assert [row.count(4.0) for row in one(STEP, sweeps=2, silent=1)] == [3, 0]

    def test_what_cannot_be_built(self):
        for text, epoch, about in (
            ("its epochs are 2 samples longer", STEP._replace(duration=13), {}),
            ("type 6", STEP._replace(kind=6), {}),
            ("no period", STEP._replace(kind=3), {}),
            ("played from 'a.atf'", STEP, {"missing": "played from 'a.atf'"}),
            ("3 sweeps, its protocol 2", STEP, {"sweeps": 3}),
        ):
            given = {"sweeps": 1} | about
            n = given.pop("sweeps")
            output = Output("Cmd 0", "mV", 0.0, (epoch,), sweeps=2, **given)
            with pytest.raises(CommandError, match=text):
                command(output, n, 12)


def written(path, values, changes=(), synch=((0, 0), (4000, 0), (10_000, 0)), tags=()):
    """Write version 1.83 of the format: int16 values (sweep, time, channel) at 10 kHz."""
    n_sweeps, n, channels = values.shape
    data = bytearray(6144)
    put = lambda kind, at, *x: struct.pack_into(f"<{len(x)}{kind}", data, at, *x)  # noqa: E731
    data[:4] = b"ABF "
    put("f", 4, 1.83)
    put("h", 8, 5)
    put("i", 10, values.size)
    put("i", 16, n_sweeps, 20200102, 3600)
    put("i", 40, 12)
    size = -(-values.size * 2 // 512)
    put("i", 44, 13 + size, len(tags))
    put("i", 92, 12 + size, len(synch))
    put("h", 120, channels)
    put("f", 122, 100 / channels)
    put("f", 130, 25.0)
    put("i", 138, n * channels)
    put("i", 146, n_sweeps)
    put("f", 244, 10.0)
    put("i", 252, 1000)
    put("h", 378, *range(16))
    put("h", 410, *range(channels), *[-1] * (16 - channels))
    for k, (name, unit) in enumerate([("Vm", "V"), ("Im", "nA")]):
        data[442 + 10 * k :][:10] = name.ljust(10).encode()
        data[442 + 10 * k : 452 + 10 * k] = name.ljust(10).encode()
        data[602 + 8 * k : 610 + 8 * k] = unit.ljust(8).encode()
        data[1306 + 10 * k : 1316 + 10 * k] = f"Cmd {k}".ljust(10).encode()
        data[1346 + 8 * k : 1354 + 8 * k] = ("mV", "nA")[k].ljust(8).encode()
    for at, value in ((730, 2.0), (922, 0.5), (1050, 4.0), (4576, 5.0)):
        put("f", at, *[value] * 16)
    put("h", 4512, 1, 0)  # the gain of the first channel is telegraphed
    put("f", 986, 0.25, 0.0)
    for kind, at, *x in changes:
        put(kind, at, *x)
    rest = values.astype("<i2").tobytes().ljust(size * 512, b"\0")
    rest += b"".join(struct.pack("<2i", t, n * channels) for t, _ in synch).ljust(512, b"\0")
    rest += b"".join(struct.pack("<i56s2h", t, text, 1, 0) for t, text in tags)
    path.write_bytes(bytes(data) + rest.ljust(len(rest) + 512, b"\0"))
    return path


STEPS = [
    ("f", 1394, -70.0, 0.5), ("h", 2296, 1, 1), ("h", 2300, 1, 1), ("h", 2308, 1, 3),
    ("f", 2348, -60.0, 0.0), ("f", 2428, 10.0, 0.0), ("i", 2508, 20, 30), ("i", 2136, 0, 10),
    ("i", 2216, 0, 4), ("h", 2328, 2), ("f", 2388, 1.5), ("i", 2548, 11),
]  # fmt: skip


class TestFiles:
    def test_against_pyabf(self, rng, tmp_path):
        """Scales, sweeps with pauses between them, tags, and commands of two outputs."""
        values = rng.integers(-1000, 1000, (3, 128, 2))
        path = written(tmp_path / "a.abf", values, STEPS, tags=[(7000, b"drug \xb5M")])
        found, theirs = read(path), pyabf.ABF(path)
        v, i = (found[f"signals/Channels: ({name})"] for name in ("Vm", "Im"))
        for sweep in range(3):
            for channel, ours, factor in ((0, v.v, 1e3), (1, i.i, 1e3)):
                theirs.setSweep(sweep, channel)
                np.testing.assert_allclose(
                    ours[sweep, :, 0], factor * theirs.sweepY.astype(float), rtol=1e-5, atol=1e-3
                )
        # 10 / (0.5 * 4 * 2 * 1000) a step: 2.5 pA; with the gain of 5, 0.5 mV, from 250 mV
        np.testing.assert_allclose(v.v[..., 0], values[..., 0] * 0.5 + 250, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(i.i[..., 0], values[..., 1] * 2.5, rtol=1e-5)
        assert v.start_time.values.tolist() == [0.0, 100.0, 250.0]
        np.testing.assert_array_equal(v.time, np.arange(128) / 10)
        tag = found["events/Tag"]
        assert tag.event_time.values.tolist() == [175.0]
        assert tag.label.values.tolist() == ["drug uM"]
        assert found.attrs["session_start_time"] == "2020-01-02T01:00:00"

        commands = found["signals/command"]
        # The pulses return to the level of the step; the first 128 / 64 samples are at the holding.
        expected = [
            [-70.0] * 2 + [level] * 20 + ([0.0] * 4 + [level] * 6) * 3 + [-70.0] * 76
            for level in (-60.0, -50.0, -40.0)
        ]
        np.testing.assert_allclose(commands.v_command, expected)
        ramp = [500.0] * 2 + [500.0 + 100 * k for k in range(11)] + [500.0] * 115
        np.testing.assert_allclose(commands.i_command, [ramp] * 3)

    def test_commands_that_the_file_does_not_hold(self, rng, tmp_path):
        values = rng.integers(-9, 9, (2, 128, 1))
        from_file = [*STEPS, ("h", 2300, 2, 0), ("B", 2736, *b"C:\\sine.atf")]
        ds = read(written(tmp_path / "a.abf", values, from_file, synch=((0, 0), (9000, 0))))
        assert list(ds.data_vars) == ["v"]
        (note,) = ds.attrs["not_read"]
        assert note.startswith(
            "command 'Cmd 0': its waveform was played from the file 'C:\\sine.atf'"
        )
        listed = [*STEPS, ("h", 2296, 1, 0), ("h", 3360, 1), ("h", 3368, 21), ("B", 3376, *b"5, 7")]
        ds = read(written(tmp_path / "b.abf", values, listed, synch=((0, 0), (9000, 0))))
        assert ds.v_command[:, 5].values.tolist() == [5.0, 7.0]

    def test_files_that_pyabf_writes(self, rng, tmp_path):
        """They have no table of sweeps, and no protocol."""
        values = rng.normal(size=(4, 2000))
        pyabf.abfWriter.writeABF1(values, str(tmp_path / "a.abf"), 1000, "mV")
        ds = read(tmp_path / "a.abf")
        np.testing.assert_allclose(ds.v[..., 0], values, atol=1e-3)
        assert ds.start_time.values.tolist() == [0.0, 2e3, 4e3, 6e3]
