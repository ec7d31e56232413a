"""A plain BentoML service on the same weights, as one writes it in an afternoon: `transformers.generate`, fp32, a
request at a time a thread. It is what the project's service is measured against, and nothing else.

    bentoml serve eval.naive:Naive --port 3999
"""

from __future__ import annotations

from typing import Any

import bentoml

__all__ = ["Naive"]


@bentoml.service(name="naive", traffic={"timeout": 600})
class Naive:
    """The language model behind one endpoint; what it writes is not proven."""

    def __init__(self) -> None:
        import torch

        from communique.lm import LanguageTokenizer
        from communique.lm.torch_model import load_served

        self.tokenizer = LanguageTokenizer.open()
        self.model = load_served("summarizer", torch.float32).eval()

    @bentoml.api(route="/v1/summarize")  # type: ignore[untyped-decorator]
    def summarize(self, text: str, title: str = "") -> dict[str, Any]:
        """The same prompt, sampling and length as `mode: abstractive`, without proof or repair."""
        import torch

        from communique.lm import build_prompt
        from communique.reading import read
        from communique.record import Article
        from communique.summary.writer import SAMPLING

        document = read(Article(id="", text=text, title=title))
        prompt = build_prompt(self.tokenizer, document.title, [sentence.text for sentence in document.sentences])
        ids = torch.tensor([list(prompt.token_ids)])
        with torch.inference_mode():
            out = self.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=SAMPLING.max_new_tokens,
                repetition_penalty=SAMPLING.repetition_penalty,
                pad_token_id=2,
                eos_token_id=2,
            )
        return {"summary": self.tokenizer.decode(out[0, ids.shape[1] :].tolist())}
