"""What was derived from result files is kept as long as it is right, and no longer."""

from __future__ import annotations

import json

import pytest

from xbench.leaderboard import cache
from xbench.leaderboard.loading import read_measured

from .sound_results import write_sound

MONO, CROSS, MULTI = (
    f"XBenchMini{setting}Retrieval" for setting in ("Monolingual", "Crosslingual", "Multilingual")
)


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for task in (MONO, CROSS, MULTI):
        write_sound(folder, task)
    write_sound(folder, MONO, model="org/other", edit=lambda result: result.update(more=1))
    return folder


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def derived(monkeypatch):
    """The files that were derived from."""
    seen = []

    def read_record(path, root):
        seen.append(path.relative_to(root).as_posix())
        return original(path, root)

    original = cache.read_record
    monkeypatch.setattr(cache, "read_record", read_record)
    return seen


def same(first, second):
    """Tell whether rows, with what their standings follow from, and files left out are the same."""
    evidence = [
        [[(key, own.tobytes()) for key, own in e.items()] for e in (row.evidence for row in rows)]
        for rows, _ in (first, second)
    ]
    return first == second and evidence[0] == evidence[1]


def test_files_that_did_not_change_are_not_derived_from_again(results, kept, derived):
    first = read_measured([results], kept)
    assert len(derived) == 4
    assert same(read_measured([results], kept), first)
    assert same(read_measured([results]), first)
    assert len(derived) == 8


@pytest.mark.parametrize(
    "name", [f"{MULTI}.json", f"{MULTI}.per_query.json.gz", "model_meta.json", "run_settings.jsonl"]
)
def test_a_file_that_changed_by_a_byte_is_read_again(results, kept, derived, name):
    read_measured([results], kept)
    derived.clear()
    path = results / "org__model" / "0123abc" / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1", b"2", 1) if b"1" in content else content + b" ")
    found = read_measured([results], kept)
    assert f"org__model/0123abc/{MULTI}.json" in derived
    assert same(read_measured([results]), found)


def test_another_revision_of_the_model_is_noticed(results, kept):
    read_measured([results], kept)
    write_sound(results, MULTI, revision="worse", badness=8.0)
    found = read_measured([results], kept)
    assert same(read_measured([results]), found)
    assert any("revision worse has" in note for row in found[0] for note in row.notes)


def test_a_link_is_refused_even_where_its_content_is_known(results, kept, tmp_path):
    read_measured([results], kept)
    path = results / "org__model" / "0123abc" / f"{MULTI}.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    _, left_out = read_measured([results], kept)
    assert any("outside the folder of results" in item.reason for item in left_out)


def test_other_code_derives_again(results, kept, derived, monkeypatch):
    read_measured([results], kept)
    monkeypatch.setattr(cache, "code_digest", lambda: b"other")
    read_measured([results], kept)
    assert len(derived) == 8


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-100],
        lambda content: content[: len(content) // 2] + b"\xff" + content[len(content) // 2 + 1 :],
        lambda content: b"PK\x05\x06" + bytes(18),
        lambda content: json.dumps({"errors": []}).encode(),
    ],
)
def test_a_damaged_entry_is_derived_again(results, kept, derived, damage):
    first = read_measured([results], kept)
    for entry in kept.rglob("*.npz"):
        entry.write_bytes(damage(entry.read_bytes()))
    derived.clear()
    assert same(read_measured([results], kept), first)
    assert len(derived) == 4
    assert same(read_measured([results], kept), first)
    assert len(derived) == 4


def test_a_cache_that_cannot_be_written_is_no_error(results, tmp_path):
    (tmp_path / "file").touch()
    assert same(read_measured([results], tmp_path / "file"), read_measured([results]))


def test_processes_give_the_same_rows_in_the_same_order(results, monkeypatch):
    alone = read_measured([results])
    monkeypatch.setattr(cache, "WORTH_PROCESSES", 1)
    assert same(read_measured([results]), alone)
