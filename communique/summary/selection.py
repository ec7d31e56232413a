"""Choose the set of sentence forms that should agree best with what a person would have written.

For each word of the article the trunk says how probable it is that a reference summary holds it, alone and with the
next word. For a set of forms the expected overlap follows, and from it the expected F1 of single words and of pairs,
which is what ROUGE-1 and ROUGE-2 measure (Lin 2004). A beam search finds the set: what is said twice counts once,
and words that nobody needs cost. It knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from communique.summary.clauses import Form
from communique.summary.introduction import named
from communique.summary.standing import is_dangling
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from communique.summary.drafts import Draft
    from communique.trunk.reader import Salience
    from communique.words import Word

    #: Words and pairs of a form, each with the probability that it is wanted.
    Row = tuple[dict[object, float], dict[object, float]]

__all__ = ["REFERENCE_WORDS", "Candidate", "Choice", "Proven", "Weights", "candidates", "choose"]

#: Words of a reference summary, the mean of the corpora.
REFERENCE_WORDS: Final = 53
#: Longest candidate list; the weakest by expected overlap a word are left out. A sentence that a reader would surely
#: take counts as so many wanted words more: what `Weights.taken` is worth in a summary of usual length.
MOST_CANDIDATES: Final = 96
TAKEN_WORDS: Final = 20
BEAM: Final = 12
#: Probability of a pair of words that a cut brought together.
JOINED_PAIR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Proven:
    """A draft that the checker lets stand, with its support."""

    draft: Draft
    support: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A form of sentence number `sentence`, or what was written of it.

    `dangling` says that it leans on the sentence before it; `strangers` counts whom only an earlier one names; `taken`
    is how probable it is that a reader would take the sentence: of a cut by the share of what is wanted in it that the
    cut keeps.
    """

    sentence: int
    form: Form
    dangling: bool
    length: int
    strangers: int = 0
    taken: float = 0.0
    proven: Proven | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen forms in reading order, and the expected score that chose them."""

    candidates: tuple[Candidate, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Weights:
    """What the search weighs.

    Attributes:
        pairs: weight of the expected F1 of word pairs beside that of single words.
        cut: cost of each cut, for what it may do to the flow.
        sentence: cost of each sentence.
        late: cost of a sentence's place, per logarithm of its number.
        stranger: cost of whom another sentence introduces: a surname alone.
        taken: gain of a sentence that a reader would surely take, beside one that is as likely as `usual`.
        usual: a sentence less likely to be taken than so costs.
        written: gain of a sentence that the language model wrote, for its flow.
        short: cost of each word under the fewest that are wanted.
        repeated: two forms of which the shorter shares so much of its words with the other are not taken together.
    """

    pairs: float = 1.0
    cut: float = 0.004
    sentence: float = 0.0
    late: float = 0.02
    stranger: float = 0.02
    taken: float = 0.4
    usual: float = 0.25
    written: float = 0.03
    short: float = 0.03
    repeated: float = 0.5


class Table:
    """Candidates as rows over the article's distinct words and pairs."""

    def __init__(self, found: list[Candidate], singles: NDArray[np.float32], doubles: NDArray[np.float32]) -> None:
        self.candidates = found
        self.singles = singles
        self.doubles = doubles


