"""Compare a claim with its article: what is covered, in which order, beside whom, counted by what, denied by whom.

Every feature is a number that means the same for any article; most are shares in [0, 1], where 1 speaks for the claim.
A share of nothing is 1. None of them knows whether the claim is true: `trees.py` learns that from all of them.

    >>> source = Source("", ["Baku said 12 soldiers died near Shusha on Monday."])
    >>> features("Yerevan said 12 soldiers died.", source)["speaker_agrees"]
    0.0
"""

from __future__ import annotations

import re
from math import fsum
from typing import TYPE_CHECKING, Final

from communique.grounding.rivals import rivals
from communique.grounding.source import Line, Source
from communique.grounding.tokens import CONTENT, FIGURE, HEDGES, NAME, TIME, Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["features"]

#: Places of a word that are looked at: a word that stands everywhere tells little anywhere.
_MOST_PLACES: Final = 12
_PRONOUNS: Final = frozenset("he she it they his her their its him them who".split())
_CAUSES: Final = frozenset("because after as since amid following due over despite when while before until if".split())
_VERB: Final = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|will|would|could|should|may|might|must|can|do|does|did|says?|said|\w+ed|"
    r"\w+(?:es|s)|met|held|made|took|went|told|gave|came|fell|led|left|won|lost|began|sent|kept|saw|struck)\b"
)


def features(text: str, source: Source) -> dict[str, float]:
    """The comparison of one claim with its article, by name; the names are always the same."""
    claim = Line(text)
    best = _best_lines(claim, source)
    found = _coverage(claim, source, best)
    found |= _fragments(claim, source)
    found |= _order(claim, source.lines[best[0]])
    found |= _links(claim, source, best)
    found |= _roles(claim, source, best)
    found |= _speaker(claim, source, best)
    found |= _negation(claim, source, best)
    found |= _hedges(claim, source, best)
    found |= rivals(claim, source)
    found |= _shape(claim, source)
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0


def _least(values: Sequence[float]) -> float:
    return min(values, default=1.0)


def _best_lines(claim: Line, source: Source) -> tuple[int, ...]:
    """At least one and at most three lines, each the one that adds most weight; body before title where they tie."""
    weights = {key: source.weight(key) for key in claim.held}
    chosen: list[int] = []
    missing = set(claim.held)
    while len(chosen) < 3:
        best, gain = -1, 0.0
        for number, line in enumerate(source.lines):
            shared = line.held & missing
            if not shared or number in chosen:
                continue
            worth = fsum(weights[key] for key in shared) + 0.05 * fsum(weights[key] for key in line.held & claim.held)
            worth += 0.02 * len(shared) * (number > 0)
            if worth > gain:
                best, gain = number, worth
        if best < 0:
            break
        chosen.append(best)
        missing -= source.lines[best].held
    return tuple(chosen) or (0,)


def _coverage(claim: Line, source: Source, best: tuple[int, ...]) -> dict[str, float]:
    weights = {key: source.weight(key) for key in claim.held}
    total = fsum(weights.values())

    def share(*lines: int) -> float:
        held = frozenset().union(*(source.lines[n].held for n in lines)) if lines else source.held
        return fsum(weights[key] for key in claim.held & held) / total if total else 1.0

    def plain(places: Iterable[int], held: frozenset[str]) -> float:
        return _mean([float(claim.keys[i] in held) for i in places])

    first = best[0]
    near = frozenset().union(
        *(source.lines[n].held for n in range(max(0, first - 1), min(len(source.lines), first + 2)))
    )
    one = source.lines[first].held
    content = [i for i in claim.content if claim.tokens[i].kind == CONTENT]
    novel = [i for i in content if claim.keys[i] not in source.held]
    evidence = source.lines[first]
    extra = [i for i in evidence.content if evidence.keys[i] not in claim.held]
    return {
        "covered_by_one": share(first),
        "covered_by_two": share(*best[:2]),
        "covered_by_three": share(*best),
        "covered_near": fsum(weights[key] for key in claim.held & near) / total if total else 1.0,
        "covered_by_all": share(),
        "covered_by_title": share(0),
        "lines_used": float(len(best)),
        "names_in_one": plain(claim.names, one),
        "names_near": plain(claim.names, near),
        "names_in_all": plain(claim.names, source.held),
        "figures_in_one": plain(claim.figures, one),
        "figures_in_all": plain(claim.figures, source.held),
        "times_in_one": plain(claim.times, one),
        "times_near": plain(claim.times, near),
        "words_in_one": plain(content, one),
        "words_in_all": plain(content, source.held),
        "novel_words": float(len(novel)),
        "uncovered_words": float(sum(claim.keys[i] not in near for i in claim.content)),
        "sides_in_one": len(claim.sides & evidence.sides) / len(claim.sides) if claim.sides else 1.0,
        "evidence_left_out": len(extra) / max(1, len(evidence.content)),
        "evidence_place": first / len(source.lines),
    }


