"""Draws the compiled pipeline: `python -m docs.draw_pipeline` writes docs/pictures/pipeline.svg.

Each task is a column. Columns are ordered by layer, the longest path of tasks that leads to a task. Each artifact is a
line from the task that writes it (a square) to the tasks that read it (dots). The loop over the jobs is a frame.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
COMPILED = ROOT / "pipelines" / "salt.yaml"
PICTURE = ROOT / "docs" / "pictures" / "pipeline.svg"

COLUMN, BOX_WIDTH, BOX_HEIGHT, LANE = 112, 92, 32, 24
"""Width of a column and of a task's box, height of the box, and distance of two artifacts, in pixels."""

LEFT, TOP = 12, 40
"""Space beside the first column and above the boxes, in pixels."""

FOR_DISPLAY = ("Metrics", "ClassificationMetrics", "Markdown")
"""Types of artifacts that only Kubeflow's user interface shows: they are not drawn."""

STYLE = """
  .page { fill: #ffffff } text { fill: #1f2328; font: 13px system-ui, sans-serif } .small { font-size: 12px }
  .loop { fill: #f2f5f9; stroke: #8c959f; stroke-dasharray: 4 3 } .box { fill: #ddebf9; stroke: #0072b2 }
  .life { stroke: #c9d1d9 } .edge { stroke: #0072b2; stroke-width: 1.5; fill: none } .mark { fill: #0072b2 }
  .halo { stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; paint-order: stroke }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .loop { fill: #161c26 } .box { fill: #12304a; stroke: #56b4e9 }
    .life { stroke: #30363d } .edge { stroke: #56b4e9 } .mark { fill: #56b4e9 } .halo { stroke: #0d1117 }
  }
"""


@dataclass(frozen=True)
class Edge:
    """An artifact or parameter: the task that writes it, and the tasks that read it (none: a result of the run)."""

    name: str
    writer: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """The pipeline: its tasks in the order of their layers, the tasks of the loop, its parallelism, and the edges."""

    tasks: tuple[str, ...]
    looped: tuple[str, ...]
    parallelism: int
    edges: tuple[Edge, ...]


def read_graph(path: Path) -> Graph:
    """Reads the compiled pipeline, which has one loop."""
    spec = next(yaml.safe_load_all(path.read_text()))
    outer = spec["root"]["dag"]["tasks"]
    (loop_name,) = [name for name, task in outer.items() if "parameterIterator" in task]
    loop = outer[loop_name]
    dag = spec["components"][loop["componentRef"]["name"]]["dag"]
    tasks = {name: task for name, task in outer.items() if name != loop_name} | dag["tasks"]

    def origin(source: dict) -> tuple[str, str]:
        """Task and output behind an input, through the loop's own inputs and outputs."""
        if "componentInputArtifact" in source:
            source = loop["inputs"]["artifacts"][source["componentInputArtifact"]]
        output = source["taskOutputArtifact"]
        if output["producerTask"] != loop_name:
            return output["producerTask"], output["outputArtifactKey"]
        (selector,) = dag["outputs"]["artifacts"][output["outputArtifactKey"]]["artifactSelectors"]
        return selector["producerSubtask"], selector["outputArtifactKey"]

    readers: dict[tuple[str, str], list[str]] = {}
    for name, task in tasks.items():
        outputs = spec["components"][task["componentRef"]["name"]].get("outputDefinitions", {}).get("artifacts", {})
        for key, output in outputs.items():
            if output["artifactType"]["schemaTitle"].removeprefix("system.") not in FOR_DISPLAY:
                readers.setdefault((name, key), [])
        for source in task["inputs"].get("artifacts", {}).values():
            readers.setdefault(origin(source), []).append(name)

    items = loop["inputs"]["parameters"][loop["parameterIterator"]["items"]["inputParameter"]]["taskOutputParameter"]
    first = [name for name, task in dag["tasks"].items() if "dependentTasks" not in task]
    readers[items["producerTask"], loop["taskInfo"]["name"]] = first

    def layer(task: str) -> int:
        return max((layer(writer) + 1 for (writer, _), names in readers.items() if task in names), default=0)

    order = tuple(sorted(tasks, key=lambda task: (layer(task), task)))
    ranked = sorted(readers.items(), key=lambda edge: (order.index(edge[0][0]), not edge[1], edge[0][1]))
    edges = tuple(Edge(key, writer, tuple(sorted(names, key=order.index))) for (writer, key), names in ranked)
    looped = tuple(task for task in order if task in dag["tasks"])
    return Graph(order, looped, loop["iteratorPolicy"]["parallelismLimit"], edges)


def draw(graph: Graph) -> str:
    """Draws a pipeline as SVG, in colours that follow the reader's light or dark theme."""
    centre = {task: LEFT + COLUMN * column + COLUMN // 2 for column, task in enumerate(graph.tasks)}
    width, lanes = 2 * LEFT + COLUMN * len(graph.tasks) + 36, TOP + BOX_HEIGHT + 28
    bottom = lanes + LANE * len(graph.edges)
    left, right = centre[graph.looped[0]] - COLUMN // 2 + 4, centre[graph.looped[-1]] + COLUMN // 2 - 4
    size = f'viewBox="0 0 {width} {bottom}" width="{width}" height="{bottom}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        "<title>The pipeline: its tasks, the loop over the jobs, and the artifacts that pass between them</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{bottom}" rx="8"/>',
        f'<rect class="loop" x="{left}" y="10" width="{right - left}" height="{bottom - 18}" rx="6"/>',
        f'<text class="small" x="{(left + right) // 2}" y="28" text-anchor="middle">'
        f"each job, {graph.parallelism} at once</text>",
    ]
    for before, task in zip((None, *graph.tasks), graph.tasks, strict=False):
        x, middle = centre[task], TOP + BOX_HEIGHT // 2
        box = f'x="{x - BOX_WIDTH // 2}" y="{TOP}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
        parts.append(f'<line class="life" x1="{x}" y1="{TOP + BOX_HEIGHT}" x2="{x}" y2="{bottom - 12}"/>')
        parts.append(f'<rect class="box" {box} rx="5"/>')
        parts.append(f'<text x="{x}" y="{middle + 5}" text-anchor="middle">{escape(task)}</text>')
        if before:
            start, end = centre[before] + BOX_WIDTH // 2, x - BOX_WIDTH // 2
            parts.append(f'<path class="edge" d="M{start} {middle}H{end}m-5 -4l5 4l-5 4"/>')
    for number, edge in enumerate(graph.edges):
        y, start = lanes + LANE * number, centre[edge.writer]
        end = centre[edge.readers[-1]] if edge.readers else width - LEFT
        parts.append(f'<path class="edge" d="M{start} {y}H{end}{"" if edge.readers else "m-5 -4l5 4l-5 4"}"/>')
        parts.append(f'<rect class="mark" x="{start - 4}" y="{y - 4}" width="8" height="8"/>')
        parts += [f'<circle class="mark" cx="{centre[task]}" cy="{y}" r="4"/>' for task in edge.readers]
        parts.append(f'<text class="small halo" x="{start + 9}" y="{y - 7}">{escape(edge.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(read_graph(COMPILED)))
