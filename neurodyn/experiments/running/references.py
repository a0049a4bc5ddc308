"""References of a report: BibTeX entries as plain text."""

import re
import unicodedata
from collections.abc import Iterable

from neurodyn.common.bibliography import split_bibtex

#: Accents of BibTeX, as Unicode's combining characters.
_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "v": "\u030c",
    "c": "\u0327", "=": "\u0304", "r": "\u030a", "u": "\u0306",
}  # fmt: skip
_LETTERS = {
    "``": '"',
    "''": '"',
    r"\o": "ø",
    r"\O": "Ø",
    r"\ss": "ß",
    r"\l": "ł",
    r"\ae": "æ",
    r"\&": "&",
    r"\_": "_",
}


def formatted(bibtex: str) -> list[str]:
    r"""One line for each entry: authors, year, title, journal, DOI or address.

    Examples
    --------
    >>> formatted("@book{x, author = {R{\\\"o}ssler, Otto}, title = {Chaos}, year = {1979}}")
    ['Rössler, Otto (1979). Chaos.']
    """
    return [_line(_fields(entry)) for entry in split_bibtex(bibtex)]


def _line(fields: dict[str, str]) -> str:
    people = fields.get("author", fields.get("editor", "")).split(" and ")
    several = ", ".join(people[:-1]) + " & " + people[-1] if len(people) > 1 else people[0]
    place = fields.get("journal") or fields.get("booktitle") or fields.get("institution", "")
    numbers = " ".join(filter(None, (fields.get("volume"), fields.get("pages"))))
    link = f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")
    parts: Iterable[str] = (
        f"{several} ({fields.get('year', 'no year')})",
        fields.get("title", ""),
        " ".join(filter(None, (place, numbers))),
    )
    text = " ".join(f"{part.rstrip('.')}." for part in parts if part)
    return f"{text} {link}".rstrip()


def _fields(entry: str) -> dict[str, str]:
    """Fields of an entry, in plain text."""
    found = {}
    for start in re.finditer(r"(\w+)\s*=\s*[{\"]", entry):
        depth, end = 1, start.end()
        while depth and end < len(entry):
            depth += {"{": 1, "}": -1}.get(entry[end], 0)
            depth -= entry[end] == '"' and depth == 1 and entry[start.end() - 1] == '"'
            end += 1
        found.setdefault(start[1].lower(), _plain(entry[start.end() : end - 1]))
    return found


def _plain(text: str) -> str:
    def accented(match: re.Match) -> str:
        return unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]])

    text = re.sub(r"\\([\"'`^~=]|[vcru](?=[\s{]))\s*\{?\\?(\w)\}?", accented, text)
    for name, letter in _LETTERS.items():
        text = re.sub(re.escape(name) + (r"(?![a-zA-Z])" if name[0] == "\\" else ""), letter, text)
    return " ".join(re.sub(r"[{}]", "", text).replace("--", "–").replace("~", " ").split())
