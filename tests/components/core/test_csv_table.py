from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_pipeline.components.core.csv_table import Row, header_error, read_csv
from salt_pipeline.components.core.errors import SaltError

ROWS = [["id", "z"], ["a", "1"], ["b", "2"]]


@pytest.mark.parametrize(
    "content",
    [
        b"id,z\na,1\nb,2\n",
        b"id,z\na,1\nb,2",
        b"id,z\r\na,1\r\nb,2\r\n",
        b"id,z\ra,1\rb,2\r",
        b"id,z\r\r\na,1\r\r\nb,2\r\r\n",
        b"\xef\xbb\xbfid,z\na,1\nb,2\n",
        b"\n\nid,z\na,1\n\nb,2\n\n\n",
        b"id,z\n,\na,1\n , \nb,2\n,\n,\n",
        b" id , z \na, 1\n\tb ,2 \n",
        b'"id","z"\n"a","1"\n"b","2"\n',
        b' "id" , "z" \n"a" ,"1"\n"b", "2" ',
        b'\xef\xbb\xbf"id","z"\r\n"a","1"\r\n"b","2"\r\n\r\n',
    ],
)
def test_what_programs_make_of_a_table_is_passed_over(content: bytes) -> None:
    assert [row.fields for row in read_csv(content, "a.csv")] == ROWS


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    assert list(read_csv(b"id,z\n\na,1\n,\nb,2\n", "a.csv")) == [
        Row(1, ["id", "z"]),
        Row(3, ["a", "1"]),
        Row(5, ["b", "2"]),
    ]


@given(
    rows=st.lists(st.lists(st.from_regex("[0-9A-Za-z_-]{1,9}", fullmatch=True), min_size=2, max_size=2), min_size=1),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
    quote=st.sampled_from(["", '"']),
    blank=st.sampled_from(["", " ", "\t", "  "]),
)
def test_every_way_of_writing_gives_the_same_rows(
    rows: list[list[str]], end: str, mark: str, quote: str, blank: str
) -> None:
    lines = [",".join(f"{blank}{quote}{cell}{quote}{blank}" for cell in row) for row in rows]
    assert [row.fields for row in read_csv((mark + end.join(lines) + end).encode(), "a.csv")] == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,z\n".encode("utf-16"), "a.csv: is not a csv file (found UTF-16, expected commas and UTF-8)"),
        ("id,z\n".encode("utf-16-be"), "a.csv: is not a csv file (found zero bytes, as in UTF-16, expected commas and"),
        (b"PK\x03\x04rest", "a.csv: is not a csv file (found a zip or an Excel workbook, expected commas and UTF-8)"),
        (b"\x1f\x8brest", "a.csv: is not a csv file (found a gzip file, expected commas and UTF-8)"),
        (b"id,z\n\xe9,1\n", "a.csv: line 2: is not a csv file (found byte 0xe9, expected UTF-8)"),
        (b'id,z\n"a,1\n', "a.csv: line 2: is not a csv file (found unexpected end of data)"),
        (
            b"id,z\n" + b"," * (2 << 20),
            "a.csv: line 2: is not a csv file (found 2,097,152 characters, expected at most 1,0",
        ),
        (b"id,z\na," + b"1" * 200_000, "a.csv: line 2: is not a csv file (found field larger than field limit"),
    ],
)
def test_what_is_no_csv_file_is_named(content: bytes, message: str) -> None:
    with pytest.raises(SaltError) as caught:
        list(read_csv(content, "a.csv"))
    assert str(caught.value).startswith(message)


@pytest.fixture
def said() -> Callable[[bytes], str]:
    return lambda content: str(header_error(next(read_csv(content, "a.csv"), Row(1, [])).fields, ["id", "z"], "a.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "wrong header (found nothing, expected id,z)"),
        (b"id,depth\n", "wrong header (found id,depth, expected id,z)"),
        (b"\xef\xbb\xbf\xef\xbb\xbfid,z\n", r"wrong header (found \ufeffid,z, expected id,z)"),
        ("id\u200b,z\n".encode(), r"wrong header (found id\u200b,z, expected id,z)"),
        ("id\u00a0,z\n".encode(), r"wrong header (found id\xa0,z, expected id,z)"),
        (b"id;z\n", "columns are separated by semicolons (found id;z, expected commas: id,z)"),
        (b"id\tz\n", r"columns are separated by tabs (found id\tz, expected commas: id,z)"),
    ],
)
def test_a_wrong_header_is_shown_visibly(said: Callable[[bytes], str], content: bytes, message: str) -> None:
    assert said(content) == f"a.csv: {message}"
