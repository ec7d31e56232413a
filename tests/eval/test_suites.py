"""Every suite on invented articles and a deterministic system, against counts made by hand."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from communique.errors import EnvironmentFault, UsageError
from eval.baselines.summaries import clause_oracle, lead, lead3, lexrank, sentence_oracle, textrank
from eval.external import Claim
from eval.measures.overlap import rouge
from eval.references import Data
from eval.suites import SUITES, cleaning
from eval.suites.base import Setting, article_of, asked, evaluate
from eval.systems import Answers, System
from tests.eval.fakes import fake_system, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from communique.record import Article
    from eval.results import SuiteResult


def run(name: str, data: Data, **changes: Any) -> SuiteResult:
    system = changes.pop("system", fake_system())
    return evaluate(SUITES[name], Setting(data, Answers(system), **({"checker": system.check} | changes)))


def value(result: SuiteResult, system: str, metric: str) -> float:
    return result.figure(system, metric).value


def test_each_article_is_asked_once_however_many_suites_need_it(data: Data) -> None:
    seen: list[str] = []

    def score(articles: Sequence[Article]) -> Iterator[dict[str, Any]]:
        for article in articles:
            seen.append(article.id)
            yield record(article)

    answers = Answers(System("fake", score))
    for name in ("summaries", "topics", "calibration"):
        evaluate(SUITES[name], Setting(data, answers, rivals=False))
    assert sorted(seen) == [f"a{n}" for n in range(8)]
    assert answers.models == {"summarizer": "fake@1", "classifier": "fake@1"}


def test_a_system_that_loses_an_article_is_a_fault(data: Data) -> None:
    system = System("lossy", lambda articles: (record(article) for article in list(articles)[1:]))
    with pytest.raises(EnvironmentFault, match="given 8 articles and gave 7"):
        run("topics", data, system=system)


def test_no_label_is_sent_to_the_system(data: Data) -> None:
    sent = article_of(data.articles[0])
    assert set(sent.meta) == {"date"}
    assert asked(data.articles[0]) == ["Armenia", "Azerbaijan", "the mayor of Arvel", "Turkey", "Russia", "peace talks"]


# Summaries.


def test_summaries_have_their_baselines_and_a_paired_difference(data: Data) -> None:
    result = run("summaries", data)
    systems = {figure.system for figure in result.figures}
    assert {"fake auto", "lead", "lead-3", "textrank", "lexrank", "other reference", "oracle sentences"} <= systems
    # The fake gives the first two sentences: so does a lead of as many words.
    words = value(result, "fake auto", "words")
    assert value(result, "lead", "words") == words
    assert value(result, "lead", "rouge1") == pytest.approx(value(result, "fake auto", "rouge1"))
    even = next(c for c in result.contrasts if (c.second, c.metric) == ("lead", "rouge1"))
    assert even.difference == pytest.approx(0)
    assert even.p == 1.0
    # The first reference is the first sentence, so the oracle finds it.
    assert value(result, "oracle sentences", "rouge1") == 100
    assert value(result, "fake auto", "coverage") == 1.0
    assert value(result, "fake auto", "figure_precision") == 1.0
    assert value(result, "fake auto", "unfinished") == 0.0
    assert value(result, "control: mirror", "mirrored") == 1.0
    assert result.figure("fake auto", "rouge1").n == 8
    assert result.figure("fake auto", "rouge1").clusters == 4
    assert {f.slice for f in result.figures} >= {"manner: wire", "manner: column", "date: to 2019"}


def test_an_invented_figure_is_seen_and_an_error_counts_as_empty(data: Data) -> None:
    def invents(article: Article) -> dict[str, Any]:
        given = record(article)
        if article.id == "a0":
            given["summary"]["text"] = "Some 772,000 people fled from Kerry."
        if article.id == "a1":
            given |= {"summary": None, "error": {"type": "too-short", "title": "", "detail": ""}}
        return given

    result = run("summaries", data, system=System("bad", lambda articles: (invents(a) for a in articles)), rivals=False)
    assert value(result, "bad auto", "invented") == pytest.approx(1 / 8)
    assert next(i for i in result.items if i["id"] == "a0")["missing"] == ("772,000", "Kerry")
    assert next(i for i in result.items if i["id"] == "a1")["scores"]["rouge1"] == 0
    assert "1 articles came back with an error" in result.notes[0]


def test_several_modes_each_have_a_lead_of_their_own_words(data: Data) -> None:
    def by_mode(article: Article) -> dict[str, Any]:
        given = record(article)
        if article.mode == "extractive":
            given["summary"]["text"] = given["summary"]["sentences"][0]["text"]
        return given

    system = System("fake", lambda articles: (by_mode(a) for a in articles))
    result = run("summaries", data, system=system, modes=("auto", "extractive"))
    assert value(result, "lead, words of extractive", "words") == value(result, "fake extractive", "words")
    assert value(result, "fake extractive", "words") < value(result, "fake auto", "words")
    assert any((c.first, c.second) == ("fake auto", "fake extractive") for c in result.contrasts)


def test_baselines_keep_to_their_budget_and_order(data: Data) -> None:
    article = data.articles[0]
    assert len(lead(article.text, 17).split()) == 17
    assert article.text.startswith(lead3(article.text, 17)[:40])
    for central in (textrank, lexrank):
        chosen = central(article.text, 45)
        assert 0 < len(chosen.split()) <= 45
        assert textrank("One. Two.", 10)
    pieces = clause_oracle(article.text, article.summaries)
    whole = sentence_oracle(article.text, article.summaries)
    assert len(pieces.split()) <= 60
    assert rouge(whole, article.summaries)["rouge1"] == 100
    assert sentence_oracle(article.text, article.summaries, 5) == ""


# Labels.


def test_topics_by_hand(data: Data) -> None:
    result = run("topics", data)
    assert value(result, "fake", "micro_f1") == 1.0
    assert value(result, "fake", "exact") == 1.0
    assert value(result, "majority", "exact") == 0.5
    assert value(result, "second reader, by the first", "exact") == 7 / 8
    assert "Krippendorff's alpha" in result.notes[0]


def test_learned_baselines_learn_from_what_they_are_given(data: Data) -> None:
    result = run("topics", data, training=data.articles)
    assert value(result, "tf-idf regression", "micro_f1") == 1.0
    result = run("stance", data, training=data.articles)
    assert value(result, "tf-idf regression", "f1.against") > 0.9


def test_stance_by_hand_with_controls(data: Data) -> None:
    result = run("stance", data)
    # 24 pairs: Azerbaijan against in 4 (found), Armenia favor in 4 (said neutral), the other 16 neutral; but "the mayor
    # of X" never stands in a text, so the fake calls 8 of them absent.
    assert result.figure("fake", "macro_f1").n == 24
    assert value(result, "fake", "f1.against") == 1.0
    assert value(result, "fake", "f1.favor") == 0.0
    assert value(result, "fake", "f1.neutral") == pytest.approx(2 * 8 / (16 + 12))
    assert value(result, "fake", "called_absent") == pytest.approx(8 / 24)
    assert value(result, "fake", "error") == pytest.approx(12 / 24)
    assert value(result, "control: swap", "follows") == 1.0
    assert value(result, "control: mirror", "follows") == 1.0
    assert value(result, "control: absent", "follows") == 1.0
    assert value(result, "control: stranger", "follows") == 1.0
    assert value(result, "second reader, by the first", "f1.favor") == pytest.approx(2 * 3 / 7)


def test_a_model_that_guesses_from_the_topic_fails_the_controls(data: Data) -> None:
    def guesses(article: Article) -> dict[str, Any]:
        given = record(article)
        label = "against" if "attacked" in article.text else "neutral"
        sure = {"favor": 0.0, "neutral": 0.0, "against": 0.0, label: 1.0}
        given["stance"] = [
            {"target": t, "label": label, "abstained": False, "probabilities": sure, "evidence": []}
            for t in article.targets or ()
        ]
        return given

    result = run("stance", data, system=System("guess", lambda articles: (guesses(a) for a in articles)))
    assert value(result, "control: swap", "follows") == 0.0
    assert value(result, "control: absent", "follows") == 0.0
    assert value(result, "control: stranger", "follows") == 0.0


def test_abstention_counts_by_its_best_guess_and_not_among_the_answered(data: Data) -> None:
    def shy(article: Article) -> dict[str, Any]:
        given = record(article)
        for stance in given["stance"]:
            if stance["target"] == "Armenia":
                stance |= {
                    "label": "unsure",
                    "abstained": True,
                    "probabilities": {"favor": 0.4, "neutral": 0.3, "against": 0.3},
                }
        return given

    result = run("stance", data, system=System("shy", lambda articles: (shy(a) for a in articles)), rivals=False)
    assert value(result, "shy", "f1.favor") == pytest.approx(2 * 4 / 12)
    assert value(result, "shy", "answered") == pytest.approx(16 / 24)


def test_evidence_counts_where_it_holds_some_of_the_readers(data: Data) -> None:
    def shows(article: Article) -> dict[str, Any]:
        given = record(article)
        for stance in given["stance"]:
            if stance["target"] == "Azerbaijan" and stance["label"] == "against":
                at = article.text.index("killed") if article.id == "a0" else article.text.index("A resident")
                stance["evidence"] = [{"field": "text", "start": at, "end": at + 6}]
        return given

    references = tuple(
        dataclasses.replace(r, evidence={"Azerbaijan": "shells killed", "Armenia": "a village"}) for r in data.articles
    )
    shown = Data("shown", references)
    result = run("stance", shown, system=System("shows", lambda articles: map(shows, articles)), rivals=False)
    # Four right sides have a reader's passage in the text; of these only a0 points at it.
    assert value(result, "shows", "evidence") == pytest.approx(1 / 4)


def test_calibration_of_a_system_that_says_what_it_means(data: Data) -> None:
    result = run("calibration", data)
    topics = result.figure("fake: topics", "error")
    assert topics.n == 8 * 11
    assert topics.value == 0.0
    # Eight topics at 0.8 that all came true, eighty at 0.05 that never did.
    assert value(result, "fake: topics", "brier") == pytest.approx((8 * 0.04 + 80 * 0.0025) / 88)
    assert [point["n"] for point in result.extra["reliability"]["fake: topics"]] == [80, 8]
    assert value(result, "fake: stance", "error") == pytest.approx(4 / 16)


# Grounding.


def test_grounding_of_broken_references(data: Data) -> None:
    result = run("grounding", data)
    assert value(result, "checker: perturbed", "caught_at_half") == 1.0
    assert value(result, "checker: perturbed", "caught.figure") > 0.0
    # Half of the reference sentences are not verbatim and get 0.2, as broken ones do: ties are shared out by lot.
    assert value(result, "checker: perturbed", "false_alarms") == pytest.approx(0.05)
    assert value(result, "checker: perturbed", "caught") == pytest.approx(0.1)
    # A swapped side leaves every name in place: figures and names see nothing but what the lot gives.
    assert value(result, "figures and names: perturbed", "caught.side") == pytest.approx(0.05)


def test_grounding_of_labelled_sentences(data: Data) -> None:
    text = data.articles[0].text
    claims = tuple(
        Claim(f"c{n}", f"e{n}", "", text, sentence, supported)
        for n, (sentence, supported) in enumerate(
            [("Officials in Arvel confirmed the report in the evening.", True), ("Nobody confirmed it.", False)] * 3
        )
    )
    result = run("grounding", data, claims=claims)
    assert value(result, "checker: labelled", "auc") == 1.0
    assert value(result, "checker: labelled", "balanced_accuracy") == 1.0
    assert result.figure("checker: labelled", "auc").clusters == 6


# Cleaning.


def test_cleaning_by_characters(data: Data) -> None:
    page = data.pages[0]
    whole = cleaning._text_item(page, "keeps all", bytearray(b"\x01" * len(page.text)), 0.1)
    nothing = cleaning._text_item(page, "keeps nothing", bytearray(len(page.text)), 0.1)
    assert whole["characters"]["boilerplate_removed"] == 0
    assert whole["characters"]["article_lost"] == 0
    assert nothing["characters"]["boilerplate_removed"] == nothing["characters"]["boilerplate"] == 60
    assert nothing["characters"]["article_lost"] == nothing["characters"]["article"]
    assert nothing["characters"]["unseen"] == nothing["characters"]["unseen_removed"] == 31
    figures = SUITES["cleaning"].measure([whole, nothing])
    import numpy as np

    everyone = np.ones((1, 2))
    assert figures["text.removed"](everyone)[0] == 0.5
    assert figures["removed.also-read"](everyone)[0] == 0.5
    assert figures["text.pages_per_second"](everyone)[0] == 10


def test_html_is_aligned_word_by_word(data: Data) -> None:
    page = data.pages[2]
    perfect = cleaning._html_item(page, "x", f"{page.title} {page.article_text}", 0.1)["characters"]
    assert perfect["article_lost"] == 0
    assert perfect["boilerplate_removed"] == perfect["boilerplate"]
    teaser = cleaning._html_item(page, "x", f"{page.article_text} Also read: Ferry fares to rise in June", 0.1)[
        "characters"
    ]
    assert teaser["boilerplate_removed"] == 0
    half = cleaning._html_item(page, "x", page.article_text[: len(page.article_text) // 2], 0.1)["characters"]
    assert half["article_lost"] == pytest.approx(half["article"] / 2, rel=0.05)


def test_cleaning_by_a_service_uses_what_its_records_remove(data: Data) -> None:
    def cleans(article: Article) -> dict[str, Any]:
        given = record(article)
        at = article.text.find("Also read")
        given["removed"] = [{"start": at, "end": at + 38, "reason": "related"}]
        return given

    result = run(
        "cleaning", data, system=System("service", lambda articles: (cleans(a) for a in articles)), rivals=False
    )
    assert value(result, "service", "removed.also-read") == 1.0
    assert value(result, "service", "removed.share-bar") == 0.0
    assert value(result, "service", "text.lost") == 0.0


def test_rivals_read_the_html(data: Data) -> None:
    result = run("cleaning", data)
    assert {"trafilatura", "justext"} <= {figure.system for figure in result.figures}


def test_a_suite_without_anything_to_judge_says_so(data: Data) -> None:
    bare = Data("bare", tuple(dataclasses.replace(r, summaries=(), topics=(), stance={}) for r in data.articles))
    for name in ("summaries", "topics", "stance", "cleaning"):
        with pytest.raises(UsageError, match="bare has no"):
            run(name, bare)
