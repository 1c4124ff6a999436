"""The table of mteb's tasks is what mteb says.

``python -m tests.results.test_upstream_tasks`` brings it up to date with mteb; the
dataset revisions of earlier releases stay in it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mteb.get_tasks import get_task

from xbench.results import upstream_tasks

TABLE = Path(upstream_tasks.__file__).with_name("upstream_tasks.json")
RECORDED = json.loads(TABLE.read_text())


def of_mteb(name):
    metadata = get_task(name).metadata
    content = {
        "measure": metadata.main_score,
        "splits": metadata.eval_splits,
        "subsets": metadata.hf_subsets_to_langscripts,
    }
    return content, metadata.dataset["revision"]


@pytest.mark.parametrize("name", RECORDED)
def test_the_table_is_what_mteb_says(name):
    recorded = dict(RECORDED[name])
    revisions = recorded.pop("dataset_revisions")
    content, revision = of_mteb(name)
    assert recorded == content
    assert revision in revisions


if __name__ == "__main__":
    for name, entry in RECORDED.items():
        content, revision = of_mteb(name)
        earlier = [known for known in entry["dataset_revisions"] if known != revision]
        RECORDED[name] = {"dataset_revisions": [*earlier, revision], **content}
    TABLE.write_text(json.dumps(RECORDED, indent=1) + "\n")
