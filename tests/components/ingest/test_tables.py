import io
from pathlib import PurePosixPath
from typing import Any

import pytest

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.ingest.entry import Entry
from salt_pipeline.components.ingest.problems import Problems
from salt_pipeline.components.ingest.tables import read_table, to_depth


def read(content: bytes) -> tuple[dict[str, str] | None, list[str]]:
    problems = Problems()
    entry = Entry(PurePosixPath("a.csv"), "a.csv", len(content), lambda: io.BytesIO(content))
    values = read_table(entry, "z", problems)
    return values, [str(problem) for problem in problems.errors]


@pytest.mark.parametrize(
    "content",
    [
        b"id,z\nb,1\na,\n",
        b"id,z\r\nb,1\r\na,\r\n",
        b"\xef\xbb\xbfid,z\nb,1\na,",
        b'z,id\n1,"b"\n,a\n',
        b"id,y,z\nb,0,1\na,0, \n",
    ],
)
def test_rows_are_read_in_the_order_of_the_file(content: Any) -> None:
    values, problems = read(content)
    assert problems == []
    assert list((values or {}).items()) == [("b", "1"), ("a", "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.csv: wrong header (found nothing, expected id,z)"),
        (b"id,depth\na,1\n", "a.csv: wrong header (found id,depth, expected id,z)"),
        (b"a,1\nb,2\n", "a.csv: wrong header (found a,1, expected id,z)"),
        (b"id,z,id\na,1,b\n", "a.csv: wrong header (found id,z,id, expected id,z)"),
        (b"id;z\na;1\n", "a.csv: columns are separated by semicolons (found id;z, expected commas: id,z)"),
        (b"id,z\n\xff\xfe,1\n", "a.csv: line 2: is not a csv file"),
        (b'id,z\n"a,1\n', "a.csv: line 2: is not a csv file"),
        (b"id,z\na," + b"1" * 200_000, "a.csv: line 2: is not a csv file"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(content: Any, message: str) -> None:
    values, problems = read(content)
    assert values is None
    assert len(problems) == 1
    assert problems[0].startswith(message)


def test_bad_rows_are_named() -> None:
    values, problems = read(b"id,z\na,1\nb\n,3\nc,1,2\na,4\nd,5\n")
    assert values == {"a": "1", "d": "5"}
    assert problems == [
        "a.csv: line 4: is no id (found '', expected 1 to 64 letters, digits, _ and -)",
        "a.csv: line 3, line 5: row of another length (found 1 columns, 3 columns, expected 2)",
        "a.csv: line 6: id occurs twice (found a)",
    ]


@pytest.mark.parametrize("image_id", ["a b", "=1+1", "<b>", "a/b", "\x1b[31m", "ä", "\u0430b", "a" * 65])
def test_invalid_ids_are_refused(image_id: Any) -> None:
    values, problems = read(f"id,z\na,1\n{image_id},2\n".encode())
    assert values == {"a": "1"}
    assert len(problems) == 1
    assert problems[0].startswith(f"a.csv: line 3: is no id (found {image_id!a}")
    assert problems[0].isprintable()


@pytest.mark.parametrize(("text", "feet"), [("841", 841), ("0", 0), ("50.6", 51)])
def test_a_depth_is_rounded_to_feet(text: Any, feet: Any) -> None:
    assert to_depth(text, "a", "depths.csv") == feet


@pytest.mark.parametrize("text", ["", "deep", "nan", "inf", "-1", "1e9", "1_0", "１２", "1e-400"])
def test_an_invalid_depth_is_refused(text: Any) -> None:
    with pytest.raises(SaltError, match=r"depths\.csv: a: is no depth"):
        to_depth(text, "a", "depths.csv")