def _fragments(claim: Line, source: Source) -> dict[str, float]:
    """Runs of words that the article has as they are, greedily (Grusky et al. 2018: coverage and density)."""
    keys, at, runs, singles = claim.keys, 0, [], 0
    while at < len(keys):
        longest = 0
        for number, place in source.places.get(keys[at], ()):
            other = source.lines[number].keys
            length = 1
            while (
                at + length < len(keys) and place + length < len(other) and keys[at + length] == other[place + length]
            ):
                length += 1
            longest = max(longest, length)
        singles += longest == 1
        if longest > 1:
            runs.append(longest)
        at += max(1, longest)
    count = max(1, len(keys))
    return {
        "run_share": sum(runs) / count,
        "run_share_of_three": sum(run for run in runs if run >= 3) / count,
        "run_density": sum(run * run for run in runs) / count,
        "run_longest": max(runs, default=0) / count,
        "runs": float(len(runs)),
        "run_breaks": (len(runs) + singles) / count,
    }


def _order(claim: Line, evidence: Line) -> dict[str, float]:
    """The longest common subsequence with the best line, of content words and of names, and pairs turned round."""
    a = [claim.keys[i] for i in claim.content]
    b = [evidence.keys[i] for i in evidence.content]
    names_a = [claim.tokens[i].side or claim.keys[i] for i in claim.names]
    names_b = [evidence.tokens[i].side or evidence.keys[i] for i in evidence.names]
    place: dict[str, int] = {}
    for i, key in enumerate(b):
        place.setdefault(key, i)
    shared = [place[key] for key in dict.fromkeys(a) if key in place]
    pairs = [(x, y) for i, x in enumerate(shared) for y in shared[i + 1 :]]
    return {
        "subsequence": _subsequence(a, b) / len(a) if a else 1.0,
        "subsequence_of_names": _subsequence(names_a, names_b) / len(names_a) if names_a else 1.0,
        "in_order": _mean([float(x < y) for x, y in pairs]),
    }


def _subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for key in a:
        last = 0
        for j, other in enumerate(b, 1):
            last, row[j] = row[j], last + 1 if key == other else max(row[j], row[j - 1])
    return row[-1]


def _agree(a: Token | None, b: Token | None) -> float:
    """1 for one name, 0.7 for a state and its leader or capital, 0 otherwise."""
    if a is None or b is None:
        return 0.0
    if a.key == b.key:
        return 1.0
    return 0.7 if a.side and a.side == b.side else 0.0


def _places(token: Token, source: Source, near: tuple[int, ...]) -> list[tuple[int, int]]:
    """Where a word stands, in the lines that cover the claim first."""
    found = source.places.get(token.key, [])
    if len(found) > _MOST_PLACES:
        found = sorted(found, key=lambda p: (p[0] not in near, p))[:_MOST_PLACES]
    return found


