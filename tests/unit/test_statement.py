from __future__ import annotations

import pytest

from communique.document import Document, Sentence
from communique.record import Article, Span, SummarySentence
from communique.summary.statement import attributed, is_statement, speaker_of
from communique.text import MappedText

WORDS = ("We condemn the attack.", "Our army will answer.", "Shells fell on two villages.")


def document(title: str, *, sent: bool = True) -> Document:
    text = " ".join(WORDS) if sent else f"{title}\n\n{' '.join(WORDS)}"
    sentences = tuple(Sentence(MappedText.of(word), 0) for word in WORDS)
    return Document(
        Article(id="1", text=text, title=title if sent else ""), title, sentences, (), "en", truncated=False
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Statement by the Ministry of Defence of Armenia on the shelling of Goris", "Ministry of Defence of Armenia"),
        ("Nagorno-Karabakh - Communiqué issued by Jean-Yves Le Drian", "Jean-Yves Le Drian"),
        ("Military action along the line of contact: UK statement", "UK"),
        ("MFA spokesperson’s comment: a truce is needed", "MFA spokesperson"),
        ("Federal Foreign Office on the agreement of a ceasefire", "Federal Foreign Office"),
        ("Comment by the ministry's spokeswoman on recent remarks", "Comment by the ministry's spokeswoman"),
        ("Press release on the statement of the President of Russia", "Press release"),
        ("Communiqué No. 065 of the Transitional Government", "Transitional Government"),
        ("They burned our winter: statement on the pipeline", "Statement"),
        ("DPRK Press Statement on war rehearsals", "DPRK"),
        ("Shells fall on two villages", None),
        ("No statement on the shelling", None),
        ("Declaration of war: North Korea claims that all options are open", None),
    ],
)
def test_whom_a_title_names(title: str, name: str | None) -> None:
    found = speaker_of(document(title))
    assert (found.name if found else None) == name


def test_where_it_is_named_is_told() -> None:
    title = "Statement by the Ministry of Defence"
    for sent, field in ((True, "title"), (False, "text")):
        found = speaker_of(document(title, sent=sent))
        assert found is not None
        assert found.span == Span(17, 36, field)  # type: ignore[arg-type]


def test_a_report_is_no_statement() -> None:
    assert is_statement(WORDS)
    assert not is_statement(["We saw it.", "Shells fell.", "He left.", "The army denied it."])
    assert is_statement(["We saw it.", *WORDS[2:] * 6], "Press Release Regarding the Attack on Barda")
    assert not is_statement(WORDS[2:] * 7, "Press Release Regarding the Attack on Barda")
    assert is_statement([*WORDS[:2], *WORDS[2:] * 4], "UK statement on the situation in the region")
    assert not is_statement([*WORDS[:2], *WORDS[2:] * 5], "Trump's statement on the situation in the region")
    assert not is_statement(["The mayor said: “We saw it.”", "“We left,” he said."])


def test_the_first_sentence_says_whose_words_a_statement_is_where_there_is_room() -> None:
    speaker = speaker_of(document("Statement by the Ministry of Defence"))
    assert speaker is not None
    found = [SummarySentence(text, "extractive", 1.0, (Span(0, 4),)) for text in (WORDS[2], WORDS[0], WORDS[1])]
    told = attributed(found, speaker, 60)
    assert [sentence.text for sentence in told] == [f"Ministry of Defence: {WORDS[2]}", WORDS[0], WORDS[1]]
    assert told[0].evidence == (Span(0, 4), speaker.span)
    assert attributed(found, speaker, 12) == found


def test_where_the_first_sentence_says_it_the_first_we_is_told() -> None:
    speaker = speaker_of(document("Statement by the Ministry of Defence"))
    assert speaker is not None
    reported = SummarySentence("Shells fell on two villages, the army said.", "extractive", 1.0, (Span(0, 4),))
    own = SummarySentence(WORDS[0], "extractive", 1.0, (Span(0, 4),))
    assert [sentence.text for sentence in attributed([reported, own], speaker, 60)] == [
        reported.text,
        f"Ministry of Defence: {WORDS[0]}",
    ]
    assert attributed([reported], speaker, 60) == [reported]
