"""The commands from end to end on invented articles: what they print, write, and exit with."""

from __future__ import annotations

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from communique.errors import EnvironmentFault, UsageError
from communique.record import Article
from eval import compare, gate, leaks, review, run
from eval.references import Data, load
from eval.results import Result, SuiteResult, read, write
from eval.suites.base import article_of
from eval.systems import open_system, opened
from tests.eval.conftest import article, write_jsonl
from tests.eval.fakes import record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def last_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """A program reads the last line."""
    held: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return held


def records_file(path: Path, sentences: int = 2) -> Path:
    """What `communique score` would have written; its summaries cut to some sentences."""
    rows = []
    for number in range(8):
        given = record(Article.from_dict({**article(number), "targets": list(article(number)["stance"])}, "1"))
        given["summary"]["sentences"] = given["summary"]["sentences"][:sentences]
        given["summary"]["text"] = " ".join(s["text"] for s in given["summary"]["sentences"])
        rows.append(given)
    return write_jsonl(path, rows)


@pytest.fixture(scope="module")
def result(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences a summary."""
    at = tmp_path_factory.mktemp("result")
    return measured(folder, records_file(at / "fake.jsonl"), at / "result.json")


@pytest.fixture(scope="module")
def shorter(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sentence a summary, which is the first reference word by word."""
    at = tmp_path_factory.mktemp("shorter")
    return measured(folder, records_file(at / "fake.jsonl", sentences=1), at / "result.json", "--no-baselines")


def measured(folder: Path, records: Path, output: Path, *more: str) -> Path:
    arguments = ["--data", str(folder / "articles.jsonl"), "--model", str(records), "--output", str(output)]
    assert run.main([*arguments, "--suite", "summaries", "--suite", "topics", "--suite", "stance", *more]) == 0
    return output


# eval.run


def test_run_writes_a_result_a_report_and_one_json_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = records_file(tmp_path / "fake.jsonl")
    arguments = ["--data", str(folder / "articles.jsonl"), "--model", str(records), "--suite", "summaries"]
    output, page, table = tmp_path / "out.json", tmp_path / "out.html", tmp_path / "out.md"
    code = run.main([*arguments, "--output", str(output), "--report", str(page), "--markdown", str(table)])
    assert code == 0
    line = last_json(capsys)
    assert line["file"] == str(output)
    assert line["data"]["n"] == 8
    assert "items" not in line["suites"]["summaries"]
    held = read(output)
    assert held.data["sha256"] == load([folder / "articles.jsonl"]).sha256
    assert held.provenance["commit"]
    assert held.provenance["device"]["cpu"]
    assert held.system["models"] == {"summarizer": "fake@1", "classifier": "fake@1"}
    assert len(held.suites["summaries"].items) > 8
    html = page.read_text(encoding="utf-8")
    assert "<svg" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    assert "A resident of Arvel" in html
    assert "| fake auto |" in table.read_text(encoding="utf-8")


def test_run_takes_part_of_the_data(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = records_file(tmp_path / "fake.jsonl")
    ids = tmp_path / "ids.txt"
    ids.write_text("a1\na2\n", encoding="utf-8")
    base = ["--data", str(folder / "articles.jsonl"), "--model", str(records), "--suite", "topics"]
    base += ["--output", str(tmp_path / "o.json"), "--no-baselines"]
    counts = []
    for part in (["--ids", str(ids)], ["--limit", "3"], ["--fold", "1/2"], ["--fold", "2/2"]):
        assert run.main([*base, *part]) == 0
        counts.append(last_json(capsys)["data"]["n"])
    assert counts[:2] == [2, 3]
    assert counts[2] + counts[3] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--external", "karabakh"], "needs --data-root"),
        (["--fold", "half"], "give K/N"),
        (["--fold", "3/2"], "k must be from 1 to n"),
        (["--limit", "0"], "give 1 or more"),
        (["--model", "nonsense"], "no such model. Allowed: registry"),
        (["--data", "nowhere.jsonl"], "no reference file nowhere.jsonl"),
        (["--data-root", ".", "--external", "world"], "has no world/train.jsonl"),
    ],
)
def test_run_says_what_is_wrong_with_an_option(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run.main([*arguments, "--suite", "topics"])


def test_controls_need_a_model_and_say_so(result: Path) -> None:
    assert any("controls and other modes need a model" in note for note in read(result).suites["stance"].notes)


def test_a_result_survives_writing_and_reading(result: Path, tmp_path: Path) -> None:
    held = read(result)
    write(held, tmp_path / "again.json")
    again = read(tmp_path / "again.json")
    assert again.as_dict() == held.as_dict()
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a result"):
        read(tmp_path / "bad.json")


# A service.


class Service(BaseHTTPRequestHandler):
    """Answers as the service does; article a3 is refused, a5 breaks."""

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/livez" else 404, {})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/analyze"
        assert "stance" not in sent
        assert "summaries" not in sent
        if sent["id"] == "a3":
            self._answer(422, {"type": "https://example.org/problems/too-short", "detail": "3 words"})
        elif sent["id"] == "a5":
            self._answer(500, {"type": "internal"})
        else:
            self._answer(200, record(Article.from_dict(sent, "1")))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        held = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(held)))
        self.end_headers()
        self.wfile.write(held)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_is_asked_by_url(service: str, data: Data) -> None:
    articles = [article_of(reference) for reference in data.articles[:5]]
    with opened(service) as system:
        records = list(system.score(articles))
    assert [given["id"] for given in records] == ["a0", "a1", "a2", "a3", "a4"]
    assert records[3]["error"]["type"] == "too-short"
    assert records[4]["summary"]["text"].startswith("Azerbaijan attacked")


