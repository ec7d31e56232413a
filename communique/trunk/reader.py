"""The classifier's side of an article: one reading by the trunk, from which topics, stance and salience are drawn.

`Reader` holds the shipped model; `Reading` is what it made of one article. Neither knows how summaries are made.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from communique.labels import IPTC, STANCES
from communique.reading.settling import Settling, is_open, settle
from communique.record import Span, Stance
from communique.targets import opposed
from communique.topics import EVIDENCE, MOST_TOPICS, OTHER, PASSAGE, marginals
from communique.trunk.bag import bag, count
from communique.trunk.encoder import Encoder
from communique.trunk.features import (
    EVIDENCE_FEATURES,
    choice_features,
    evidence_features,
    mention_features,
    passage_features,
    sentence_features,
)
from communique.trunk.heads import Heads, sigmoid, softmax
from communique.trunk.passages import TITLE, Passage, TokenIndex, passages
from communique.trunk.windows import Window, cut, load_tokenizer
from communique.words import Word, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from communique.document import Document

__all__ = ["Calibration", "Reader", "Reading", "Salience"]

#: Passages given as evidence of a stance at most.
MOST_EVIDENCE = 2
#: How probable it is that a sentence is taken, as long as nobody taught the trunk which.
UNTAUGHT = 0.25
#: Of a token whose sentence is not the article's: like a special one, it belongs to none.
_DROPPED = -1


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into probabilities that mean what they say, fitted on validation.

    Attributes:
        topics: the topics by name, each with its IPTC code, in the order of every probability vector.
        topic_threshold: a topic is given at or over this probability.
        topic_scales: what each kind of evidence of a topic (`communique/topics.py`) counts.
        topic_shift: added to the sum of it, by topic.
        topic_sizes: logits of having one topic, two, three.
        stance_temperature: logits of stance are divided by this.
        stance_opposed: where the target is one of two sides, the other side's logits, their mean taken off, are
            multiplied by this 3 x 3 matrix, row by row, and added.
        stance_sureness: the logits are then divided by the number that belongs to the likeliest stance: a `favor` is
            less sure than it seems, and the order stays.
        presence_threshold: a target under it plays no part.
        abstain_threshold: a stance whose best probability is under it is `unsure`.
        evidence: what each of a passage's `evidence_features` counts in whether it shows the stance.
        settling: weighs the cleaner's doubt of a line of the page with what the trunk read in it.
    """

    topics: Mapping[str, str | None] = field(default_factory=lambda: dict(IPTC))
    topic_threshold: float = 0.5
    topic_scales: tuple[float, ...] = (1.0, *(0.0,) * (len(EVIDENCE) - 1))
    topic_shift: tuple[float, ...] = ()
    topic_sizes: tuple[float, ...] = (0.0,) * MOST_TOPICS
    stance_temperature: float = 1.0
    stance_opposed: tuple[float, ...] = (0.0,) * len(STANCES) ** 2
    stance_sureness: tuple[float, ...] = (1.0,) * len(STANCES)
    presence_threshold: float = 0.5
    abstain_threshold: float = 0.45
    evidence: tuple[float, ...] = (1.0, 1.0, *(0.0,) * (EVIDENCE_FEATURES - 2))
    settling: Settling = field(default_factory=Settling)

    @classmethod
    def load(cls, path: Path) -> Calibration:
        data = json.loads(path.read_text(encoding="utf-8"))
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
        if "settling" in values:
            values["settling"] = Settling.from_dict(values["settling"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Salience:
    """What a summary of an article should hold.

    Attributes:
        words: for each sentence [words, 2]: how probable it is that a summary holds the word, and it with the next.
        sentences: for each how probable it is that a reader would take it as it stands.
    """

    words: list[NDArray[np.float32]]
    sentences: list[float]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A target: its P passages, their vectors [P, width] and weights [P], its stance logits [3] and presence logit."""

    passages: Sequence[Passage]
    hidden: NDArray[np.float32]
    logits: NDArray[np.float32]
    presence: float
    weights: NDArray[np.float32]


class Reading:
    """What the trunk made of one `document`. Vectors have its hidden size H; a sentence's is its tokens' mean.

    Attributes:
        windows: W of them.
        branch: what the trunk's branch made of each window's tokens, [tokens, H]; of width 0 where it has none.
    """

    def __init__(
        self,
        reader: Reader,
        document: Document,
        windows: Sequence[Window],
        states: Sequence[NDArray[np.float32]],
        tokens: dict[int, NDArray[np.float32]] | None = None,
    ) -> None:
        self.document = document
        self._reader = reader
        self.windows = windows
        self._read = states
        hidden = reader.heads.hidden
        self._states, self.branch = [both[:, :hidden] for both in states], [both[:, hidden:] for both in states]
        self._index = TokenIndex(windows)
        self._texts = [sentence.text for sentence in document.sentences]
        self._judged: dict[str, _Judged | None] = {}
        counts = [len(text.split()) for text in self._texts]
        self._features = sentence_features(counts, [sentence.paragraph for sentence in document.sentences])
        self._tokens = self._gathered() if tokens is None else tokens
        self._vectors = {number: states.mean(0) for number, states in self._tokens.items()}

    def _gathered(self) -> dict[int, NDArray[np.float32]]:
        """The states [N, H] of the tokens of each sentence and of the title, so far as they have any."""
        owners = np.array(self.windows[0].sentences)  # the title stands in every window: its first reading serves
        found = {TITLE: self._states[0][owners == TITLE]} if TITLE in owners else {}
        tokens, starts, numbers = self._in_order(self._states)
        return found | dict(zip(numbers, np.split(tokens, starts[1:]), strict=True)) if numbers else found

    @functools.cached_property
    def _found(self) -> list[list[Word]]:
        """The words of each sentence."""
        return [words(text) for text in self._texts]

    def _gather(self, places: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        return np.stack([self._states[number][place] for number, place in places])

    def topics(self) -> dict[str, float]:
        """Calibrated probability of each topic, in the model's order."""
        calibration = self._reader.calibration
        scaled = self.topic_evidence() @ np.asarray(calibration.topic_scales)
        if calibration.topic_shift:
            scaled = scaled + np.asarray(calibration.topic_shift)
        names = list(calibration.topics)
        alone = names.index(OTHER) if OTHER in names else None
        found = marginals(scaled, np.asarray(calibration.topic_sizes), alone)
        return dict(zip(names, found.tolist(), strict=True))

    def topic_evidence(self) -> NDArray[np.float32]:
        """What speaks for each topic, [K, E]: the kinds of evidence of `communique/topics.py`."""
        heads, first = self._reader.heads, self._states[0][0]
        vectors = np.stack([vector for number, vector in self._vectors.items() if number != TITLE])
        passages = [
            heads.topics(np.zeros_like(first), vectors[at : at + PASSAGE]) for at in range(0, len(vectors), PASSAGE)
        ]
        counts = [count(self._found[at : at + PASSAGE]) for at in range(0, len(self._found), PASSAGE)]
        whole = count([words(self.document.title)])
        for counted in counts:
            whole.update(counted)
        lines = [heads.topic_words(*bag(counted)) for counted in counts]
        return np.stack(
            [
                heads.topics(first, vectors),
                sigmoid(np.array(passages)).mean(0),
                heads.topic_words(*bag(whole)),
                np.max(lines, axis=0),
                np.mean(lines, axis=0),
            ],
            axis=-1,
        )

    def salience(self) -> Salience:
        """How much each word and each sentence is wanted in a summary."""
        return self._salience

    @functools.cached_property
    def _salience(self) -> Salience:
        wanted = self._wanted_words()
        heads = self._reader.heads
        if not heads.chooses:
            return Salience(wanted, [UNTAUGHT] * len(self._texts))
        taken = [0.0] * len(self._texts)  # as it stays for a sentence without tokens
        numbers, inputs = self.choice_inputs(wanted)
        if numbers:
            pooled = np.stack([self._pooled[number] for number in numbers])
            logits = heads.choice(np.concatenate([pooled, inputs], axis=-1))
            for number, value in zip(numbers, sigmoid(logits).tolist(), strict=True):
                taken[number] = value
        return Salience(wanted, taken)

    @functools.cached_property
    def _pooled(self) -> dict[int, NDArray[np.float32]]:
        """What the branch makes of each sentence that has tokens, [2 H]."""
        tokens, starts, numbers = self._in_order(self.branch)
        return dict(zip(numbers, self._reader.heads.pooled(tokens, starts), strict=True)) if numbers else {}

    def meanings(self) -> NDArray[np.float32] | None:
        """What each sentence is about, [S, M], zero where it has no tokens; None where the trunk was not taught it."""
        heads = self._reader.heads
        if not heads.tells_meanings or not self._pooled:
            return None
        told = heads.meanings(np.stack(list(self._pooled.values())))
        found = np.zeros((len(self._texts), told.shape[1]), dtype=np.float32)
        found[list(self._pooled)] = told
        return found

    def _in_order(
        self, states: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.intp], list[int]]:
        """Of the windows' states those [N, H] of all sentences' tokens, where each sentence's begin, and its number."""
        owners = np.concatenate([np.array(window.sentences) for window in self.windows])
        inside = owners >= 0
        starts = np.flatnonzero(np.diff(owners[inside], prepend=-1))
        return np.concatenate(states)[inside], starts, owners[inside][starts].tolist()

    def choice_inputs(
        self, wanted: Sequence[NDArray[np.float32]] | None = None
    ) -> tuple[list[int], NDArray[np.float32]]:
        """The numbers of the sentences that have tokens, and what their choice goes by beside what the branch read:
        vector and features [S, H + F].

        `wanted` is how much their words are, if at hand.
        """
        wanted = self._wanted_words() if wanted is None else wanted
        numbers = [number for number in range(len(self._texts)) if number in self._vectors]
        if not numbers:
            return [], np.zeros((0, 0), dtype=np.float32)
        vectors = np.stack([self._vectors[number] for number in numbers])
        title = {word.key for word in words(self.document.title) if not word.is_function}
        title_shares = [len(title & {word.key for word in self._found[n]}) / max(1, len(title)) for n in numbers]
        scores = [wanted[number] for number in numbers]
        features = choice_features(self._features[numbers], scores, title_shares, vectors, self._states[0][0])
        return numbers, np.concatenate([vectors, features], axis=-1)

    def _wanted_words(self) -> list[NDArray[np.float32]]:
        scores = [np.zeros((len(found), 2), dtype=np.float32) for found in self._found]
        rows, states = self._words(range(len(self._texts)))
        if rows:
            numbers = np.array([number for number, _ in rows])
            sentences = np.stack([self._vectors[number] for number in numbers])
            found = sigmoid(self._reader.heads.salience(states, sentences, self._features[numbers]))
            for (number, at), score in zip(rows, found, strict=True):
                scores[number][at] = score
        return scores

    def foreign(self, sentences: Sequence[int]) -> list[float]:
        """For each sentence its words' mean log-odds that they are not the article's own; 0 where none was read."""
        totals = dict.fromkeys(sentences, 0.0)
        rows, states = self._words(sentences)
        if not rows:
            return list(totals.values())
        numbers = np.array([number for number, _ in rows])
        vectors = np.stack([self._vectors[number] for number in numbers])
        found = self._reader.heads.foreign(states, vectors, self._states[0][0], self._features[numbers])
        counts = Counter(numbers.tolist())
        for number, odds in zip(numbers.tolist(), found.tolist(), strict=True):
            totals[number] += odds / counts[number]
        return list(totals.values())

    def settled(self) -> Reading:
        """What is left of the reading once it is known which sentences are the article's.

        Raises:
            NothingToSummarise: none is.
        """
        asked = [number for number, sentence in enumerate(self.document.sentences) if is_open(sentence)]
        if not asked:
            return self
        foreign = [0.0] * len(self.document.sentences)
        for number, odds in zip(asked, self.foreign(asked), strict=True):
            foreign[number] = odds
        document, kept = settle(self.document, foreign, self.meanings(), self._reader.calibration.settling)
        places = {TITLE: TITLE} | {old: new for new, old in enumerate(kept)}
        windows = [
            replace(window, sentences=tuple(places.get(number, _DROPPED) for number in window.sentences))
            for window in self.windows
        ]
        tokens = {places[number]: states for number, states in self._tokens.items() if number in places}
        settled = Reading(self._reader, document, windows, self._read, tokens)
        if self._reader.heads.tells_meanings:  # then it was pooled just now
            settled._pooled = {places[number]: row for number, row in self._pooled.items() if number in places}
        return settled

    def _words(self, sentences: Iterable[int]) -> tuple[list[tuple[int, int]], NDArray[np.float32]]:
        """(sentence, number of the word in it) of each word of the sentences that was read, and their states [N, H]."""
        rows: list[tuple[int, int]] = []
        places: list[tuple[int, int]] = []
        for number in sentences:
            tokens = {self.windows[w].starts[p]: (w, p) for w, p in reversed(self._index.tokens(number))}
            for at, word in enumerate(self._found[number]):
                place = tokens.get(word.start) or next(iter(self._index.tokens(number, word.start, word.end)), None)
                if place is not None:
                    rows.append((number, at))
                    places.append(place)
        return rows, self._gather(places) if places else np.zeros((0, 0), dtype=np.float32)

    def stance(self, target: str, abstain_below: float | None = None) -> Stance:
        """Where the article stands toward `target`; `absent` where nothing in it speaks of the target."""
        calibration = self._reader.calibration
        judged = self._judge(target)
        if judged is None or sigmoid(np.array(judged.presence)) < calibration.presence_threshold:
            return Stance(target, "absent")
        scaled = judged.logits / calibration.stance_temperature
        other = self._judge(side) if (side := opposed(target)) else None
        if other is not None:
            matrix = np.asarray(calibration.stance_opposed, dtype=np.float32).reshape(len(STANCES), len(STANCES))
            scaled = scaled + (other.logits - other.logits.mean()) @ matrix
        scaled = scaled / calibration.stance_sureness[int(scaled.argmax())]
        probabilities = dict(zip(STANCES, map(float, softmax(scaled)), strict=True))
        best = max(probabilities, key=probabilities.__getitem__)
        threshold = calibration.abstain_threshold if abstain_below is None else abstain_below
        label: Any = best if probabilities[best] >= threshold else "unsure"
        numbers, rows = self.evidence_inputs(target, best)
        evidence = self._evidence(numbers, rows @ np.asarray(calibration.evidence, dtype=np.float32))
        return Stance(target, label, probabilities, evidence)

    def _judge(self, target: str) -> _Judged | None:
        """What the heads make of a target, once for each; None where nothing speaks of it."""
        if target not in self._judged:
            self._judged[target] = self._judged_anew(target)
        return self._judged[target]

    def _judged_anew(self, target: str) -> _Judged | None:
        paragraphs = [sentence.paragraph for sentence in self.document.sentences]
        found = passages(target, self.document.title, self._texts, paragraphs, self._index)
        if not found:
            return None
        heads, numbers = self._reader.heads, [passage.sentence for passage in found]
        named = sum(passage.named for passage in found)
        mentions = [self._gather(passage.tokens).mean(0) for passage in found[:named]]
        sought = np.mean(mentions, axis=0)
        hidden = heads.passages(
            np.stack([*mentions, *(heads.sought(self._tokens[number], sought) for number in numbers[named:])]),
            np.stack([self._vectors[number] for number in numbers]),
            np.stack([self._states[passage.tokens[0][0]][0] for passage in found]),
            passage_features(found, len(self._texts)),
        )
        logits, presence, weights = heads.stance(hidden, named, mention_features(numbers[:named], len(self._texts)))
        return _Judged(found, hidden, logits, presence, weights)

    def evidence_inputs(self, target: str, stance: str) -> tuple[list[int], NDArray[np.float32]]:
        """The sentence numbers of a target's passages, and their `evidence_features` [P, 7] for this `stance`."""
        judged = self._judge(target)
        if judged is None:
            return [], np.zeros((0, EVIDENCE_FEATURES), dtype=np.float32)
        numbers = [passage.sentence for passage in judged.passages]
        texts = [self.document.title if number == TITLE else self._texts[number] for number in numbers]
        shares = softmax(self._reader.heads.passage_logits(judged.hidden))
        lengths = [len(text.split()) for text in texts]
        rows = evidence_features(
            judged.passages, lengths, judged.weights, shares, STANCES.index(stance), len(self._texts)
        )
        return numbers, rows

    def _evidence(self, found: Sequence[int], scores: NDArray[np.float32]) -> tuple[Span, ...]:
        """The best of the sentences `found`, in reading order; the title where it is one."""
        title = self.document.article.title  # one that only the page has cannot be pointed at
        citable = [index for index, number in enumerate(found) if number != TITLE or title]
        strongest = sorted(citable, key=lambda index: -scores[index])[:MOST_EVIDENCE]
        numbers = sorted(found[index] for index in strongest)  # the title's number is the least
        return tuple(
            Span(0, len(title), "title") if number == TITLE else self.document.sentences[number].span()
            for number in numbers
        )


class Reader:
    """The shipped classifier: trunk, heads, tokenizer and calibration, from one folder."""

    def __init__(self, folder: Path, threads: int = 0, precision: str | None = None) -> None:
        self.encoder = Encoder(folder / "trunk.xml", threads, precision)
        self.heads = Heads.load(folder / "heads.safetensors")
        self.tokenizer = load_tokenizer(folder / "tokenizer.json")
        self.calibration = Calibration.load(folder / "calibration.json")
        self.name = f"communique-trunk@{_revision(folder)}"

    def read(self, documents: Sequence[Document], deadline: float | None = None) -> list[Reading]:
        """One reading of each document, all windows in one go.

        Raises:
            TimedOut: the `deadline` (of `time.monotonic()`) passed first.
        """
        cuts = [
            cut(self.tokenizer, document.title, [sentence.text for sentence in document.sentences])
            for document in documents
        ]
        states = self.encoder.states([window for windows in cuts for window in windows], deadline)
        readings, at = [], 0
        for document, windows in zip(documents, cuts, strict=True):
            readings.append(Reading(self, document, windows, states[at : at + len(windows)]))
            at += len(windows)
        return readings

    def close(self) -> None:
        """Give up what is being read."""
        self.encoder.close()

    def chosen_topics(self, probabilities: Mapping[str, float], threshold: float | None = None) -> tuple[str, ...]:
        """Topics over the threshold, best first, at most three; at least one; `other` only alone."""
        least = self.calibration.topic_threshold if threshold is None else threshold
        ranked = sorted(probabilities, key=lambda topic: -probabilities[topic])
        if ranked[0] == OTHER:
            return (OTHER,)
        over = [topic for topic in ranked if probabilities[topic] >= least and topic != OTHER]
        return tuple(over[:MOST_TOPICS]) or (ranked[0],)


def _revision(folder: Path) -> str:
    """Twelve hex digits that change when any file of the model does; the registry's revision of a shipped one."""
    names = ("calibration.json", "heads.safetensors", "tokenizer.json", "trunk.bin", "trunk.xml")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:12]
