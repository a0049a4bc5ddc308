"""What neo does not read from the header of an Axon file: analog outputs, user lists and tags."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from neurodyn.io.neo.abf_command import Epoch, Output, UserList

BLOCK = 512
_EPISODIC = 5
#: Types of tags.
TAGS = ("time", "comment", "external", "voice", "new file", "annotation")
#: Parameters that a user list can vary, in their order, after 11 others and one for each epoch.
_PARAMETERS = ("level", "duration", "period", "width")
#: Sections of version 2, in the order of their table, and where it starts.
_SECTIONS = (
    "protocol", "inputs", "outputs", "epochs", "inputs of outputs", "epochs of outputs",
    "user lists", "regions of statistics", "mathematics", "texts", "samples", "tags", "displays",
    "changes", "voice tags", "sweeps", "annotations", "statistics",
)  # fmt: skip
_TABLE = 76
#: Fewest bytes of an entry of a section, of all others 12.
_LEAST = {"samples": 2, "sweeps": 8}
#: Places in version 1 of the first block and the number of entries, and bytes of an entry.
_PLACES = {"tags": (44, 48, 64), "sweeps": (92, 96, 8)}
_FROM_FILE = "its waveform was played from the file '{}', which the recording does not contain"


class Header(NamedTuple):
    """What the header of a file says beside its signals.

    Attributes
    ----------
    outputs
        Analog outputs that play a waveform.
    unit
        Unit of starts of sweeps and of tags [us]: one of their own, or a sample of any channel.
    tags
        Time [ms], comment and type of each tag.
    notes
        What is not read, in words.
    """

    outputs: list[Output]
    unit: float
    tags: list[tuple[float, str, str]]
    notes: list[str]


def read_header(path: Path, info: Mapping[str, Any]) -> Header:
    """Read the header of an Axon file, of which neo has read `info`."""
    with open(path, "rb") as file:
        return (_version_1 if info["fFileVersionNumber"] < 2 else _version_2)(file, info)


def places(file: BinaryIO) -> Iterator[tuple[str, int, int, int]]:
    """Name, start, bytes of an entry and number of entries of what the header points to.

    An entry has 0 bytes if it has fewer than its kind needs.
    """
    file.seek(0)
    data = file.read(_TABLE + 16 * len(_SECTIONS))
    if len(data) < _TABLE + 16 * len(_SECTIONS):
        yield "header", 0, _TABLE + 16 * len(_SECTIONS), 1
    elif data.startswith(b"ABF2"):
        for k, name in enumerate(_SECTIONS):
            block, size, count = struct.unpack_from("<IIq", data, _TABLE + 16 * k)
            if name == "texts":  # they differ in length, and the size is that of all
                count = min(count, 1)
            yield name, block * BLOCK, size if size >= _LEAST.get(name, 12) else 0, count
    else:
        for name, (block, count, size) in _PLACES.items():
            start, number = (struct.unpack_from("<i", data, at)[0] for at in (block, count))
            yield name, start * BLOCK, size, number


def _version_1(file: BinaryIO, info: Mapping[str, Any]) -> Header:
    data = file.read(6144)
    # Without a unit of their own, times count samples of all channels.
    unit = info["fSynchTimeUnit"] or info["fADCSampleInterval"]
    tags = _tags(file, info["lTagSectionPtr"] * BLOCK, 64, info["lNumTagEntries"], unit)
    if info["nOperationMode"] != _EPISODIC:
        return Header([], unit, tags, [])
    version = info["fFileVersionNumber"]
    if version < 1.6 or len(data) < 6144:
        return Header([], unit, tags, [f"commands, which version {version:.1f} keeps elsewhere"])
    outputs = [_output_1(data, k) for k in range(2)]
    return _made(outputs, unit, tags, _digital(info, info["nDigitalValue"]))


def _output_1(data: bytes, k: int) -> tuple[bool, Output]:
    """The output `k` of version 1, whose header has fixed places, and whether it plays."""

    def get(kind: str, start: int, count: int = 1) -> tuple:
        step = struct.calcsize("<" + kind) * count
        return struct.unpack_from(f"<{count}{kind}", data, start + k * step)

    columns = (
        range(10), get("h", 2308, 10), get("f", 2348, 10), get("f", 2428, 10), get("i", 2508, 10),
        get("i", 2588, 10), get("i", 2136, 10), get("i", 2216, 10),
    )  # fmt: skip
    epochs = tuple(Epoch(*column) for column in zip(*columns, strict=True))
    (enabled,), (source,) = get("h", 2296), get("h", 2300)
    after = get("f", 3312)[0] if get("h", 3260)[0] and get("f", 3304)[0] > 0 else None
    file = _text(data[2736 + k * 256 :][:256])
    user_list, problem = None, _FROM_FILE.format(file) if source == 2 else ""
    if get("h", 3360)[0]:
        text, repeat = _text(data[3376 + k * 256 :][:256]), bool(get("h", 4400)[0])
        user_list, why = _user_list(get("h", 3368)[0], text, repeat, epochs)
        problem = problem or why
    sweeps = struct.unpack_from("<i", data, 146)[0]
    alternating = struct.unpack_from("<h", data, 5876)[0]
    return bool(enabled and source), Output(
        name=_text(data[1306 + k * 10 :][:10]),
        unit=_text(data[1346 + k * 8 :][:8]),
        holding=get("f", 1394)[0],
        epochs=epochs,
        last_level_holds=bool(get("h", 2304)[0]),
        user_list=user_list,
        silent=1 - k if alternating else None,
        start=after,
        sweeps=sweeps,
        missing=problem,
    )


def _version_2(file: BinaryIO, info: Mapping[str, Any]) -> Header:
    protocol, sections = info["protocol"], info["sections"]
    channels = max(sections["ADCSection"]["llNumEntries"], 1)
    unit = protocol["fSynchTimeUnit"] or protocol["fADCSequenceInterval"] / channels
    place = sections["TagSection"]
    start = place["uBlockIndex"] * BLOCK
    tags = _tags(file, start, place["uBytes"], place["llNumEntries"], unit)
    if protocol["nOperationMode"] != _EPISODIC:
        return Header([], unit, tags, [])
    texts, lists = _texts(file, sections["StringsSection"]), _lists(file, sections)
    outputs = [_output_2(dac, info, texts, lists) for dac in info["listDACInfo"]]
    digital = [epoch[name] for epoch in info["EpochInfo"] for name in epoch if "Digital" in name]
    return _made(outputs, unit, tags, _digital(protocol, digital))


def _output_2(
    dac: Mapping[str, Any],
    info: Mapping[str, Any],
    texts: Sequence[str],
    lists: Mapping[int, tuple],
) -> tuple[bool, Output]:
    number = dac["nDACNum"]
    table = info["dictEpochInfoPerDAC"].get(number, {})
    epochs = tuple(
        Epoch(
            i, e["nEpochType"], e["fEpochInitLevel"], e["fEpochLevelInc"], e["lEpochInitDuration"],
            e["lEpochDurationInc"], e["lEpochPulsePeriod"], e["lEpochPulseWidth"],
        )
        for i, e in sorted(table.items())
    )  # fmt: skip
    source, after = dac["nWaveformSource"], dac["fPostTrainLevel"]
    at = dac["lDACFilePathIndex"]
    problem = _FROM_FILE.format(texts[at] if at < len(texts) else "") if source == 2 else ""
    user_list = None
    if number in lists:
        parameter, repeat, at = lists[number]
        text = texts[at] if at < len(texts) else ""
        user_list, why = _user_list(parameter, text, repeat, epochs)
        problem = problem or why
    alternating = info["protocol"]["nAlternateDACOutputState"] and number < 2
    return bool(dac["nWaveformEnable"] and source), Output(
        name=_text(dac["DACChNames"]),
        unit=_text(dac["DACChUnits"]),
        holding=dac["fDACHoldingLevel"],
        epochs=epochs,
        last_level_holds=bool(dac["nInterEpisodeLevel"]),
        user_list=user_list,
        silent=1 - number if alternating else None,
        start=after if dac["nConditEnable"] and dac["fPostTrainPeriod"] > 0 else None,
        sweeps=info["protocol"]["lEpisodesPerRun"],
        missing=problem,
    )


def _made(
    outputs: Sequence[tuple[bool, Output]], unit: float, tags: list, notes: list[str]
) -> Header:
    """The header; outputs without a waveform are noted if no other has one."""
    playing = [output for plays, output in outputs if plays]
    if not playing:
        notes = [
            f"command '{output.name}': no waveform, only its holding level, {output.holding:g} "
            f"{output.unit}"
            for _, output in outputs
            if output.holding
        ] + notes
    return Header(playing, unit, tags, notes)


def _user_list(
    parameter: int, text: str, repeat: bool, epochs: Sequence[Epoch]
) -> tuple[UserList | None, str]:
    """What a user list varies, and why the command cannot be built with it, if so."""
    if parameter in (6, 8):
        return None, "a user list varies its holding level"
    numbers = {epoch.number for epoch in epochs if epoch.kind}
    # Versions differ in the number of epochs that they count, 10 or 50. Numbers of either that
    # stand for digital values, and for epochs that the table does not have, change no command.
    count = 50 if parameter > 60 or parameter - 11 in numbers else 10
    which, epoch = divmod(parameter - 11, count)
    if not 1 <= which <= len(_PARAMETERS) or epoch not in numbers:
        return None, ""
    try:
        values = tuple(float(item) for item in text.split(",") if item.strip())
    except ValueError:
        values = ()
    if not values:
        return None, f"its user list {text!r} holds no numbers"
    return UserList(_PARAMETERS[which - 1], epoch, values, repeat), ""


def _lists(file: BinaryIO, sections: Mapping[str, Any]) -> dict[int, tuple[int, bool, int]]:
    """Parameter, repetition and place of the text of the user list of each output."""
    place, found = sections["UserListSection"], {}
    for k in range(place["llNumEntries"]):
        file.seek(place["uBlockIndex"] * BLOCK + k * place["uBytes"])
        number, _, parameter, repeat, at = struct.unpack("<4hi", file.read(12))
        if parameter > 0:
            found[number] = (parameter, bool(repeat), at)
    return found


def _texts(file: BinaryIO, place: Mapping[str, Any]) -> list[str]:
    """Texts that other parts of the header name by their number."""
    file.seek(place["uBlockIndex"] * BLOCK)
    data = file.read(place["uBytes"])
    return [_text(each) for each in data[data.rfind(b"\0\0") :].split(b"\0")[1:]]


def _tags(
    file: BinaryIO, start: int, size: int, count: int, unit: float
) -> list[tuple[float, str, str]]:
    tags = []
    for k in range(count):
        file.seek(start + k * size)
        time, comment, kind = struct.unpack("<i56sh", file.read(62))
        tags.append(
            (time * unit / 1000, _text(comment), TAGS[kind] if 0 <= kind < 6 else str(kind))
        )
    return tags


def _digital(info: Mapping[str, Any], values: Any) -> list[str]:
    return ["digital outputs"] if info["nDigitalEnable"] and np.any(values) else []


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("latin-1").replace("\xb5", "u").strip()
