"""The heads are written twice, in torch for training and in numpy for serving: the two must agree."""

from __future__ import annotations

import numpy as np
import pytest

from communique.trunk.features import MENTION_FEATURES, PASSAGE_FEATURES, SENTENCE_FEATURES
from communique.trunk.heads import Heads

torch = pytest.importorskip("torch")
HIDDEN = 12


@pytest.fixture(scope="module")
def pair() -> tuple[object, Heads]:
    from training.model import Heads as Trained

    torch.manual_seed(1)
    trained = Trained(HIDDEN).eval()
    for weights in trained.parameters():  # some begin at nothing, and two nothings would agree
        torch.nn.init.normal_(weights, std=0.2)
    return trained, Heads({name: tensor.numpy() for name, tensor in trained.state_dict().items()})


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("head", "shapes"),
    [
        ("topics", [(HIDDEN,), (5, HIDDEN)]),
        ("salience", [(7, HIDDEN), (7, HIDDEN), (7, SENTENCE_FEATURES)]),
        ("foreign", [(7, HIDDEN), (7, HIDDEN), (HIDDEN,), (7, SENTENCE_FEATURES)]),
        ("sought", [(7, HIDDEN), (HIDDEN,)]),
        ("passages", [(3, HIDDEN), (3, HIDDEN), (3, HIDDEN), (3, PASSAGE_FEATURES)]),
    ],
)
def test_torch_and_numpy_agree(pair: tuple[object, Heads], head: str, shapes: list[tuple[int, ...]]) -> None:
    trained, served = pair
    arrays = [noise(*shape) for shape in shapes]
    with torch.no_grad():
        want = getattr(trained, head)(*[torch.from_numpy(array) for array in arrays])
    got = getattr(served, head)(*arrays)
    wants = want if isinstance(want, tuple) else (want,)
    gots = got if isinstance(got, tuple) else (got,)
    for expected, found in zip(wants, gots, strict=False):
        np.testing.assert_allclose(np.atleast_1d(found), expected.numpy(), atol=2e-5)


@pytest.mark.parametrize("named", [1, 3, 5])
def test_torch_and_numpy_agree_on_a_stance_whoever_is_named(pair: tuple[object, Heads], named: int) -> None:
    trained, served = pair
    passages, features = noise(5, 256), noise(MENTION_FEATURES)
    with torch.no_grad():
        logits, presence = trained.stance(torch.from_numpy(passages), named, torch.from_numpy(features))
    got, present, weights = served.stance(passages, named, features)
    np.testing.assert_allclose(got, logits.numpy(), atol=2e-5)
    assert present == pytest.approx(float(presence), abs=2e-5)
    assert weights.sum() == pytest.approx(1.0)


def test_presence_goes_by_the_passages_that_name_the_target_alone(pair: tuple[object, Heads]) -> None:
    _, served = pair
    passages, features = noise(4, 256), noise(MENTION_FEATURES)
    other = np.concatenate([passages[:2], -passages[2:]])
    logits, presence, _ = served.stance(passages, 2, features)
    others, same, _ = served.stance(other, 2, features)
    assert presence == same
    assert not np.allclose(logits, others)
