"""What an NWB file says about its session and subject, as attributes."""

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurodyn.io.parts import decode

_SESSION = (
    *("identifier", "session_description", "session_id", "institution", "lab", "experimenter"),
    *("experiment_description", "keywords", "related_publications", "protocol", "notes"),
    *("pharmacology", "surgery", "virus", "slices", "stimulus_notes", "data_collection"),
    *("session_start_time", "timestamps_reference_time", "was_generated_by"),
)
_SUBJECT = ("subject_id", "species", "age", "sex", "genotype", "strain", "weight", "date_of_birth")


def session_attrs(nwbfile: Any) -> dict[str, str | list[str]]:
    """Facts about session and subject that can be saved as attributes.

    Returns
    -------
    The fields of the file by their names there, those of its subject as well, and the description
    of the subject as `subject_description`; text, or a list of texts where the file has a list.
    Dates are in ISO form, with a time zone if the file gives one.
    `timestamps_reference_time` is there if it differs from `session_start_time`.
    """
    about = {name: getattr(nwbfile, name, None) for name in _SESSION}
    if about["timestamps_reference_time"] == about["session_start_time"]:
        del about["timestamps_reference_time"]
    subject = nwbfile.subject
    if subject is not None:
        about |= {name: getattr(subject, name, None) for name in _SUBJECT}
        about["subject_description"] = getattr(subject, "description", None)
        if about["age"] and (reference := getattr(subject, "age__reference", None)):
            about["age_reference"] = reference
    found = {name: _text(value) for name, value in about.items() if value is not None}
    return {name: text for name, text in found.items() if text}


def _text(value: Any) -> str | list[str]:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return [f"{key}: {each}" for key, each in value.items()]
    array = np.asarray(value[()] if _stored(value) else value)
    if array.ndim > 1:
        return [" ".join(map(str, decode(row).ravel())) for row in array]
    texts = [str(each).strip() for each in decode(array.astype(object)).ravel()]
    return texts if array.ndim else texts[0]


def _stored(value: Any) -> bool:
    return hasattr(value, "shape")
