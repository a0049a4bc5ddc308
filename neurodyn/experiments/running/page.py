"""Report of an experiment: one self-contained web page."""

import base64
import dataclasses
import html
import io
import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import xarray as xr

from neurodyn import datasets
from neurodyn.common.bibliography import citation
from neurodyn.experiments.running.about import settings_of
from neurodyn.experiments.running.compared import comparisons
from neurodyn.experiments.running.experiment import Experiment, settings_in
from neurodyn.experiments.running.references import formatted
from neurodyn.experiments.running.values import spelled

CSS = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.lead, p.ranges { color: #555; margin-top: 0; } p { max-width: 48rem; }
table { border-collapse: collapse; } td { padding: 0.25rem 1rem 0.25rem 0; vertical-align: top; }
th { text-align: left; font-weight: 600; padding-right: 1rem; }
td:first-child { color: #555; white-space: nowrap; } tr { border-bottom: 1px solid #eee; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: 0.85rem; color: #555; max-width: 30rem; }
img { max-width: 100%; height: auto; } details { margin-top: 2rem; color: #555; }
pre { background: #f6f6f6; padding: 0.8rem; overflow-x: auto; font-size: 0.8rem; }
"""


class Image(NamedTuple):
    """A drawn figure: the bytes of a PNG file, and its width in inches."""

    png: bytes
    inches: float

    @classmethod
    def of(cls, figure: Any) -> Self:
        """Draw a figure."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return cls(buffer.getvalue(), figure.get_figwidth())


def page(
    experiment: Experiment,
    tree: xr.DataTree,
    images: Mapping[str, Image],
    summary: Mapping[str, str],
) -> str:
    """Report of a finished experiment.

    Parameters
    ----------
    experiment, tree
        The experiment and its result.
    images, summary
        Drawn figures and summary of the result, from the functions of the experiment.

    Returns
    -------
    str
        HTML with embedded figures; it loads no other file.
    """
    settings = settings_in(tree)
    drawn = "\n".join(
        _figure(name, image, _caption(experiment, name)) for name, image in images.items()
    )
    about = {name: value for name, value in tree.attrs.items() if name != "settings"}
    details = html.escape(json.dumps(about, indent=2))
    title = html.escape(experiment.title)
    sources = "\n".join(f"<li>{html.escape(text)}</li>" for text in _sources(experiment, settings))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{CSS}</style></head><body>
<h1>{title}</h1>
<p class="lead">{html.escape(_when(experiment, tree, settings))}</p>
<h2>Method</h2>
<p>{html.escape(_method(experiment, settings))}</p>
<h2>Result</h2>
<table>
{_rows(summary)}
</table>
<p class="ranges">{html.escape(experiment.ranges)}</p>
{comparisons(tree)}
<h2>Figures</h2>
<div class="figures">
{drawn}
</div>
<h2>References</h2>
<ul>
{sources}
</ul>
<details><summary>Settings</summary>
<table>
{_rows(_described(experiment, settings))}
</table></details>
<details><summary>Versions</summary><pre>{details}</pre></details>
</body></html>
"""


def _rows(rows: Mapping[str, str]) -> str:
    return "\n".join(
        f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in rows.items()
    )


def _when(experiment: Experiment, tree: xr.DataTree, settings: Mapping[str, Any]) -> str:
    """Experiment, preset, seed, date and versions, in one line."""
    attrs = tree.attrs
    parts = [f"Experiment {experiment.name}"]
    if "preset" in attrs:
        preset = experiment.presets.get(attrs["preset"])
        base = {} if preset is None else dataclasses.asdict(preset)
        there = json.loads(json.dumps(base))  # JSON knows no tuples
        changed = [name for name, value in settings.items() if there.get(name) != value]
        text = f", with other {', '.join(changed)}" if changed else ""
        parts.append(f"preset {attrs['preset']}{text}")
    if "seed" in settings:
        parts.append(f"seed {settings['seed']}")
    if "date" in attrs:
        parts.append(f"{attrs['date']}, in {attrs['seconds']:.0f} s")
    if "version_neurodyn" in attrs:
        parts.append(f"neurodyn {attrs['version_neurodyn']}, JAX {attrs['version_jax']}")
    return "; ".join(parts) + "."


def _method(experiment: Experiment, settings: Mapping[str, Any]) -> str:
    return experiment.method.format(**{name: spelled(value) for name, value in settings.items()})


def _caption(experiment: Experiment, name: str) -> str:
    """Caption of a figure: of its own name, or of the longest name that it begins with."""
    known = [start for start in experiment.captions if name.startswith(start)]
    title = name.replace("_", " ")
    if not known:
        return title
    return f"{title.capitalize()}. {experiment.captions[max(known, key=len)]}"


def _sources(experiment: Experiment, settings: Mapping[str, Any]) -> list[str]:
    """References of the experiment, of the data sets that it used, and of neurodyn."""
    named = settings.get("recordings", settings.get("recording", settings.get("data", ())))
    known = {record.name: record for record in datasets.available()}
    names = [named] if isinstance(named, str) else named
    records = [known[name] for name in names if name in known]
    found = dict.fromkeys(formatted(citation(experiment, *records)))
    return [*found, "The neurodyn developers. neurodyn (software), see CITATION.cff."]


def _described(experiment: Experiment, settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings with units and meanings."""
    rows = {}
    for setting in settings_of(experiment):
        unit = f" {setting.unit}" if setting.unit else ""
        value = spelled(settings[setting.name]) if setting.name in settings else "?"
        rows[f"{setting.name} = {value}{unit}"] = setting.meaning
    return rows


def _figure(name: str, image: Image, caption: str) -> str:
    data = base64.b64encode(image.png).decode()
    text = html.escape(caption)
    return (
        f'<figure><img alt="{html.escape(name)}" width="{round(96 * image.inches)}" '
        f'src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'
    )
