import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from salt_pipeline.components.core.config.config import parse_config
from salt_pipeline.components.core.files import read_json
from salt_pipeline.components.core.jobs import Job
from salt_pipeline.components.core.metric import score_images, to_masks
from salt_pipeline.components.report.dataset_facts import DatasetFacts
from salt_pipeline.components.report.inputs import ChoiceFile, Labelled, Maps
from salt_pipeline.components.report.page.gallery import Masked
from salt_pipeline.components.report.page.page import Shown, render_page
from salt_pipeline.components.report.results import compute_results
from tests.components.report.conftest import FOLD_COUNT, MIN_AREA, NAMES, THRESHOLD, Made
from tests.components.report.page.test_curves import made_curve

Reported = tuple[Made, dict[str, float]]

VOID = {"meta", "img", "br", "use", "path"}
SCRIPT = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Every element with its ancestors, and the text outside of styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f" {data}"

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(reported: Reported) -> str:
    made, _ = reported
    return (made.folder / "report.html").read_text()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_every_picture_is_a_complete_png_inside_the_page(page: Page) -> None:
    sources = [image["src"] for image in page.all("img")]
    assert len(sources) > 4 * 4 * 4
    for source in sources:
        kind, content = source.split(",")
        assert kind == "data:image/png;base64"
        assert imread(BytesIO(b64decode(content, validate=True))).shape[:2] == (101, 101)


def test_the_page_loads_no_other_file_and_runs_no_script(html: str, page: Page) -> None:
    tags = {tag for tag, _, _ in page.elements}
    assert tags.isdisjoint({"script", "link", "iframe", "object", "embed"})
    assert not any(key.startswith("on") for _, attributes, _ in page.elements for key in attributes)
    addresses = [
        value
        for _, attributes, _ in page.elements
        for key, value in attributes.items()
        if key in {"src", "href", "srcset", "xlink:href", "clip-path"}
    ]
    assert all(address.startswith(("data:image/png;base64,", "#", "url(#")) for address in addresses)
    without_pictures = re.sub(r'"data:image/png;base64,[^"]*"', "", html)
    assert re.search(r"url\((?!#)|@import|https?:|//", without_pictures) is None


