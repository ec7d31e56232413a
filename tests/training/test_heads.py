"""The heads are written twice, in torch for training and in numpy for serving: the two must agree."""

from __future__ import annotations

import numpy as np
import pytest

from communique.features import MENTION_FEATURES, SENTENCE_FEATURES
from communique.heads import Heads

torch = pytest.importorskip("torch")
HIDDEN = 12


@pytest.fixture(scope="module")
def pair() -> tuple[object, Heads]:
    from training.model import Heads as Trained

    torch.manual_seed(1)
    trained = Trained(HIDDEN).eval()
    return trained, Heads({name: tensor.numpy() for name, tensor in trained.state_dict().items()})


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("head", "shapes"),
    [
        ("topics", [(HIDDEN,), (5, HIDDEN)]),
        ("salience", [(7, HIDDEN), (7, HIDDEN), (7, SENTENCE_FEATURES)]),
        ("foreign", [(7, HIDDEN), (7, HIDDEN), (HIDDEN,), (7, SENTENCE_FEATURES)]),
        ("passages", [(3, HIDDEN)] * 3),
        ("stance", [(3, 256), (MENTION_FEATURES,)]),
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
