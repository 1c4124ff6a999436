"""The files of a site: written where they differ, removed where they are no longer part of it."""

from __future__ import annotations

import os

import pytest

from xbench.leaderboard.writing import MANIFEST, write_site


def site(output, **files):
    write_site(output, [lambda: [(f"models/{name}.html", own) for name, own in files.items()]])


def names(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_pages_that_vanished_are_removed_and_other_files_left_alone(tmp_path):
    site(tmp_path, one=b"1", two=b"2")
    (tmp_path / "models" / "mine.html").touch()
    (tmp_path / "CNAME").touch()
    site(tmp_path, two=b"3")
    assert names(tmp_path) == {"two.html", "mine.html", "CNAME", MANIFEST}
    assert (tmp_path / "models" / "two.html").read_bytes() == b"3"
    assert (tmp_path / MANIFEST).read_text() == "models/two.html\n"


def test_a_file_that_is_the_same_is_not_written_again(tmp_path):
    site(tmp_path, one=b"1", two=b"2")
    for path in (tmp_path / "models").iterdir():
        os.utime(path, (1, 1))
    site(tmp_path, one=b"1", two=b"3")
    assert (tmp_path / "models" / "one.html").stat().st_mtime == 1
    assert (tmp_path / "models" / "two.html").stat().st_mtime != 1


@pytest.mark.parametrize(
    "line",
    ["../outside", "models/../../outside", "/{absolute}", "models//../x", "..", ".", "", "\x00",
     "models", "behind/outside", "models/link", "data/linked/outside", "x" * 10_000],
)  # fmt: skip
def test_a_hostile_list_removes_nothing_outside_the_folder(tmp_path, line):
    output, outside = tmp_path / "site", tmp_path / "outside"
    outside.write_text("kept")
    site(output, one=b"1")
    (output / "behind").symlink_to(tmp_path)
    (output / "data").symlink_to(tmp_path)
    (output / "models" / "link").symlink_to(outside)
    entry = line.replace("{absolute}", str(outside).removeprefix("/"))
    (output / MANIFEST).write_text(f"{entry}\ndata/outside\n")
    site(output, one=b"1")
    assert outside.read_text() == "kept"
    assert (output / "models" / "one.html").is_file()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\n" * 100, bytes(1000)])
def test_a_damaged_list_is_no_error(tmp_path, content):
    site(tmp_path, one=b"1")
    (tmp_path / MANIFEST).write_bytes(content)
    site(tmp_path, two=b"2")
    assert "one.html" in names(tmp_path)