def candidates(
    forms: Sequence[Sequence[Form]],
    sentences: Sequence[str],
    salience: Salience,
    proven: Sequence[Proven] = (),
    *,
    speaker_known: bool = False,
) -> Table:
    """Every form of every sentence, and what was written and proven.

    Args:
        forms: forms of each sentence.
        sentences: the sentences.
        salience: what the trunk says of their words and of them.
        proven: sentences that the language model wrote.
        speaker_known: whose words the article is, so that "we" is somebody.
    """
    introduced: dict[str, int] = {}
    for number, text in enumerate(sentences):
        for name in named(text)[0]:
            introduced.setdefault(name, number)
    found: list[Candidate] = []
    rows: list[Row] = []
    for number, options in enumerate(forms):
        tokens = words(sentences[number])
        scores = salience.words[number]
        if not len(scores):
            continue
        for form in options:
            kept = [i for i, w in enumerate(tokens) if any(a <= w.start and w.end <= b for a, b in form.pieces)]
            worth = [(tokens[i], float(scores[i, 0])) for i in kept]
            joined = [float(scores[i, 1]) if j == i + 1 else JOINED_PAIR for i, j in pairwise(kept)]
            unknown = sum(name in introduced and introduced[name] < number for name in named(form.text)[1])
            share = sum(value for _, value in worth) / max(1e-6, float(scores[:, 0].sum()))
            taken = salience.sentences[number] * share
            dangling = is_dangling(form.text, speaker_known=speaker_known)
            found.append(Candidate(number, form, dangling, form.words, unknown, taken))
            rows.append(_row(worth, joined))
    for one in proven:
        form = Form(one.draft.text, (), 0)
        if not is_dangling(form.text):
            number = one.draft.sentence
            taken = salience.sentences[number]
            found.append(Candidate(number, form, False, form.words, 0, taken, one))
            rows.append(_row(*_wanted(one.draft, sentences, salience)))
    values = [sum(row[0].values()) + TAKEN_WORDS * candidate.taken for row, candidate in zip(rows, found, strict=True)]
    order = sorted(range(len(found)), key=lambda i: -values[i] / (found[i].length + 12))[:MOST_CANDIDATES]
    found, rows = [found[i] for i in order], [rows[i] for i in order]
    return Table(found, _matrix([row[0] for row in rows]), _matrix([row[1] for row in rows]))


def _row(worth: Sequence[tuple[Word, float]], joined: Sequence[float]) -> Row:
    """What a form holds: its words and how much each is wanted, and its pairs of neighbours, one fewer."""
    single: dict[object, float] = {}
    double: dict[object, float] = {}
    times: dict[str, int] = {}
    for word, value in worth:
        times[word.key] = times.get(word.key, 0) + 1
        # The second "the" of a sentence finds a partner less often than the first.
        key = (word.key, times[word.key]) if word.is_function else (word.key, 1)
        single[key] = max(single.get(key, 0.0), value * 0.75 ** (key[1] - 1))
    for ((word, _), (following, _)), wanted in zip(pairwise(worth), joined, strict=True):
        pair = (word.key, following.key)
        double[pair] = max(double.get(pair, 0.0), wanted)
    return single, double


def _wanted(draft: Draft, sentences: Sequence[str], salience: Salience) -> tuple[list[tuple[Word, float]], list[float]]:
    """A written sentence's words and pairs, as much wanted as they are where its source has them."""
    single: dict[str, float] = {}
    double: dict[tuple[str, str], float] = {}
    keys = [word.key for word in words(sentences[draft.sentence])]
    scores = salience.words[draft.sentence]
    for key, value in zip(keys, scores[:, 0].tolist(), strict=False):
        single[key] = max(single.get(key, 0.0), value)
    for pair, value in zip(pairwise(keys), scores[:, 1].tolist(), strict=False):
        double[pair] = max(double.get(pair, 0.0), value)
    tokens = words(draft.text)
    worth = [(token, single.get(token.key, 0.0)) for token in tokens]
    return worth, [double.get((a.key, b.key), JOINED_PAIR) for a, b in pairwise(tokens)]


def _matrix(rows: Sequence[dict[object, float]]) -> NDArray[np.float32]:
    columns: dict[object, int] = {}
    for row in rows:
        for key in row:
            columns.setdefault(key, len(columns))
    matrix = np.zeros((len(rows), len(columns)), dtype=np.float32)
    for number, row in enumerate(rows):
        for key, value in row.items():
            matrix[number, columns[key]] = value
    return matrix


def _cost(candidate: Candidate, weights: Weights) -> float:
    place = weights.late * float(np.log1p(candidate.sentence))
    strangers = weights.stranger * min(2, candidate.strangers)
    worth = weights.taken * (candidate.taken - weights.usual)
    flow = weights.cut * candidate.form.cuts - (weights.written if candidate.proven else 0.0)
    return flow + weights.sentence + place + strangers - worth


