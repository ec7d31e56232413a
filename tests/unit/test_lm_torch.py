"""The torch engine on tiny random models, through the engine's process: what it writes, and that it lets go."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from communique.config import Settings
from communique.errors import EnvironmentFault, TimedOut, UsageError
from communique.lm import EngineSettings, Generator, LanguageTokenizer, Sampling, openvino_runtime
from communique.lm import device as device_module
from communique.lm.device import choose_engine
from communique.lm.engine import EngineRequest, open_runtime
from communique.summary import Writer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from communique.lm.torch_continuous import ContinuousBatches  # noqa: E402  needs torch
from communique.lm.torch_model import open_network  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from communique.config import EngineName

END, VOCABULARY, CONTEXT = 1, 64, 256
PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [3] * 40, [33, 2, 14]]
GREEDY = Sampling(max_new_tokens=12)
WAIT = 120.0
SIZES = {"vocab_size": VOCABULARY, "eos_token_id": END, "pad_token_id": 0}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        **SIZES, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=CONTEXT, initializer_range=0.2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("llama")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its own habits of sampling are not those of any request here."""
    torch.manual_seed(0)
    config = transformers.BartConfig(
        **SIZES, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64, bos_token_id=2, decoder_start_token_id=2,
        forced_bos_token_id=None, forced_eos_token_id=None, init_std=0.3,
    )  # fmt: skip
    model = transformers.BartForConditionalGeneration(config)
    model.generation_config.update(num_beams=4, min_length=9, no_repeat_ngram_size=2)
    folder = tmp_path_factory.mktemp("bart")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def generator(llama: Path) -> Iterator[Generator]:
    with Generator(EngineSettings(engine="torch", folder=llama, threads=1, precision="f32")) as opened:
        yield opened


def opened(folder: Path) -> ContinuousBatches:
    settings = EngineSettings(engine="torch", folder=folder, kv_cache_tokens=2048)
    return ContinuousBatches(open_network(settings, torch.device("cpu"), torch.float32), settings)


@pytest.fixture(scope="module")
def continuous(llama: Path) -> Iterator[ContinuousBatches]:
    """As on CUDA, on the CPU."""
    batches = opened(llama)
    yield batches
    batches.close()


def network(folder: Path):
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    return kind.from_pretrained(folder).eval()


@torch.inference_mode()
def greedy(model, prompt: Sequence[int], count: int) -> list[int]:
    """The likeliest token each time, the whole computed anew for each."""
    ids, written = torch.tensor([list(prompt)]), []
    for _ in range(count):
        if model.config.is_encoder_decoder:
            start = model.config.decoder_start_token_id
            logits = model(input_ids=ids, decoder_input_ids=torch.tensor([[start, *written]])).logits
        else:
            logits = model(input_ids=torch.tensor([[*prompt, *written]])).logits
        token = int(logits[0, -1].argmax())
        if token == END:
            break
        written.append(token)
    return written


def ending_early(folder: Path, to: Path) -> tuple[list[int], int]:
    """The model of a folder with another end token, what it writes of the first prompt, and where that token is."""
    model = network(folder)
    text = greedy(model, PROMPTS[0], 12)
    at = next(at for at in range(2, 12) if text[at] not in text[:at])
    model.generation_config.eos_token_id = model.config.eos_token_id = text[at]
    model.save_pretrained(to)
    return text, at


def answers(batches: ContinuousBatches, requests: list[EngineRequest]) -> dict[int, dict]:
    """What it says of each request at the end, in the order in which they ended."""
    batches.add(requests)
    found: dict[int, dict] = {}
    until = time.monotonic() + WAIT
    while len(found) < len(requests) and time.monotonic() < until:
        found |= {message["id"]: message for message in batches.poll() if message["event"] != "tokens"}
    return found


def request(id_: int, tokens: list[int], sampling: Sampling = GREEDY, *, stream: bool = False) -> EngineRequest:
    return EngineRequest(id_, tokens, sampling, stream, None)


def test_a_batch_is_written_as_each_prompt_alone(generator: Generator, llama: Path) -> None:
    found = generator.generate(PROMPTS, GREEDY)
    assert [list(one.token_ids) for one in found] == [greedy(network(llama), prompt, 12) for prompt in PROMPTS]
    assert any(one.finish_reason == "length" for one in found)


def test_what_is_written_scores_as_it_was_written(generator: Generator) -> None:
    found = generator.generate(PROMPTS, Sampling(max_new_tokens=12, logprobs=True))
    scores = generator.score([(prompt, one.token_ids) for prompt, one in zip(PROMPTS, found, strict=True)])
    for one, again in zip(found, scores, strict=True):
        assert len(one.logprobs) == len(one.token_ids)
        assert one.logprobs == pytest.approx(again, abs=1e-3)


