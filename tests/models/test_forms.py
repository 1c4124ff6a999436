"""Every form of model gives the same scores for the same embeddings."""

from __future__ import annotations

import json
import sys

import mteb
import pytest
from mteb.models import ModelMeta

import xbench
from tests.commands import invoke, start
from xbench._util.errors import UserError
from xbench.models.factories import made
from xbench.models.forms import FORMS, as_model
from xbench.models.lookup import find_model
from xbench.models.options import ModelOptions

pytestmark = pytest.mark.integration

TASK = "XBenchMiniMultilingualRetrieval"

VECTORS = """
from pathlib import Path
from sentence_transformers import SentenceTransformer

library = SentenceTransformer(str(Path(__file__).with_name("static")), device="cpu")

def vectors(texts, scale=1.0):
    return scale * library.encode(list(texts))
"""

FORMS_FILE = """
from __future__ import annotations

from dataclasses import dataclass

import torch
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ScoringFunction
from mteb.similarity_functions import cos_sim
from text_vectors import library, vectors


class WithMeta(AbsEncoder):
    mteb_model_meta = ModelMeta.create_empty({"name": "test/with-meta", "revision": "1"})

    def encode(self, inputs, *, task_metadata, hf_split, hf_subset, prompt_type=None, **kwargs):
        return vectors([text for batch in inputs for text in batch["text"]])


class WithoutMeta(WithMeta):
    mteb_model_meta = None


class EncodeOnly:
    def encode(self, inputs, *, task_metadata, **kwargs):
        return vectors([text for batch in inputs for text in batch["text"]])


class Mteb1:
    def encode(self, sentences, *, task_name, prompt_type=None, **kwargs):
        assert task_name == "XBenchMiniMultilingualRetrieval"
        assert prompt_type.value in ("query", "passage")
        return torch.from_numpy(vectors(sentences))


class Queries:
    def encode_queries(self, queries, batch_size=8):
        return vectors(queries)

    def encode_corpus(self, corpus, batch_size=8):
        return vectors(corpus)


class ByRole:
    def encode_query(self, texts):
        return vectors(texts)

    def encode_document(self, texts):
        return torch.from_numpy(vectors(texts)).to(torch.float64)


@dataclass
class Plain:
    scale: float = 1.0

    def encode(self, texts):
        return vectors(texts, self.scale).tolist()


class LangChain:
    def embed_documents(self, texts):
        return vectors(texts).tolist()

    def embed_query(self, text):
        return vectors([text])[0].tolist()


class Search:
    mteb_model_meta = None

    def index(self, corpus, **kwargs):
        self.ids, self.vectors = list(corpus["id"]), vectors(corpus["text"])

    def search(self, queries, *, top_k, **kwargs):
        scores = cos_sim(vectors(queries["text"]), self.vectors)
        return {
            query: dict(zip(self.ids, row, strict=True))
            for query, row in zip(queries["id"], scores.tolist(), strict=True)
        }


class Tokens(AbsEncoder):
    mteb_model_meta = ModelMeta.create_empty(
        {"name": "test/tokens", "revision": "1", "similarity_fn_name": ScoringFunction.MAX_SIM}
    )

    def encode(self, inputs, *, task_metadata, hf_split, hf_subset, prompt_type=None, **kwargs):
        unit = torch.nn.functional.normalize(
            torch.from_numpy(vectors([text for batch in inputs for text in batch["text"]]))
        )
        return [row[None] for row in unit]


def function(texts):
    return vectors(texts)


def with_scale(texts, scale):
    return vectors(texts, scale)


def factory(scale=1.0):
    return Plain(scale)


an_object = Plain()
"""

NAMES = (
    *("WithMeta", "WithoutMeta", "EncodeOnly", "Mteb1", "Queries", "ByRole", "Plain", "LangChain"),
    *("Search", "Tokens", "function", "with_scale", "factory", "an_object", "library"),
)
ARGUMENTS = {"with_scale": {"scale": 2.0}, "factory": {"scale": 8.0}, "Plain": {"scale": 4.0}}


def static_model():
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["[UNK]", *alphabet])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            pre_tokenizers.Split("", "isolated"),
        ]
    )
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=32)], device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")
    static_model().save(str(folder / "static"))
    (folder / "text_vectors.py").write_text(VECTORS)
    (folder / "all_forms.py").write_text(FORMS_FILE)
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "models.py").write_text("from all_forms import *")
    return folder


@pytest.fixture(scope="module")
def module(folder):
    sys.path.insert(0, str(folder))
    import all_forms

    yield all_forms
    sys.path.remove(str(folder))


def evaluate(model, folder, **options):
    return xbench.evaluate(
        model, TASK, output=folder, cache_dir=folder / "cache", no_progress=True, **options
    )


def scores(results):
    frame = results.to_dataframe()
    return {
        (row.subset, row.average, row.measure): row.value for row in frame.itertuples(index=False)
    }


@pytest.fixture(scope="module")
def expected(folder, tmp_path_factory):
    return scores(evaluate(str(folder / "static"), tmp_path_factory.mktemp("expected")))


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_as_an_object(module, name, expected, tmp_path):
    thing, arguments = getattr(module, name), ARGUMENTS.get(name)
    assert_same(scores(evaluate(thing, tmp_path, model_kwargs=arguments)), expected)


@pytest.mark.parametrize("name", NAMES)
def test_as_a_name_in_a_file(folder, name, expected, tmp_path):
    model = f"{folder / 'all_forms.py'}:{name}"
    results = evaluate(model, tmp_path, model_kwargs=ARGUMENTS.get(name))
    assert_same(scores(results), expected)
    assert set(results.to_dataframe()["model"]) == {f"local/all_forms-{name}"}


