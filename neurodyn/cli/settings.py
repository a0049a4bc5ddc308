"""Settings of an experiment, in the help of ``neurodyn run NAME``."""

from collections.abc import Iterator
from typing import Any

from typer.core import TyperCommand


class WithSettings(TyperCommand):
    """A command whose help also lists the settings of the named experiment."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if set(args) & set(ctx.help_option_names):
            others = [arg for arg in args if arg not in ctx.help_option_names]
            # Typer shows the help before it reads arguments, so read them here.
            ctx.meta["given"], _, _ = self.make_parser(ctx).parse_args(args=others)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        given = ctx.meta.get("given", {})
        if given.get("name"):
            _write(given["name"], given.get("preset"), formatter)
        super().format_epilog(ctx, formatter)


def _write(name: str, preset: str | None, formatter: Any) -> None:
    from neurodyn.experiments import EXPERIMENTS

    try:
        experiment = EXPERIMENTS.find(name)
    except ValueError as error:
        formatter.write_paragraph()
        formatter.write_text(str(error))
        return
    presets = list(experiment.presets)
    shown = preset if preset in presets else presets[0]
    with formatter.section(name):
        formatter.write_text(f"{experiment.title} Presets: {', '.join(presets)}.")
    with formatter.section(f"Settings (--set NAME=VALUE) with defaults, those of '{shown}'"):
        formatter.write_dl(list(_rows(experiment, shown)))


def _rows(experiment: Any, shown: str) -> Iterator[tuple[str, str]]:
    from neurodyn.experiments.running.about import settings_of

    for setting in settings_of(experiment):
        value = setting.values[shown]
        unit = f" [{setting.unit}]" if setting.unit else ""
        others = [
            f"{preset}: {other}" for preset, other in setting.values.items() if other != value
        ]
        also = f" In {'; '.join(others)}." if others else ""
        takes = "" if setting.takes == "a text" else f" Takes {setting.takes}."
        yield f"{setting.name}={value}{unit}", f"{setting.meaning}{takes}{also}"
