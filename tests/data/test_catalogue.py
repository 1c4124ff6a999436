import pytest

from xbench.data.catalogue import BENCHMARKS, TASKS, subsets
from xbench.data.datasets import MINI, MLQA_R, SETTINGS, XQUAD_R


@pytest.mark.parametrize(
    ("dataset", "counts"), [(XQUAD_R, [11, 110, 11]), (MLQA_R, [7, 42, 7]), (MINI, [8, 56, 8])]
)
def test_number_of_subsets(dataset, counts):
    assert [len(subsets(setting, dataset.languages)) for setting in SETTINGS] == counts


def test_a_crosslingual_subset_names_the_query_language_first():
    pair = subsets("crosslingual", XQUAD_R.languages)["ar-de"]
    assert (pair.query_language, pair.passage_languages) == ("ar", ("de",))


def test_demonstrations_are_not_in_the_benchmark():
    assert len(BENCHMARKS["XBench"]) == 6
    assert not any(TASKS[name][0].demonstration for name in BENCHMARKS["XBench"])
