from __future__ import annotations

import time

import pytest

from communique.summary.clauses import forms
from communique.summary.footing import usable
from communique.summary.standing import is_broken, is_dangling, is_own_voice, spoken


def texts(sentence: str) -> list[str]:
    return [form.text for form in forms(sentence)]


def test_the_whole_sentence_comes_first() -> None:
    sentence = "Two men died near the border on Monday."
    assert texts(sentence) == [sentence]


def test_a_dateline_and_a_connective_are_taken_off_every_form() -> None:
    assert texts("BAKU, Oct. 10 (Wire) — Meanwhile, the army denied it.")[0] == "The army denied it."
    assert texts("In this regard, Norway wants both sides to talk.")[0] == "Norway wants both sides to talk."


@pytest.mark.parametrize(
    ("sentence", "shorter"),
    [
        ("Baku, which borders the sea, said on Monday that two men died.", "Baku said on Monday that two men died."),
        (
            "The court (the second of its kind) ruled on Monday against the party.",
            "The court ruled on Monday against the party.",
        ),
        (
            "Elmar Mammadyarov, the foreign minister, said that talks would resume in May.",
            "Elmar Mammadyarov said that talks would resume in May.",
        ),
        (
            "The two sides signed a truce in Moscow on Saturday, marking the end of eleven days of fighting.",
            "The two sides signed a truce in Moscow on Saturday.",
        ),
    ],
)
def test_what_the_rest_stands_without_may_go(sentence: str, shorter: str) -> None:
    assert shorter in texts(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Two soldiers died, according to the ministry in Yerevan.",
        "The army will withdraw, unless it is attacked again by the other side.",
        "The truce held, although both armies reported shots in the night.",
        "Officials believe that Britain and Australia would be willing to join the campaign.",
        "Shelling killed five people, which the ministry denies.",
        "He said “the road, which is ours, stays open” on Monday.",
    ],
)
def test_condition_attribution_contrast_and_quotation_stay(sentence: str) -> None:
    assert texts(sentence) == [sentence]


def test_pieces_are_where_the_words_stand() -> None:
    sentence = "Baku, which borders the sea, said on Monday that two men died."
    cut = forms(sentence)[1]
    assert " ".join("".join(sentence[a:b] for a, b in cut.pieces).split()) == cut.text


@pytest.mark.parametrize(
    "sentence",
    [
        "He left.",
        "The minister left.",
        "This matters.",
        "and so it went.",
        "To be sure, rebels are a danger.",
        "Granted, it costs less.",
    ],
)
def test_a_sentence_that_leans_on_another_is_dangling(sentence: str) -> None:
    assert is_dangling(sentence)


def test_a_sentence_with_its_own_subject_is_not_dangling() -> None:
    assert not is_dangling("Foreign Minister Ararat Mirzoyan left.")
    assert not is_dangling("The leaders of Britain and France condemned the attack.")
    assert is_dangling("The leaders condemned the attack.")


@pytest.mark.parametrize(
    ("stands", "leans"),
    [
        ("It took three weeks for Mr Obama to answer.", "It took the village on Monday."),
        ("It is hard to say when the talks failed.", "It is in the north of the country."),
        ("It looks like Turkey will leave.", "It looks old."),
        ("There are fears that the girls were sold.", "There he met the minister."),
        ("One day after the vote, Iran answered.", "One said that the bridge was shut."),
        ("Some residents fled to Goris.", "Some were killed."),
        ('In Tahrir Square the crowd chanted: "The square is full without the Brotherhood."', '"The square is full without the Brotherhood."'),
    ],
)  # fmt: skip
def test_what_is_empty_or_says_of_whom_it_speaks_leans_on_nothing(stands: str, leans: str) -> None:
    assert is_dangling(leans)
    assert not is_dangling(stands)


def test_a_speaker_at_the_head_stays() -> None:
    sentence = "UN: Both armies shelled the hospital in the town on Monday night."
    assert all(form.text.startswith("UN: Both") for form in forms(sentence))


