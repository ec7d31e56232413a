"""The OpenAPI 3.1 document of the service, built from the schemas that the records obey.

BentoML's own describes what is declared with `@bentoml.api` only; these routes are mounted.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import communique
from service.articles import ENDPOINTS
from service.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from service.articles import Endpoint

__all__ = ["document"]

_ITEM_PROBLEMS: Final = {
    "400": "The body is not JSON, not an article, or not valid Unicode",
    "408": "The body came too slowly",
    "413": "The body or its text is too large",
    "415": "The body is not uncompressed JSON in UTF-8",
    "422": "The article is understood and cannot be used: empty, too short, not English, or all of it boilerplate",
    "429": "The queue is full; Retry-After says when to come again",
    "500": "A fault of the service",
    "503": "The models are not loaded, or the language model cannot be used; Retry-After says when to come again",
    "504": "The deadline passed, and the work was stopped",
}


@cache
def document() -> dict[str, Any]:
    """The document."""
    schemas, record = _components()
    for endpoint in ENDPOINTS:
        schemas[_schema_name(endpoint)] = _partial(record, endpoint)
    schemas["Problem"] = _problem_schema()
    schemas["Labels"] = _labels_schema()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Communiqué",
            "version": communique.__version__,
            "summary": "Summaries of news articles that prove every sentence, topics, and stance toward your targets",
            "description": (
                "Offsets are half-open intervals of Unicode code points into the field as it was sent. "
                "Every error is an `application/problem+json` (RFC 9457)."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "articles"}, {"name": "about"}, {"name": "health"}],
        "paths": {**{endpoint.path: _article_path(endpoint) for endpoint in ENDPOINTS}, **_other_paths()},
        "components": {"schemas": schemas, "headers": _headers()},
    }


def _components() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of input and record with their parts as components, and the record's alone."""
    record = _schema("record")
    parts = {name.title().replace("_", ""): part for name, part in record.pop("$defs").items()}
    components: dict[str, Any] = {"Article": _schema("input"), "Record": record, **parts}
    return json.loads(json.dumps(components), object_hook=_relocated), json.loads(
        json.dumps(record), object_hook=_relocated
    )


def _schema(name: str) -> dict[str, Any]:
    text = (files(communique) / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}


def _relocated(schema: dict[str, Any]) -> dict[str, Any]:
    """References to `#/$defs/some_part` as references to `#/components/schemas/SomePart`."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        name = reference.removeprefix("#/$defs/").title().replace("_", "")
        return {**schema, "$ref": f"#/components/schemas/{name}"}
    return schema


def _schema_name(endpoint: Endpoint) -> str:
    return {"/v1/summarize": "SummaryAnswer", "/v1/classify": "ClassAnswer", "/v1/analyze": "Record"}[endpoint.path]


def _partial(record: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    properties = {name: part for name, part in record["properties"].items() if name in endpoint.members}
    return {**record, "title": _schema_name(endpoint), "properties": properties, "required": list(properties)}


def _article_path(endpoint: Endpoint) -> dict[str, Any]:
    example = _example()
    answer = {name: value for name, value in example["answer"].items() if name in endpoint.members}
    reference = {"$ref": f"#/components/schemas/{_schema_name(endpoint)}"}
    return {
        "post": {
            "operationId": endpoint.path.rsplit("/", 1)[1],
            "summary": endpoint.summary,
            "description": (
                "An article that is too short to summarise is answered 200 by `/v1/analyze`, with topics and stance, "
                "and `error` says what is missing."
                if "error" in endpoint.members
                else "The members of the record that this endpoint computes."
            ),
            "tags": ["articles"],
            "parameters": [_request_id_parameter()],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Article"},
                        "example": example["article"],
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "What was asked",
                    "headers": {"X-Request-ID": {"$ref": "#/components/headers/RequestID"}},
                    "content": {"application/json": {"schema": reference, "example": answer}},
                },
                **{status: _problem(text, status) for status, text in _ITEM_PROBLEMS.items()},
            },
        }
    }


def _example() -> dict[str, Any]:
    """An `article` as it is posted, and the whole `answer` that the shipped models gave it."""
    example: dict[str, Any] = json.loads((files("service") / "example.json").read_text(encoding="utf-8"))
    return example


def _other_paths() -> dict[str, Any]:
    def get(identifier: str, tag: str, summary: str, content: dict[str, Any], **problems: str) -> dict[str, Any]:
        responses = {"200": {"description": summary, "content": content}}
        responses |= {status.removeprefix("_"): _problem(text, status[1:]) for status, text in problems.items()}
        return {"get": {"operationId": identifier, "summary": summary, "tags": [tag], "responses": responses}}

    text: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
    labels = {"application/json": {"schema": {"$ref": "#/components/schemas/Labels"}}}
    return {
        "/v1/labels": get("labels", "about", "The topics, the stances and the default targets", labels),
        "/": get("page", "about", "A page to try it", {"text/html": {"schema": {"type": "string"}}}),
        "/docs.json": get("docs", "about", "This document", {"application/json": {"schema": {"type": "object"}}}),
        "/livez": get("livez", "health", "The process lives", text),
        "/readyz": get("readyz", "health", "The models are loaded", text, _503="The models are not loaded"),
        "/metrics": get("metrics", "health", "Counters and times, for Prometheus", text),
    }


def _problem(text: str, status: str) -> dict[str, Any]:
    headers = {"X-Request-ID": {"$ref": "#/components/headers/RequestID"}}
    if status in ("429", "503"):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": text, "headers": headers, "content": content}


def _request_id_parameter() -> dict[str, Any]:
    return {
        "name": "X-Request-ID",
        "in": "header",
        "description": "Comes back in the answer and stands in the log. Default: a new one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
    }


def _headers() -> dict[str, Any]:
    return {
        "RequestID": {"description": "The request's id, as sent or a new one", "schema": {"type": "string"}},
        "RetryAfter": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}},
    }


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "title": "Problem",
        "description": "RFC 9457 problem details. `error` is there where an article cannot be scored.",
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "instance": {"type": "string", "format": "uri-reference"},
            "request_id": text,
            "error": {"$ref": "#/components/schemas/Error"},
        },
        "required": ["type", "title", "status", "detail", "instance", "request_id"],
    }


def _labels_schema() -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    topic = {
        "type": "object",
        "properties": {"label": {"type": "string"}, "iptc": {"type": ["string", "null"]}},
        "required": ["label", "iptc"],
    }
    return {
        "title": "Labels",
        "type": "object",
        "properties": {
            "topics": {"type": "array", "items": topic},
            "stances": texts,
            "stance_labels": texts,
            "default_targets": texts,
        },
        "required": ["topics", "stances", "stance_labels", "default_targets"],
    }