def test_what_the_model_of_a_file_declares_is_in_its_results_under_the_name_given(folder, tmp_path):
    own = tmp_path / "declared.py"
    own.write_text(
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from all_forms import ModelMeta, WithMeta\n"
        "class Declared(WithMeta):\n"
        "    mteb_model_meta = ModelMeta.create_empty({'name': 'a/b', 'revision': '7', "
        "'license': 'mit', 'n_parameters': 9, 'embed_dim': 32, 'training_datasets': {'MLQA'}})\n"
    )
    results = evaluate(f"{own}:Declared", tmp_path, name="org/mine")
    (path,) = tmp_path.rglob("model_meta.json")
    meta = json.loads(path.read_text())
    assert (meta["license"], meta["n_parameters"], meta["embed_dim"]) == ("mit", 9, 32)
    assert (meta["name"], meta["training_datasets"]) == ("org/mine", ["MLQA"])
    assert meta["revision"] == path.parent.name != "7"
    (run,) = {(r.model, r.revision) for r in results.to_dataframe().itertuples()}
    assert run == ("org/mine", meta["revision"])


@pytest.mark.integration
@pytest.mark.parametrize("name", ["Plain", "function", "LangChain"])
def test_the_command_takes_files_and_modules(folder, name, expected, tmp_path):
    words = ["--model-kwargs", json.dumps(ARGUMENTS[name])] if name in ARGUMENTS else []
    for model in (f"{folder / 'all_forms.py'}:{name}", f"shop.models:{name}"):
        start(folder, "evaluate", "--model", model, "--tasks", TASK, *words).succeed()
    results = xbench.load_results(folder / "results")
    for model in (f"local/all_forms-{name}", f"local/shop.models-{name}"):
        frame = results.to_dataframe()
        frame = frame[frame["model"] == model]
        found = {(r.subset, r.average, r.measure): r.value for r in frame.itertuples(index=False)}
        assert_same(found, expected)


@pytest.mark.parametrize("name", ["WithMeta", "library", "Tokens"])
def test_mteb_gives_the_same(module, name, expected):
    thing = getattr(module, name)
    model = thing() if isinstance(thing, type) else thing
    tasks = xbench.get_tasks(TASK)
    (result,) = mteb.evaluate(model, tasks, cache=None, show_progress_bar=False).task_results
    for subset in result.scores["test"]:
        wanted = expected[subset["hf_subset"], "", "map"]
        assert subset["map"] == pytest.approx(wanted, abs=2e-6)


def test_the_text_of_no_form_is_refused_before_code_runs(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("raise SystemExit\nclass Encoder: pass\n")
    cases = {
        f"{path}:Encodr": "mine.py has no name 'Encodr'. Did you mean 'Encoder'?",
        f"{path}": "Which class, function or object of the file\\? Write .*mine.py:NAME",
        "no_package.module:Encoder": "no_package.module cannot be imported",
        "json.nothing:Encoder": "there is no Python module json.nothing",
    }
    for model, message in cases.items():
        with pytest.raises(UserError, match=message):
            find_model(ModelOptions(model), offline=True)
    find_model(ModelOptions(f"{path}:Encoder"), offline=True)


@pytest.mark.parametrize("thing", [3, "text", None, object()])
def test_what_is_no_model_is_refused_with_all_forms(thing):
    with pytest.raises(UserError) as caught:
        as_model(thing, ModelMeta.create_empty(), "--model x")
    assert all(form.words in str(caught.value) for form in FORMS)


def test_arguments_reach_factories_only():
    def two(one, other):
        return [one, other]

    assert made(lambda dim: dim, {"dim": 5}, "m") == 5
    assert made(lambda texts, dim: (texts, dim), {"dim": 5}, "m")(["a"]) == (["a"], 5)
    for thing, arguments, message in (
        (two, {}, r"two\(one, other\) can be called neither with nothing"),
        (made(lambda: ModelOptions("x"), None, "m"), {"a": 1}, "not a class or factory"),
        (ModelOptions, {"modle": "x"}, r"ModelOptions\(modle='x'\) failed: TypeError"),
    ):
        with pytest.raises(UserError, match=message):
            made(thing, arguments, "m")


def test_the_digest_of_a_file_is_that_of_its_neighbours_too(folder, tmp_path):
    for name in ("all_forms.py", "text_vectors.py"):
        (tmp_path / name).write_text((folder / name).read_text())
    options = ModelOptions(f"{tmp_path / 'all_forms.py'}:Plain")
    first = find_model(options, offline=True)
    other = ModelOptions(options.model, model_kwargs={"scale": 2.0})
    assert find_model(other, offline=True).identity != first.identity
    with (tmp_path / "text_vectors.py").open("a") as file:
        file.write("\n")
    assert find_model(options, offline=True).identity != first.identity


def test_arguments_are_part_of_the_settings_and_of_the_command(folder, tmp_path):
    model = f"{folder / 'all_forms.py'}:Plain"
    results = evaluate(model, tmp_path, model_kwargs={"scale": 4.0})
    (path,) = results.files.values()
    assert path.parent.name.startswith("model_kwargs_scale-4-0-")
    (line,) = (path.parent / "run_settings.jsonl").read_text().splitlines()
    settings = json.loads(line)["xbench"]
    assert settings["model"]["model_kwargs"] == {"scale": 4.0}
    words = settings["command"]
    assert words[words.index("--model-kwargs") + 1] == '{"scale": 4.0}'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{dim: 256}", "is not JSON"),
        ("[1]", "expected an object such as"),
    ],
)
def test_arguments_that_are_not_json(value, message, tmp_path):
    done = invoke(tmp_path, "evaluate", "--model", "x.py:f", "--model-kwargs", value)
    assert done.returncode == 2
    assert message in done.stderr
