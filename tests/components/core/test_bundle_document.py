"""What bundle.json may say, at the bounds of each entry, and how what it may not say is named."""

import math
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.bundle_document import MAX_BATCH, Bundle
from salt_pipeline.components.core.config.config import MAX_FOLDS
from salt_pipeline.components.core.documents import parse_document
from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.schemas import SIDE
from tests.components.core.test_bundle import FACTS

FOLDER = Path("/bundles/one")
FILE: dict[str, Any] = {"sha256": "0" * 64, "bytes": 0}
RANGE: dict[str, Any] = {"low": 60, "median": 120.5, "high": 180}


def member(**changes: Any) -> dict[str, Any]:
    first = {"encoder": "net", "fold": 0, "weight": 1.0, "file": "a", "sha256": "0" * 64, "sidecar": "b"}
    return first | changes


def read(**changes: Any) -> Bundle:
    """Reads a document of one member with other entries."""
    document = {**FACTS, "format": 1, "hash": "c0ffee", "members": [member()], "files": {"a": FILE}, "folder": FOLDER}
    return parse_document(Bundle, document | changes, "bundle.json")


def test_the_document_comes_back_without_the_folder() -> None:
    bundle = read(training_levels=[38, 217], training_ranges={"median": RANGE})
    document = bundle.model_dump(mode="json")
    assert "folder" not in document
    assert parse_document(Bundle, {**document, "folder": FOLDER}, "again") == bundle


def test_entries_of_later_versions_are_ignored() -> None:
    ranges = {"median": RANGE}
    later = read(
        more=1,
        members=[member(more=1)],
        files={"a": FILE | {"more": 1}},
        training_ranges={"median": RANGE | {"more": 1}},
    )
    assert later == read(training_ranges=ranges)


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 0},
        {"threshold": 1},
        {"min_area": 0},
        {"min_area": SIDE * SIDE},
        {"batch_size": 1},
        {"batch_size": MAX_BATCH},
        {"batch_size": "auto"},
        {"training_levels": [0, 255]},
        {"scores": {"score": 0, "salt_accuracy": 1}},
        {"members": [member(fold=MAX_FOLDS - 1)]},
    ],
)
def test_the_bounds_themselves_are_allowed(changes: dict[str, Any]) -> None:
    read(**changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"threshold": True}, "threshold: Input should be a valid number"),
        ({"threshold": math.nan}, "threshold: Input should be a finite number"),
        ({"min_area": -1}, "min_area: Input should be greater than or equal to 0"),
        ({"min_area": 1.5}, "min_area: Input should be a valid integer"),
        ({"batch_size": 0}, r"batch_size\..*: Input should be greater than or equal to 1"),
        ({"amp": "on"}, "amp: Input should be 'auto' or 'off'"),
        ({"members": []}, "members: .* at least 1 item"),
        ({"members": [member(fold=-1)]}, r"members\.0\.fold: Input should be greater than or equal to 0"),
        ({"members": [member(fold=MAX_FOLDS)]}, rf"members\.0\.fold: Input should be less than {MAX_FOLDS}"),
        ({"members": [member(weight=0)]}, r"members\.0\.weight: Input should be greater than 0"),
        ({"members": [member(weight=True)]}, r"members\.0\.weight: Input should be a valid number"),
        ({"members": [member(sha256="0" * 63)]}, r"members\.0\.sha256: Input should be 64 hex digits"),
        ({"files": {"a": FILE | {"sha256": "A" * 64}}}, r"files\.a\.sha256: Input should be 64 hex digits"),
        ({"files": {"a": FILE | {"bytes": -1}}}, r"files\.a\.bytes: Input should be greater than or equal to 0"),
        ({"training_ranges": {"median": RANGE | {"high": math.inf}}}, r"median\.high: Input should be a finite number"),
    ],
)
def test_what_lies_beyond_a_bound_is_named(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(SaltError, match=problem):
        read(**changes)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(1, MAX_FOLDS))
def test_encoders_of_any_shares_are_one_blend(shares: list[int], folds: int) -> None:
    weights = [share / sum(shares) / folds for share in shares]
    members = [
        member(encoder=f"net{place}", fold=fold, weight=weight)
        for place, weight in enumerate(weights)
        for fold in range(folds)
    ]
    assert [one.weight for one in read(members=members).members] == [one["weight"] for one in members]


def test_weights_sum_to_1_but_for_rounding() -> None:
    read(members=[member(weight=0.5), member(encoder="other", weight=0.5 + 5e-7)])
    with pytest.raises(SaltError, match=r"bundle\.json: members: the weights sum to 1\.00001, not to 1"):
        read(members=[member(weight=0.5), member(encoder="other", weight=0.5 + 1e-5)])


@pytest.mark.parametrize("name", ["MODEL_CARD.md", "models/net-fold0.safetensors", "_a", "a+b", "models/a..b"])
def test_a_name_is_that_of_a_file_in_the_folder_or_in_models(name: str) -> None:
    assert read(files={name: FILE}).path(name) == FOLDER / name


@pytest.mark.parametrize("entry", ["file", "sidecar"])
@pytest.mark.parametrize(
    "name", ["", ".hidden", "-x", "a b", "a\n", "ä", "models/", "models/.x", "models//x", "more/x"]
)
def test_any_other_name_is_refused_in_words(entry: str, name: str) -> None:
    words = "Input should be a name of letters, digits and _.+-, if need be after models/"
    with pytest.raises(SaltError, match=rf"^bundle\.json: members\.0\.{entry}: {re.escape(words)}"):
        read(members=[member(**{entry: name})])


@given(st.tuples(st.sampled_from(["", "models/", "../", "/"]), st.text("am./_-\n ~", max_size=8)).map("".join))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with suppress(SaltError):
        path = read(files={name: FILE}).path(name)
        assert path.resolve().is_relative_to(FOLDER)
