"""Downloads from a server in this process: whole files arrive; what goes wrong leaves words and no half file."""

import gc
import hashlib
import io
import socket
import tarfile
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from plastic_rl.errors import UserError
from plastic_rl.streams.data.datasets import DATASETS, load_dataset
from plastic_rl.streams.data.downloads import UPSTREAM, Upstream, cache_folder, fetch
from tests.streams import written


class Server:
    """A web server with some files, some of which it breaks off, that remembers what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.asked: list[str] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, self))
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def publish(self, name: str, content: bytes) -> tuple[str, str]:
        """Put a file on the server; returns its address and its checksum."""
        self.files[name] = content
        return f"{self.url}/{name}", hashlib.md5(content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def __init__(self, server: Server, *arguments) -> None:
        self.published = server
        super().__init__(*arguments)

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        self.published.asked.append(name)
        if name not in self.published.files:
            self.send_error(404)
            return
        content = self.published.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if name in self.published.broken else content)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


@pytest.fixture
def offline(monkeypatch):
    """An MNIST of one file, at a port that nobody listens to."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = Upstream(f"http://127.0.0.1:{port}/train.gz", "0" * 32, "MNIST/raw/train.gz")
    monkeypatch.setitem(UPSTREAM, "mnist", (file,))


def publish_mnist(server, folder, monkeypatch):
    written.write_mnist(folder)
    files = []
    for file in UPSTREAM["mnist"]:
        url, md5 = server.publish(Path(file.path).name, (folder / file.path).read_bytes())
        files.append(Upstream(url, md5, file.path, instead=file.instead))
    monkeypatch.setitem(UPSTREAM, "mnist", tuple(files))


def publish_cifar100(server, folder, monkeypatch):
    written.write_cifar100(folder)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder / "cifar-100-python", "cifar-100-python")
    (file,) = UPSTREAM["cifar100"]
    url, md5 = server.publish("cifar.tar.gz", packed.getvalue())
    monkeypatch.setitem(UPSTREAM, "cifar100", (Upstream(url, md5, file.path, file.unpacked),))


def publish_omniglot(server, folder, monkeypatch):
    written.write_omniglot_folders(folder, background=2, evaluation=1)
    files = []
    for file in UPSTREAM["omniglot"]:
        (half,) = file.unpacked
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path in sorted((folder / "omniglot-py" / half).rglob("*.png")):
                archive.write(path, path.relative_to(folder / "omniglot-py"))
        url, md5 = server.publish(f"{half}.zip", packed.getvalue())
        files.append(Upstream(url, md5, file.path, file.unpacked, file.instead))
    monkeypatch.setitem(UPSTREAM, "omniglot", tuple(files))


PUBLISH = {"mnist": publish_mnist, "cifar100": publish_cifar100, "omniglot": publish_omniglot}


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def message_of(*arguments, **options):
    with pytest.raises(UserError) as failure:
        fetch(*arguments, **options)
    return str(failure.value)


@pytest.mark.parametrize("name", PUBLISH)
def test_a_missing_data_set_is_downloaded_once_and_reads_as_published(name, server, tmp_path, monkeypatch):
    PUBLISH[name](server, tmp_path / "upstream", monkeypatch)
    downloaded = load_dataset(name, tmp_path / "data")
    published = load_dataset(name, tmp_path / "upstream", download=False)
    for part in ("train", "test"):
        assert np.array_equal(getattr(downloaded, part).images, getattr(published, part).images)
    assert sorted(server.asked) == sorted(server.files)
    load_dataset(name, tmp_path / "data")
    assert len(server.asked) == len(server.files)


def test_unpacking_leaves_the_archive_and_what_was_in_it(server, tmp_path, monkeypatch):
    publish_cifar100(server, tmp_path / "upstream", monkeypatch)
    fetch("cifar100", tmp_path / "data")
    members = ["cifar-100-python.tar.gz", "cifar-100-python/test", "cifar-100-python/train"]
    assert files_below(tmp_path / "data") == members


def test_only_what_is_missing_is_asked_for(server, tmp_path, monkeypatch):
    publish_mnist(server, tmp_path / "data", monkeypatch)
    raw = tmp_path / "data/MNIST/raw"
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    (raw / "train-images-idx3-ubyte.gz").rename(raw / "train-images-idx3-ubyte")  # unpacked files serve as well
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(b"mine, whatever its checksum")
    fetch("mnist", tmp_path / "data")
    assert server.asked == ["t10k-labels-idx1-ubyte.gz"]
    assert (raw / "train-labels-idx1-ubyte.gz").read_bytes() == b"mine, whatever its checksum"