def _links(claim: Line, source: Source, best: tuple[int, ...]) -> dict[str, float]:
    """For content words side by side, or one apart: are they together anywhere in the article, and so ordered?"""
    by_kind: dict[str, list[float]] = {"words": [], "name": [], "names": [], "figure": [], "time": []}
    strict: list[float] = []
    after: list[float] = []
    line = claim.content
    for step in (1, 2):
        for first, second in zip(line, line[step:], strict=False):
            a, b = claim.tokens[first], claim.tokens[second]
            score = _together(a, b, second - first, source, best)
            kinds = {a.kind, b.kind}
            if FIGURE in kinds:
                by_kind["figure"].append(score)
                if a.kind == FIGURE and step == 1:
                    after.append(score)
            if TIME in kinds:
                by_kind["time"].append(score)
            if kinds == {NAME}:
                by_kind["names"].append(score)
            elif NAME in kinds:
                by_kind["name"].append(score)
            elif kinds == {CONTENT}:
                by_kind["words"].append(score)
            if step == 1:
                strict.append(score)
    found = {
        "link_mean": _mean(strict),
        "link_least": _least(strict),
        "link_broken": float(sum(s < 0.2 for s in strict)),
    }
    found["link_counted"] = _least(after)
    for kind, scores in by_kind.items():
        found[f"link_{kind}_mean"] = _mean(scores)
        found[f"link_{kind}_least"] = _least(scores)
    return found


def _together(a: Token, b: Token, gap: int, source: Source, best: tuple[int, ...]) -> float:
    """1 where the article has both as far apart and in this order; less the farther, half when turned round."""
    lines: dict[int, list[int]] = {}
    for number, place in source.places.get(b.key, ()):
        lines.setdefault(number, []).append(place)
    top = 0.0
    for number, place in _places(a, source, best):
        for other in lines.get(number, ()):
            distance = other - place
            if distance == 0:
                continue
            score = 1 / (1 + max(0, abs(distance) - gap) / 4)
            top = max(top, score if distance > 0 else 0.5 * score)
        if top == 0.0 and number - 1 in lines and number > 1:
            top = 0.1
    return top


def _roles(claim: Line, source: Source, best: tuple[int, ...]) -> dict[str, float]:
    """For words that the article has: is the name in front of, or behind, the word the same there?"""
    before: list[float] = []
    behind: list[float] = []
    best_before: list[float] = []
    for place in claim.content:
        token = claim.tokens[place]
        if token.kind == NAME or token.key not in source.held:
            continue
        front, back = claim.name_before(place), claim.name_after(place)
        if front is None and back is None:
            continue
        tops, tops_back, in_best = 0.0, 0.0, 0.0
        for number, other in _places(token, source, best):
            line = source.lines[number]
            there = line.name_before(other)
            weight = 1.0 if number in best else 0.6
            if front is not None:
                score = _agree(front, there)
                if score == 0.0:
                    score = 0.5 * max((_agree(front, line.tokens[i]) for i in line.names if i < other), default=0.0)
                if score == 0.0 and there is None and number > 1:
                    previous = source.lines[number - 1]
                    score = 0.6 * max((_agree(front, previous.tokens[i]) for i in previous.names), default=0.0)
                tops = max(tops, weight * score)
                if number == best[0]:
                    in_best = max(in_best, score)
            if back is not None:
                score = _agree(back, line.name_after(other))
                if score == 0.0:
                    score = 0.5 * max((_agree(back, line.tokens[i]) for i in line.names if i > other), default=0.0)
                tops_back = max(tops_back, weight * score)
        if front is not None:
            before.append(tops)
            if token.key in source.lines[best[0]].held:
                best_before.append(in_best)
        if back is not None:
            behind.append(tops_back)
    return {
        "role_before_mean": _mean(before),
        "role_before_least": _least(before),
        "role_before_best": _mean(best_before),
        "role_after_mean": _mean(behind),
        "role_after_least": _least(behind),
    }


