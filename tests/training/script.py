"""Training runs for tests, as a user's own script under ``python`` or ``torchrun``."""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)

from tests.conftest import make_tiny_transformer
from tests.training.parallel_pairs import make_pairs
from xbench.training.batching.dataset import PairDataset
from xbench.training.language_losses import LanguageAdversarialLoss
from xbench.training.trainer import HybridTrainer


def corpora(negatives):
    mask = np.ones((58, 4), bool)
    mask[50:, 3] = False
    other = np.ones((20, 2), bool)
    return [make_pairs(mask, negatives=negatives), make_pairs(other, name="other")]


def train(start, output, dropout, resume=None, workers=0, negatives=0, adversary=0.0):
    """Train for three epochs of eleven batches, saving every step; return the trainer."""
    model = copy.deepcopy(start)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    args = SentenceTransformerTrainingArguments(
        output_dir=str(output),
        num_train_epochs=3,
        per_device_train_batch_size=8,
        per_device_eval_batch_size=8,
        learning_rate=1e-3,
        logging_steps=1,
        save_steps=1,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        seed=3,
        prompts={"query": "q: ", "passage": "p: "},
        dataloader_num_workers=workers,
    )
    dataset = PairDataset(corpora(negatives))
    gather = {"gather_across_devices": args.world_size > 1}
    loss = MultipleNegativesRankingLoss(model, **gather)
    if adversary:
        loss = LanguageAdversarialLoss(model, dataset.languages, adversary=adversary, **gather)
    trainer = HybridTrainer(model=model, args=args, train_dataset=dataset, loss=loss)
    trainer.train(resume_from_checkpoint=resume and str(resume))
    return trainer


def save(trainer, output):
    if trainer.is_world_process_zero():
        losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
        trainer.model.save_pretrained(str(output / "model"))
        (output / "losses.json").write_text(json.dumps(losses))
    trainer.accelerator.wait_for_everyone()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--resume-from", type=int, nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--negatives", type=int, default=0)
    parser.add_argument("--adversary", type=float, default=0.0)
    options = parser.parse_args()
    start = make_tiny_transformer()
    own = {"negatives": options.negatives, "adversary": options.adversary}
    whole = train(start, options.output, options.dropout, **own)
    save(whole, options.output)
    for step in options.resume_from:
        resumed = options.output / f"resumed-{step}"
        checkpoint = options.output / f"checkpoint-{step}"
        save(train(start, resumed, options.dropout, checkpoint, options.workers), resumed)


if __name__ == "__main__":
    main()
