import re
from xml.etree import ElementTree

import pytest

from docs.draw_pipeline import COMPILED, PICTURE, Edge, Graph, draw, read_graph


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(COMPILED)


def test_the_drawing_is_up_to_date(graph: Graph) -> None:
    assert PICTURE.read_text() == draw(graph), "docs/pictures/pipeline.svg is stale: run `python -m docs.draw_pipeline`"


def test_every_task_is_a_column_in_the_order_of_the_pipeline(graph: Graph) -> None:
    assert graph.tasks == ("ingest", "fold-split", "train-fold", "predict", "ensemble", "submission", "report")
    assert graph.looped == ("train-fold", "predict")


def test_an_edge_ends_at_the_tasks_that_read_the_artifact(graph: Graph) -> None:
    assert Edge("dataset", "ingest", graph.tasks[1:]) in graph.edges
    assert Edge("jobs", "fold-split", ("train-fold",)) in graph.edges
    assert Edge("model", "train-fold", ("predict", "submission")) in graph.edges
    assert Edge("csv", "submission", ()) in graph.edges


def test_every_task_and_artifact_is_drawn(graph: Graph) -> None:
    renamed = Graph(graph.tasks, graph.looped, 7, (*graph.edges, Edge("log<1>", "predict", ("report",))))
    words = [text.text for text in ElementTree.fromstring(draw(renamed)).iter() if text.tag.endswith("text")]
    assert {*graph.tasks, "log<1>", "each job, 7 at once"} <= set(words)


def test_the_drawing_refers_to_no_other_file(graph: Graph) -> None:
    assert not re.search(r"href|url\(|@import|<script", draw(graph))
