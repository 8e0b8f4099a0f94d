"""The web app: `python app.py`, or `gradio app.py` to reload it at every change."""

import argparse
import os
import sys

# People who ask at once share the cores: threads of NumPy's BLAS on top only get in their way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # it looks when NumPy is loaded

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asr_core.model_names import is_hugging_face
from ui import data_strings, language, strings
from ui.quick_imports import quick_imports

if TYPE_CHECKING:  # Gradio takes a second to load, and a mistyped option need not wait for it
    import gradio as gr

    from analysis.description import Description
    from analysis.evaluation import Evaluation
    from asr_core.recognizer import Recognizer
    from ui.background import Pending
    from ui.model_runs import Training

ROOT = Path(__file__).parent
ASSETS = ROOT / "assets"
RUNS = ROOT / "runs"
BUNDLED = "spoken"  # the model, its evaluation and the set are all called this

MAX_UPLOAD = "1400mb"  # two hours of CD quality
CACHE_S = (3600, 86_400)  # hourly, delete published recordings older than a day
NAME_LANGUAGE = "() => {{ document.documentElement.lang = '{}' }}"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="app.py", description=strings.TAGLINE)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=7860, help="port (%(default)s)")
    parser.add_argument(
        "--language",
        choices=language.LANGUAGES,
        default=language.of(os.environ),
        help="language of the page; without it the locale's, else English",
    )
    for name, metavar, text in (
        ("--model", "DIR", "model folder, bundled model or hf:NAME_OR_DIR; may be repeated"),
        ("--evaluation", "DIR", "evaluation to show; may be repeated"),
        ("--manifest", "FILE", "manifest to evaluate with the first model; may be repeated"),
        ("--description", "DIR", "description of data to show; may be repeated"),
        ("--describe", "FILE", "manifest to describe, a split of one set; may be repeated"),
        ("--run", "DIR", "training run to watch in the Model tab; may be repeated"),
    ):
        parser.add_argument(name, metavar=metavar, action="append", default=[], help=text)
    return parser.parse_args(arguments)


def collect(
    options: argparse.Namespace,
) -> "tuple[list[Pending[Recognizer]], list[Pending[Evaluation]]]":
    """The models and evaluations asked for, or the bundled ones (raises ValueError)."""
    from ui import library

    for given in options.model:
        _check_model(given)
    for manifest in options.manifest:
        if not Path(manifest).is_file():
            raise ValueError(f"No manifest at {manifest}. Expected a JSONL, CSV or TSV file.")
    folders = [Path(folder) for folder in options.evaluation]
    manifests = [Path(manifest) for manifest in options.manifest]
    if not folders and not manifests:
        folders = bundled_evaluations()
        manifests = [] if folders else [ASSETS / "validation" / BUNDLED / "manifest.jsonl"]
    model_folders = options.model or bundled()
    models = library.models(model_folders)
    made = [library.to_be_made(models[0], path, RUNS) for path in manifests]
    morse = [
        library.morse_on_demand(model, RUNS)
        for model, given in zip(models, model_folders, strict=True)
        if library.is_morse_model(_folder(given))
    ]
    return models, library.stored(folders) + made + morse


def _check_model(given: str) -> None:
    """Refuse a model that is not there (raises CheckpointError)."""
    if is_hugging_face(given):
        from asr_core.huggingface import check_name

        check_name(given)
    elif not (Path(given) / "config.json").is_file():
        from asr_core.checkpoint import find_model

        find_model(given)


def shown_data(
    options: argparse.Namespace, model: "Pending[Recognizer]"
) -> "list[Pending[Description]]":
    """The descriptions asked for, or the bundled ones (raises ValueError)."""
    from ui import descriptions

    for manifest in options.describe:
        if not Path(manifest).is_file():
            raise ValueError(f"No manifest at {manifest}. Expected a JSONL, CSV or TSV file.")
    if not options.description and not options.describe:
        found = sorted(path.parent for path in (ASSETS / "descriptions").glob("*/summary.json"))
        return descriptions.stored(found)
    made = descriptions.stored([Path(folder) for folder in options.description])
    manifests = [Path(manifest) for manifest in options.describe]
    return made + ([descriptions.to_be_made(manifests, model, RUNS)] if manifests else [])


def bundled() -> list[str]:
    """The names of the bundled models, the one that the app starts with first."""
    names = {path.parent.name for path in (ASSETS / "models").glob("*/config.json")}
    return [BUNDLED, *sorted(names - {BUNDLED})]


