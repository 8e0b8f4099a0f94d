"""What the paths that spell a text sum up to, against all paths written out and against torch."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr_core.likelihood import log_likelihoods
from tests.test_decoder import collapse, random_log_probs


@given(st.integers(0, 5), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_every_text_has_the_sum_of_its_paths(n_frames: int, n_symbols: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, n_symbols, seed)
    sums: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(n_symbols), repeat=n_frames):
        text = tuple(collapse(path))
        sums[text] = sums.get(text, 0.0) + np.exp(log_probs[range(n_frames), path].sum())
    found = log_likelihoods(log_probs, list(sums))
    np.testing.assert_allclose(found, np.log(list(sums.values())), rtol=1e-10, atol=1e-12)
    assert np.logaddexp.reduce(found) == pytest.approx(0, abs=1e-12)  # of all texts, certainty


@given(
    st.lists(st.lists(st.integers(1, 5), max_size=9), min_size=1, max_size=4), st.integers(0, 99)
)
def test_it_is_torchs_ctc_loss(texts: list[list[int]], seed: int) -> None:
    log_probs = random_log_probs(30, 6, seed)
    for text, found in zip(texts, log_likelihoods(log_probs, texts), strict=True):
        loss = torch.nn.functional.ctc_loss(
            torch.from_numpy(log_probs), torch.tensor(text), [30], [len(text)], reduction="sum"
        )
        assert found == pytest.approx(-loss.item(), rel=1e-10)


def test_what_no_path_spells_is_impossible() -> None:
    log_probs = random_log_probs(2, 3, 0)
    assert list(log_likelihoods(log_probs, [[1, 1], [1, 2, 1]])) == [-np.inf, -np.inf]
    log_probs[:, 1] = -np.inf
    assert np.isneginf(log_likelihoods(log_probs, [[1], [2]])).tolist() == [True, False]
    assert log_likelihoods(log_probs, []).shape == (0,)
