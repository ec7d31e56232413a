"""Corrections of records, as articles to learn from.

Who finds a wrong topic or stance in the output of `communique score` copies the line, puts it right, and keeps it. Such
lines, and the archive that they were made of, feed the next training (`feedback` and `texts` in the settings):

    {"id": "a1", "topics": [{"label": "talks"}], "stance": [{"target": "Russia", "label": "against"}]}

The rest of a record may stand there or not. Topics and stances that stand are learned from, so what was not looked at
is best deleted; a stance that is `unsure` teaches nothing. What the machine wrote as a summary is never learned from;
`summaries`, a list as in a reference, are. Of two corrections of one article the later counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.archive.sources import Source, read_all
from communique.errors import UsageError
from communique.labels import STANCES, TOPICS
from training import data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from training.data import Labelled

__all__ = ["SET", "corrected", "read_corrections"]

#: The name of the set, and what its ids begin with: an archive may number its articles as another does.
SET: Final = "feedback"
_SHOWN: Final = 3


def read_corrections(files: Iterable[str], texts: Iterable[str], topics: Collection[str] = TOPICS) -> list[Labelled]:
    """The corrected articles, of the set `feedback`.

    Args:
        files: JSONL of corrected records.
        texts: archives, in any form that `communique score` reads, that hold the articles. A line with a `text` of its
            own needs none.
        topics: that are trained.

    Raises:
        UsageError: a line is no correction, or its article is nowhere.
    """
    lines: dict[str, Mapping[str, Any]] = {}
    for file in files:
        for number, right in enumerate(data.lines(Path(file)), start=1):
            if right.get("id") in (None, ""):
                raise UsageError(f"{file}: correction {number} has no id: whose is it?")
            lines[str(right["id"])] = right
    wanted = {name for name, line in lines.items() if "text" not in line}
    found = {}
    for item in read_all([Source.of(Path(path)) for path in texts]) if wanted else ():
        if item.error is None and item.article.id in wanted:
            found[item.article.id] = item.article
    if lost := sorted(wanted - found.keys()):
        named = ", ".join(lost[:_SHOWN]) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
        raise UsageError(f"no text for the corrections of {named}: name the archive that was scored in `texts`")
    items = []
    for name, line in lines.items():
        sent = found.get(name)
        own = {} if sent is None else {"text": sent.text, "title": sent.title, "format": sent.format}
        dated = {} if sent is None else {field: sent.meta[field] for field in ("date", "event") if field in sent.meta}
        items.append(corrected(dated | own | dict(line), topics))
    return list(data.labelled(items, SET, SET, topics))


def corrected(line: Mapping[str, Any], known: Collection[str] = TOPICS) -> dict[str, Any]:
    """A corrected record with its text, in the reference form; its id says that it is a correction.

    Raises:
        UsageError: topics or stance are not in the record's form, or a topic is not of `known`.
    """
    own = {name: line[name] for name in ("id", "text", "title", "format", "date", "event", "summaries") if name in line}
    try:
        topics = [topic["label"] for topic in line.get("topics", ())]
        judged = {stance["target"]: stance["label"] for stance in line.get("stance", ())}
    except (TypeError, KeyError) as error:
        raise UsageError(
            f"the correction of {line.get('id')!r} is not in the record's form: topics are objects with a `label`, "
            "stances objects with `target` and `label`"
        ) from error
    if strange := [topic for topic in topics if topic not in known]:
        raise UsageError(f"the correction of {line.get('id')!r} has an unknown topic: {', '.join(strange)}")
    if wrong := set(judged.values()) - {*STANCES, "absent", "unsure"}:
        raise UsageError(f"the correction of {line.get('id')!r} has an unknown stance: {', '.join(sorted(wrong))}")
    return {
        **own,
        "id": f"{SET}/{line.get('id')}",
        "topics": topics,
        "stance": {target: {"label": label} for target, label in judged.items() if label in STANCES},
        "absent": [target for target, label in judged.items() if label == "absent"],
    }
