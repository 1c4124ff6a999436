"""How long a corpus of 100,000 passages in five languages takes to read, and in what memory."""

from __future__ import annotations

import csv
import random
import subprocess
import sys

import pytest

WORDS = {
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول اليوم",
    "de": "der schnelle braune Fuchs springt über den faulen Hund „heute“",
    "en": "the quick brown fox jumps over the lazy dog – today",
    "ru": "быстрая коричневая лиса прыгает через ленивую собаку",
    "zh": "敏 捷 的 棕 色 狐 狸 跳 过 懒 狗 今 天 天 气 很 好",
}
READ = """
import resource, sys, time
from pathlib import Path
from xbench.data.own.reading import read_own_corpus
read_own_corpus(Path(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
own = read_own_corpus(Path(sys.argv[1]))
own.dataset
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.process_time() - start, 1024 * (peak - before), own.counts["zh"].passages)
"""


def write(path, ids):
    draw = random.Random(0)
    words = {code: own.split() for code, own in WORDS.items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "language", "query", "passage"])
        for i in range(ids):
            for code, own in words.items():
                texts = (f"{' '.join(draw.choices(own, k=k))} {i}" for k in (8, 80))
                writer.writerow([i, code, *texts])
    return path


@pytest.mark.slow
def test_it_is_read_in_seconds_and_in_three_times_the_file(tmp_path):
    large, small = write(tmp_path / "large.csv", 20_000), write(tmp_path / "small.csv", 10)
    command = [sys.executable, "-c", READ, str(large), str(small)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory, passages = map(float, outcome.stdout.split())
    assert passages == 20_000
    assert seconds <= 5
    assert memory <= 3 * large.stat().st_size
