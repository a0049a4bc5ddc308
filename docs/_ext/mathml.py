"""Formulas as MathML, which browsers draw themselves: no script, and nothing from elsewhere."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.math import wrap_displaymath


def visit_inline(self, node: nodes.math) -> None:
    """A formula in a line of text."""
    self.body.append(_drawn(node.astext()))
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    """A formula on a line of its own; several rows or alignments become a table."""
    source = node.astext().strip()
    if "\\\\" in source or "&" in source:
        source = wrap_displaymath(source, None, False).strip()
        # Of the two names for it, the converter knows this one.
        source = source.replace(r"\begin{aligned}", r"\begin{split}")
        source = source.replace(r"\end{aligned}", r"\end{split}")
        for name in ("equation*", "align*", "gather*"):
            source = source.replace(rf"\begin{{{name}}}", "").replace(rf"\end{{{name}}}", "")
    self.body.append(f'<div class="formula">{_drawn(source, display="block")}</div>')
    raise nodes.SkipNode


def _drawn(source: str, **options: str) -> str:
    """MathML of a formula; large braces come out of the converter with their backslash."""
    return convert(source, **options).replace(r">\{<", ">{<").replace(r">\}<", ">}<")


def setup(app):
    """Register as the HTML renderer of formulas."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
