"""The frozen JSON forms: the schemas are sound, the golden examples obey them, and the library agrees with both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import communique
from communique.errors import Malformed, TooShort
from communique.labels import IPTC, TOPICS
from communique.record import Article, Record, Removal, Span, Stance, Summary, SummarySentence

SCHEMAS = Path(communique.__file__).parent / "schemas"
NAMES = ("input", "record", "reference")


def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(name))


def golden(name: str) -> list[Any]:
    lines = (SCHEMAS / "examples" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_sound_and_its_golden_examples_obey_it(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    examples = golden(name)
    assert len(examples) >= 3
    for example in examples:
        validator(name).validate(example)


def test_library_reads_every_valid_input() -> None:
    for number, example in enumerate(golden("input"), 1):
        article = Article.from_dict(example, default_id=str(number))
        assert article.text == example["text"]
        assert article.id == str(example.get("id") or number)


@pytest.mark.parametrize("case", golden("input.invalid"), ids=lambda case: case["why"])
def test_schema_and_library_refuse_the_same_inputs(case: dict[str, Any]) -> None:
    assert not validator("input").is_valid(case["input"])
    with pytest.raises(Malformed):
        Article.from_dict(case["input"], default_id="1")


def test_input_schema_names_the_fields_that_the_library_uses() -> None:
    named = set(schema("input")["properties"])
    used = set(Article.__dataclass_fields__) - {"meta"}
    assert used <= named
    assert named - used == {"source", "date", "url"}  # come back under meta


def test_record_of_the_library_obeys_the_schema() -> None:
    record = Record(
        id="1",
        meta={"source": "Coast Wire"},
        summary=Summary((SummarySentence("Ships wait.", "extractive", 1.0, (Span(0, 11),)),)),
        topic_probabilities=dict.fromkeys(TOPICS, 1 / 3),
        topics=("talks", "other"),
        stance=(
            Stance("A", "favor", {"favor": 0.7, "neutral": 0.2, "against": 0.1}, (Span(0, 5, "title"),)),
            Stance("B", "absent"),
            Stance("C", "unsure", {"favor": 0.4, "neutral": 0.3, "against": 0.3}),
        ),
        removed=(Removal(11, 20, "caption"),),
        language="en",
        models={"summarizer": "name@revision"},
    )
    validator("record").validate(record.as_dict())
    failed = Record.failed(Article(id="2", text=""), TooShort("3 words; a summary needs 40"))
    validator("record").validate(failed.as_dict())
    assert set(record.as_dict()) == set(schema("record")["properties"])


def test_record_schema_holds_the_stance_rules() -> None:
    record = golden("record")[0]
    for change in (
        {"label": "absent", "abstained": False, "probabilities": {"favor": 1, "neutral": 0, "against": 0}},
        {"label": "favor", "abstained": False, "probabilities": None},
        {"label": "unsure", "abstained": False},
        {"label": "neutral", "abstained": True},
    ):
        broken = json.loads(json.dumps(record))
        broken["stance"][0].update(change)
        assert not validator("record").is_valid(broken), change


def test_topic_names_agree_with_the_labels() -> None:
    assert schema("reference")["properties"]["topics"]["items"]["enum"] == list(TOPICS)
    codes = schema("record")["$defs"]["topic"]["properties"]["iptc"]
    for code in IPTC.values():
        jsonschema.validate(code, codes)


def test_golden_offsets_point_at_what_they_say() -> None:
    inputs = {str(item.get("id")): item for item in golden("input")}
    record = golden("record")[0]
    source = inputs[record["id"]]
    first, second = record["summary"]["sentences"]
    a, b = second["evidence"][0]["start"], second["evidence"][0]["end"]
    assert source["text"][a:b] == second["text"]
    a, b = first["evidence"][0]["start"], first["evidence"][0]["end"]
    assert source["text"][a:b] + "." == first["text"]
    assert [source["text"][r["start"] : r["end"]] for r in record["removed"]][-1] == "Share this article"


def test_golden_references_mark_boilerplate_that_is_not_in_the_article() -> None:
    article, page, _ = golden("reference")
    kept = page["text"]
    for span in reversed(page["boilerplate"]):
        kept = kept[: span["start"]] + kept[span["end"] :]
    assert kept.strip() == article["text"]
    for stance in article["stance"].values():
        assert stance.get("evidence", "") in article["text"]
