"""A report as one self-contained web page."""

import base64
import html
import io
import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from neurodyn.experiments.experiment import Experiment

__all__ = ["page"]

CSS = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.lead { color: #555; margin-top: 0; }
table { border-collapse: collapse; } td { padding: 0.25rem 1rem 0.25rem 0; vertical-align: top; }
td:first-child { color: #555; white-space: nowrap; } tr { border-bottom: 1px solid #eee; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; max-width: 100%; } figcaption { font-size: 0.85rem; color: #555; }
img { max-width: 100%; height: auto; } details { margin-top: 2rem; color: #555; }
pre { background: #f6f6f6; padding: 0.8rem; overflow-x: auto; font-size: 0.8rem; }
"""


def page(
    experiment: Experiment,
    tree: xr.DataTree,
    figures: Mapping[str, Any],
    summary: Mapping[str, str],
) -> str:
    """The report of a finished experiment.

    Parameters
    ----------
    experiment, tree
        What was run, and its result.
    figures, summary
        What the experiment's functions of the same names gave.

    Returns
    -------
    str
        HTML with its figures inside; it loads nothing from elsewhere.
    """
    rows = "\n".join(
        f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in summary.items()
    )
    drawn = "\n".join(_figure(name, figure) for name, figure in figures.items())
    about = {name: value for name, value in tree.attrs.items() if name != "settings"}
    settings = json.loads(tree.attrs.get("settings", "{}"))
    details = html.escape(json.dumps({"settings": settings, **about}, indent=2))
    title = html.escape(experiment.title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{CSS}</style></head><body>
<h1>{title}</h1>
<p class="lead">Experiment <code>{html.escape(experiment.name)}</code>, made with neurodyn.</p>
<h2>Result</h2>
<table>
{rows}
</table>
<h2>Figures</h2>
<div class="figures">
{drawn}
</div>
<details><summary>Settings and versions</summary><pre>{details}</pre></details>
</body></html>
"""


def _figure(name: str, figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    caption = html.escape(name.replace("_", " "))
    width = round(96 * figure.get_figwidth())
    return (
        f'<figure><img alt="{caption}" width="{width}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