def _speaker(claim: Line, source: Source, best: tuple[int, ...]) -> dict[str, float]:
    """Who says it: in the claim, and in the line that holds what is said."""
    evidence = source.lines[best[0]]
    found = {
        "claim_says": float(bool(claim.says)),
        "evidence_says": float(evidence.is_attributed),
        "attribution_dropped": float(evidence.is_attributed and not claim.is_attributed),
        "attribution_added": float(bool(claim.says) and not any(source.lines[n].is_attributed for n in best)),
    }
    if not claim.says:
        return found | {"speaker_agrees": 1.0, "speaker_present": 1.0, "speaker_said": 1.0, "said_covered": 1.0}
    verb = claim.says[0]
    speaker = claim.name_before(verb) or claim.name_after(verb)
    said = {claim.keys[i] for i in claim.content if i > verb} or claim.held
    weights = {key: source.weight(key) for key in said}
    worth = [fsum(weights[key] for key in line.held & said) for line in source.lines]
    number = max(range(len(worth)), key=worth.__getitem__)
    line = source.lines[number]
    total = fsum(weights.values())
    found["said_covered"] = worth[number] / total if total else 1.0
    if speaker is None:
        return found | {"speaker_agrees": 0.9, "speaker_present": 0.9, "speaker_said": 0.9}
    agree, present = 0.0, max((_agree(speaker, line.tokens[i]) for i in line.names), default=0.0)
    for place in line.says:
        for other in (line.name_before(place), line.name_after(place)):
            agree = max(agree, _agree(speaker, other))
    if number > 1 and (not line.names or any(key in _PRONOUNS for key in line.keys)):
        previous = source.lines[number - 1]
        carried = max((_agree(speaker, previous.tokens[i]) for i in previous.names), default=0.0)
        agree, present = max(agree, 0.7 * carried), max(present, 0.7 * carried)
    # Does the article have this speaker say anything?
    says = 0.0
    for at, place in source.places.get(speaker.key, ()):
        if any(abs(place - i) <= 6 for i in source.lines[at].says):
            says = 1.0
    return found | {"speaker_agrees": agree, "speaker_present": present, "speaker_said": says}


def _negation(claim: Line, source: Source, best: tuple[int, ...]) -> dict[str, float]:
    """Words that the claim denies and the article does not, and the other way round, in the lines that cover it."""
    added = dropped = same = 0
    for place in claim.content:
        here = claim.is_negated(place)
        verdicts = [
            line.is_negated(i)
            for number in best
            for line in (source.lines[number],)
            for i, key in enumerate(line.keys)
            if key == claim.keys[place]
        ]
        if verdicts:
            added += here and not any(verdicts)
            dropped += not here and all(verdicts)
            same += here and any(verdicts)
    count = len(claim.negations)
    evidence = len(source.lines[best[0]].negations)
    return {
        "negations": float(count),
        "negations_less": float(evidence - count),
        "negation_added": float(added),
        "negation_dropped": float(dropped),
        "negation_kept": float(same),
        "negation_new": float(count > 0 and not any(source.lines[n].negations for n in best)),
    }


def _hedges(claim: Line, source: Source, best: tuple[int, ...]) -> dict[str, float]:
    """Words that make a statement less than certain or whole: those of the best line that are gone, and new ones."""
    evidence = source.lines[best[0]]
    mine, theirs = {k for k in claim.keys if k in HEDGES}, {k for k in evidence.keys if k in HEDGES}
    causes = {key for key in claim.keys if key in _CAUSES}
    held = {key for n in best for key in source.lines[n].keys}
    novel_says = [i for i in claim.says if claim.keys[i] not in held]
    return {
        "hedges_lost": float(len(theirs - mine)),
        "hedges_new": float(len([key for key in mine if key not in held])),
        "hedges_kept": float(len(mine & theirs)),
        "causes_new": float(len(causes - held)),
        "says_new": float(len(novel_says)),
    }


def _shape(claim: Line, source: Source) -> dict[str, float]:
    """What is odd about the claim by itself."""
    text, keys = claim.text, claim.keys
    content = [keys[i] for i in claim.content]
    triples = list(zip(keys, keys[1:], keys[2:], strict=False))
    return {
        "words": float(len(keys)),
        "content_words": float(len(content)),
        "names": float(len(claim.names)),
        "figures": float(len(claim.figures)),
        "times": float(len(claim.times)),
        "says": float(len(claim.says)),
        "commas": float(text.count(",")),
        "repeats": float(len(content) - len(set(content))),
        "repeated_triples": float(len(triples) - len(set(triples))),
        "opens_with_pronoun": float(bool(keys) and keys[0] in _PRONOUNS),
        "pronouns": float(sum(key in _PRONOUNS for key in keys)),
        "unfinished": float(text[-1:] not in {".", "!", "?", "”", '"', "’"}),
        "quotes_open": float(text.count("“") != text.count("”") or text.count('"') % 2 == 1),
        "quotes": float(text.count("“") + text.count('"')),
        "no_verb": float(not _VERB.search(text)),
        "conjunctions": float(sum(key in {"and", "but", "or"} for key in keys)),
        "article_lines": float(min(60, len(source.lines))),
    }
