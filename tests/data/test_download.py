"""Files of the datasets: local, cached, from a real server, and everything that fails."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xbench._util.errors import UserError
from xbench.data.datasets import MLQA_R, XQUAD_R, Dataset
from xbench.data.download import DataLocation, dataset_files

CONTENT = b'{"data": []}'


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    (folder / "r1" / "tiny").mkdir(parents=True)
    (folder / "r1" / "tiny" / "en.json").write_bytes(CONTENT)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}", folder / "r1" / "tiny" / "en.json"
    http.shutdown()


def tiny(url: str) -> Dataset:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Dataset("Tiny", "Tiny", "tiny", "r1", url + "/{revision}/{path}", {"en": digest})


def online(tmp_path) -> DataLocation:
    return DataLocation(None, tmp_path / "cache", offline=False)


def files_under(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_file_is_downloaded_once(server, tmp_path):
    url, served = server
    first = dataset_files(tiny(url), ["en"], online(tmp_path))["en"]
    assert first.read_bytes() == CONTENT
    served.unlink()
    assert dataset_files(tiny(url), ["en"], online(tmp_path))["en"] == first


def test_a_download_is_there_offline(server, tmp_path):
    url, _ = server
    path = dataset_files(tiny(url), ["en"], online(tmp_path))["en"]
    offline = DataLocation(None, tmp_path / "cache", offline=True)
    assert dataset_files(tiny(url), ["en"], offline)["en"] == path


def test_a_damaged_cached_file_is_downloaded_again(server, tmp_path):
    url, _ = server
    path = dataset_files(tiny(url), ["en"], online(tmp_path))["en"]
    path.write_bytes(CONTENT[:-3])
    assert dataset_files(tiny(url), ["en"], online(tmp_path))["en"].read_bytes() == CONTENT


def test_a_damaged_download_leaves_nothing(server, tmp_path):
    url, served = server
    served.write_bytes(b"<html>an error page</html>")
    with pytest.raises(UserError, match=r"what arrived is damaged; expected sha256 [0-9a-f]{64}"):
        dataset_files(tiny(url), ["en"], online(tmp_path))
    assert files_under(tmp_path / "cache") == []


def test_a_missing_file_on_the_server_leaves_nothing(server, tmp_path):
    url, served = server
    served.unlink()
    with pytest.raises(UserError, match=r"\(HTTP status 404\)\. Check the name, or"):
        dataset_files(tiny(url), ["en"], online(tmp_path))
    assert files_under(tmp_path / "cache") == []


def test_no_network(pauses, tmp_path):
    with pytest.raises(UserError, match=r"cannot be fetched.*--data-dir"):
        dataset_files(tiny("http://127.0.0.1:9"), ["en"], online(tmp_path))


def test_offline_without_the_file_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"xquad-r/ar\.json: no such file.*xbench download"):
        dataset_files(XQUAD_R, ["ar"], DataLocation(None, tmp_path, offline=True))


def test_a_missing_language_in_a_local_folder(tmp_path):
    with pytest.raises(UserError, match=r"mlqa-r/vi\.json: no such file.*--data-dir"):
        dataset_files(MLQA_R, ["vi"], DataLocation(tmp_path, tmp_path / "cache", offline=False))


def test_a_truncated_local_file(tmp_path):
    path = tmp_path / "xquad-r" / "ar.json"
    path.parent.mkdir()
    path.write_bytes(b'{"data": [')
    with pytest.raises(UserError, match=r"ar\.json: damaged or another version \(10 bytes, sha256"):
        dataset_files(XQUAD_R, ["ar"], DataLocation(tmp_path, tmp_path / "cache", offline=False))


def test_the_environment_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XBENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XBENCH_OFFLINE", "1")
    expected = DataLocation(tmp_path / "data", tmp_path / "cache", offline=True)
    assert DataLocation.from_environment() == expected
    chosen = DataLocation.from_environment(data_dir=tmp_path / "other")
    assert chosen.data_dir == tmp_path / "other"
