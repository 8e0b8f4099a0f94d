"""A model card: `metrics.json` from evaluations, and the model folder's `README.md` from that.

Every figure of the card is read from `metrics.json` and `config.json`; what is prose, and belongs
to one model, stands in `analysis/cards/<model name>.md`.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import yaml

from analysis.confidence_metrics import N_BINS
from analysis.evaluation import Evaluation, EvaluationError, set_name
from asr_core.checkpoint import Contract, find_model, load_model, write_json
from asr_core.digests import file_sha256
from asr_core.model import ModelConfig

CARDS = Path(__file__).parent / "cards"


def write_card(
    model: str | Path,
    evaluations: Sequence[Evaluation],
    by: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Write a model folder's `metrics.json` and `README.md`.

    Args:
        model: a model folder, or a bundled model's name.
        evaluations: of this very model, a name each; a line of the table each, in this order.
        by: the name of an evaluation -> columns by whose values it is shown in parts as well.

    Returns:
        The card's path.

    Raises:
        CheckpointError: no such model, or a damaged one.
        EvaluationError: an evaluation of other weights, or two of the same name; parts of one that
            is not there, or by a column that it does not have.
    """
    folder = find_model(model)
    contract, network = load_model(folder)
    weights = folder / "model.safetensors"
    sha256 = file_sha256(weights)
    _check(evaluations, sha256)
    by = by or {}
    if unknown := set(by) - {evaluation.name for evaluation in evaluations}:
        raise EvaluationError(
            f"No evaluation is named {', '.join(sorted(unknown))}. Expected of:"
            f" {', '.join(evaluation.name for evaluation in evaluations)}."
        )
    path = folder / "metrics.json"
    metrics = _known_metrics(path) | {
        "model": {
            "name": contract.name,
            "sha256": sha256,
            "parameters": sum(p.numel() for p in network.parameters()),
            "bytes": weights.stat().st_size,
        },
        "evaluations": [
            _figures(evaluation, folder, by.get(evaluation.name, ())) for evaluation in evaluations
        ],
    }
    write_json(path, metrics)
    card = folder / "README.md"
    card.write_text(render(metrics, contract), encoding="utf-8")
    return card


