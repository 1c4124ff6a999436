"""Pull requests that a reviewer would merge: accepted, and told what they are."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.leaderboard.sound_results import write_sound
from tests.results.validation.pull_requests import (
    MONO,
    MULTI,
    NEW,
    OLD,
    PUBLICATION,
    REVISION,
    PullRequest,
    copy_of,
    make_board,
)
from xbench.results.summaries import SUMMARY_SUFFIX
from xbench.results.validation.check_settings import named

MIRACL = ("MIRACLMonolingualHardNegativesRetrieval", "MIRACLMultilingualHardNegativesRetrieval")


@pytest.fixture(scope="session")
def board(tmp_path_factory):
    return make_board(tmp_path_factory.mktemp("board") / "results")


@pytest.fixture
def pull(board, tmp_path) -> PullRequest:
    return copy_of(board, tmp_path)


def new(model=NEW, **options):
    return lambda pull: pull.add(model, **options)


def described(**meta):
    return new(meta=meta)


def task(*names, model=NEW, **options):
    def change(pull):
        for name in names:
            write_sound(pull.root, name, model=model, **({"seed": 7} | options))

    return change


def with_prompts(**prompts):
    """Return what adds a model whose prompts were chosen, in the folder of that experiment."""

    def change(pull):
        options = {f"{role}_prompt": text for role, text in prompts.items()}
        experiment = {name: named(text) for name, text in options.items()}
        folder = pull.add(experiment=experiment)
        name = "__".join(f"{key}_{value}" for key, value in sorted(experiment.items()))
        folder = folder.rename(folder.with_name(name))
        words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]

        def prompted(line):
            own = line["xbench"]
            own["model"] |= options
            own["prompts"] |= prompts
            own["command"] = [*own["command"].split(), *words]

        pull.edit("run_settings.jsonl", prompted, folder)

    return change


def settings(*path):
    def change(pull):
        pull.add()
        pull.settings(*path)

    return change


def correction(pull):
    pull.add(OLD, seed=1, badness=1.1, meta={"training_datasets": ["MLQARetrieval"]})


def without_lock(pull):
    pull.add()
    for lock in pull.root.rglob(".run_settings.lock"):
        lock.unlink()


def without_summary(pull):
    for path in pull.old.glob(f"*{SUMMARY_SUFFIX}"):
        path.unlink()
    correction(pull)


def published(**fields):
    document = PUBLICATION | {"title": "Another publication"} | fields

    def change(pull):
        (pull.root / "reported" / "another-paper.json").write_text(json.dumps(document))

    return change


def one_more_score(pull):
    entry = PUBLICATION["entries"][1] | {"language": "de"}
    pull.publication(lambda document: document["entries"].append(entry))


def part_of_settings(pull):
    """Keep the settings of all tasks that were run, and one result of them."""
    pull.add()
    for path in pull.folder.glob(f"{MULTI}*"):
        path.unlink()


def described_again(pull):
    pull.edit("model_meta.json", lambda meta: meta.update(license="mit", n_parameters=10), pull.old)


def list_of_arguments(pull):
    pull.add()
    pull.settings("xbench", "command", lambda text: text.split())


LONG = "a-very-long-name-" * 5 + "of-a-model-that-is-still-legal"
SOUND = {
    "a new model": (new(), "New model"),
    "a new model without lock files": (without_lock, "New model"),
    "a new model with summaries": (new(summary=True), "New model"),
    "a new revision": (new(OLD, revision="4567def", meta={"training_datasets": ["MLQARetrieval"]}), "New revision"),
    "a new revision by version": (new(OLD, revision="1.5.0", meta={"training_datasets": ["MLQA"]}), "New revision"),
    "a commit as revision": (new(revision="f" * 40), "New model"),
    "a correction": (correction, "Replaced results"),
    "a correction without its summary": (without_summary, "Replaced results"),
    "a description corrected": (described_again, "Changed description"),
    "two models": (lambda pull: (pull.add(seed=5), pull.add("acme/other", seed=6, badness=2)), "New model acme/other"),
    "another task of a model": (task("XBenchMiniCrosslingualRetrieval", model=OLD, meta={"training_datasets": ["MLQARetrieval"]}), "New tasks of"),
    "one task": (task(MONO), "New model"),
    "a ranked task": (task("MLQARMonolingualRetrieval"), "New model"),
    "a ranked pool": (task("MLQARMultilingualRetrieval"), "New model"),
    "pairs of languages": (task("MLQARCrosslingualRetrieval"), "New model"),
    "MIRACL": (task(*MIRACL), "New model"),
    "settings of more tasks than results": (part_of_settings, "New model"),
    "a length of one's own": (new(experiment={"max_length": 64}), "New model"),
    "paragraphs": (new(experiment={"passage_form": "context"}), "New model"),
    "prompts": (with_prompts(query="query: ", passage="passage: "), "New model"),
    "a prompt with a line break": (with_prompts(query="Instruct: find the answer\nQuery: "), "New model"),
    "a prompt in Russian": (with_prompts(query="запрос: "), "New model"),
    "a prompt in Chinese": (with_prompts(query="查询：请回答问题，"), "New model"),
    "a prompt in Arabic": (with_prompts(query="سؤال: "), "New model"),
    "a prompt in Hindi": (with_prompts(query="प्रश्न: क्षेत्र "), "New model"),
    "a prompt in Persian": (with_prompts(query="می\u200cخواهم: "), "New model"),
    "a prompt in Thai": (with_prompts(query="คำถามที่น้ำ: "), "New model"),
    "a prompt in Vietnamese": (with_prompts(query="Câu hỏi thế nữ: "), "New model"),
    "an organisation with dots": (new("acme.ai/model.v2"), "New model acme.ai/model.v2"),
    "a name with underscores": (new("acme/a__model_2"), "New model"),
    "a name in capitals": (new("ACME/Model-Large"), "New model"),
    "a long name": (new(f"acme/{LONG}"), "New model"),
    "a name of digits": (new("01-ai/2"), "New model"),
    "all of a description": (described(
        reference="https://huggingface.co/acme/new-model", license="https://huggingface.co/acme/new-model/blob/main/LICENSE",
        n_parameters=118_000_000, n_embedding_parameters=96_000_000, memory_usage_mb=449.0, max_tokens=512.0, embed_dim=384,
        release_date="2025-01-31", languages=["deu-Latn", "zho-Hans"], framework=["Sentence Transformers", "PyTorch"],
        training_datasets=["MSMARCO", "nreimers/msmarco", "NQ (hard negatives)"], public_training_data=True, similarity_fn_name="cosine",
        public_training_code="https://github.com/acme/code", citation="@misc{a,\n  title={Käse},\n}", adapted_from="FacebookAI/xlm-roberta-base"), "New model"),
    "training data in other scripts": (described(training_datasets=["Корпус новостей", "新闻语料", "أخبار"]), "New model"),
    "trained on nothing": (described(training_datasets=[]), "New model"),
    "training data not declared": (described(training_datasets=None), "New model"),
    "trained on what it is evaluated on": (described(training_datasets=["MLQARetrieval", "XQuADRetrieval"]), "New model"),
    "a licence by name": (described(license="cc-by-nc-4.0"), "New model"),
    "no limit of length": (described(max_tokens=float("inf")), "New model"),
    "dimensions to choose from": (described(embed_dim=[64, 128, 256]), "New model"),
    "a proceedings page": (described(reference="https://aclanthology.org/2020.emnlp-main.477/"), "New model"),
    "on a graphics card": (settings("xbench", "device", "cuda:0"), "New model"),
    "versions of a build": (settings("version", "torch", "2.13.0+cu128"), "New model"),
    "a version before the next": (settings("version", "transformers", "5.23.0rc1"), "New model"),
    "a command as a list": (list_of_arguments, "New model"),
    "a command with a benchmark": (settings("xbench", "command", f"xbench evaluate -b XBenchMini --model {NEW}"), "New model"),
    "a command without the network": (settings("xbench", "command", lambda text: f"{text} --offline --no-progress"), "New model"),
    "a new publication": (published(), "New scores in reported/another-paper.json"),
    "a publication with a note": (published(note="Published to two decimals."), "New scores"),
    "one more published score": (one_more_score, "Changed scores in reported/paper.json"),
}  # fmt: skip


def test_there_are_enough_cases():
    assert len(SOUND) >= 30


@pytest.mark.integration
@pytest.mark.parametrize("name", SOUND)
def test_it_is_accepted_and_told_what_it_is(board, pull, name):
    change, sentence = SOUND[name]
    change(pull)
    changes = pull.check(board)
    assert not [f for check in changes.checks for f in check.findings if not f.warning]
    assert any(line.startswith(sentence) for line in changes.sentences), changes.sentences


def test_nothing_changed_is_nothing_checked(board, pull):
    found = pull.check(board)
    assert (found.checks, found.sentences) == ([], [])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_model_that_says_what_it_was_made_from_may_have_its_ranks(board, pull, share):
    shutil.copytree(pull.old, pull.root / "acme__new-model" / REVISION)
    pull.meta(name=NEW, adapted_from=OLD if share else None)
    pull.settings("xbench", "model", "model", NEW)
    pull.settings(
        "xbench", "command", f"xbench evaluate --model {NEW} --tasks {MONO} --tasks {MULTI}"
    )
    found = [f for c in pull.check(board).checks for f in c.findings if f.field == "subsets"]
    assert {f.warning for f in found} == {bool(share)}
    assert all(f"those of {OLD}" in f.found for f in found)


def test_sentences_say_what_is_replaced(board, pull):
    correction(pull)
    assert pull.check(board).sentences == [
        f"Replaced results of {OLD} at {REVISION}: {MONO}, {MULTI}"
    ]
