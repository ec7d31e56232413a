from __future__ import annotations

from communique.summary.interview import turns


def who(*sentences: str) -> list[str]:
    """A word for each sentence: the speaker, "?" of whom asks, "-" of whom nobody names, "" outside."""
    return ["" if turn is None else "?" if turn.asks else turn.speaker or "-" for turn in turns(sentences)]


def test_who_asks_and_who_answers() -> None:
    assert who(
        "Maria Titizian met the minister.",
        "Titizian: The talks have failed.",
        "What now?",
        "Mirzoyan: They have not.",
        "We go on.",
        "Titizian: When?",
        "Mirzoyan: In May.",
    ) == ["", "?", "?", "Mirzoyan", "Mirzoyan", "?", "Mirzoyan"]


def test_questions_and_answers_without_names() -> None:
    assert who("Q. Why?", "A. Because.", "Q. When?", "A. In May.") == ["?", "-", "?", "-"]


def test_who_asks_may_also_tell() -> None:
    said = ["SHAIKH: We turn to Kenya.", "SHAIKH: What happened?", "ODHIAMBO: A siege.", "ODHIAMBO: It is over."]
    assert who(*said) == ["SHAIKH", "?", "ODHIAMBO", "ODHIAMBO"]


def test_who_answers_once() -> None:
    said = ["Titizian: Why?", "Mirzoyan: Because.", "Note: It rained.", "Titizian: When?", "Kocharyan: In May."]
    assert who(*said) == ["?", "Mirzoyan", "Mirzoyan", "?", "Kocharyan"]


def test_a_list_with_labels_is_no_interview() -> None:
    assert set(who("Winner: Ankara.", "Loser: Tehran.", "Winner: Baku.", "Loser: Moscow.")) == {""}
    assert set(who("Why did he go?", "He said one thing: Peace.", "Note: It rained.", "Note: It stopped.")) == {""}
