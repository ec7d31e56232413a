"""Every character of a changed text leads back to where it stood in the source."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communique.text import MappedText


def intervals(mapped: MappedText) -> list[tuple[int, int]]:
    return [mapped.span(index, index + 1) for index in range(len(mapped))]


def test_of_maps_each_character_to_itself() -> None:
    assert intervals(MappedText.of("Lachin", 2, 5)) == [(2, 3), (3, 4), (4, 5)]
    assert MappedText.of("").runs == ()


def test_sub_gives_the_first_character_the_whole_match() -> None:
    mapped = MappedText.of("a&nbsp;b").sub(re.compile("&nbsp;"), "::")
    assert mapped.text == "a::b"
    assert intervals(mapped) == [(0, 1), (1, 7), (7, 7), (7, 8)]


def test_sub_of_equal_length_maps_one_to_one() -> None:
    assert intervals(MappedText.of("x&!y").sub(re.compile("&!"), "ab")) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_sub_by_function_and_deletion() -> None:
    mapped = MappedText.of("one 22 three").sub(re.compile(r"\d+ "), lambda match: "" if "22" in match[0] else "?")
    assert mapped.text == "one three"
    assert mapped.span(3, 5) == (3, 8)


def test_insert_has_no_source() -> None:
    mapped = MappedText.of("years.Skirmishes").insert(" ", [6])
    assert mapped.text == "years. Skirmishes"
    assert mapped.span(6, 7) == (6, 6)
    assert mapped.span(7, 17) == (6, 16)


def test_a_slice_through_a_replacement_stays_within_it() -> None:
    mapped = MappedText.of("..&hellip;..").sub(re.compile("&hellip;"), "...")
    assert intervals(mapped.slice(3, 6)) == [(10, 10), (10, 10), (10, 11)]


@pytest.mark.parametrize("interval", [(0, 0), (2, 1), (-1, 2), (0, 99)])
def test_span_refuses_what_is_not_an_interval(interval: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="interval within"):
        MappedText.of("abc").span(*interval)


@given(st.text(alphabet="ab .&\n", max_size=60), st.data())
def test_any_chain_of_changes_keeps_the_mapping(source: str, data: st.DataObject) -> None:
    """Characters that were not replaced are found at their place; intervals ascend and never overlap."""
    mapped = MappedText.of(source)
    for _ in range(data.draw(st.integers(0, 5))):
        step = data.draw(st.sampled_from(["sub", "slice", "insert", "strip", "join"]))
        if step == "sub":
            pattern = re.compile(data.draw(st.sampled_from(["&", r"\s+", "[.&]{2}", "a+"])))
            mapped = mapped.sub(pattern, data.draw(st.sampled_from(["", "X", "XY", "XYZ"])))
        elif step == "slice":
            a, b = sorted(data.draw(st.tuples(*[st.integers(0, len(mapped))] * 2)))
            mapped = mapped.slice(a, b)
        elif step == "insert" and len(mapped):
            mapped = mapped.insert("+", sorted(data.draw(st.sets(st.integers(0, len(mapped)), max_size=3))))
        elif step == "strip":
            mapped = mapped.strip()
        else:
            cut = data.draw(st.integers(0, len(mapped)))
            mapped = MappedText.join([mapped.slice(0, cut), mapped.slice(cut, len(mapped))])
    last = 0
    for character, (a, b) in zip(mapped.text, intervals(mapped), strict=True):
        assert last <= a <= b <= len(source)
        last = b
        if character not in "XYZ+":
            assert source[a:b] == character
        if character == "+":
            assert a == b
