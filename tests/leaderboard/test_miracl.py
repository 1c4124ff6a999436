"""Pages of models measured on MIRACL, next to what others published."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from xbench.data.catalogue import TASKS
from xbench.data.datasets import MIRACL
from xbench.leaderboard import build_site
from xbench.leaderboard.results import read_results
from xbench.leaderboard.standings import ranked_columns, standings
from xbench.results.reading import read_result
from xbench.results.store import macro_average

from .conftest import REPORTED, read_site, resampled_less
from .sound_results import write_sound

pytestmark = pytest.mark.integration

BADNESS = {"org/good": 1.0, "org/other": 1.5}
COLUMNS = ("Mo. nDCG@10", "Mo. Recall@100", "Mul. nDCG@10", "Mul. nDCG@10 lost")
PAGE = "datasets/miracl.html"
TASKS_OF_IT = [task for task, (dataset, _) in TASKS.items() if dataset is MIRACL]


@pytest.fixture(scope="module", autouse=True)
def few():
    """Resample little: thirteen thousand questions take long."""
    patch = resampled_less()
    yield
    patch.undo()


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    """Results of two models with their summaries, and the published scores."""
    root = tmp_path_factory.mktemp("miracl") / "results"
    for model, badness in BADNESS.items():
        data = ["MIRACL"] if model == "org/other" else []
        for task in TASKS_OF_IT:
            meta = {"training_datasets": data}
            write_sound(root, task, model=model, badness=badness, meta=meta, summary=True)
    shutil.copytree(REPORTED, root / "reported")
    return root


@pytest.fixture(scope="module")
def built(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    build_site([folder], place)
    return read_site(place)


def measured(folder, model, setting, measure):
    home = folder / model.replace("/", "__") / "0123abc"
    result = read_result(home, MIRACL.task_name(setting))
    return macro_average(result, measure)


def test_the_means_are_those_of_the_results_with_intervals_and_places(folder, built):
    table = built.page(PAGE).tables["miracl-all"]
    assert [c for c in table.columns if c != "Rank"] == ["Model", *COLUMNS, "Source or revision"]
    for model in BADNESS:
        line = next(line for line in table.lines if line.model == model)
        for column, setting, measure in zip(
            COLUMNS,
            ("monolingual", "monolingual", "multilingual", "multilingual"),
            ("ndcg_at_10", "recall_at_100", "ndcg_at_10", "ndcg_at_10_lost"),
            strict=True,
        ):
            index = table.columns.index(column) - 1
            value = 100 * measured(folder, model, setting, measure)
            assert line.cells[index] == f"{value:.1f}"
            low, high = map(float, line.details[index].split("–"))
            assert low < value < high
            assert line.details[index + 1].endswith(f"tier {line.cells[index + 1]}")


def test_published_rows_have_no_intervals_and_blanks_where_nothing_was_published(built):
    table = built.page(PAGE).tables["miracl-all"]
    line = next(line for line in table.lines if line.model == "LaBSE, hybrid batches")
    assert line.cells[:-1] == ["44.1", "", "79.5", "", "", "", "", ""]
    assert not any(line.details)


def test_models_are_ordered_by_monolingual_ndcg(built):
    table = built.page(PAGE).tables["miracl-all"]
    cells = [table.cell(model, COLUMNS[0]) for model in table.models]
    shown = [float(cell) for cell in cells if cell]
    assert shown == sorted(shown, reverse=True)
    assert cells == [f"{value:.1f}" for value in shown] + [""] * (len(cells) - len(shown))
    assert "ordered by monolingual nDCG@10." in built.page(PAGE).text


def test_who_loses_least_is_first(folder):
    table = read_results([folder])
    assert table.excluded == ()
    numbered = table.scores.assign(run=table.scores.model.astype(object))
    own = ranked_columns(numbered)["MIRACL", "multilingual", "ndcg_at_10_lost"]
    least = standings(own, table.influence)[own.loc[own.value.idxmin()].model]
    assert least.rank == least.tier == 1


def test_the_first_page_shows_the_main_score_and_states_of_training_data(built):
    page = built.page()
    shown = page.tables["board"]
    main = built.page(PAGE).tables["miracl-all"]
    for model in ("good", "other"):
        (line,) = [line for line in shown.lines if line.model.startswith(model)]
        assert line.cells[1] == main.cell(f"org/{model}", "Mo. nDCG@10")
    text = built.files["data/board.js"].decode()
    board = json.loads(re.fullmatch(r"window\.xbench = \{ .*?, board: (.*) \};\n", text)[1])
    names = [model["name"] for model in board["models"]]
    (miracl,) = [own for own in board["datasets"] if own["title"] == "MIRACL"]
    states = {names[int(run)]: state for run, state in miracl["trained"].items()}
    assert states["org/good"] == "zero-shot"
    assert states["org/other"] == "not zero-shot"


def test_each_measure_has_a_table_by_language(folder, built):
    tables = built.page(PAGE).tables
    names = ["monolingual-ndcg-at-10", "monolingual-recall-at-100", "multilingual-ndcg-at-10"]
    names += [f"multilingual-{m}" for m in ("ndcg-at-10-lost", "other-language-share-at-10")]
    names += ["multilingual-same-language-preference-at-10"]
    assert list(tables) == ["miracl-all", *(f"miracl-{name}" for name in names)]
    for name in names:
        table = tables[f"miracl-{name}"]
        assert table.columns == ["Model", *MIRACL.languages, "Mean", "Source or revision"]
        assert "org/good" in table.models


def test_captions_name_only_units_that_are_there(built):
    captions = {name: table.caption for name, table in built.page(PAGE).tables.items()}
    assert captions["miracl-all"] == "MIRACL: means × 100"
    assert not any("in ranks" in caption for caption in captions.values())


def test_a_models_page_shows_languages_and_what_mixing_costs(built):
    page = built.model("org-good")
    for part in ("Share of other languages@10", "Same-language preference@10", "nDCG@10 lost"):
        assert part in page.text
    assert "as published" in page.text
    matrix = page.tables["matrix-1-1"]
    assert matrix.caption.startswith("MIRACL: languages of the first 20 places")
    assert len(matrix.lines) == len(MIRACL.languages)
    languages = next(t for t in page.tables.values() if "MIRACL: by query" in t.caption)
    assert {"Mo. Recall@100", "Mul. nDCG@10"} <= set(languages.columns)


def test_the_page_of_measures_explains_each_new_score_once(built):
    ids = [attributes.get("id") for tag, attributes in built.page("measures.html").tags]
    for score in (
        "ndcg_at_10_lost",
        "other_language_share_at_10",
        "same_language_preference_at_10",
    ):
        assert ids.count(score) == 1


def test_building_again_gives_the_same_bytes(folder, built, tmp_path):
    build_site([folder], tmp_path / "site", from_ranks=True)
    assert read_site(tmp_path / "site").files == built.files
