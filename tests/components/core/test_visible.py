import pytest

from salt_pipeline.components.core.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("train/images/a.png", "train/images/a.png"),
        ("Profil Süd <b>[/b].png", "Profil Süd <b>[/b].png"),
        ("a\nsalt: error: b", r"'a\nsalt: error: b'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("\ufeffid", r"'\ufeffid'"),
        ("caf\udce9.png", r"'caf\udce9.png'"),
        ("x" * 300, "x" * 260 + "..."),
    ],
)
def test_every_character_is_visible_on_one_line(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).isprintable()
    visible(text).encode()
