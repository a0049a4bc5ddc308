"""Small Axon files of both versions, written by the descriptions that neo has of them."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from tests.neurodyn.io.test_abf import STEPS, written

_BLOCK = 512


def version_1(path: Path) -> None:
    """Three sweeps of two channels, with a command and a tag."""
    values = np.random.default_rng(5).integers(-999, 999, (3, 60, 2))
    written(path, values, STEPS, tags=((100, b"drug"),))


def version_2(path: Path) -> None:
    """Three sweeps of one channel, with a command, a user list and a tag."""
    from neo.rawio import axonrawio as neo

    texts = ("Clampex", "Vm", "mV", "Cmd 0", "pA", "1,2,3")
    strings = b"SSCH" + bytes(40) + b"\0\0" + b"\0".join(t.encode() for t in texts) + b"\0"
    values = np.random.default_rng(6).integers(-999, 999, 3 * 60).astype("<i2")
    protocol = _packed(
        neo.protocolInfoDescription, nOperationMode=5, fADCSequenceInterval=100.0,
        fSynchTimeUnit=25.0, lNumSamplesPerEpisode=60, lEpisodesPerRun=3, fADCRange=10.0,
        lADCResolution=1000,
    )  # fmt: skip
    adc = _packed(
        neo.ADCInfoDescription, fADCProgrammableGain=1.0, fInstrumentScaleFactor=0.5,
        fSignalGain=1.0, lADCChannelNameIndex=1, lADCUnitsIndex=2,
    )  # fmt: skip
    dac = _packed(
        neo.DACInfoDescription, fDACHoldingLevel=-5.0, lDACChannelNameIndex=3,
        lDACChannelUnitsIndex=4, nWaveformEnable=1, nWaveformSource=1,
    )  # fmt: skip
    steps = [(0, 1, 0.0, 5.0, 20, 0), (1, 2, 30.0, 0.0, 10, 2)]
    epochs = b"".join(
        _packed(
            neo.EpochInfoPerDACDescription, nEpochNum=number, nEpochType=kind,
            fEpochInitLevel=level, fEpochLevelInc=step, lEpochInitDuration=n,
            lEpochDurationInc=more,
        )
        for number, kind, level, step, n, more in steps
    )  # fmt: skip
    sections = {
        "ProtocolSection": (protocol, 1),
        "ADCSection": (adc, 1),
        "DACSection": (dac, 1),
        "EpochPerDACSection": (epochs, len(steps)),
        "UserListSection": (struct.pack("<4hi", 0, 0, 12, 0, 5).ljust(64, b"\0"), 1),
        "StringsSection": (strings, len(texts)),
        "DataSection": (values.tobytes(), values.size),
        "TagSection": (struct.pack("<i56s2h", 300, b"drug", 1, 0), 1),
        "SynchArraySection": (struct.pack("<6i", 0, 60, 4000, 60, 8000, 60), 3),
    }
    head = bytearray(2 * _BLOCK)
    head[:8] = b"ABF2" + bytes((0, 0, 0, 2))
    struct.pack_into("<5I", head, 8, _BLOCK, 3, 20200102, 3_600_000, 0)
    body, block = b"", len(head) // _BLOCK
    for name, (content, count) in sections.items():
        at = 76 + 16 * neo.sectionNames.index(name)
        size = len(content) if name == "StringsSection" else len(content) // count
        struct.pack_into("<IIq", head, at, block + len(body) // _BLOCK, size, count)
        body += content.ljust(-(-len(content) // _BLOCK) * _BLOCK, b"\0")
    path.write_bytes(bytes(head) + body)


def _packed(description: list[tuple[str, str]], **values: Any) -> bytes:
    """One entry of a section; what is not named is 0."""
    parts = []
    for name, kind in description:
        size = struct.calcsize("=" + kind)
        parts.append(struct.pack("=" + kind, values[name]) if name in values else bytes(size))
    return b"".join(parts)
