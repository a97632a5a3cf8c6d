import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.rle import encode
from salt_pipeline.components.core.schemas import SIDE
from salt_pipeline.components.submission.check import MOST, check_submission, score_csv

IDS = ["a", "b", "c"]
VALID = "id,rle_mask\nb,1 3 7 2\na,\nc,1 10201\n"


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "submission.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_valid_file_in_any_order_has_no_problem(csv: Callable[[str | bytes], Path]) -> None:
    assert check_submission(csv(VALID), IDS) == []


def test_what_programs_make_of_a_valid_file_has_no_problem(csv: Callable[[str | bytes], Path]) -> None:
    for text in (
        VALID.replace("\n", "\r\n"),
        VALID.replace("\n", "\r"),
        "\ufeff" + VALID,
        VALID + "\n\n",
        VALID + ",\n,\n",
        VALID.replace(",", " , "),
        VALID.replace("id,", '"id",').replace("\na,", '\n"a",""'),
    ):
        assert check_submission(csv(text), IDS) == [], text


def test_one_cause_is_one_line(csv: Callable[[str | bytes], Path]) -> None:
    path = csv("id,rle_mask\n" + "".join(f"{number},1 1 2 2\n" for number in range(1000)))
    assert [str(problem) for problem in check_submission(path, map(str, range(1000)))] == [
        f"{path}: line 2: 0: rle_mask, line 3: 1: rle_mask, line 4: 2: rle_mask and 997 more: runs touch (found 2 2)"
    ]


def test_a_file_of_nothing_but_problems_is_not_read_to_its_end(csv: Callable[[str | bytes], Path]) -> None:
    path = csv("id,rle_mask\n" + "a,b,c\n" * (2 * MOST))
    columns, end, missing = map(str, check_submission(path, IDS))
    assert columns.startswith(f"{path}: line 2, line 3, line 4 and 24,997 more: is not an id and a mask")
    assert end == f"{path}: after 25,000 problems, the rest is not checked"
    assert missing == f"{path}: id a, b, c is missing"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("image,rle\nb,\na,\nc,\n", ["wrong header (found image,rle, expected id,rle_mask)"]),
        ("", ["wrong header (found nothing, expected id,rle_mask)"]),
        (VALID + "b,\n", ["line 5: duplicate id (found b)"]),
        ("id,rle_mask\nb,\nc,\n", ["id a is missing"]),
        (VALID + "d,\n", ["id d is unknown"]),
        (VALID + "d,\ne,\n", ["id d, e is unknown"]),
        (VALID.replace("a,", "a"), ["line 3: is not an id and a mask (found 1 columns)", "id a is missing"]),
        (VALID.replace("a,", "a,,"), ["line 3: is not an id and a mask (found 3 columns)", "id a is missing"]),
        (VALID.replace("a,", "a,5 2 6 2"), ["line 3: a: rle_mask: runs overlap (found 6 2)"]),
        (VALID.replace("a,", "a,5 2 7 2"), ["line 3: a: rle_mask: runs touch (found 7 2)"]),
        (VALID.replace("a,", "a,9 2 5 2"), ["line 3: a: rle_mask: runs do not increase (found 5 2)"]),
        (VALID.replace("a,", "a,10201 2"), ["rle_mask: a run outside the 10201 pixels (found 10201 2)"]),
        (VALID.replace("a,", "a,5 2 9"), ["a start without a length (found 3 numbers, expected pairs)"]),
        (VALID.replace("a,", "a,nan"), ["rle_mask: is not an integer (found 'nan')"]),
        (
            "id,rle_mask\nb,1 2 3 1\na,5 2 6 2\nc,9\n",
            ["line 2: b: rle_mask: runs touch", "runs overlap", "rle_mask: a start without a length"],
        ),
        ("\ufeff\ufeff" + VALID, [r"wrong header (found \ufeffid,rle_mask, expected id,rle_mask)"]),
        (VALID.replace(",", ";"), ["separated by semicolons (found id;rle_mask, expected commas: id,rle_mask)"]),
        (VALID + "d\x1b[31m,\n", [r"id d\x1b[31m is unknown"]),
        (b"\xff\xfe\x00", ["is not a csv file (found UTF-16, expected commas and UTF-8)"]),
        (VALID + "d," + "1 1 " * 50_000, ["is not a csv file"]),
    ],
)
def test_each_problem_is_named(csv: Callable[[str | bytes], Path], text: str, problems: list[str]) -> None:
    path = csv(text)
    found = [str(problem) for problem in check_submission(path, IDS)]
    assert len(found) == len(problems), found
    for message, problem in zip(found, problems, strict=True):
        assert str(path) in message
        assert problem in message


