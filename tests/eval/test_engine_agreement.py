"""The figures of two engines' answers, on answers that are written here."""

from __future__ import annotations

import pytest

from eval.engine_agreement import agreement


def test_equal_places_stop_counting_where_one_answer_is_over() -> None:
    answers = [((1, 2, 3), (1, 2, 3)), ((1, 2, 3, 4), (1, 9))]
    found = agreement(answers, [((-1.0, -2.0), (-1.0, -2.5)), ((0.0,), (-0.1,))])
    assert (found["answers"], found["equal_answers"]) == (2, 0.5)
    assert (found["tokens"], found["equal_tokens"]) == (7, 4 / 7)
    assert found["tokens_scored"] == 3
    assert found["logprob_apart_median"] == pytest.approx(0.1)
    assert found["logprob_apart_mean"] == pytest.approx(0.2)
    assert found["logprob_apart_max"] == pytest.approx(0.5)