@pytest.mark.parametrize(
    ("sentence", "alone"),
    [
        ("The Turks, however, are welcome to stay in the city.", "The Turks are welcome to stay in the city."),
        ("Russia, for its part, said that it would stay in the city.", "Russia said that it would stay in the city."),
        ("Lee, head of the bank, though, said that he knew.", "Lee, head of the bank, said that he knew."),
    ],
)
def test_a_contrast_within_a_sentence_may_go(sentence: str, alone: str) -> None:
    assert [form.text for form in forms(sentence)][:2] == [sentence, alone]
    assert not is_dangling(alone)


def test_a_contrast_within_a_sentence_leans_on_what_it_contrasts_with() -> None:
    assert is_dangling("The Turks, however, are welcome to stay.")
    assert not is_dangling("Baku said on Monday: “The Turks, however, are welcome to stay.”")


@pytest.mark.parametrize("contrast", ["However,", "But", "Yet", "Instead,"])
def test_a_contrast_stays_in_the_whole_sentence_and_goes_where_it_stands_alone(contrast: str) -> None:
    rest = "Baku denied that its forces had fired first."
    whole, alone = forms(f"{contrast} {rest}")
    assert (whole.text, whole.cuts) == (f"{contrast} {rest}", 0)
    assert (alone.text, alone.cuts) == (rest[0].upper() + rest[1:], 1)
    assert is_dangling(whole.text)
    assert not is_dangling(alone.text)


@pytest.mark.parametrize(
    "sentence", ["But for the rain, the army would have come.", "Yet given the rain, the army came."]
)
def test_what_only_looks_like_a_contrast_stays(sentence: str) -> None:
    assert all(form.text.startswith(sentence[:7]) for form in forms(sentence))


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("The former secretary general Kofi Annan has died at the age of 80.", False),
        ("The former defence secretary says that the army was late.", True),
        ("The former was said to have left before the latter.", True),
        ("So-called Islamic State said that it was behind the explosions.", False),
        ("So the army left the town.", True),
        ("In their annual letter, released on Tuesday, Bill and Melinda Gates name three myths.", False),
    ],
)
def test_who_is_named_in_the_sentence_itself_does_not_lean(sentence: str, leans: bool) -> None:
    assert is_dangling(sentence) is leans


def test_a_quotation_may_close_with_a_mark_of_the_other_form() -> None:
    assert usable(forms('“He was carried away by a vehicle," the military said in a statement on Sunday.'))
    assert not usable(forms("“He was carried away by a vehicle, the military said in a statement on Sunday."))
    assert not usable(forms('The military said on Sunday: “He was carried away. "The car" was a lorry.'))


def test_the_subject_behind_an_opening_clause_is_no_aside() -> None:
    sentence = "Speaking at the Palais, the two leaders, who have quarrelled before, said they would discuss trade."
    assert all("the two leaders" in form.text.replace("The", "the") for form in forms(sentence))
    aside = (
        "The talks were led by Macron, the president of France, who said that he would discuss trade with everybody."
    )
    assert "The talks were led by Macron who said that he would discuss trade with everybody." in {
        form.text for form in forms(aside)
    }


@pytest.mark.parametrize(
    ("sentence", "broken"),
    [
        (
            "It began after Daryl Morey, general manager of the Houston Rockets, one of the best teams, appeared late.",
            "Rockets appeared",
        ),
        (
            "For all the deaths -- including 30 in Gaza, and Israel reporting that it has three -- there has been no truce.",
            "Gaza.",
        ),
        (
            "The deal, reached after talks in Moscow, which the president also attended, was meant to stop the war.",
            "Moscow was",
        ),
        ("Last week, the minister of health, who had been in Moscow, was told to stay at home.", "health, was"),
        ("Newly dubbed the pact — the latest of three that they made — it is an old one.", "pact it"),
        ("He promised to suspend the tests of all missiles while the negotiations in the capital go on.", "missiles."),
    ],
)
def test_a_cut_breaks_no_sentence_and_takes_no_limit(sentence: str, broken: str) -> None:
    assert not any(broken in form.text for form in forms(sentence))