def render(metrics: dict[str, Any], contract: Contract) -> str:
    """The card's Markdown."""
    sections = [
        f"# Model `{contract.name}`",
        "This file is made by `python -m analysis card` from `metrics.json` and `config.json`."
        " Do not edit it.",
        "## Results",
        _results(metrics["evaluations"]),
        _commands(metrics["evaluations"]),
        *(_slices(each) for each in metrics["evaluations"] if "slices" in each),
        _confidence(metrics["evaluations"]),
        _calibration(contract, metrics),
        _prose(contract),
        "## Architecture",
        _architecture(contract, metrics["model"]),
        "## Training",
        _training(contract, metrics),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def percent(rate: dict[str, float]) -> str:
    """A rate and its interval, in % with one digit: `5.3 (3.0 to 8.0)`."""
    value, low, high = (f"{100 * rate[key]:.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _check(evaluations: Sequence[Evaluation], sha256: str) -> None:
    names: set[str] = set()
    for evaluation in evaluations:
        found = evaluation.summary["model"]["sha256"]
        if found != sha256:
            raise EvaluationError(
                f"{evaluation.folder} evaluates weights {found[:12]}, this model's are"
                f" {sha256[:12]}. Evaluate it again with this model."
            )
        if evaluation.name in names:
            raise EvaluationError(
                f"Two evaluations are named {evaluation.name!r}. Evaluate one of them again with"
                " another --name."
            )
        names.add(evaluation.name)


def _known_metrics(path: Path) -> dict[str, Any]:
    """What training wrote there, if it did."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as e:
        raise EvaluationError(f"{path} is not JSON: {e}. Remove it, or train again.") from e


def _figures(evaluation: Evaluation, model: Path, by: Sequence[str]) -> dict[str, Any]:
    kept = ("name", "date", "rates", "interval", "counts", "audio_s", "versions")
    figures = {key: evaluation.summary[key] for key in kept}
    figures["confidence"] = evaluation.confidence
    figures["manifest_sha256"] = evaluation.summary["manifest"]["sha256"]
    figures["command"] = _command(evaluation, model)
    if by:
        figures["slices"] = {"by": list(by), "rows": evaluation.slices(by)}
    return figures


def _command(evaluation: Evaluation, model: Path) -> str:
    """What makes this evaluation, from the folder that the card is made in."""
    paths = {
        "--model": model.resolve(),
        "--manifest": evaluation.manifest_path,
        "--out": evaluation.folder,
    }
    words = ["python", "-m", "analysis", "evaluate"]
    for option, path in paths.items():
        inside = path.is_relative_to(Path.cwd())
        words += [option, str(path.relative_to(Path.cwd()) if inside else path)]
    if evaluation.name != set_name(evaluation.manifest_path):
        words += ["--name", evaluation.name]
    return shlex.join(words)


def _results(evaluations: Sequence[dict[str, Any]]) -> str:
    if not evaluations:
        return "None yet."
    lines = [
        "| set | utterances | words | WER % | CER % | utterances with an error % |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for each in evaluations:
        rates, counts = each["rates"], each["counts"]
        spoken = counts["words"] > 0  # a set without words has no word error rate
        cells = (
            each["name"].replace("|", "\\|"),
            f"{counts['utterances']}",
            f"{counts['words']}",
            percent(rates["wer"]) if spoken else "–",
            percent(rates["cer"]) if spoken else "–",
            percent(rates["ser"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _confidence(evaluations: Sequence[dict[str, Any]]) -> str:
    """What the confidences of heard words are worth, a line a set that has any."""
    lines = [
        "| set | words heard | right % | NCE | ECE % | AUC |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    found = [each for each in evaluations if each.get("confidence")]
    for each in found:
        metrics = each["confidence"]
        nce, auc = (
            "–" if metrics[key] is None else f"{metrics[key]:.3f}" for key in ("nce", "auc")
        )
        cells = (
            each["name"].replace("|", "\\|"),
            f"{metrics['words']}",
            f"{100 * metrics['right'] / metrics['words']:.1f}",
            nce,
            f"{100 * metrics['ece']:.1f}",
            auc,
        )
        lines.append(f"| {' | '.join(cells)} |")
    if not found:
        return ""
    note = (
        "NCE: normalised cross entropy (NIST), 1 is perfect, 0 is no better than the share of right"
        f" words. ECE: expected calibration error over {N_BINS} bins of equal width. AUC: how often"
        " a right word is surer than a wrong one. Words that were missed have no confidence."
    )
    table = "\n".join(lines)
    return f"### Confidence of the words heard\n\n{table}\n\n{note}"


def _calibration(contract: Contract, metrics: dict[str, Any]) -> str:
    """How the confidence was fitted, if it was."""
    found, config = metrics.get("calibration"), contract.confidence
    if config is None or not found:
        return ""
    settings = ", ".join(f"{key} {_short(value)}" for key, value in config.model_dump().items())
    losses = ", ".join(f"{level} {loss:.4f}" for level, loss in found["log_loss"].items())
    before, after = (
        f"NCE {each['nce']:.3f}, ECE {100 * each['ece']:.1f} %, AUC {each['auc']:.3f}"
        for each in (found["before"], found["after"])
    )
    return (
        f"Confidence: {settings}. `python -m analysis calibrate` chose it on"
        f" {found['before']['words']} words of the validation set, by log loss on words it was not"
        f" fitted on ({losses}), so fitted: {found['fitted']}. There: {before} with the mean"
        f" probability, {after} with this."
    )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _slices(evaluation: dict[str, Any]) -> str:
    """An evaluation in parts, a line each."""
    by, rows = evaluation["slices"]["by"], evaluation["slices"]["rows"]
    lines = [
        f"| {' | '.join(by)} | utterances | WER % | CER % |",
        f"|{'---|' * len(by)}---:|---:|---:|",
    ]
    for row in rows:
        values = ["none" if value is None else f"{value}" for value in row["values"]]
        rates = [percent(row["rates"][key]) for key in ("wer", "cer")]
        lines.append(f"| {' | '.join([*values, str(row['utterances']), *rates])} |")
    return f"### `{evaluation['name']}` by {' and '.join(by)}\n\n" + "\n".join(lines)


def _commands(evaluations: Sequence[dict[str, Any]]) -> str:
    if not evaluations:
        return ""
    interval = evaluations[0]["interval"]
    commands = "\n".join(each["command"] for each in evaluations)
    return (
        f"In brackets the {100 * interval['level']:.0f} % interval: percentile bootstrap over"
        f" {interval['over']}, {interval['resamples']} resamples. Greedy decoding. Each line of the"
        f" table is made by its line here:\n\n```\n{commands}\n```"
    )


def _prose(contract: Contract) -> str:
    """What people have to know about this model; nothing for a model that has no such page."""
    path = CARDS / f"{contract.name}.md"
    if not path.is_file():
        return ""
    words = [s for s in contract.alphabet.symbols if s != contract.alphabet.unknown]
    text = Template(path.read_text(encoding="utf-8")).substitute(
        n_words=len(words),
        words=", ".join(words),
        f_min=f"{contract.features.f_min:g}",
        f_max=f"{contract.features.f_max:g}",
        sample_rate=contract.features.sample_rate,
    )
    return text.strip()


def _architecture(contract: Contract, model: dict[str, Any]) -> str:
    features = contract.features
    lines = [
        f"{model['parameters']:,} parameters, {model['bytes'] / 1e6:.2f} MB; sha256 of the weights"
        f" `{model['sha256']}`.",
        "",
        f"- features: {features.n_mels} log-mel bands, {features.f_min:g} to {features.f_max:g} Hz"
        f" at {features.sample_rate} Hz, a frame of {1000 * features.window_s:g} ms every"
        f" {1000 * features.hop_s:g} ms, each recording scaled by its own minimum and maximum",
        *(f"- {layer}" for layer in _layers(contract.model)),
        f"- output: {len(contract.alphabet)} symbols, the CTC blank among them",
    ]
    return "\n".join(lines)


def _layers(model: ModelConfig) -> list[str]:
    prologue = model.prologue
    layers = [
        *([f"the {prologue.bands} bands around the loudest one"] if prologue.bands else []),
        f"convolution: {prologue.channels} channels, kernel {prologue.kernel}, stride"
        f" {prologue.stride}",
        *(
            f"residual block: {block.repeats} separable convolutions, {block.channels} channels,"
            f" kernel {block.kernel}"
            for block in model.blocks
        ),
    ]
    if model.gru_hidden:
        layers.append(f"bidirectional GRU: {model.gru_hidden} each way")
    return layers


def _training(contract: Contract, metrics: dict[str, Any]) -> str:
    """The provenance as it stands in `config.json`, whatever its keys are."""
    record = dict(contract.provenance)
    if "validation" in metrics:
        record["best_validation"] = metrics["validation"]
    if not record:
        return "No record of how it was trained."
    text = yaml.safe_dump(
        record, sort_keys=False, allow_unicode=True, default_flow_style=None, width=96
    )
    return f"```yaml\n{text.strip()}\n```"