def test_the_end_token_ends_an_answer_unless_it_is_ignored(tmp_path: Path, llama: Path) -> None:
    """With an end token that the model does write."""
    text, at = ending_early(llama, tmp_path)
    with Generator(EngineSettings(engine="torch", folder=tmp_path, threads=1, precision="f32")) as ending:
        samplings = [Sampling(max_new_tokens=12, ignore_end=ignored) for ignored in (False, True)]
        stopped, whole = ending.generate([PROMPTS[0]] * 2, samplings)
        got: list[int] = []
        streamed = ending.submit(PROMPTS[0], samplings[0], on_tokens=lambda _, tokens: got.extend(tokens))
        assert streamed.result(WAIT) == stopped
    assert (list(stopped.token_ids), stopped.finish_reason) == (text[:at], "stop")
    assert (list(whole.token_ids), whole.finish_reason) == (text, "length")
    assert got == text[:at]


def test_samples_follow_their_seed_and_come_the_likelier_first(generator: Generator) -> None:
    def asked(seed: int) -> Sampling:
        return Sampling(max_new_tokens=8, temperature=1.0, top_p=0.9, candidates=3, seed=seed, logprobs=True)

    one, same, other = generator.generate([PROMPTS[0]] * 3, [asked(1), asked(1), asked(2)])
    assert one == same
    assert one != other
    totals = [sum(candidate.logprobs) for candidate in one.candidates]
    assert len(totals) == 3
    assert totals == sorted(totals, reverse=True)


def test_beams_find_what_is_likelier_than_greed(generator: Generator) -> None:
    asked = Sampling(max_new_tokens=6, ignore_end=True, beams=4, candidates=2, logprobs=True)
    [found] = generator.generate(PROMPTS[:1], asked)
    [plain] = generator.generate(PROMPTS[:1], Sampling(max_new_tokens=6, ignore_end=True, logprobs=True))
    best, second = (sum(candidate.logprobs) for candidate in found.candidates)
    assert best >= second
    assert best >= sum(plain.logprobs) - 1e-4
    [again] = generator.score([(PROMPTS[0], found.token_ids)])
    assert found.logprobs == pytest.approx(again, abs=1e-3)


def test_penalties_are_heard(generator: Generator) -> None:
    asked = Sampling(max_new_tokens=30, ignore_end=True, no_repeat_ngram=1)
    [found] = generator.generate([[3]], asked)
    assert len(set(found.token_ids)) == 30


def test_a_stream_is_the_completion(generator: Generator) -> None:
    got: list[tuple[int, list[int]]] = []
    found = generator.submit(PROMPTS[0], GREEDY, on_tokens=lambda *seen: got.append(seen)).result(WAIT)
    assert [token for _, tokens in got for token in tokens] == list(found.token_ids)
    assert [start for start, _ in got] == list(range(len(got)))


def test_who_cancels_or_is_late_leaves_the_others_unharmed(generator: Generator) -> None:
    endless = Sampling(max_new_tokens=CONTEXT - 5, ignore_end=True)
    seen: list[int] = []
    stopped = generator.submit(PROMPTS[0], endless, on_tokens=lambda start, _: seen.append(start))
    while not seen:
        time.sleep(0.001)
    assert stopped.cancel()
    late = generator.submit(PROMPTS[0], endless, deadline=time.monotonic() + 0.02)
    [found] = generator.generate(PROMPTS[:1], GREEDY)
    with pytest.raises(TimedOut):
        late.result(WAIT)
    assert len(found.token_ids) == 12
    assert max(seen) < CONTEXT - 6


def test_what_it_cannot_do_is_refused_alone(generator: Generator) -> None:
    jobs = generator.submit_batch(
        [PROMPTS[0], PROMPTS[1], [2] * CONTEXT], [GREEDY, Sampling(regex="a+"), Sampling(max_new_tokens=1)]
    )
    assert len(jobs[0].result(WAIT).token_ids) == 12
    with pytest.raises(UsageError, match="set the engine to openvino"):
        jobs[1].result(WAIT)
    with pytest.raises(UsageError, match="allowed are 1 to 256"):
        jobs[2].result(WAIT)


def test_continuous_batches_write_as_each_prompt_alone(continuous: ContinuousBatches, llama: Path) -> None:
    found = answers(continuous, [request(number, prompt) for number, prompt in enumerate(PROMPTS)])
    texts = [found[number]["completions"][0]["tokens"] for number in range(len(PROMPTS))]
    assert texts == [greedy(network(llama), prompt, 12) for prompt in PROMPTS]


