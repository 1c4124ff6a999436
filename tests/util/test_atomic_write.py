"""Files are written whole or not at all, and what the disk refuses is said in a message."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.ordinary_user import as_ordinary_user, read_only, remove
from xbench._util.atomic_write import check_place, locked, usable, write_atomically
from xbench._util.errors import UserError


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "place"
    folder.mkdir()
    yield folder
    remove(folder)


def message(function, *arguments):
    def run():
        with pytest.raises(UserError) as error:
            function(*arguments)
        return str(error.value)

    return run


def lock(path):
    with locked(path):
        pass


def test_a_read_only_folder(place):
    write_atomically(place / "there", b"old")
    read_only(place)
    for function, arguments in (
        (write_atomically, (place / "there", b"new")),
        (write_atomically, (place / "new" / "file", b"new")),
        (lock, (place / "lock",)),
        (check_place, (place / "new" / "file",)),
        (check_place, (place,)),
        (check_place, (place / "there",)),
    ):
        found = as_ordinary_user(message(function, *arguments))
        assert str(arguments[0]) in found
        assert "choose another place" in found
    assert [path.name for path in place.iterdir()] == ["there"]
    assert (place / "there").read_bytes() == b"old"


def test_a_folder_that_may_not_even_be_looked_into(place):
    closed = place / "closed"
    closed.mkdir(mode=0)
    for function, arguments in (
        (write_atomically, (closed / "a" / "b", b"")),
        (lock, (closed / "a",)),
    ):
        assert "Permission denied" in as_ordinary_user(message(function, *arguments))


@pytest.mark.parametrize("function", [lambda path: write_atomically(path, b""), lock, check_place])
def test_a_file_in_place_of_a_folder(tmp_path, function):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/deep/own: cannot be (written|locked)"):
        function(tmp_path / "file" / "deep" / "own")


@pytest.mark.parametrize("function", [lambda path: write_atomically(path, b""), lock])
def test_a_file_system_that_takes_no_files(function):
    if not Path("/proc").is_dir():
        pytest.skip("there is no /proc")
    with pytest.raises(UserError, match="/proc/own"):
        function(Path("/proc/own"))


def test_a_disk_that_is_full_leaves_what_was_there(place):
    write_atomically(place / "file", b"old")

    def run():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        return message(write_atomically, place / "file", b"x" * 100_000)()

    assert "cannot be written (File too large). Make room" in as_ordinary_user(run)
    assert (place / "file").read_bytes() == b"old"
    assert [path.name for path in place.iterdir()] == ["file"]


def test_what_can_be_written_passes_and_nothing_is_made(tmp_path):
    check_place(tmp_path / "new" / "file")
    check_place(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_errors_of_other_kinds_are_left_alone(tmp_path):
    with pytest.raises(ConnectionResetError), usable(tmp_path, refusals=set()):
        raise ConnectionResetError
    with pytest.raises(ZeroDivisionError), usable(tmp_path):
        _ = 1 / 0