def test_how_old_the_page_was_goes() -> None:
    assert forms("2 DAYS AGOTurkey's minister said that the road will open.")[0].text.startswith("Turkey's minister")


def test_a_cut_leaves_no_conjunction_at_the_end() -> None:
    sentence = (
        "The rockets that came from Iran were conventional, and, unlike the missiles, which are guided, they fly low."
    )
    assert not any(form.text.endswith("and.") for form in forms(sentence))


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("“We are open for business, but we’re not for sale,” Lone Bagger told a reporter.", False),
        ("“I have no single post on that page,” Ajjawi wrote.", False),
        ("“We will go,” he said.", True),
        ("“We will stay where the army put us,” the minister said.", True),
    ],
)
def test_who_says_we_may_be_named_after_it(sentence: str, leans: bool) -> None:
    assert is_dangling(sentence) is leans


def test_a_runaway_sentence_is_left_whole_at_once() -> None:
    started = time.monotonic()
    assert len(forms("He met" + " Bob, a man, has" * 4000 + ".")) == 1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "sentence",
    [
        "Against such a backdrop the army moved north.",
        "Ninety-five percent of them were lost within a week.",
        "However, the ministry denied that.",
    ],
)
def test_what_leans_on_the_sentence_before_it_dangles(sentence: str) -> None:
    assert is_dangling(sentence)


@pytest.mark.parametrize("sentence", ["Officials said that the truce held.", "Two of the men were shot in Shusha."])
def test_what_stands_alone_does_not_dangle(sentence: str) -> None:
    assert not is_dangling(sentence)


@pytest.mark.parametrize("dateline", ["Washington (CNN) ", "Dhaka, Bangladesh - ", "Kyiv (Reuters) - "])
def test_a_correspondents_place_is_taken_off(dateline: str) -> None:
    assert texts(f"{dateline}Police shot two men near the port.")[0] == "Police shot two men near the port."


def test_words_without_a_speaker_dangle_and_a_phrase_in_quotation_marks_does_not() -> None:
    assert is_dangling("“The road will stay closed until the prisoners come home.”")
    assert is_dangling('In Baku: "The road will stay closed until the prisoners come home."')
    assert not is_dangling("“The road will stay closed until the prisoners come home,” the governor said.")
    assert not is_dangling("According to the mayor, “the road will stay closed until the prisoners come home.”")
    assert not is_dangling("Armenia handed over the last “village of the line” on Monday.")
    assert not is_dangling('The court ordered Baku to "take all measures at its disposal to open the road".')


def test_what_ends_in_a_word_that_points_back_dangles() -> None:
    assert is_dangling("The agreement with the rebels is a clear example of this.")
    assert is_dangling("The minister said: “I do not think that they will do that.”")
    assert not is_dangling("Officials said that this was a clear example of deceit.")


def test_an_exception_is_never_cut() -> None:
    sentence = "The leaders meet on Monday in Brussels (minus the prime minister), the council said in the evening."
    assert texts(sentence) == [sentence]


def test_ornaments_before_a_dateline_are_taken_off_with_it() -> None:
    assert texts("🗞🇦🇲 YEREVAN/BAKU, Oct 13 — The army denied it.")[0] == "The army denied it."
    assert texts("“Peace” is what the army wants.")[0] == "“Peace” is what the army wants."
    assert texts("Sao Paulo, Brazil (CNN) Voters took to the streets.")[0] == "Voters took to the streets."


def test_the_mark_of_an_answer_is_taken_off() -> None:
    assert texts("A: The road will open in May.") == ["The road will open in May."]
    assert texts("A road will open in May.") == ["A road will open in May."]


