"""What a checkpoint makes of clips padded to 30 s, kept on disk: the goal of short-context training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from ctranslate2.models import Whisper
from numpy.typing import NDArray

from asr.checkpoint import to_transformers
from asr.crops import Crop, render
from asr.features import padded_log_mel
from asr.recognizer import choose_device
from asr.rejection import is_loop
from asr.script import Ids, Script
from data.errors import AudioError
from data.files import atomic_path
from data.records import Release, Samples

MIN_LOG_PROB = -1.0
"""Mean log probability of a token below which the teacher is not believed. Source: Whisper (2022), section 4.5."""

MAX_TOKENS = 200

TEACHER_BATCH = 4


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A clip and what is to be made of it.

    `tokens` is what the decoder reads, the prompt first, shape `(n_tokens,)`; `wanted` what it must predict after each,
    -1 where that is not taught, same shape; `hidden` are the decoder's layers' outputs, float16, shape
    `(n_layers, n_tokens, width)`, None for a clip without speech. `text` is what the teacher heard, `reference`
    what was said where that is known.
    """

    samples: Samples
    tokens: Ids
    wanted: Ids
    hidden: NDArray[np.float16] | None
    text: str
    reference: str = ""


class Teacher:
    """A checkpoint at its full context."""

    def __init__(self, release: Release, cache: Path) -> None:
        self.release = release
        self._script = Script(release)
        self._cache = cache / release.sha256[:16]
        self._models: tuple[Any, Any] | None = None

    def lessons(self, crops: Sequence[Crop], advance: Callable[[str | None], None]) -> list[Lesson]:
        """Give the lessons of clips, from disk where they are there.

        Args:
            crops: Which clips.
            advance: Called after each with None, or with the reason why it is left out.

        Returns:
            The lessons in the order of the clips, without those that the teacher itself could not do.
        """
        missing = [crop for crop in crops if not self._path(crop).is_file()]
        for _ in range(len(crops) - len(missing)):
            advance(None)
        for start in range(0, len(missing), TEACHER_BATCH):
            self._teach(missing[start : start + TEACHER_BATCH], advance)
        return [lesson for crop in crops if (lesson := self._read(crop)) is not None]

    def _teach(self, crops: Sequence[Crop], advance: Callable[[str | None], None]) -> None:
        clips: list[tuple[Crop, Samples]] = []
        for crop in crops:
            try:
                clips.append((crop, render(crop)))
            except (AudioError, OSError) as error:
                advance(f"a clip was left out ({error})")
        spoken = [(crop, samples) for crop, samples in clips if crop.parts]
        for crop, samples in clips:
            if not crop.parts:
                self._write(crop, self._silent_lesson(samples))
                advance(None)
        if not spoken:
            return
        for (crop, _), lesson in zip(spoken, self._spoken_lessons([samples for _, samples in spoken]), strict=True):
            self._write(crop, lesson)
            advance(None)

    def _silent_lesson(self, samples: Samples) -> Lesson:
        """No speech: say so at the start of the transcript, and end it at once."""
        return Lesson(samples, *self._script.silent(), None, "")

    def _spoken_lessons(self, clips: Sequence[Samples]) -> Iterator[Lesson | None]:
        import torch

        model, decoder = self._load()
        prompt = list(self._script.prompt)
        features = np.stack([padded_log_mel(samples, model.config.num_mel_bins) for samples in clips])
        with torch.inference_mode():
            encoded = model.model.encoder(torch.from_numpy(features).to(model.device)).last_hidden_state
            results = decoder.generate(
                StorageView.from_array(encoded.float().cpu().numpy()),
                [prompt] * len(clips),
                beam_size=5,
                max_length=MAX_TOKENS + len(prompt),
                return_scores=True,
            )
            for samples, states, result in zip(clips, encoded, results, strict=True):
                said, text = result.sequences_ids[0], self._script.tokenizer.decode(result.sequences_ids[0])
                if len(said) >= MAX_TOKENS or result.scores[0] < MIN_LOG_PROB or is_loop(text):
                    yield None
                    continue
                tokens, wanted = self._script.spoken(said)
                output = model.model.decoder(
                    input_ids=torch.from_numpy(tokens).long().to(model.device)[None],
                    encoder_hidden_states=states[None],
                    output_hidden_states=True,
                )
                layers = torch.cat(output.hidden_states[1:]).cpu().numpy().astype(np.float16)
                yield Lesson(samples, tokens, wanted, layers, text.strip())

    def _load(self) -> tuple[Any, Any]:
        """Load both forms of the checkpoint: transformers' for the states, CTranslate2's for the search."""
        if self._models is None:
            device = choose_device("auto")
            search = Whisper(
                self.release.directory, device=device, compute_type="default" if device == "cuda" else "int8"
            )
            model = to_transformers(Path(self.release.directory))
            model.to(device)  # type: ignore[arg-type]  # transformers' decorator hides the method's signature
            self._models = model, search
        return self._models

    def _path(self, crop: Crop) -> Path:
        return self._cache / crop.key[:2] / f"{crop.key}.npz"

    def _write(self, crop: Crop, lesson: Lesson | None) -> None:
        arrays: dict[str, NDArray[Any]] = {}
        if lesson is not None:
            arrays["samples"] = np.clip(lesson.samples * 32768.0, -32768, 32767).astype(np.int16)
            arrays |= {"tokens": lesson.tokens, "wanted": lesson.wanted, "text": np.array(lesson.text)}
            if lesson.hidden is not None:
                arrays["hidden"] = lesson.hidden
        with atomic_path(self._path(crop)) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    def _read(self, crop: Crop) -> Lesson | None:
        """Read a lesson; None for a clip that was left out."""
        if not self._path(crop).is_file():
            return None
        with np.load(self._path(crop), allow_pickle=False) as arrays:
            if "tokens" not in arrays:
                return None
            return Lesson(
                samples=arrays["samples"].astype(np.float32) / np.float32(32768.0),
                tokens=arrays["tokens"],
                wanted=arrays["wanted"],
                hidden=arrays.get("hidden"),
                text=str(arrays["text"]),
                reference=crop.text,
            )
