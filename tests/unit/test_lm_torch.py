"""The torch engine on tiny random models, through the engine's process: what it writes, and that it lets go."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from communique.config import Settings
from communique.errors import EnvironmentFault, TimedOut, UsageError
from communique.lm import EngineSettings, Generator, LanguageTokenizer, openvino_runtime
from communique.lm import device as device_module
from communique.lm.device import choose_engine
from communique.lm.engine import EngineRequest, open_runtime
from communique.summary import Writer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from communique.lm.torch_batches import PlainBatches  # noqa: E402  needs torch
from communique.lm.torch_continuous import ContinuousBatches  # noqa: E402
from communique.lm.torch_model import open_network  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from communique.config import EngineName

END, VOCABULARY, CONTEXT = 1, 64, 256
PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [3] * 40, [33, 2, 14]]
SHORT = 12
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
    """Its own habits of writing are none of the engine's."""
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


def answers(batches: ContinuousBatches | PlainBatches, requests: list[EngineRequest]) -> dict[int, dict]:
    """What it says of each request at the end, in the order in which they ended."""
    batches.add(requests)
    found: dict[int, dict] = {}
    until = time.monotonic() + WAIT
    while len(found) < len(requests) and time.monotonic() < until:
        found |= {message["id"]: message for message in batches.poll()}
    return found


def request(id_: int, tokens: list[int], most: int = SHORT, *, ignore_end: bool = False) -> EngineRequest:
    return EngineRequest(id_, tokens, most, ignore_end, None)


def test_a_batch_is_written_as_each_prompt_alone(generator: Generator, llama: Path) -> None:
    found = generator.generate(PROMPTS, SHORT)
    assert [list(one.token_ids) for one in found] == [greedy(network(llama), prompt, 12) for prompt in PROMPTS]


def test_the_end_token_ends_an_answer_unless_it_is_ignored(tmp_path: Path, llama: Path) -> None:
    """With an end token that the model does write."""
    text, at = ending_early(llama, tmp_path)
    with Generator(EngineSettings(engine="torch", folder=tmp_path, threads=1, precision="f32")) as ending:
        [stopped] = ending.generate(PROMPTS[:1], SHORT)
        [whole] = ending.generate(PROMPTS[:1], SHORT, ignore_end=True)
    assert list(stopped.token_ids) == text[:at]
    assert list(whole.token_ids) == text


def test_who_cancels_or_is_late_leaves_the_others_unharmed(generator: Generator) -> None:
    [stopped] = generator.submit_batch(PROMPTS[:1], CONTEXT - 5, ignore_end=True)
    [late] = generator.submit_batch(PROMPTS[:1], CONTEXT - 5, ignore_end=True, deadline=time.monotonic() + 0.02)
    assert stopped.cancel()
    [found] = generator.generate(PROMPTS[:1], SHORT)
    with pytest.raises(TimedOut):
        late.result(WAIT)
    assert len(found.token_ids) == 12


def test_a_batch_ends_early_for_who_is_let_go_of(llama: Path) -> None:
    settings = EngineSettings(engine="torch", folder=llama)
    network = open_network(settings, torch.device("cpu"), torch.float32)
    steps: list[None] = []
    network.module.register_forward_hook(lambda *_: steps.append(None))
    batches = PlainBatches(network, settings)
    endless = request(0, PROMPTS[0], CONTEXT - 5, ignore_end=True)
    batches.add([endless])
    while not steps:
        time.sleep(0.001)
    batches.stop(endless)
    assert list(answers(batches, [request(1, PROMPTS[1])])) == [1]
    assert len(steps) < CONTEXT - 5


def test_what_is_too_long_is_refused_alone(generator: Generator) -> None:
    good, bad = generator.submit_batch([PROMPTS[0], [2] * CONTEXT], SHORT)
    assert len(good.result(WAIT).token_ids) == 12
    with pytest.raises(UsageError, match="allowed are 1 to 256"):
        bad.result(WAIT)


def test_continuous_batches_write_as_each_prompt_alone(continuous: ContinuousBatches, llama: Path) -> None:
    found = answers(continuous, [request(number, prompt) for number, prompt in enumerate(PROMPTS)])
    texts = [found[number]["tokens"] for number in range(len(PROMPTS))]
    assert texts == [greedy(network(llama), prompt, 12) for prompt in PROMPTS]


def test_continuous_batches_end_and_let_go(llama: Path, tmp_path: Path) -> None:
    """A request that was let go of is heard of no more; one that comes later joins those in work."""
    text, at = ending_early(llama, tmp_path)
    batches = opened(tmp_path)
    try:
        endless = request(0, PROMPTS[1], 200, ignore_end=True)
        batches.add([endless])
        found = answers(batches, [request(1, PROMPTS[0]), request(2, PROMPTS[0], ignore_end=True)])
        batches.stop(endless)
        found |= answers(batches, [request(3, PROMPTS[0])])
    finally:
        batches.close()
    assert {number: one["tokens"] for number, one in found.items()} == {1: text[:at], 2: text, 3: text[:at]}


def test_an_encoder_decoder_is_served_from_its_folder(bart: Path) -> None:
    model = network(bart)
    expected = [greedy(model, prompt, 12) for prompt in PROMPTS]
    with Generator(EngineSettings(engine="torch", folder=bart, threads=1, precision="f32")) as generator:
        found = generator.generate(PROMPTS, SHORT)
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
        generator.generate(PROMPTS[:1], SHORT)


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