def test_what_is_no_sentence_is_known() -> None:
    assert is_broken("Share options FacebookMessenger sharingPRAGUE, Oct 7 - The union will deploy a mission.")
    assert is_broken("Sea-view apartments from 89,000 manat.")
    assert is_broken("Not available in the text version.]Must read: the chief warns of a storm.")
    assert is_broken("2 DAYS AGOTurkey's president said that the road will open.")
    assert is_broken("Back to topQuestion: The minister said that the road will open.")
    assert is_broken("The documents that the ministry published on Monday can be seen here.")
    assert is_broken("'The crisis is taking on the form of an emergency, the council of the republic said on Monday.")
    assert not is_broken("France commends the announcement of a humanitarian ceasefire in the region.")
    assert is_broken("Paper Said That Forces In The Town Were Given A Late Order At Least 85 Times.")
    assert not is_broken("Prime Minister Nikol Pashinyan met President Vladimir Putin in Moscow about the Lachin road.")
    assert not is_broken("The minister met the head of ExxonMobil on Monday and the head of AstraZeneca on Tuesday.")
    assert not is_broken("'A reduction in violence' was agreed, the minister said in Doha on the last day of talks.")
    assert not is_broken("Mr McDonald of YouTube said that the iPhone sells well in Baku.")
    assert not is_broken("Two men died near the border on Monday.")


@pytest.mark.parametrize(
    ("sentence", "leans"),
    [
        ("In the morning soldiers took him to the court.", True),
        ("In the shop lay 3,000 of them.", True),
        ("In Baku the ministry said so on Monday.", True),
        ("On Monday, in Baku, the president said it of the government.", True),
        ("Among them are three commanders and the president.", True),
        ("In his view the army, said the mayor, had lost.", True),
        ("Ruben Vardanyan said that soldiers took him to the court.", False),
        ("A farmer said that his cows had crossed the line.", False),
        ("Soldiers left their posts near the village.", False),
        ("The mayor said: “We took him home.”", False),
        ("Moscow says it has handed over the post.", False),
        ("On the eve of his visit to Baku, Sergei Lavrov called for restraint.", False),
        ("Before he retired, the diplomat carried papers between Baku and Yerevan.", False),
        ("The envoy met the former president on Monday.", False),
        ("Of 40 prisoners 12 came home, and some of them were wounded.", False),
    ],
)
def test_what_points_outside_the_sentence_dangles(sentence: str, leans: bool) -> None:
    assert is_dangling(sentence) is leans


@pytest.mark.parametrize(
    ("sentence", "own"),
    [
        ("Before the vote, I was sure that Riga would stay.", True),
        ("Only talks bring peace and we urge both sides to return to them.", True),
        ("The mayor said: “We took him home.”", False),
        ("Mirzoyan: We want peace.", False),
        ("Since World War I the border has run along the river.", False),
    ],
)
def test_who_speaks_of_themselves_is_known(sentence: str, own: bool) -> None:
    assert is_own_voice(sentence) is own


@pytest.mark.parametrize("marks", ["“”", '""'])
def test_what_stands_inside_a_quotation_that_another_sentence_opens_is_spoken(marks: str) -> None:
    first, last = marks
    said = [f"{first}We came at dawn.", "The bridge was gone.", f"Nobody waited,{last} the general said.", "It rained."]
    assert spoken(said, [0, 0, 0, 0]) == [False, True, False, False]
    assert spoken(said, [0, 1, 1, 1]) == [False] * 4  # a quotation ends with its paragraph


def test_a_forgotten_mark_silences_no_article() -> None:
    assert not any(spoken(['The 7" gun fired.', *["It rained."] * 20, 'They called it "luck".'], [0] * 22))


def test_a_credit_or_a_caption_is_no_sentence() -> None:
    assert is_broken(
        "The mayors Jaan Kask, left, and Epp Org before they opened the bridge across the river on Monday."
    )
    assert not is_broken("The mayors left, and Epp Org opened the bridge across the river on Monday without them.")
    assert is_broken("Image: Harbour Press The court of Tartu upheld on Monday what the city had maintained all along.")
    assert not is_broken("Images of the harbour show that the court of Tartu upheld what the city had maintained.")