def test_a_broken_or_absent_service_is_a_fault_of_the_environment(service: str, data: Data) -> None:
    with opened(service) as system, pytest.raises(EnvironmentFault, match="answered 500 on article 'a5'"):
        list(system.score([article_of(data.articles[5])]))
    with pytest.raises(EnvironmentFault, match=r"no service answers at .* `make serve`"):
        open_system("http://127.0.0.1:9")


# eval.compare


def test_compare_finds_what_changed_and_calls_nothing_noise(
    result: Path, shorter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main([str(result), str(shorter), "--items", "3", "--markdown", str(tmp_path / "c.md")]) == 0
    line = last_json(capsys)
    rouge1 = next(c for c in line["changes"]["summaries"] if c["metric"] == "rouge1")
    assert rouge1["difference"] > 10
    assert rouge1["low"] > 0
    topics = next(c for c in line["changes"]["topics"] if c["metric"] == "micro_f1")
    assert topics["difference"] == 0
    assert topics["p"] == 1.0
    assert "items that moved" in (tmp_path / "c.md").read_text(encoding="utf-8")


def test_compare_refuses_results_without_common_items(result: Path, tmp_path: Path) -> None:
    held = read(result)
    suite = held.suites["topics"]
    renamed = [{**item, "id": f"other-{item['id']}"} for item in suite.items]
    suites = {"topics": SuiteResult(suite.figures, (), tuple(renamed), extra=suite.extra)}
    other = Result(held.provenance, held.system, held.data, suites)
    write(other, tmp_path / "other.json")
    with pytest.raises(UsageError, match="no items in common"):
        compare.main([str(result), str(tmp_path / "other.json")])


# eval.gate


def pinned(result: Path, tmp_path: Path) -> Path:
    floors = tmp_path / "floors.toml"
    floors.write_text("", encoding="utf-8")
    assert gate.main(["--floors", str(floors), "--result", str(result), "--raise"]) == 0
    return floors


def test_gate_holds_on_the_run_it_was_pinned_from(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    floors = pinned(result, tmp_path)
    capsys.readouterr()
    assert gate.main(["--floors", str(floors), "--result", str(result)]) == 0
    line = last_json(capsys)
    assert line["gate"] == "held"
    assert line["held"] > 5
    assert line["noise"] == 0


def test_gate_breaks_on_a_real_fall_and_not_on_noise(
    result: Path, shorter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every summary is longer than in the pinned run, which ROUGE-1 punishes on every article.
    floors = pinned(shorter, tmp_path)
    assert gate.main(["--floors", str(floors), "--result", str(result)]) == 1
    line = last_json(capsys)
    assert "summaries/fake auto/rouge1" in line["names"]
    # A hair below a floor is noise: the interval of so few articles reaches over it.
    name = "second reader, by the first"
    held = read(result).suites["stance"].figure(name, "macro_f1").value
    floors.write_text(f'[[floor]]\nname = "stance/{name}/macro_f1"\nat_least = {held + 0.0001}\n', encoding="utf-8")
    assert gate.main(["--floors", str(floors), "--result", str(result)]) == 0
    assert last_json(capsys)["noise"] == 1


def test_gate_breaks_on_a_figure_that_is_gone(result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    floors = tmp_path / "floors.toml"
    floors.write_text('[[floor]]\nname = "topics/nobody/macro_f1"\nat_least = 0.5\n', encoding="utf-8")
    assert gate.main(["--floors", str(floors), "--result", str(result)]) == 1
    assert last_json(capsys)["missing"] == 1


def test_raising_never_lowers(result: Path, shorter: Path, tmp_path: Path) -> None:
    floors = pinned(shorter, tmp_path)
    before = {floor.name: floor.bound for floor in gate.read_floors(floors).floors}
    assert gate.main(["--floors", str(floors), "--result", str(result), "--raise"]) == 0
    after = {floor.name: floor.bound for floor in gate.read_floors(floors).floors}
    name = "summaries/fake auto/rouge1"
    assert after[name] == before[name] > read(result).suites["summaries"].figure("fake auto", "rouge1").value


def test_lowering_is_an_explicit_act_that_is_written_down(result: Path, tmp_path: Path) -> None:
    floors = pinned(result, tmp_path)
    name = "summaries/fake auto/rouge1"
    with pytest.raises(UsageError, match="needs --because"):
        gate.main(["--floors", str(floors), "--lower", name, "1"])
    with pytest.raises(UsageError, match="is not easier"):
        gate.main(["--floors", str(floors), "--lower", name, "99", "--because", "the data were mended"])
    with pytest.raises(UsageError, match="no floor 'summaries/x/y'"):
        gate.main(["--floors", str(floors), "--lower", "summaries/x/y", "1", "--because", "the data were mended"])
    assert gate.main(["--floors", str(floors), "--lower", name, "30.5", "--because", "the data were mended"]) == 0
    held = gate.read_floors(floors)
    assert next(floor for floor in held.floors if floor.name == name).bound == 30.5
    assert held.lowered[0].because == "the data were mended"


def test_gate_refuses_other_references(result: Path, tmp_path: Path) -> None:
    floors = pinned(result, tmp_path)
    changed = floors.read_text(encoding="utf-8").replace(read(result).data["sha256"], "0" * 64)
    floors.write_text(changed, encoding="utf-8")
    with pytest.raises(UsageError, match="re-pin with"):
        gate.main(["--floors", str(floors), "--result", str(result)])


# eval.leaks


def test_leaks_finds_each_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = {**article(0), "id": "t1", "event": "e1"}
    near["text"] = near["text"].replace("Monday", "Tuesday") + " A last word was added by the editor."
    same_event = {**article(5), "id": "t2", "event": article(2)["event"], "summaries": []}
    quotes = {
        "id": "t3", "event": "e3", "text": f"Another text. {article(4)['summaries'][0]} And so on.", "summaries": []
    }  # fmt: skip
    clean = {"id": "t4", "event": "e4", "text": "Nothing of this kind was ever told in any of the other articles here."}
    train = write_jsonl(tmp_path / "train.jsonl", [near, same_event, quotes, clean])
    held = write_jsonl(tmp_path / "held.jsonl", [article(0), article(2), article(4)])
    assert leaks.main(["--train", str(train), "--held-out", str(held), "--near", "0.5"]) == 1
    found = {(leak["kind"], leak["train"], leak["held_out"]) for leak in last_json(capsys)["leaks"]}
    assert ("near-duplicate", "train.jsonl:t1", "held.jsonl:a0") in found
    assert ("event", "train.jsonl:t2", "held.jsonl:a2") in found
    assert ("summary", "train.jsonl:t3", "held.jsonl:a4") in found
    assert not any("t4" in where for _, where, _ in found)
    only = write_jsonl(tmp_path / "clean.jsonl", [clean])
    assert leaks.main(["--train", str(only), "--held-out", str(held)]) == 0
    assert last_json(capsys)["leaks"] == []


def test_no_corpus_article_leaks_into_the_references(capsys: pytest.CaptureFixture[str]) -> None:
    assert leaks.main([]) == 0
    assert last_json(capsys)["held_out"] >= 60


# eval.review


def test_review_makes_blind_sheets_and_folds_the_marks(
    folder: Path, result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "review"
    arguments = [str(result), "--system", "fake auto", "--system", "lead", "--n", "10", "--output", str(output)]
    with pytest.raises(UsageError, match="not in the data"):
        review.main(["make", *arguments])
    assert not output.exists()
    assert review.main(["make", *arguments, "--data", str(folder / "articles.jsonl")]) == 0
    assert last_json(capsys)["summaries"] == 10
    sheet = [json.loads(line) for line in (output / "sheet.jsonl").read_text(encoding="utf-8").splitlines()]
    page = (output / "sheet.html").read_text(encoding="utf-8")
    assert "fake" not in page
    assert "lead" not in page.split("<body>")[1]
    assert not any("system" in line or "id" in line for line in sheet)
    key = json.loads((output / "sheet.key.json").read_text(encoding="utf-8"))
    first = next(name for name, held in key.items() if held["system"] == "fake auto")
    marked, second = [], []
    for line in sheet:
        if "sentence" in line:
            bad = line["summary"] == first and line["sentence"] == 1
            marked.append({**line, "mark": "unsupported" if bad else "supported", "errors": ["role"] if bad else []})
        else:
            marked.append({**line, "relevance": 4, "fluency": 5})
    second = [{**line, "mark": "supported", "errors": []} if "sentence" in line else line for line in marked]
    files = [write_jsonl(tmp_path / "ann.jsonl", marked), write_jsonl(tmp_path / "ben.jsonl", second)]
    assert review.main(["fold", str(output / "sheet.key.json"), *map(str, files)]) == 0
    found = last_json(capsys)
    ours = found["systems"]["fake auto"]
    count = sum(held["system"] == "fake auto" for held in key.values())
    assert ours["summaries_with_one"]["hits"] == 1
    assert ours["summaries_with_one"]["n"] == count
    assert ours["unsupported_sentences"]["value"] == pytest.approx(1 / (2 * count))
    assert ours["unsupported_sentences"]["low"] > 0
    assert ours["errors"]["role"]["hits"] == 1
    assert ours["relevance"]["value"] == 4
    assert found["systems"]["lead"]["unsupported_sentences"]["hits"] == 0
    assert found["read_twice"] == sum("sentence" in line for line in sheet)
    assert found["alpha"] < 1


def test_a_rating_belongs_to_the_event_of_its_own_summary() -> None:
    """The first summary is not rated, and the two others are of one event: there is nothing to draw bounds from."""
    key = {f"{n:03d}": {"id": f"a{n}", "event": event, "system": "x"} for n, event in enumerate("abb", 1)}
    lines: list[tuple[str, dict[str, Any]]] = [
        (name, {"summary": name, "sentence": 1, "mark": "supported", "errors": []}) for name in key
    ]
    lines += [("002", {"summary": "002", "relevance": 1, "fluency": 2})]
    lines += [("003", {"summary": "003", "relevance": 5, "fluency": 2})]
    found = review.folded(key, [lines])["systems"]["x"]["relevance"]
    assert (found["value"], found["n"]) == (3, 2)
    assert math.isnan(found["low"])
    assert math.isnan(found["high"])


def test_an_unmarked_line_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"001": {"id": "a0", "event": "e", "system": "x"}}), encoding="utf-8")
    sheet = write_jsonl(
        tmp_path / "s.jsonl", [{"summary": "001", "sentence": 1, "text": "t", "mark": "", "errors": []}]
    )
    with pytest.raises(UsageError, match=r"s.jsonl:1: mark is ''; allowed: supported, unsupported"):
        review.main(["fold", str(key), str(sheet)])