def bundled_evaluations() -> list[Path]:
    """The bundled evaluations, that of the bundled model as it is the first."""
    found = sorted(path.parent for path in (ASSETS / "evaluations").glob("*/summary.json"))
    return sorted(found, key=lambda folder: folder.name != BUNDLED)


def _folder(given: str) -> Path:
    return Path(given) if (Path(given) / "config.json").is_file() else ASSETS / "models" / given


def shown(options: argparse.Namespace, models: "Sequence[Pending[Recognizer]]") -> "list[Training]":
    """The models, those not trained here first, and the runs that the Model tab offers."""
    from ui import library

    given = options.model or bundled()
    ours = library.trainings(given, options.run, ASSETS / "models")
    return [*library.foreign(given, models), *ours]


def build(
    models: "Sequence[Pending[Recognizer]]",
    evaluations: "Sequence[Pending[Evaluation]]",
    trainings: "Sequence[Training]" = (),
    described: "Sequence[Pending[Description]]" = (),
) -> "gr.Blocks":
    """The page; `page.workshop` makes what is pending, from the first visit at the latest."""
    import gradio as gr

    from ui import compare, data, errors, limits, model, recognise, tabs
    from ui.background import Workshop

    with gr.Blocks(
        title=strings.PRODUCT, analytics_enabled=False, delete_cache=CACHE_S, fill_width=True
    ) as page:
        name = f"<h1>{strings.PRODUCT}</h1><p>{strings.TAGLINE}</p>"
        gr.HTML(
            f"<header class='mh-header'>{name}</header>",
            js_on_load=tabs.REMEMBER + (ROOT / "ui" / "busy.js").read_text(encoding="utf-8"),
            busy=strings.BUSY,
        )
        examples = recognise.read_examples(ASSETS / "examples")
        with gr.Tabs() as shown_tabs:
            with gr.Tab(strings.TAB_RECOGNISE, id="recognise"):
                recognise.build(page, models, examples)
            with gr.Tab(strings.TAB_ERRORS, id="errors"):
                errors.build(models, evaluations)
            with gr.Tab(strings.TAB_COMPARE, id="compare"):
                compare.build(models, evaluations)
            with gr.Tab(data_strings.TAB_DATA, id="data"):
                data.build(models, described)
            with gr.Tab(strings.TAB_MODEL, id="model"):
                model.build(shown_tabs, trainings)
        page.load(tabs.asked, None, shown_tabs, api_visibility="private", show_progress="hidden")
        first, *others = models  # nothing waits for the models that are not shown at first
        page.workshop = Workshop([first, *evaluations, *others])
        page.load(page.workshop.start, api_visibility="private", show_progress="hidden")
        page.load(None, None, None, js=NAME_LANGUAGE.format(strings.LANGUAGE))
    return page.queue(max_size=limits.MOST_WAITING, default_concurrency_limit=limits.QUICK)


def launch(page: "gr.Blocks", host: str = "127.0.0.1", port: int | None = None) -> str | None:
    """Serve the page, start its background work, and return its address (raises OSError).

    Returns None in the thread where `gradio app.py` reads this file again: its server runs already.
    """
    from starlette.middleware import Middleware

    from ui import limits, model
    from ui.delivery import Delivery
    from ui.theme import CSS, theme

    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        share=False,
        ssr_mode=False,
        run_history=False,
        footer_links=["settings"],
        max_file_size=MAX_UPLOAD,
        max_threads=limits.MOST_THREADS,
        theme=theme(),
        css=CSS + model.CSS,
        app_kwargs={"middleware": [Middleware(Delivery)]},
    )
    if address is not None:
        page.workshop.start()
    return address


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        raise ValueError
    return port


def _serve(page: "gr.Blocks", options: argparse.Namespace) -> None:
    try:
        address = launch(page, options.host, options.port)
    except OSError as e:
        sys.exit(f"app.py: cannot listen on {options.host}:{options.port}: {e}")
    if address is not None:
        print(f"{strings.PRODUCT} is at {address} (Ctrl-C stops it)", flush=True)
        page.block_thread()


options = parse(sys.argv[1:] if __name__ == "__main__" else [])
language.use(options.language)
try:
    with quick_imports():
        models, evaluations = collect(options)
        demo = build(models, evaluations, shown(options, models), shown_data(options, models[0]))
except ValueError as error:  # of a model, an evaluation or a manifest: each says what to do
    sys.exit(f"app.py: {error}")

if __name__ == "__main__":
    _serve(demo, options)
