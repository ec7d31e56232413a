"""Turns a GGUF file into an OpenVINO graph, in a process of its own: what the runtime takes and prints stays here.

$ python -m communique.models.convert FOLDER/model.gguf      # the graph is written beside it
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["convert", "main"]


def convert(gguf_file: Path) -> None:
    """Write `openvino_model`, `openvino_tokenizer` and `openvino_detokenizer` (.xml, .bin) beside the file.

    Raises:
        RuntimeError: what was written cannot be read back.
    """
    import openvino
    import openvino_genai

    scheduler = openvino_genai.SchedulerConfig()
    scheduler.num_kv_blocks = 8  # nothing is generated here
    save = {"enable_save_ov_model": True}
    openvino_genai.ContinuousBatchingPipeline(str(gguf_file), scheduler, "CPU", save, save)
    openvino.Core().read_model(
        gguf_file.with_name("openvino_model.xml")
    )  # fails where a full disk cut the weights short
    for name in ("openvino_tokenizer.xml", "openvino_detokenizer.xml"):
        if not gguf_file.with_name(name).is_file():
            raise RuntimeError(f"{name} was not written")


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert one GGUF file."""
    parser = argparse.ArgumentParser(prog="python -m communique.models.convert", description=main.__doc__)
    parser.add_argument("gguf", type=Path)
    convert(parser.parse_args(arguments).gguf)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
