"""Files that only neo reads: two whole ones, and beginnings of formats with noise after them."""

import struct
from pathlib import Path

import numpy as np

#: How a file of each kind begins.
_STARTS = {
    "nev": b"NEURALEV\x02\x03", "ns5": b"NEURALCD\x02\x03", "ns2": b"NEURALSG",
    "smr": b"\0\0(C) CED",
    "rhd": struct.pack("<I2h", 0xC6912702, 1, 2), "rhs": struct.pack("<I2h", 0xD69127AC, 1, 2),
    "axgd": b"axgx", "nse": b"######## Neuralynx", "nex": b"NEX1", "dat": b"BCI2000V= 1.1 ",
    "edf": b"0       X", "eeg": b"", "trc": b"", "mcd": b"MCSSTRM ", "set": b"trial_date 1 Jan",
    "bin": b"", "wcp": b"VER=9\r\nCTIME=\r\nNC=1\r\n", "rec": b"<?xml version", "pl2": b"",
    "mpx": b"H\0",
    "meta": b"acqMnMaXaDw=1\nnSavedChans=2\n", "src": b"", "f32": b"", "tev": b"", "plx": b"PLEX",
    "abf": b"ABF2\0\0\0\2", "stf": b"", "tif": b"II*\0", "edr": b"VER=6\r\n", "smrx": b"S64",
}  # fmt: skip
_WHOLE = {"plexon": ".plx", "neuralynx": ".ncs"}
#: Name of each file -> its extension.
SUFFIXES = _WHOLE | {name: f".{name}" for name in _STARTS}


def write(name: str, path: Path) -> None:
    """Write the file of a name of `SUFFIXES`."""
    if name in _WHOLE:
        {"plexon": _plexon, "neuralynx": _neuralynx}[name](path)
        return
    noise = np.random.default_rng(len(name)).integers(0, 256, 3000, np.uint8)
    small = np.where(np.arange(3000) % 4 == 0, noise % 8, 0).astype(np.uint8)  # small counts
    path.write_bytes(_STARTS[name] + small.tobytes() + noise.tobytes())


def _plexon(path: Path) -> None:
    """Spikes of one channel with waveforms, and a slow channel."""
    from neo.rawio import plexonrawio as neo

    head = np.zeros(1, neo.GlobalHeader)
    for name, value in {
        "MagicNumber": 0x58454C50, "Version": 106, "ADFrequency": 40000, "NumDSPChannels": 1,
        "NumEventChannels": 1, "NumSlowChannels": 1, "NumPointsWave": 8, "Year": 2026, "Month": 1,
        "Day": 2, "WaveformFreq": 40000, "LastTimestamp": 40000.0, "Trodalness": 1,
        "DataTrodalness": 1, "BitsPerSpikeSample": 12, "BitsPerSlowSample": 12,
        "SpikeMaxMagnitudeMV": 3000, "SlowMaxMagnitudeMV": 5000, "SpikePreAmpGain": 1000,
    }.items():  # fmt: skip
        head[name] = value
    spikes, events = np.zeros(1, neo.DspChannelHeader), np.zeros(1, neo.EventChannelHeader)
    slow = np.zeros(1, neo.SlowChannelHeader)
    for each, name, number in ((spikes, b"SPK01", 1), (events, b"EVT01", 1), (slow, b"AD01", 0)):
        each["Name"], each["Channel"] = name, number
    spikes["Gain"], spikes["NUnits"] = 1, 1
    slow["ADFreq"], slow["Gain"], slow["PreampGain"], slow["Enabled"] = 1000, 1, 1000, 1
    data = b""
    for k in range(12):
        wave = np.arange(8, dtype="<i2").tobytes()
        data += struct.pack("<2HI4H", 1, 0, 1000 * k + 7, 1, 1, 1, 8) + wave
        if k < 4:
            data += struct.pack("<2HI4H", 4, 0, 3000 * k, 1, 0, 0, 0)
            data += struct.pack("<2HI4H", 5, 0, 400 * k, 0, 0, 1, 10)
            data += np.arange(10, dtype="<i2").tobytes()
    path.write_bytes(b"".join(x.tobytes() for x in (head, spikes, events, slow)) + data)


def _neuralynx(path: Path) -> None:
    """One channel in records of 512 samples at 2 kHz."""
    header = "\r\n".join((
        "######## Neuralynx Data File Header", "-FileType NCS", "-FileVersion 3.3.0",
        "-RecordSize 1044", "-CheetahRev 5.6.3", "-HardwareSubSystemType DigitalLynxSX",
        "-SamplingFrequency 2000", "-ADMaxValue 32767", "-ADBitVolts 0.0000000305",
        "-AcqEntName CSC1", "-NumADChannels 1", "-ADChannel 0", "-InputRange 1000",
        "-InputInverted False", "-TimeCreated 2026/01/02 10:11:12",
        "-TimeClosed 2026/01/02 10:12:12", "",
    ))  # fmt: skip
    records = b""
    for k in range(4):
        samples = np.random.default_rng(k).integers(-999, 999, 512).astype("<i2")
        records += struct.pack("<QIII", 10**6 + 256_000 * k, 0, 2000, 512) + samples.tobytes()
    path.write_bytes(header.encode().ljust(16384, b"\0") + records)