def test_continuous_batches_end_stream_and_let_go(llama: Path, tmp_path: Path) -> None:
    """A request that was let go of is heard of no more; one that comes later joins those in work."""
    text, at = ending_early(llama, tmp_path)
    batches = opened(tmp_path)
    try:
        whole = Sampling(max_new_tokens=12, ignore_end=True)
        endless = request(0, PROMPTS[1], Sampling(max_new_tokens=200, ignore_end=True), stream=True)
        batches.add([endless])
        while not list(batches.poll()):
            time.sleep(0.001)
        found = answers(batches, [request(1, PROMPTS[0]), request(2, PROMPTS[0], whole)])
        batches.stop(endless)
        batches.add([request(3, PROMPTS[0], stream=True)])
        told: list[dict] = []
        while not told or told[-1]["event"] != "done":
            told += batches.poll()
    finally:
        batches.close()
    assert found[1]["completions"] == [{"tokens": text[:at], "logprobs": [], "reason": "stop"}]
    assert found[2]["completions"] == [{"tokens": text, "logprobs": [], "reason": "length"}]
    assert {message["id"] for message in told} == {3}
    assert [token for message in told[:-1] for token in message["tokens"]] == text[:at]


@pytest.mark.parametrize(
    "asked",
    [{"temperature": 0.5}, {"beams": 2}, {"logprobs": True}, {"repetition_penalty": 1.1}, {"min_new_tokens": 2}],
)
def test_continuous_batches_take_greedy_requests_only(asked: dict) -> None:
    assert ContinuousBatches.takes(request(1, [2], Sampling()))
    assert not ContinuousBatches.takes(request(1, [2], Sampling(**asked)))


def test_an_encoder_decoder_is_served_from_its_folder(bart: Path) -> None:
    model = network(bart)
    expected = [greedy(model, prompt, 12) for prompt in PROMPTS]
    with Generator(EngineSettings(engine="torch", folder=bart, threads=1, precision="f32")) as generator:
        found = generator.generate(PROMPTS, GREEDY)
        scores = generator.score([(PROMPTS[0], expected[0])])
    assert [list(one.token_ids) for one in found] == expected
    ids, written = torch.tensor([PROMPTS[0]]), torch.tensor([[2, *expected[0]]])
    with torch.inference_mode():
        logprobs = model(input_ids=ids, decoder_input_ids=written[:, :-1]).logits.log_softmax(-1)
    assert list(scores[0]) == pytest.approx(logprobs[0].gather(1, written[0, 1:, None])[:, 0].tolist(), abs=1e-4)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with (
        Generator(EngineSettings(engine="torch", folder=tmp_path)) as generator,
        pytest.raises(UsageError, match="holds no model that generates"),
    ):
        generator.generate(PROMPTS[:1], GREEDY)


@pytest.mark.parametrize(
    ("asked", "lacking", "devices", "found"),
    [
        ("auto", (), 0, "openvino"),
        ("auto", ("transformers",), 1, "openvino"),
        ("openvino", (), 1, "openvino"),
        ("torch", (), 0, "torch"),
    ],
)
def test_the_engine_is_chosen_by_setting_and_machine(
    monkeypatch: pytest.MonkeyPatch, asked: EngineName, lacking: tuple[str, ...], devices: int, found: str
) -> None:
    monkeypatch.setattr(device_module, "find_spec", lambda name: None if name in lacking else name)
    monkeypatch.setattr(device_module, "_cuda_devices", lambda: devices)
    assert choose_engine(asked)[0] == found


@pytest.mark.parametrize("usable", [True, False])
def test_auto_takes_torch_where_it_can_use_the_device(monkeypatch: pytest.MonkeyPatch, usable: bool) -> None:
    monkeypatch.setattr(device_module, "_cuda_devices", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    assert choose_engine("auto")[0] == ("torch" if usable else "openvino")


def test_the_reason_is_logged_for_openvino_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(device_module, "_cuda_devices", lambda: 1)
    monkeypatch.setattr(device_module, "find_spec", lambda name: None if name == "transformers" else name)
    monkeypatch.setattr(openvino_runtime, "OpenVinoRuntime", lambda settings: settings)
    open_runtime(EngineSettings(engine="auto"))
    assert "openvino (auto: a CUDA device, but no transformers (communique[gpu]))" in capsys.readouterr().err


def test_the_setting_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is not started: what it would be told is looked at."""
    monkeypatch.setattr(Generator, "start", lambda _: None)
    monkeypatch.setattr(LanguageTokenizer, "open", lambda: None)
    writer = Writer.open(Settings.load({}, {"COMMUNIQUE_ENGINE": "torch", "COMMUNIQUE_THREADS": "3"}))
    told = writer._generator.settings
    assert (told.engine, told.threads) == ("torch", 3)


def test_torch_without_its_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentFault, match=r"needs torch and transformers: pip install 'communique\[gpu\]'"):
        choose_engine("torch")


def test_where_there_is_no_cuda_the_engine_s_process_imports_no_torch() -> None:
    program = """
import sys
import communique.lm.worker, communique.lm.openvino_runtime
from communique.lm import device
device._cuda_devices = lambda: 0
assert device.choose_engine("auto")[0] == device.choose_engine("openvino")[0] == "openvino"
print(*(name for name in ("torch", "transformers") if name in sys.modules))"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""
