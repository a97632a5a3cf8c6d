from typing import Any

import pytest

from salt_pipeline.components.report.architecture import Architecture
from salt_pipeline.components.report.page.architecture import count, draw
from tests.components.report.conftest import made_network


def drawing(**options: Any) -> Any:
    return draw(Architecture.model_validate(made_network("tiny", **options)))


def test_the_parts_are_on_the_page_and_do_not_overlap() -> None:
    net = drawing()
    assert len(net.boxes) == 16
    for box in net.boxes:
        assert 0 <= box.x < box.x + box.width <= net.width
        assert 0 <= box.y < box.y + box.height <= net.height
    for index, a in enumerate(net.boxes):
        for b in net.boxes[index + 1 :]:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
            assert apart, (a.title, b.title)


def test_shapes_and_parameters_are_shown() -> None:
    net = drawing()
    lines = {box.title: box.lines for box in net.boxes}
    assert lines["encoder 3"] == ("48 × 32 × 32", "1.00 k parameters")
    assert lines["decoder 5 + SCSE"] == ("64 × 128 × 128", "123 k parameters")
    assert lines["hypercolumn"] == ("6 maps, upsampled:", "832 × 128 × 128")
    assert "centre 1: 512 × 8 × 8, 1.48 M parameters" in net.alt


def test_skip_connections_join_blocks_of_one_resolution() -> None:
    net = drawing()
    skips = [edge for edge in net.edges if edge.style == "skip"]
    assert len(skips) == 5
    for edge in skips:
        (_, y0), (_, y1) = (point.split(",") for point in edge.points.split())
        assert y0 == y1


def test_parts_that_are_switched_off_are_not_drawn() -> None:
    net = drawing(maps=1, gates=False)
    assert net.gate is None
    assert {edge.style for edge in net.edges} == {"flow", "skip"}
    assert "hypercolumn" not in {box.kind for box in net.boxes}


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (833, "833"), (8193, "8.19 k"), (12345, "12.3 k"), (645_264, "645 k"), (39_592_011, "39.6 M")],
)
def test_parameters_are_rounded_to_three_digits(number: int, text: str) -> None:
    assert count(number) == text
