"""A first page that is not the project's own is never overwritten."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from xbench._util.errors import UserError
from xbench.cli import main
from xbench.leaderboard.writing import INDEX, MANIFEST, write_site

FOREIGN = "my own page"


def site(output, content=b"ours"):
    write_site(output, [lambda: [(INDEX, content)]])


@pytest.mark.parametrize("listed", [None, "", "models/one.html\n", "index.html.bak\n", "\0\xff"])
def test_a_foreign_page_stays(tmp_path, listed):
    (tmp_path / INDEX).write_text(FOREIGN)
    if listed is not None:
        (tmp_path / MANIFEST).write_text(listed)
    with pytest.raises(UserError, match=r"index\.html: not written by `xbench leaderboard build`"):
        site(tmp_path)
    assert (tmp_path / INDEX).read_text() == FOREIGN
    assert (tmp_path / MANIFEST).exists() == (listed is not None)


def test_a_link_that_leads_nowhere_stays(tmp_path):
    (tmp_path / INDEX).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="not written by"):
        site(tmp_path)
    assert (tmp_path / INDEX).is_symlink()


def test_an_own_page_is_written_again(tmp_path):
    site(tmp_path)
    site(tmp_path, b"newer")
    assert (tmp_path / INDEX).read_bytes() == b"newer"


def test_an_interrupted_build_can_be_repeated(tmp_path):
    def interrupted():
        yield INDEX, b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_site(tmp_path, [interrupted])
    assert (tmp_path / INDEX).read_bytes() == b"half"
    site(tmp_path)
    assert (tmp_path / INDEX).read_bytes() == b"ours"


def test_the_command_says_so(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / INDEX).write_text(FOREIGN)
    words = ["-r", str(tmp_path / "results"), "-o", str(tmp_path / "docs")]
    done = CliRunner(env={"XBENCH_CACHE_DIR": str(tmp_path / "cache")}).invoke(
        main, ["leaderboard", "build", *words]
    )
    assert done.exit_code == 2
    assert "choose another --output" in done.output
    assert (tmp_path / "docs" / INDEX).read_text() == FOREIGN
