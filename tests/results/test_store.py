import gzip
import json

import numpy as np
import pytest

from xbench._util.errors import UserError
from xbench.metrics import PoolRanks, scores
from xbench.results.per_query_file import PER_QUERY_SUFFIX, PerQuery, write_per_query
from xbench.results.reading import read_ranks, read_result
from xbench.results.store import macro_average, micro_average, read_settings, write_result


def content() -> PerQuery:
    """Two queries in German, the same in another order in English; one passage not retrieved."""
    german = PoolRanks(
        ("q1", "q2"),
        np.array([0, 0, 1]),
        np.array(["de", "en", "en"]),
        np.array([1, 4, 2]),
        query_language="de",
        pool={"de": 4, "en": 5},
        top=np.array([[0, 1, 1], [1, 1, -1]]),
    )
    english = PoolRanks(
        ("q2", "q1"),
        np.array([0, 0, 1]),
        np.array(["de", "en", "en"]),
        np.array([5, 0, 3]),
        query_language="en",
        pool={"de": 4, "en": 5},
        top=np.array([[1, 0, -1], [0, 0, 1]]),
    )
    return PerQuery("Task", "r1", "sentence", True, {"de": german, "en": english})


def write(folder, **settings):
    result = {
        "task_name": "Task",
        "dataset_revision": "r1",
        "scores": {"test": [{"main_score": 1 / 3, "hf_subset": "de", "languages": []}]},
    }
    write_result(folder, result, {"name": "a/b"}, {"task": "Task", **settings})


def test_per_query_ranks_come_back_as_they_were(tmp_path):
    write_per_query(tmp_path, content())
    read = read_ranks(tmp_path / f"Task{PER_QUERY_SUFFIX}")
    assert (read.task, read.dataset_revision, read.passage_form) == ("Task", "r1", "sentence")
    for name, ranks in content().subsets.items():
        again = read.subsets[name]
        assert again.questions == ranks.questions
        assert (again.query_language, again.pool) == (ranks.query_language, ranks.pool)
        for field in ("query", "language", "rank", "top"):
            assert getattr(again, field).tolist() == getattr(ranks, field).tolist()
    assert scores(read.subsets, multilingual=True) == scores(content().subsets, multilingual=True)


def test_the_same_ranks_give_the_same_bytes(tmp_path):
    write_per_query(tmp_path / "a", content())
    write_per_query(tmp_path / "b", content())
    name = f"Task{PER_QUERY_SUFFIX}"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


FLIPPED = bytearray(gzip.compress(b'{"task": "Task"}' * 9))
FLIPPED[20] ^= 255
DEEP = gzip.compress(b"[" * 100_000)


@pytest.mark.parametrize(
    "damage",
    [b"", b"no gzip", bytes(FLIPPED), DEEP, gzip.compress(b"{"), gzip.compress(b"[]")],
    ids=["empty", "text", "flipped", "deep", "truncated", "list"],
)
def test_a_damaged_per_query_file_is_named(tmp_path, damage):
    path = tmp_path / f"Task{PER_QUERY_SUFFIX}"
    path.write_bytes(damage)
    with pytest.raises(UserError, match=r"Task\.per_query\.json\.gz: the file: .*Delete it and"):
        read_ranks(path)


def test_a_missing_per_query_file_is_named(tmp_path):
    with pytest.raises(UserError, match="the file is missing; run `xbench evaluate`"):
        read_ranks(tmp_path / "x.json.gz")


def test_averages_by_hand():
    # Average precisions: de q1 (1 + 2/4)/2, q2 1/2; en q2 (1/5)/2, q1 1/3.
    assert micro_average(content()) == pytest.approx((0.75 + 0.5 + 0.1 + 1 / 3) / 4)
    result = {"scores": {"test": [{"map": 0.625}, {"map": 0.1}]}}
    assert macro_average(result, "map") == pytest.approx(0.3625)


def test_a_measure_that_a_subset_lacks_has_no_average():
    assert macro_average({"scores": {"test": [{"map": 1.0}, {}]}}, "map") is None


def test_scores_are_rounded_as_mteb_does(tmp_path):
    write(tmp_path)
    assert read_result(tmp_path, "Task")["scores"]["test"][0]["main_score"] == 0.333333
    assert json.loads((tmp_path / "model_meta.json").read_text()) == {"name": "a/b"}


def test_settings_of_a_task_are_replaced_and_others_kept(tmp_path):
    (tmp_path / "run_settings.jsonl").write_text('{"task": "Other"}\nbroken\n')
    write(tmp_path, seed=1)
    write(tmp_path, seed=2)
    assert read_settings(tmp_path) == [{"task": "Other"}, {"task": "Task", "seed": 2}]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"scores": {"test": [{}]}}',
        '{"scores": {"test": [{"main_score": 0.5, "hf_subset": "de"}]}, "dataset_revision": "r1"}',
        '{"scores": {"test": [{"main_score": 0.5, "hf_subset": "de"}]}}',
    ],
)
def test_a_damaged_result_is_none(tmp_path, damage):
    (tmp_path / "Task.json").write_text(damage)
    assert read_result(tmp_path, "Task") is None