@dataclass(frozen=True, slots=True)
class _Group:
    """Forms taken together: their rows in reading order, how much of each word and pair they hold, words and cost."""

    members: tuple[int, ...]
    singles: NDArray[np.float32]
    doubles: NDArray[np.float32]
    length: int = 0
    cost: float = 0.0
    score: float = 0.0


class _Search:
    """Grows groups of a table's forms, one form at a time."""

    def __init__(self, table: Table, weights: Weights, max_words: int, target_words: int) -> None:
        found = table.candidates
        self._table = table
        self._pairs = weights.pairs
        self._max_words = max_words
        self._target_words = target_words
        self._lengths = np.array([c.length for c in found])
        self._numbers = np.array([c.sentence for c in found])
        self._dangling = np.array([c.dangling for c in found])
        self._cost = REFERENCE_WORDS / target_words * np.array([_cost(candidate, weights) for candidate in found])
        present = (table.singles > 0).astype(np.float32)
        sizes = present.sum(1)
        shared = (present @ present.T) / np.maximum(1.0, np.minimum(sizes[:, None], sizes[None, :]))
        self._alike = shared > weights.repeated

    def empty(self) -> _Group:
        """The group without a form."""
        singles, doubles = self._table.singles, self._table.doubles
        return _Group((), np.zeros(singles.shape[1], np.float32), np.zeros(doubles.shape[1], np.float32))

    def grown(self, beam: Sequence[_Group]) -> list[_Group]:
        """The `BEAM` best groups that have one form more than one of the beam, best first."""
        groups: dict[tuple[int, ...], _Group] = {}
        for group in beam:
            scores = self._scores(group)
            for index in np.argsort(-scores)[:BEAM]:
                if scores[index] == -np.inf:
                    break
                members = tuple(sorted((*group.members, int(index)), key=lambda i: self._numbers[i]))
                if members not in groups:
                    groups[members] = _Group(
                        members,
                        np.maximum(group.singles, self._table.singles[index]),
                        np.maximum(group.doubles, self._table.doubles[index]),
                        group.length + int(self._lengths[index]),
                        group.cost + float(self._cost[index]),
                        float(scores[index]),
                    )
        return sorted(groups.values(), key=lambda group: -group.score)[:BEAM]

    def _scores(self, group: _Group) -> NDArray[np.float64]:
        """Of each form the expected score of the group with it; minus infinity where it cannot be added."""
        table, total = self._table, self._lengths + group.length
        held = self._numbers[list(group.members)]
        fits = (total <= self._max_words) & ~np.isin(self._numbers, held)
        fits &= ~self._dangling | np.isin(self._numbers - 1, held)
        fits &= ~self._alike[list(group.members)].any(0)
        overlap = np.maximum(group.singles, table.singles).sum(1)
        pairs = np.maximum(group.doubles, table.doubles).sum(1)
        score = (
            2 * overlap / (total + self._target_words)
            + self._pairs * 2 * pairs / np.maximum(1, total + self._target_words - 2)
            - group.cost
            - self._cost
        )
        return np.where(fits, score, -np.inf)


def choose(
    table: Table,
    max_words: int,
    min_words: int,
    weights: Weights = Weights(),
    most_sentences: int = 3,
    target_words: int = REFERENCE_WORDS,
) -> Choice:
    """The best set of at most `most_sentences` forms with min_words..max_words words; shorter where none as good fits.

    A sentence that leans on the one before it is taken only right after that one. Costs are those of a summary of
    `REFERENCE_WORDS`: of one that is to be longer each sentence is a smaller part.
    """
    if not table.candidates:
        return Choice((), 0.0)
    search = _Search(table, weights, max_words, target_words)
    short = REFERENCE_WORDS / target_words * weights.short
    best: tuple[float, tuple[int, ...]] = (-np.inf, ())
    beam = [search.empty()]
    for _ in range(most_sentences):
        beam = search.grown(beam)
        for group in beam:
            best = max(best, (group.score - short * max(0, min_words - group.length), group.members))
    return Choice(tuple(table.candidates[i] for i in best[1]), best[0])
