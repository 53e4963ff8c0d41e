"""Whether a CTranslate2 folder hears what the transformers model it was made of hears."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from asr.features import CONTEXT_SAMPLES, own_log_mel, padded_log_mel
from asr.recognizer import prompt_of
from data.errors import ModelUnavailableError
from data.records import Context, Samples

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration

MAX_STATE_ERROR = 0.02
"""Most by which the encoder's output may be off, relative to its size; rounding to float16 makes about 0.001."""

MAX_TOKEN_GAP = 0.1
"""Most by which a token's log probability may lie below that of the token that transformers would have chosen."""

MAX_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the two forms are apart on so many `clips`, at worst; see `MAX_STATE_ERROR` and `MAX_TOKEN_GAP`."""

    clips: int
    state_error: float
    token_gap: float


def check_parity(
    model: "WhisperForConditionalGeneration",
    directory: Path,
    clips: Sequence[Samples],
    context: Context,
) -> Parity:
    """Hear real clips with both forms of a model, in float32.

    Args:
        model: The transformers model, in float32.
        directory: Its CTranslate2 folder, with `tokenizer.json`.
        clips: 16 kHz mono, each of shape `(n_samples,)`.
        context: At what length the clips are heard.

    Returns:
        How far they are apart.

    Raises:
        ModelUnavailableError: Too far.
    """
    import torch
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

    from asr.student import encode

    other = Whisper(str(directory), compute_type="float32")
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    prompt = list(prompt_of(tokenizer, other.is_multilingual, str(directory)))
    extract = padded_log_mel if context == "padded" else own_log_mel
    errors, gaps = [], []
    for samples in clips:
        features = extract(samples[:CONTEXT_SAMPLES], model.config.num_mel_bins)[None]
        view = StorageView.from_array(np.ascontiguousarray(features))
        with torch.inference_mode():
            states = encode(model, torch.from_numpy(features))
            theirs = np.array(other.encode(view))
            errors.append(float(np.linalg.norm(states.numpy() - theirs) / np.linalg.norm(states.numpy())))
            said = other.generate(view, [prompt], beam_size=1, max_length=MAX_TOKENS, suppress_tokens=[])[0]
            tokens = [*prompt, *said.sequences_ids[0]]
            output = model.model.decoder(input_ids=torch.tensor([tokens]), encoder_hidden_states=states)
            scores = model.proj_out(output.last_hidden_state[0]).log_softmax(dim=-1)
        gaps += [
            float(scores[place - 1].max() - scores[place - 1, tokens[place]])
            for place in range(len(prompt) + 1, len(tokens))  # the first is chosen without blanks
        ]
    found = Parity(len(clips), max(errors), max(gaps, default=0.0))
    if not found.state_error <= MAX_STATE_ERROR or not found.token_gap <= MAX_TOKEN_GAP:
        raise ModelUnavailableError(
            f"{directory.name}: the packaged weights do not hear as the checkpoint does (encoder off by "
            f"{found.state_error:.1%}, a token by {found.token_gap:.2f}); is the tokenizer of another checkpoint?"
        )
    return found
