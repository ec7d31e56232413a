"""Would another name, figure or date of the article stand better where the claim has this one?

A claim in words of its own is far from its article whether it is true or not; but in a false one, something else of
the article often fits its place better. Each slot of the claim (a name, a figure, a date) is scored by how near its
filler stands, anywhere in the article, to the words around the slot; then every other filler of the kind likewise.

    >>> source = Source("", ["Baku denied the report.", "Yerevan wept."])
    >>> rivals(Line("Yerevan denied the report."), source)["rival_name"]
    -1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from communique.grounding.tokens import FIGURE, NAME, TIME, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.grounding.source import Line, Source

__all__ = ["rivals"]

#: Content words on each side of a slot that are looked at.
_REACH: Final = 4
_MOST_PLACES: Final = 10
_KINDS: Final = {NAME: "name", FIGURE: "figure", TIME: "time"}


def rivals(claim: Line, source: Source) -> dict[str, float]:
    """Margins in [-1, 1] between what the claim has and the best of what it could have; 0.5 where it has none."""
    slots = {place: _fitness(claim, place, source) for place in (*claim.names, *claim.figures, *claim.times)}
    own = {place: fits.get(_filler(claim.tokens[place]), 0.0) for place, fits in slots.items()}
    found: dict[str, float] = {}
    for kind, places in ((NAME, claim.names), (FIGURE, claim.figures), (TIME, claim.times)):
        name = _KINDS[kind]
        inside = {_filler(claim.tokens[place]) for place in places}
        outside = [_margin(own[place], slots[place], inside) for place in places]
        every = [_margin(own[place], slots[place], {_filler(claim.tokens[place])}) for place in places]
        found[f"rival_{name}"] = min(outside, default=0.5)
        found[f"rival_{name}_mean"] = sum(outside) / len(outside) if outside else 0.5
        found[f"rival_{name}_any"] = min(every, default=0.5)
        found[f"fit_{name}"] = min((own[place] for place in places), default=0.5)
    found["rival_swap"] = _swap(claim, slots)
    found |= _speaker(claim, source)
    first = claim.names[:1]
    found["rival_subject"] = (
        _margin(own[first[0]], slots[first[0]], {_filler(claim.tokens[first[0]])}) if first else 0.5
    )
    return found


def _filler(token: Token) -> str:
    """Names that stand for one state are one filler."""
    return token.side or token.key


def _margin(own: float, fits: dict[str, float], excluded: set[str]) -> float:
    return own - max((fit for filler, fit in fits.items() if filler not in excluded), default=0.0)


def _fitness(claim: Line, place: int, source: Source) -> dict[str, float]:
    """For each filler of the kind of a slot, in [0, 1]: how near it stands to the slot's neighbours in the article."""
    kind = claim.tokens[place].kind
    rank = claim.rank[place]
    around = [i for i in claim.content[max(0, rank - _REACH) : rank + _REACH + 1] if i != place]
    return _nearness(claim, place, kind, around, source)


def _nearness(claim: Line, place: int, kind: int, around: Sequence[int], source: Source) -> dict[str, float]:
    total = 0.0
    sums: dict[str, float] = {}
    for i in around:
        key = claim.keys[i]
        if key not in source.held or claim.tokens[i].kind == kind == NAME:
            continue
        weight = source.weight(key) / (1 + abs(i - place) / 6)
        total += weight
        best: dict[str, float] = {}
        for number, at in source.places[key][:_MOST_PLACES]:
            line = source.lines[number]
            places = line.names if kind == NAME else line.figures if kind == FIGURE else line.times
            for other in places:
                if other == at:
                    continue
                ordered = (other < at) == (place < i)
                near = (1.0 if ordered else 0.6) / (1 + abs(abs(other - at) - abs(place - i)) / 6)
                filler = _filler(line.tokens[other])
                if near > best.get(filler, 0.0):
                    best[filler] = near
            if not places and number > 1:
                # A pronoun may stand here for a name of the sentence before.
                for other in source.lines[number - 1].names if kind == NAME else ():
                    filler = _filler(source.lines[number - 1].tokens[other])
                    best[filler] = max(best.get(filler, 0.0), 0.4)
        for filler, near in best.items():
            sums[filler] = sums.get(filler, 0.0) + weight * near
    return {filler: value / total for filler, value in sums.items()} if total else {}


def _swap(claim: Line, slots: dict[int, dict[str, float]]) -> float:
    """The least gain of two names over the same names in each other's places."""
    margins = []
    for a in claim.names:
        for b in claim.names:
            first, second = _filler(claim.tokens[a]), _filler(claim.tokens[b])
            if a < b and first != second:
                here = slots[a].get(first, 0.0) + slots[b].get(second, 0.0)
                there = slots[a].get(second, 0.0) + slots[b].get(first, 0.0)
                margins.append(here - there)
    return min(margins, default=0.5)


def _speaker(claim: Line, source: Source) -> dict[str, float]:
    """The name in front of the first verb of saying, against all others, by the words that it is said to say."""
    verb = next(iter(claim.says), None)
    speaker = next((i for i in reversed(claim.names) if verb is not None and i < verb), None)
    if verb is None or speaker is None:
        return {"rival_speaker": 0.5, "fit_speaker": 0.5}
    said = [i for i in claim.content if i >= verb]
    fits = _nearness(claim, speaker, NAME, said, source)
    mine = _filler(claim.tokens[speaker])
    return {"rival_speaker": _margin(fits.get(mine, 0.0), fits, {mine}), "fit_speaker": fits.get(mine, 0.0)}
