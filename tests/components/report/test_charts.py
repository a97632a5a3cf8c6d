import re
from typing import Any

import pytest

from salt_pipeline.components.report.charts import BLUE, INK, dress, legend, new_figure, to_svg


def drawn(name: str, label: str = "x") -> Any:
    figure = new_figure()
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], "o-", color=BLUE, label=label)
    ax.axvline(0.5, color=INK)
    dress(ax, "epoch", "score")
    legend(figure, ax)
    return to_svg(figure, name, 'what "it" shows')


def test_colours_are_those_of_the_page() -> None:
    svg = drawn("a")
    assert "var(--blue)" in svg
    assert "var(--ink)" in svg
    assert BLUE not in svg.lower()
    assert INK not in svg.lower()


def test_a_chart_has_an_alternative_text_and_labels_that_are_text() -> None:
    svg = drawn("a")
    assert 'role="img" aria-label="what &quot;it&quot; shows"' in svg
    assert ">epoch</text>" in svg
    assert ">score</text>" in svg


def test_ids_differ_between_charts_and_every_reference_has_a_target() -> None:
    ids = []
    for name in ("a", "b"):
        svg = drawn(name)
        own = re.findall(r' id="([^"]*)"', svg)
        used = set(re.findall(r'(?:url\(#|href="#)([\w-]+)', svg))
        assert used
        assert used == set(own)
        ids += own
    assert len(ids) == len(set(ids))


def test_a_chart_loads_nothing_and_does_not_style_the_page() -> None:
    svg = drawn("a")
    assert "http" not in svg
    assert "<style" not in svg
    assert "<metadata" not in svg


def test_the_same_chart_gives_the_same_bytes() -> None:
    assert drawn("a") == drawn("a")


@pytest.mark.parametrize("label", ["<script>&", "a_$\\odd", "$x^2$", "a\"b'"])
def test_labels_are_taken_literally(label: str) -> None:
    svg = drawn("a", label)
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f">{escaped}</text>" in svg
