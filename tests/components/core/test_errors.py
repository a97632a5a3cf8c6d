import pytest

from salt_pipeline.components.core.errors import SaltError, SaltErrors, exit_on_error


def test_message_names_file_field_found_and_expected():
    error = SaltError("wrong type", file="a.parquet", field="map", found="int8", expected="uint8")
    assert str(error) == "a.parquet: map: wrong type (found int8, expected uint8)"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "is wrong"),
        ({"file": "f"}, "f: is wrong"),
        ({"field": "key"}, "key: is wrong"),
        ({"found": 0}, "is wrong (found 0)"),
        ({"found": "", "expected": 3}, "is wrong (found , expected 3)"),
    ],
)
def test_message_leaves_out_what_is_not_given_but_not_what_is_falsy(facts, message):
    assert str(SaltError("is wrong", **facts)) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:word@mlflow:5000/x", "http://***@mlflow:5000/x"),
        ("see https://token@host and http://a:b@c", "see https://***@host and http://***@c"),
        ("https://host/repository@sha256:12", "https://host/repository@sha256:12"),
        ("s3://bucket/key of a@b", "s3://bucket/key of a@b"),
    ],
)
def test_credentials_in_an_address_are_hidden(text, shown):
    assert str(SaltError("is wrong", file=text)) == f"{shown}: is wrong"
    assert shown in str(SaltErrors("all", [SaltError(text)]))


def test_several_problems_are_all_listed():
    problems = [SaltError("is not there", file="b.png"), SaltError("is too large", file="c.png")]
    error = SaltErrors("the archive has 2 problems", problems)
    assert str(error).splitlines() == [
        "the archive has 2 problems",
        "  - b.png: is not there",
        "  - c.png: is too large",
    ]
    assert error.problems == problems
    assert isinstance(error, SaltError)


@pytest.mark.parametrize(("error", "code"), [(SaltError("is wrong", file="f"), 2), (OSError("disk is full"), 1)])
def test_exit_on_error_ends_with_a_code_and_one_line_only(error, code, capsys):
    with pytest.raises(SystemExit) as stop, exit_on_error():
        raise error
    assert stop.value.code == code
    assert capsys.readouterr().err == f"salt: error: {error}\n"


def test_exit_on_error_lets_our_own_mistakes_through():
    with pytest.raises(AssertionError), exit_on_error():
        raise AssertionError("ours")


def test_exit_on_error_leaves_a_good_end_alone():
    with exit_on_error():
        value = 1
    assert value == 1
