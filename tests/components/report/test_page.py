import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from components.core.config import parse_config
from components.core.storage import read_json
from tests.components.report.conftest import FOLD_COUNT, MIN_AREA, NAMES, THRESHOLD, Made


class Page(HTMLParser):
    """Every element, and the text outside of styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] != "style":
            self.text += f" {data}"

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(reported):
    made, _ = reported
    return (made.folder / "report.html").read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_every_picture_is_a_whole_png_inside_the_page(page):
    sources = [image["src"] for image in page.all("img")] + [source["srcset"] for source in page.all("source")]
    assert len(sources) == 2 * 2 + 4 * 6
    for source in sources:
        kind, content = source.split(",")
        assert kind == "data:image/png;base64"
        assert imread(BytesIO(b64decode(content, validate=True))).size > 0


def test_the_page_asks_for_no_other_file(html, page):
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "link", "iframe", "object", "embed"})
    addresses = [
        value
        for _, attributes in page.elements
        for key, value in attributes.items()
        if key in {"src", "href", "srcset"}
    ]
    assert all(address.startswith("data:") for address in addresses)
    without_pictures = re.sub(r'"data:image/png;base64,[^"]*"', "", html)
    assert re.search(r"url\(|@import|https?:", without_pictures) is None


def test_names_are_escaped(html, page):
    assert NAMES[1] not in html
    assert "b&lt;i&gt;&amp;&#34;old" in html
    assert NAMES[1] in page.text
    assert "i" not in {tag for tag, _ in page.elements}


def test_pictures_have_alternatives_and_the_page_a_language(page):
    assert all(len(image["alt"]) > 20 for image in page.all("img"))
    assert page.all("html")[0]["lang"] == "en"


def test_it_is_small(html):
    assert len(html.encode()) < 5_000_000


def test_light_and_dark(html, page):
    assert {source["media"] for source in page.all("source")} == {"(prefers-color-scheme: dark)"}
    assert "@media (prefers-color-scheme: dark)" in html


def test_the_headline_is_the_ensemble_with_its_interval(reported, page):
    _, values = reported
    text = re.sub(r"\s+", " ", page.text)
    assert f"{values['score']:.3f} ensemble, mean over 40 labelled images" in text
    assert f"95% interval {values['score_low']:.3f} to {values['score_high']:.3f}" in text


def test_the_table_has_every_fold_and_model(reported, page):
    made, _ = reported
    text = re.sub(r"\s+", " ", page.text)
    document = read_json(made.folder / "metrics.json")
    for result in [*document["encoders"], document["ensemble"]]:
        rows = [f"{result['name']} 40 {result['score_at_half']:.4f} {result['score']:.4f}"]
        rows += [
            f"fold {fold['fold']} {fold['images']} {fold['score_at_half']:.4f} {fold['score']:.4f}"
            for fold in result["folds"]
        ]
        assert len(rows) == 1 + FOLD_COUNT
        assert [row for row in rows if row not in text] == []


def test_real_images_carry_no_warning(reported, html):
    made, _ = reported
    assert "synthetic" not in html
    assert "Synthetic" not in (made.folder / "report.md").read_text()


def test_the_card_is_one_table_with_what_was_measured(reported):
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
    assert "feedfacecafebeef" in card


def test_the_same_files_give_the_same_report(reported, tmp_path):
    made, values = reported
    assert made.report(tmp_path) == values
    for name in ("metrics.json", "report.md", "report.html"):
        assert (tmp_path / name).read_bytes() == (made.folder / name).read_bytes()


@pytest.mark.parametrize("salt", [0, 1])
def test_synthetic_images_are_said_to_mean_nothing_be_they_all_of_one_kind(tmp_path, salt):
    made = Made(tmp_path, synthetic=True)
    made.masks = np.full_like(made.masks, salt)
    made.config |= {"train": {"keep": "last"}}
    made.config_hash = parse_config(made.config).hash
    made.write()
    assert made.report()["score"] == pytest.approx(np.mean(made.plain_scores("ensemble", THRESHOLD, MIN_AREA)))
    html = (tmp_path / "report.html").read_text()
    assert "these scores say nothing about real data" in html
    assert "flatters" not in html + (tmp_path / "report.md").read_text()
    assert html.count("There is no such image") == 2
    assert "**Synthetic images: these scores say nothing" in (tmp_path / "report.md").read_text()
    assert read_json(tmp_path / "metrics.json")["synthetic"] is True