def test_every_reference_has_a_target_and_no_id_is_duplicate(html: str, page: Page) -> None:
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:url\(#|href=\"#)([\w-]+)", html)) <= set(ids)


@pytest.fixture(scope="module")
def with_facts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with the facts that a run may have beside its scores."""
    made = Made(tmp_path_factory.mktemp("with_facts"), encoder_weights=SCRIPT)
    made.report(
        run=SCRIPT,
        seconds={"submission": [5.25], "ingest": [61], "train_fold": [80.0] * 6},
    )
    return (made.folder / "report.html").read_text()


def test_the_texts_of_a_user_are_escaped(with_facts: str) -> None:
    assert SCRIPT not in with_facts
    assert Page(with_facts).text.count(SCRIPT) == 3  # title, heading, the option of the initial weights


def test_every_picture_has_an_alternative_and_a_caption(page: Page) -> None:
    drawings = [(attributes, around) for tag, attributes, around in page.elements if tag == "svg"]
    assert len(drawings) == 2 + 1 + 2 + 3 + 2  # curves, ROC, threshold and area, breakdown, networks
    assert all(attributes["role"] == "img" and len(attributes["aria-label"]) > 30 for attributes, _ in drawings)
    pictures = [(attributes, around) for tag, attributes, around in page.elements if tag == "img"]
    assert all(len(attributes["alt"]) > 10 for attributes, _ in pictures)
    assert all("figure" in around for _, around in drawings + pictures)
    assert len(page.all("figcaption")) == len(page.all("figure")) == len(drawings) + len(pictures) / 4


def test_it_has_a_language_an_outline_and_tables_with_captions(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) == 11
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in cell for cell in page.all("th"))


def test_there_are_styles_for_dark_screens_and_paper(html: str) -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in html
    assert "@media print" in html


def test_the_headline_is_the_ensemble_with_its_interval(reported: Reported, page: Page) -> None:
    _, values = reported
    assert (
        f"{values['score']:.3f} 95% interval {values['score_low']:.3f} to {values['score_high']:.3f} "
        "Mean score of the ensemble over 40 labelled images"
    ) in page.text


def test_confusion_and_false_alarms_are_those_of_the_results(reported: Reported, page: Page) -> None:
    made, _ = reported
    found = read_json(made.folder / "metrics.json")["classification"]
    for matrix in (found["by_mask"], found["by_classifier"]):
        (a, b), (c, d) = ([f"{n} {100 * n / sum(row):.1f}%" for n in row] for row in matrix)
        assert f"no salt in truth {a} {b} salt in truth {c} {d} " in page.text
    alarms, empty = found["by_mask"][0][1], sum(found["by_mask"][0])
    assert f"Salt is predicted in {alarms} of {empty} images without any." in page.text
    assert f"they cost {alarms / 40:.4f} of the score" in page.text
    assert f"area {found['roc']['auc']:.3f}" in page.text


def test_data_times_versions_and_options_are_shown(reported: Reported, page: Page) -> None:
    made, _ = reported
    assert "archive survey.zip" in page.text
    assert "labelled images 40" in page.text
    assert "test images 1" in page.text
    assert "60 to 723 ft" in page.text
    assert "0bad its mask is of <b>another</b> size" in page.text
    assert "train fold 6 7 min 31 s 1 min 15 s 3.00 GiB" in page.text
    assert "plain, fold 0 cpu 6 1 min 15 s 123.4 3.00 GiB" in page.text
    assert "torch, in training 2.9.1" in page.text
    options = parse_config(made.config).flat()
    assert all(f" {name} " in page.text for name in options)
    assert " model.gate true " in page.text
    assert " train.schedule plateau " in page.text
    assert made.config_hash in page.text


def test_the_network_is_drawn_for_each_encoder(page: Page) -> None:
    for name in NAMES:
        assert f"{name}, 4.57 M parameters" in page.text
    assert "512 × 4 × 4 · 2.36 M par." in page.text
    assert "decoder 5 + SCSE" in page.text


def test_known_times_of_other_stages_are_shown(with_facts: str) -> None:
    line = "ingest 1 1 min 01 s 1 min 01 s – train fold 6 8 min 00 s 1 min 20 s 3.00 GiB submission 1 5.2 s"
    assert line in Page(with_facts).text


SHAPES: list[dict[str, Any]] = [
    {"names": ("only",), "fold_count": 2},
    {"names": ("a", "b", "c"), "fold_count": 5},
]


@pytest.fixture(scope="module", params=[0, 1], ids=["one encoder, no salt", "three encoders, all salt"])
def synthetic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A run on synthetic images of one kind, by another number of encoders and folds, and what its report returned."""
    made = Made(tmp_path_factory.mktemp("synthetic"), synthetic=True, **SHAPES[request.param])
    made.masks = np.full_like(made.masks, request.param)
    made.config |= {"train": {"keep": "last"}}
    made.config_hash = parse_config(made.config).hash
    made.write()
    return made, made.report()


def test_any_number_of_encoders_and_folds(synthetic: Reported) -> None:
    made, _ = synthetic
    page = Page((made.folder / "report.html").read_text())
    assert page.text.count("Lovász loss from here") == len(made.names)
    for name in (*made.names, "ensemble"):
        assert f" {name} 40 " in page.text
    assert f"fold {made.fold_count - 1}" in page.text
    assert f"fold {made.fold_count}," not in page.text


def test_facts_of_the_jobs_are_shown(synthetic: Reported) -> None:
    made, _ = synthetic
    page = Page((made.folder / "report.html").read_text())
    assert "The network" in page.text
    assert "#network" in [attributes["href"] for attributes in page.all("a")]
    assert "in training" in page.text
    weight = f"weight of {made.names[0]} {1 / len(made.names):.2f}"
    assert weight in page.text
    assert weight in (made.folder / "report.md").read_text()
    assert f"{made.names[0]}, fold 0 cpu 6 1 min 15 s 123.4 3.00 GiB" in page.text


def test_the_page_of_a_full_run_is_below_5_mb() -> None:
    """4,000 images of noise, which do not compress; ten jobs of 120 epochs."""
    rng = np.random.default_rng(5)
    names, count = ("first", "second"), 4000
    images = rng.integers(0, 256, (count, 101, 101), dtype=np.uint8)
    masks = (images[:, ::-1] > rng.integers(0, 256, (count, 1, 1))).astype(np.uint8)
    maps = Maps(np.where(masks, 140, 120).astype(np.uint8) + images // 16, rng.random(count, dtype=np.float32))
    labelled = Labelled(
        ids=[f"{row:010x}" for row in range(count)],
        images_BHW=images,
        masks_BHW=masks,
        fold_B=rng.integers(0, 5, count, dtype=np.int32),
        depth_B=rng.integers(50, 960, count).astype(float),
        data_hash="feedfacecafebeef",
        synthetic=False,
    )
    config = parse_config({"encoders": [{"name": name, "weight": 0.5} for name in names]})
    choice = ChoiceFile(
        threshold=THRESHOLD,
        min_area=MIN_AREA,
        score=0,
        score_cross_fitted=0,
        weights=dict.fromkeys(names, 0.5),
        data_hash="",
        config_hash="",
    )
    results = compute_results({}, maps, labelled, choice, config)
    curves = {Job(name, fold): made_curve(name, fold, [1] * 20 + [2] * 100) for name in names for fold in range(5)}
    shown = Shown(
        run="full",
        results=replace(results, encoders=tuple(replace(results.ensemble, name=n) for n in names)),
        labelled=labelled,
        dataset=DatasetFacts("x", count, 18000, 1, 1, 0.5, None, {SCRIPT: SCRIPT}),
        encoders={},
        ensemble=maps,
        masked=Masked(
            to_masks(maps.maps_BHW, THRESHOLD, MIN_AREA).astype(bool),
            masks.astype(bool),
            score_images(maps.maps_BHW, masks, THRESHOLD, MIN_AREA),
        ),
        curves=curves,
        stages=[],
        config=config,
    )
    html = render_page(shown)
    assert SCRIPT not in html, "an image's name, and why it was skipped"
    assert len(Page(html).all("svg")) == 10
    assert 500_000 < len(html.encode()) < 5_000_000


def test_the_table_has_every_fold_and_model(reported: Reported, page: Page) -> None:
    made, _ = reported
    text = page.text
    document = read_json(made.folder / "metrics.json")
    for result in [*document["encoders"], document["ensemble"]]:
        rows = [f"{result['name']} 40 {result['score_at_half']:.4f} {result['score']:.4f}"]
        rows += [
            f"fold {fold['fold']} {fold['images']} {fold['score_at_half']:.4f} {fold['score']:.4f}"
            for fold in result["folds"]
        ]
        assert len(rows) == 1 + FOLD_COUNT
        assert [row for row in rows if row not in text] == []


def test_real_images_carry_no_warning(reported: Reported, html: str) -> None:
    made, _ = reported
    assert "synthetic" not in html
    assert "Synthetic" not in (made.folder / "report.md").read_text()


def test_the_card_is_one_table_with_what_was_measured(reported: Reported) -> None:
    made, values = reported
    card = (made.folder / "report.md").read_text()
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3 * (1 + FOLD_COUNT)
    assert {row.count("|") for row in rows} == {7}
    ensemble = next(row for row in rows if row.startswith("| **ensemble** |"))
    assert f"**{values['score']:.4f}**" in ensemble
    assert f"{values['score_low']:.4f} to {values['score_high']:.4f}" in ensemble
    assert "b<i>" not in card
    assert "40 labelled images, each by networks that never saw it, with the exact metric on 101 x 101 (data " in card
    assert made.config_hash in card
    assert "best epoch on its own held-out fold" in card
    assert made.data_hash in card


def test_the_same_files_give_the_same_report(reported: Reported, tmp_path: Path) -> None:
    made, values = reported
    assert made.report(tmp_path) == values
    for name in ("metrics.json", "report.md", "report.html"):
        assert (tmp_path / name).read_bytes() == (made.folder / name).read_bytes()


def test_synthetic_images_carry_a_warning_even_if_all_are_of_one_kind(
    synthetic: Reported,
) -> None:
    made, values = synthetic
    assert values["score"] == pytest.approx(np.mean(made.plain_scores("ensemble", THRESHOLD, MIN_AREA)))
    html, card = ((made.folder / name).read_text() for name in ("report.html", "report.md"))
    assert "these scores say nothing about real data" in html
    assert "raises" not in html + card
    assert "There is no such image" in html
    assert "**Synthetic images: these scores say nothing" in card
    assert read_json(made.folder / "metrics.json")["synthetic"] is True
