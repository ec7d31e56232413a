"""A plain BentoML service on the same weights, as one writes it in an afternoon: `transformers.generate`, fp32, a
request at a time a thread. It is what the project's service is measured against, and nothing else.

    bentoml serve eval.naive:Naive --port 3999
"""

from __future__ import annotations

from typing import Any, Final

import bentoml

__all__ = ["Naive"]

#: A summary of 60 words takes about 90.
_MOST_NEW_TOKENS: Final = 110


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
        """A summary of the whole article, written greedily in one go, without proof or repair."""
        import torch

        from communique.lm import build_prompt
        from communique.reading import read
        from communique.record import Article
        from eval.transformer import INSTRUCTION

        document = read(Article(id="", text=text, title=title))
        sentences = [sentence.text for sentence in document.sentences]
        prompt = build_prompt(self.tokenizer, document.title, sentences, instruction=INSTRUCTION)
        ids = torch.tensor([list(prompt)])
        with torch.inference_mode():
            out = self.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=_MOST_NEW_TOKENS,
                pad_token_id=2,
                eos_token_id=2,
            )
        return {"summary": self.tokenizer.decode(out[0, ids.shape[1] :].tolist())}
