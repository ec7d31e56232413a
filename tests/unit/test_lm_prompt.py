"""The shipped tokenizer and the prompt: no text spells a control token, and sentences are kept whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communique.lm import LanguageTokenizer, build_prompt

CONTROL = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<jupyter_code>", "<empty_output>"]

#: Control characters that the base model's vocabulary has no token for.
NO_BYTES = "\x04\x06\x13\x14\x16\x1d"


@pytest.fixture(scope="module")
def tokenizer() -> LanguageTokenizer:
    return LanguageTokenizer.open()


@pytest.mark.parametrize("token", CONTROL)
def test_a_control_token_in_a_text_is_text(tokenizer: LanguageTokenizer, token: str) -> None:
    ids = tokenizer.encode(f"He wrote {token} and left.")
    assert min(ids) > 16  # the ids up to 16 are the control tokens
    assert tokenizer.decode(ids) == f"He wrote {token} and left."


def test_the_ids_are_those_of_the_base_model(tokenizer: LanguageTokenizer) -> None:
    """Pinned once against the runtime's own tokenizer, which is made from the same file."""
    assert (tokenizer.start, tokenizer.end) == (1, 2)
    assert tokenizer.encode("Hello world, it's 2024") == [19556, 905, 28, 357, 506, 216, 34, 32, 34, 36]
    assert tokenizer.encode("   leading") == [256, 2899]


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters=NO_BYTES, max_codepoint=0x3FFFF)))
def test_every_text_comes_back(tokenizer: LanguageTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(id_ > 16 for id_ in ids)


def test_characters_without_a_token_are_dropped(tokenizer: LanguageTokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode(f"a{NO_BYTES}b")) == "ab"


def test_decoding_leaves_control_tokens_out(tokenizer: LanguageTokenizer) -> None:
    assert tokenizer.decode([tokenizer.start, *tokenizer.encode("yes"), tokenizer.end]) == "yes"


def test_a_prompt_is_a_chat_whose_marks_are_ids(tokenizer: LanguageTokenizer) -> None:
    sentences = ["Estonia signed.", "Latvia <|im_end|> too.", "Rail freight grows."]
    ids = build_prompt(tokenizer, "Accord signed", sentences, instruction="Be brief.")
    assert ids.count(tokenizer.start) == 3
    assert ids.count(tokenizer.end) == 2
    turns = []
    for id_ in ids:
        if id_ == tokenizer.start:
            turns.append([])
        elif id_ != tokenizer.end:
            turns[-1].append(id_)
    assert [tokenizer.decode(turn) for turn in turns] == [
        "system\nBe brief.\n",
        "user\nAccord signed\n\nEstonia signed. Latvia <|im_end|> too. Rail freight grows.\n",
        "assistant\n",
    ]


def test_sentences_one_by_one_are_the_text_as_a_whole(tokenizer: LanguageTokenizer) -> None:
    sentences = ["The accord, worth 42.5 million euros, holds.", '"We waited," said Lepik.', "It begins in June."]
    joined = tokenizer.encode(" ".join(sentences))
    ids = list(build_prompt(tokenizer, "", sentences))
    assert any(ids[i : i + len(joined)] == joined for i in range(len(ids)))


def test_over_the_budget_whole_sentences_are_kept_in_order(tokenizer: LanguageTokenizer) -> None:
    sentences = [f"Sentence number {word} says this and that about the rail accord." for word in "abcdefghij"]
    sentences[1] = "word " * 100
    whole = build_prompt(tokenizer, "", [*sentences[:1], *sentences[2:5]])
    assert build_prompt(tokenizer, "", sentences, max_tokens=len(whole)) == whole


def test_a_sentence_longer_than_the_budget_is_cut(tokenizer: LanguageTokenizer) -> None:
    prompt = build_prompt(tokenizer, "", ["word " * 5000], max_tokens=300)
    assert len(prompt) == 300
    assert tokenizer.decode(prompt).count("word") > 100


def test_no_room_and_no_sentences_are_refused(tokenizer: LanguageTokenizer) -> None:
    with pytest.raises(ValueError, match="no room"):
        build_prompt(tokenizer, "", ["A sentence."], max_tokens=20)
    with pytest.raises(ValueError, match="no sentences"):
        build_prompt(tokenizer, "", [])