def test_an_npz_serves_instead_of_upstreams_zip(server, tmp_path, monkeypatch):
    publish_omniglot(server, tmp_path / "upstream", monkeypatch)
    written.write_omniglot(tmp_path / "data")
    fetch("omniglot", tmp_path / "data")
    assert server.asked == []


@pytest.mark.parametrize("download", [True, False])
def test_an_archive_put_there_by_hand_is_unpacked_without_a_network(download, server, tmp_path, monkeypatch):
    publish_cifar100(server, tmp_path / "upstream", monkeypatch)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/cifar-100-python.tar.gz").write_bytes(server.files["cifar.tar.gz"])
    fetch("cifar100", tmp_path / "data", download=download)
    assert (tmp_path / "data/cifar-100-python/train").exists()
    assert server.asked == []


def test_a_file_that_unpacking_lost_is_restored_from_the_archive(server, tmp_path, monkeypatch):
    publish_cifar100(server, tmp_path / "upstream", monkeypatch)
    fetch("cifar100", tmp_path / "data")
    (tmp_path / "data/cifar-100-python/test").unlink()
    fetch("cifar100", tmp_path / "data", download=False)
    assert len(load_dataset("cifar100", tmp_path / "data").test.labels) == 100


def test_an_archive_of_another_checksum_is_not_unpacked_when_downloading_is_off(server, tmp_path, monkeypatch):
    publish_cifar100(server, tmp_path / "upstream", monkeypatch)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/cifar-100-python.tar.gz").write_bytes(server.files["cifar.tar.gz"][:-1])
    assert "checksum" in message_of("cifar100", tmp_path / "data", download=False)
    assert files_below(tmp_path / "data") == ["cifar-100-python.tar.gz"]
    assert server.asked == []


def test_a_changed_file_is_refused_and_not_kept(server, tmp_path, monkeypatch):
    publish_mnist(server, tmp_path / "upstream", monkeypatch)
    server.files["train-images-idx3-ubyte.gz"] += b"changed"
    message = message_of("mnist", tmp_path / "data")
    assert "does not have upstream's checksum" in message
    assert files_below(tmp_path / "data") == []


def test_a_connection_that_breaks_off_leaves_no_half_file(server, tmp_path, monkeypatch):
    publish_mnist(server, tmp_path / "upstream", monkeypatch)
    server.broken.add("train-labels-idx1-ubyte.gz")
    assert "broke off" in message_of("mnist", tmp_path / "data")
    assert files_below(tmp_path / "data") == ["MNIST/raw/train-images-idx3-ubyte.gz"]


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_upstream_has_taken_away_is_named(server, tmp_path, monkeypatch):
    publish_mnist(server, tmp_path / "upstream", monkeypatch)
    server.files.clear()
    assert "its server answered 404" in message_of("mnist", tmp_path / "data")
    assert files_below(tmp_path / "data") == []
    gc.collect()  # pooch leaves closing the answer's socket to the collector, which would warn in a later test


@pytest.mark.usefixtures("offline")
def test_without_a_network_the_message_says_which_file_where_from_and_where_to(tmp_path):
    message = message_of("mnist", tmp_path)
    assert str(tmp_path / "MNIST/raw/train.gz") in message
    assert UPSTREAM["mnist"][0].url in message
    assert "its server cannot be reached" in message
    assert "env.data_folder=FOLDER" in message
    assert len(message.splitlines()) == 2
    assert files_below(tmp_path) == []


def test_nothing_is_asked_for_when_downloading_is_off(server, tmp_path, monkeypatch):
    publish_mnist(server, tmp_path / "upstream", monkeypatch)
    assert "downloading is switched off" in message_of("mnist", tmp_path / "data", download=False)
    assert server.asked == []
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path, monkeypatch):
    publish_mnist(server, tmp_path / "upstream", monkeypatch)
    (tmp_path / "data").write_text("a file")
    assert str(tmp_path / "data") in message_of("mnist", tmp_path / "data")


def test_the_cache_is_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "plastic_rl"


def test_every_download_belongs_to_a_data_set_and_has_a_checksum():
    assert set(UPSTREAM) <= set(DATASETS)
    for file in (file for files in UPSTREAM.values() for file in files):
        assert len(file.md5) == 32
        assert int(file.md5, 16) > 0
        assert file.url.startswith("http")
        assert not Path(file.path).is_absolute()
