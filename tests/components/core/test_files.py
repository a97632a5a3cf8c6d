import json
import os
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import save_file

from salt_pipeline.components.core.errors import SaltError
from salt_pipeline.components.core.files import atomic_path, content_hash, read_json, write_errors, write_json
from salt_pipeline.components.core.schemas import FOLDS, write_table

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


def run_python(source: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_atomic_path_makes_the_folders_and_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    with atomic_path(path) as part:
        part.write_bytes(b"complete")
        assert not path.exists()
    assert path.read_bytes() == b"complete"
    assert list(path.parent.iterdir()) == [path]


def test_atomic_path_keeps_the_old_file_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_path(path) as part:
        part.write_text("new, half of")
        assert path.read_text() == "old"
    assert path.read_text() == "new, half of"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_path_keeps_the_old_file_and_no_partial_one_when_the_block_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def write_and_fail() -> None:
        with atomic_path(path) as part:
            part.write_text("half")
            raise error

    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error):
        write_and_fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_path_names_the_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "below" / "x.json"
    with pytest.raises(SaltError, match=r"x\.json: cannot be written: Not a directory"), atomic_path(path):
        pytest.fail("the block must not start")


def test_atomic_path_does_not_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    with pytest.raises(SaltError, match="cannot be written"):
        write_json(tmp_path / "x", {})
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


KILLED = """
import os, signal, sys
from salt_pipeline.components.core.files import atomic_path
with atomic_path(sys.argv[1]) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("old", [None, "old"])
def test_a_killed_writer_leaves_no_partial_file_under_the_name(tmp_path: Path, old: Any) -> None:
    path = tmp_path / "file"
    if old:
        path.write_text(old)
    assert run_python(KILLED, path).returncode == -signal.SIGKILL
    assert (path.read_text() if path.exists() else None) == old
    write_json(path, "complete")
    assert read_json(path) == "complete"


LIVING = """
import sys
from salt_pipeline.components.core.files import atomic_path
with atomic_path(sys.argv[1]) as part:
    part.write_text("half")
    print(part, flush=True)
    sys.stdin.read()
"""

AGAIN = """
import sys
from salt_pipeline.components.core.files import write_json
for path in sys.argv[1:]:
    write_json(path, "complete")
"""


def test_the_next_process_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    run_python(KILLED, tmp_path / "file")
    (tmp_path / ".other.0123abcd.part").touch()
    others = [tmp_path / name for name in ("mine.part", ".data.part", ".data.0123456.part", ".data.01234567.part.bak")]
    for path in others:
        path.write_text("of the user")
    assert len(list(tmp_path.glob(".*.????????.part"))) == 2
    assert run_python(AGAIN, tmp_path / "file").returncode == 0
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "file", *others])


def test_the_partial_file_of_a_living_process_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    run_python(KILLED, path)
    command = [sys.executable, "-c", LIVING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living:
        assert living.stdout
        part = Path(living.stdout.readline().strip())
        run_python(KILLED, tmp_path / "other")
        assert run_python(AGAIN, tmp_path / "third", path).returncode == 0
        assert part.read_text() == "half"
        assert len(list(tmp_path.glob(".other.*.part"))) == 1, "it cannot be told from one that is being written"
    assert living.returncode == 0
    assert path.read_text() == "half"
    assert run_python(AGAIN, tmp_path / "fourth").returncode == 0
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_that_cannot_be_listed_is_written_in(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    folder.chmod(0o333)
    try:
        write_json(folder / "file.json", 1)
        assert read_json(folder / "file.json") == 1
    finally:
        folder.chmod(0o755)


FULL = """
import resource, sys
from salt_pipeline.components.core.errors import exit_on_error
from salt_pipeline.components.core.files import write_json
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with exit_on_error():
    write_json(sys.argv[1], "x" * 100_000)
