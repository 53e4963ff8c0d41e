"""Settings of the recogniser."""

from typing import Literal

from pydantic import Field

from data.settings import Settings


class RecognizerSettings(Settings):
    """Which weights run, and on what."""

    model: str = Field(
        default="tiny.en",
        description=(
            "A packaged model (`tiny.en`, `tiny.en-films`, `tiny.en-short` with all tokens, `base`), its weights as "
            "published (`tiny.en-published`), or the folder of a Whisper model in CTranslate2 format."
        ),
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where the model runs; `auto` takes a CUDA device when there is one."
    )
    threads: int = Field(default=1, ge=1, le=64, description="Processor threads of one recognition.")
    beam_size: int = Field(default=5, ge=1, le=20, description="Beam width; also the length of the n-best list.")