def test_all_problems_are_reported_together(csv: Callable[[str | bytes], Path]) -> None:
    text = "rle_mask,id\na,1 1 2 2\na,\nx,5\nb\n"
    assert len(check_submission(csv(text), IDS)) == 7  # header, touching, duplicate, odd, columns, missing, unknown


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (problem,) = check_submission(tmp_path / "none.csv", IDS)
    assert "none.csv: cannot be read" in str(problem)


def test_a_name_is_shown_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nsalt: error: b.csv"
    path.write_text("id;rle_mask\n")
    for wrong in (path, tmp_path / "none\n.csv"):
        (problem,) = check_submission(wrong, IDS)
        assert str(problem).isprintable()


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, kind in ((tmp_path / "pipe.csv", "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        (problem,) = check_submission(path, IDS)
        assert str(problem) == f"{path}: is not a regular file (found {kind})"


@pytest.fixture
def masks(tmp_path: Path) -> tuple[Path, str]:
    """Three masks as the archive has them: salt in 16 bit, empty in 8 bit."""
    folder = tmp_path / "masks"
    folder.mkdir()
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[:, :50] = 1
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(folder / "a.png")
    Image.fromarray(half.astype(np.uint16) * 65535).save(folder / "b.png")
    Image.fromarray(np.full((SIDE, SIDE), 255, np.uint8)).save(folder / "c.png")
    return folder, encode(half[None])[0]


def test_the_score_is_the_mean_over_images(csv: Callable[[str | bytes], Path], masks: tuple[Path, str]) -> None:
    folder, half = masks
    (folder / "._a.png").write_bytes(b"left by macOS")
    (folder / "c.png").rename(folder / "c.PNG")
    for rows, expected in (
        (f"a,\nb,{half}\nc,1 10201\n", 1),
        ("a,1 1\nb,\nc,1 10201\n", 1 / 3),
        (f"a,\nb,{half}\nc,1 {10201 * 3 // 4 + 1}\n", 2.6 / 3),  # IoU just above 0.75
    ):
        mean, count = score_csv(csv(f"id,rle_mask\n{rows}"), folder)
        assert mean == pytest.approx(expected)
        assert count == 3


def test_rows_without_masks_and_masks_without_rows_are_refused(
    csv: Callable[[str | bytes], Path], masks: tuple[Path, str]
) -> None:
    folder, half = masks
    with pytest.raises(SaltError, match="id d is unknown"):
        score_csv(csv(f"id,rle_mask\na,\nb,{half}\nc,\nd,\n"), folder)
    with pytest.raises(SaltError, match="id c is missing"):
        score_csv(csv(f"id,rle_mask\na,\nb,{half}\n"), folder)


def test_bad_masks_are_refused(csv: Callable[[str | bytes], Path], masks: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = masks
    path = csv(VALID)
    Image.fromarray(np.zeros((5000, 4), np.uint8)).save(folder / "a.png")
    with pytest.raises(SaltError, match=r"a\.png: wrong size \(found 4 x 5000"):
        score_csv(path, folder)
    Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8)).save(folder / "a.png")
    with pytest.raises(SaltError, match=r"a\.png: is not a grey image"):
        score_csv(path, folder)
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes()[:60])
    with pytest.raises(SaltError, match=r"a\.png: is not a PNG file, or is damaged"):
        score_csv(path, folder)
    content = (folder / "b.png").read_bytes()
    (folder / "a.png").write_bytes(content[:11] + b"\x0c" + content[12:])
    with pytest.raises(SaltError, match=r"a\.png: is not a PNG file, or is damaged"):
        score_csv(path, folder)
    (folder / "a.png").write_bytes(content)
    (folder / "a.PNG").write_bytes(content)
    with pytest.raises(SaltError, match=r"a\.png: is a second mask of this id \(found .*a\.PNG\)"):
        score_csv(path, folder)
    with pytest.raises(SaltError, match="holds no masks"):
        score_csv(path, tmp_path / "nowhere")
