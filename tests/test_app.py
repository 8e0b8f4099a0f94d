"""The app as a client sees it: launched in this process with a tiny model, and its command line."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import brotli
import numpy as np
import pandas as pd
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from analysis.evaluation import Evaluation, EvaluationError
from asr_core.checkpoint import CheckpointError, save_model
from asr_core.training.corpora import morse
from ui import library, strings
from ui.background import Pending

RATE = 8000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Recordings, a manifest of them, and files that are none."""
    folder = tmp_path_factory.mktemp("app")
    rng = np.random.default_rng(0)
    soundfile.write(folder / "noise.wav", 0.1 * rng.standard_normal(2 * RATE), RATE)
    soundfile.write(folder / "short.wav", 0.1 * rng.standard_normal(RATE // 20), RATE)
    (folder / "notes.wav").write_text("three seven stop")
    rows = [{"audio_filepath": "noise.wav", "text": "yes stop", "id": "u0"}]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture(scope="module")
def address(folder, tiny_recognizer, tmp_path_factory) -> str:
    """A launched app with the tiny model, which evaluates the manifest in the background."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setattr(app, "RUNS", folder / "runs")
        save_model(folder / "tiny", tiny_recognizer.contract, tiny_recognizer.model)
        arguments = ["--model", str(folder / "tiny"), "--manifest", str(folder / "manifest.jsonl")]
        page = app.build(*app.collect(app.parse(arguments)))
        yield app.launch(page, port=free_port())
        page.close(verbose=False)


@pytest.fixture(scope="module")
def client(address) -> Client:
    return Client(address, verbose=False)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - localhost
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code


def test_the_page_answers(address):
    assert status(address) == 200


def test_the_page_travels_compressed_and_once(address):
    def get(**headers: str):
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - localhost
        return urllib.request.urlopen(request, timeout=20)  # noqa: S310

    with get() as plain, get(**{"Accept-Encoding": "gzip, br"}) as packed:
        page, sent = plain.read(), packed.read()
        assert packed.headers["Content-Encoding"] == "br"
        assert brotli.decompress(sent) == page
        assert len(sent) < len(page) / 8
        tag = packed.headers["ETag"]
    with pytest.raises(urllib.error.HTTPError, match="304"):
        get(**{"If-None-Match": tag})


def test_a_file_is_recognised(client, folder, tiny_recognizer):
    value, recorder = client.predict(
        handle_file(folder / "noise.wav"), "tiny", api_name="/recognise"
    )
    words = [word["text"] for word in value["lanes"][0]["words"]]
    assert " ".join(words) == tiny_recognizer.transcribe([folder / "noise.wav"])[0].text
    assert recorder is None


def test_its_sound_is_served_in_ranges(client, address, folder):
    value, _ = client.predict(handle_file(folder / "noise.wav"), "tiny", api_name="/recognise")
    request = urllib.request.Request(  # noqa: S310 - localhost
        address + value["audio_url"], headers={"Range": "bytes=100-199"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        assert answer.status == 206
        assert answer.read() == (folder / "noise.wav").read_bytes()[100:200]


@pytest.mark.parametrize(
    ("name", "message"), [("notes.wav", "notes.wav is not"), ("short.wav", "too short")]
)
def test_a_bad_file_gets_one_clear_message(client, folder, name, message):
    with pytest.raises(AppError, match=message):
        client.predict(handle_file(folder / name), "tiny", api_name="/recognise")


def test_a_model_that_is_not_offered(client, folder):
    with pytest.raises(AppError):
        client.predict(handle_file(folder / "noise.wav"), "../tiny", api_name="/recognise")


def test_only_recognise_is_offered_to_programs(client):
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/recognise"]


def test_files_that_nobody_chose_are_not_served(address, folder):
    for path in (Path(app.__file__), folder / "manifest.jsonl", folder / "noise.wav"):
        assert status(f"{address}gradio_api/file={quote(str(path))}") == 403


def test_the_manifest_is_evaluated_in_the_background_and_kept(address, folder):
    out = folder / "runs" / f"eval-tiny-{folder.name}"
    deadline = time.monotonic() + 60
    while not (out / "summary.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert Evaluation.open(out).summary["counts"]["utterances"] == 1


class TestReuse:
    """An evaluation is made again only if the model or the manifest changed."""

    @pytest.fixture
    def made(self, tiny_recognizer, folder, tmp_path):
        save_model(tmp_path / "tiny", tiny_recognizer.contract, tiny_recognizer.model)
        manifest = tmp_path / "set.jsonl"
        row = {"audio_filepath": str(folder / "noise.wav"), "text": "yes"}
        manifest.write_text(json.dumps(row))

        def make() -> str:
            model = Pending.of("tiny", tiny_recognizer)
            pending = library.to_be_made(model, manifest, tmp_path)
            pending.make()
            return str(pending.result().folder.stat().st_mtime_ns)

        return make, manifest

    def test_the_same_is_opened(self, made):
        make, _ = made
        assert make() == make()

    def test_another_manifest_is_evaluated(self, made):
        make, manifest = made
        before = make()
        manifest.write_text(manifest.read_text().replace("yes", "no"))
        assert make() != before


class TestMorse:
    """The generated set: offered with a Morse model only, made when it is wanted."""

    @pytest.fixture
    def model(self, tiny_morse_recognizer, tmp_path) -> Path:
        recognizer = tiny_morse_recognizer
        save_model(tmp_path / "signs", recognizer.contract, recognizer.model)
        return tmp_path / "signs"

    def test_it_is_offered_with_a_morse_model_only(self, model, folder):
        save = str(folder / "manifest.jsonl")
        with_it = app.collect(app.parse(["--model", str(model), "--manifest", save]))[1]
        assert [each.on_demand for each in with_it] == [False, True]
        assert f"({morse.N_VALIDATION} generated messages" in with_it[1].name
        without = app.collect(app.parse(["--model", "spoken", "--manifest", save]))[1]
        assert [each.on_demand for each in without] == [False]

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"alphabet": 3}', '{"alphabet": {}}'])
    def test_a_folder_that_cannot_be_read_is_no_morse_model(self, tmp_path, text):
        (tmp_path / "config.json").write_text(text)
        assert not library.is_morse_model(tmp_path)

    def test_it_is_made_when_wanted_and_then_kept(self, model, monkeypatch, tmp_path):
        monkeypatch.setattr(morse, "N_VALIDATION", 3)
        told: list[str] = []

        def make() -> Evaluation:
            told.clear()
            (loaded,) = library.models([str(model)])
            loaded.make()
            pending = library.morse_on_demand(loaded, tmp_path / "runs")
            pending._report = lambda done, total, doing="": told.append(doing or f"{done}/{total}")
            pending.make()
            return pending.result()

        first = make()
        assert told == [strings.MAKING_MORSE, "0/0", "1/3", "2/3", "3/3"]
        assert first.summary["model"]["name"] == "signs"
        assert list(first.utterances["id"]) == ["morse-001", "morse-002", "morse-003"]
        again = make()
        assert told == [strings.MAKING_MORSE, "0/0"]
        assert again.summary == first.summary

    def test_nothing_is_made_before(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(app, "RUNS", tmp_path / "runs")
        app.collect(app.parse(["--model", str(model)]))
        assert not (tmp_path / "runs").exists()


class TestCommandLine:
    def collect(self, *arguments):
        return app.collect(app.parse(arguments))

    def test_defaults_are_the_bundled_models_and_set(self):
        models, evaluations = self.collect()
        assert [model.name for model in models] == app.bundled()
        assert models[0].name == "spoken"
        assert not evaluations[0].on_demand

    def test_bundled_models_come_after_the_one_that_the_app_starts_with(
        self, tmp_path, monkeypatch
    ):
        for name in ("morse", "spoken", "a"):
            (tmp_path / "models" / name).mkdir(parents=True)
            (tmp_path / "models" / name / "config.json").touch()
        (tmp_path / "models" / "no-model").mkdir()
        monkeypatch.setattr(app, "ASSETS", tmp_path)
        assert app.bundled() == ["spoken", "a", "morse"]

    def test_nothing_waits_for_the_models_that_are_not_shown_at_first(self):
        pendings = [Pending(name, lambda _: None) for name in ("first", "second", "set")]
        page = app.build(pendings[:2], pendings[2:])
        assert [each.name for each in page.workshop._pendings] == ["first", "set", "second"]

    def test_a_wrong_model(self):
        with pytest.raises(CheckpointError, match="No model at 'nowhere'"):
            self.collect("--model", "nowhere")

    def test_a_wrong_evaluation(self, tmp_path):
        with pytest.raises(ValueError, match="No evaluation at"):
            self.collect("--evaluation", str(tmp_path / "none"))

    def test_an_evaluation_is_looked_at_at_once_and_opened_later(self, tmp_path):
        folder = tmp_path / "set"
        shutil.copytree(app.ASSETS / "evaluations" / "spoken", folder)
        utterances = folder / "utterances.parquet"
        pd.concat(2 * [pd.read_parquet(utterances)]).to_parquet(utterances)
        _, (pending, *_) = self.collect("--evaluation", str(folder))
        with pytest.raises(EvaluationError, match="repeated utterance_id"):
            pending.result()
        for broken in (utterances.read_bytes()[:-9], b""):
            utterances.write_bytes(broken)
            with pytest.raises(EvaluationError, match=r"Cannot read .*utterances\.parquet"):
                self.collect("--evaluation", str(folder))

    def test_a_wrong_manifest(self, tmp_path):
        with pytest.raises(ValueError, match="No manifest at"):
            self.collect("--manifest", str(tmp_path / "none.jsonl"))

    @pytest.mark.parametrize("port", ["0", "65536", "http"])
    def test_a_wrong_port(self, port, capsys):
        with pytest.raises(SystemExit):
            app.parse(["--port", port])
        assert "--port" in capsys.readouterr().err

    def test_models_of_one_name_are_told_apart(self, tmp_path):
        for parent in ("a", "b"):
            (tmp_path / parent / "m").mkdir(parents=True)
            (tmp_path / parent / "m" / "config.json").touch()
        models, _ = self.collect(
            "--model", str(tmp_path / "a" / "m"), "--model", str(tmp_path / "b" / "m")
        )
        assert len({model.name for model in models}) == 2

    def test_a_mistake_is_one_line_and_no_traceback(self):
        done = subprocess.run(
            [sys.executable, "app.py", "--model", "nowhere"],
            cwd=app.ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.startswith("app.py: No model at 'nowhere'")
        assert len(done.stderr.strip().splitlines()) == 1

    def test_a_port_in_use(self, address):
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1:{port}"):
            app._serve(app.build(*self.collect()), app.parse(["--port", str(port)]))


def test_the_server_calls_nobody(folder, tiny_recognizer):
    """What this process connects to while a page is served: nothing but itself."""
    manifest = str(folder / "manifest.jsonl")
    program = f"""
import sys
called = []
def watch(event, arguments):
    if event == "socket.getaddrinfo":
        called.append(str(arguments[0]))
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        called.append(str(arguments[1][0]))
sys.addaudithook(watch)
import urllib.request
import app
app.RUNS = app.Path({str(folder / "other-runs")!r})
options = app.parse(["--model", {str(folder / "tiny")!r}, "--manifest", {manifest!r}])
page = app.build(*app.collect(options))
address = app.launch(page, port={free_port()})
urllib.request.urlopen(address).read()
for pending in page.workshop._pendings:
    pending.result(60)
print(sorted(set(called)))
"""
    save_model(folder / "tiny", tiny_recognizer.contract, tiny_recognizer.model)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=app.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert set(eval(done.stdout.splitlines()[-1])) <= {"127.0.0.1", "localhost", "0.0.0.0"}  # noqa: S307, S104