"""


def test_a_full_disk_is_reported_in_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text('"old"')
    ended = run_python(FULL, path)
    assert ended.returncode == 2
    assert ended.stderr.strip() == f"salt: error: {path}: cannot be written: File too large"
    assert read_json(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def parquet(path: Path) -> None:
    write_table(path, FOLDS, {"id": [os.urandom(50_000).hex()], "fold": [0], "group": [0], "stratum": ["y"]}, {})


def safetensors(path: Path) -> None:
    with atomic_path(path) as part:
        save_file({"weights": np.zeros(100_000)}, part)


def archive(path: Path) -> None:
    with atomic_path(path) as part, zipfile.ZipFile(part, "w") as file:
        file.writestr("image", bytes(100_000))


def scratch(path: Path) -> None:
    with write_errors(path):
        path.write_bytes(bytes(100_000))


WRITERS = [parquet, safetensors, archive, scratch]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 32 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", str(folder)], check=False)
    if made.returncode:
        pytest.skip("no permission to mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_has_one_message_whichever_library_writes(small_disk: Path, write: Callable[[Path], None]) -> None:
    path = small_disk / "file"
    write_json(path, "old")
    with pytest.raises(SaltError, match=rf"^{path}: cannot be written: No space left on device$"):
        write(path)
    assert write is scratch or read_json(path) == "old"
    assert list(small_disk.iterdir()) == [path]


@pytest.fixture
def small_files() -> Iterator[None]:
    """Every write beyond 32 kB in a file fails."""
    handler, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("write", WRITERS)
def test_a_file_over_the_limit_has_that_message_too(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    write_json(path, "old")
    with pytest.raises(SaltError, match=rf"^{path}: cannot be written: File too large$"):
        write(path)
    assert write is scratch or read_json(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_another_kind_is_no_failed_write(tmp_path: Path) -> None:
    with pytest.raises(SafetensorError), atomic_path(tmp_path / "file"):
        raise SafetensorError("Error while deserializing header")
    with pytest.raises(SaltError, match=r"^wrong$"), atomic_path(tmp_path / "file"):
        raise SaltError("wrong")


def test_concurrent_writers_leave_one_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    contents = [[number] * 5000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_json(path, content), contents))
    assert read_json(path) in contents
    assert list(tmp_path.iterdir()) == [path]


@given(json_values)
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = tmp_path_factory.mktemp("json") / "content.json"
    write_json(path, content)
    assert read_json(path) == content


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_without_a_finite_number_is_not_written(tmp_path: Path, number: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "content.json", {"loss": [0.5, number]})
    assert list(tmp_path.iterdir()) == []


def test_read_json_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SaltError, match=r"missing\.json: cannot be read: No such file"):
        read_json(tmp_path / "missing.json")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe"])
def test_read_json_names_a_file_that_is_not_json(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(SaltError, match=r"bad\.json: is not JSON"):
        read_json(path)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1e-400"])
def test_read_json_names_a_number_that_is_not_finite(tmp_path: Path, number: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(f'{{"loss": [0.5, {number}]}}')
    with pytest.raises(SaltError, match=rf"bad\.json: loss\.1: is not a number \(found {number}, expected"):
        read_json(path)


def test_read_json_refuses_a_file_that_is_too_large_before_it_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.touch()
    os.truncate(path, 10**12)
    with pytest.raises(SaltError, match=r"large\.json: is too large \(found 1,000,000,000,000 bytes, expected at most"):
        read_json(path)


def test_read_json_does_not_wait_for_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(SaltError, match=r": is not a regular file"):
            read_json(path)


@given(st.dictionaries(st.text(), json_values, max_size=6), st.randoms())
def test_content_hash_does_not_depend_on_the_order_of_keys(content: Any, random: Any) -> None:
    keys = list(content)
    random.shuffle(keys)
    assert content_hash({key: content[key] for key in keys}) == content_hash(content)


@given(json_values, json_values)
def test_content_hash_differs_where_the_json_differs(a: Any, b: Any) -> None:
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (content_hash(a) == content_hash(b)) == same


def test_content_hash_is_the_same_on_every_machine_and_day() -> None:
    assert content_hash({"b": [1, 2.5, None], "a": "Lovász"}) == "9aa868342b7c8935"


@pytest.mark.parametrize("linked", [False, True], ids=["itself", "a link to it"])
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path, linked: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target = tmp_path / "link" if linked else pipe
    if linked:
        target.symlink_to(pipe)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SaltError, match="is not a regular file"), atomic_path(target) as part:
        part.write_text("x")
    assert pipe.is_fifo()
    assert (target.is_symlink(), sorted(tmp_path.iterdir())) == (linked, before)


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_folder_without_a_name_is_refused(path: str) -> None:
    with pytest.raises(SaltError, match="cannot be written: Is a directory"), atomic_path(path):
        pass
