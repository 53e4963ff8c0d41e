"""The model that learns to hear clips at their own length, and what it learns by.

It knows nothing of files or time: `asr.distillation_run` trains it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asr.adapter import int8_difference, low_rank
from asr.features import HOP, log_mel
from asr.teacher import Lesson
from data.records import Samples

if TYPE_CHECKING:
    import torch
    from transformers import WhisperForConditionalGeneration

MATRICES = (
    r"model\.(encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|fc[12])"
    r"|decoder\.layers\.\d+\.encoder_attn\.(q|k|v|out)_proj)"
)
"""Linear layers that are trained: the encoder's, and those with which the decoder looks at it.

What the decoder knows of language need not change, and stays.
"""

VECTORS = (".bias", "layer_norm.weight")
"""Endings of the names of the vectors that are trained beside those matrices."""

HIDDEN_WEIGHT = 10.0
"""Weight of a decoder layer's error relative to the variance of the teacher's states; chosen so that the last layer's
and the cross-entropy count about the same."""


def make_student(model: "WhisperForConditionalGeneration", rank: int) -> None:
    """Mark what is trained, and add low-rank factors where that is wanted.

    Args:
        model: Changed in place.
        rank: Of the factors; 0 trains the matrices themselves.
    """
    for name, parameter in model.named_parameters():
        layer = name.rsplit(".", 1)[0]
        attends = "encoder_attn" in name or name.startswith("model.encoder.")
        vector = attends and name.endswith(VECTORS) and "conv" not in name
        parameter.requires_grad_(vector or (rank == 0 and re.fullmatch(MATRICES, layer) is not None))
    if rank:
        from peft import LoraConfig, inject_adapter_in_model

        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=MATRICES), model)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("lora_" in name or name.replace(".base_layer", "") in trained)


def trained_parameters(model: "WhisperForConditionalGeneration") -> "dict[str, torch.nn.Parameter]":
    """Give the parameters that are trained, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def changes(model: "WhisperForConditionalGeneration", start: "Mapping[str, torch.Tensor]") -> dict[str, NDArray[Any]]:
    """Give what training changed, as an adapter's arrays.

    Args:
        model: The student.
        start: Its trained parameters as they were at the start, without factors.

    Returns:
        Low-rank factors, int8 differences of matrices, float16 differences of vectors.
    """
    arrays: dict[str, NDArray[Any]] = {}
    trained = trained_parameters(model)
    for name, parameter in trained.items():
        values = parameter.detach().float().cpu()
        if ".lora_A." in name:
            other = trained[name.replace(".lora_A.", ".lora_B.")].detach().float().cpu()
            arrays |= low_rank(name.split(".lora_A.")[0] + ".weight", values.numpy(), other.numpy())
        elif ".lora_B." not in name:
            arrays |= int8_difference(name.replace(".base_layer", ""), (values - start[name].float().cpu()).numpy())
    return arrays


def encode(model: "WhisperForConditionalGeneration", features: "torch.Tensor") -> "torch.Tensor":
    """Run the encoder on features of any length up to 30 s, which transformers' own forward refuses.

    Args:
        model: The model.
        features: Shape `(n_clips, n_mels, n_frames)`.

    Returns:
        Shape `(n_clips, ceil(n_frames / 2), width)`.
    """
    from torch.nn.functional import gelu

    encoder = model.model.encoder
    states = gelu(encoder.conv2(gelu(encoder.conv1(features)))).permute(0, 2, 1)
    states = states + encoder.embed_positions.weight[: states.shape[1]]
    for layer in encoder.layers:
        states = layer(states, None)
    normed: torch.Tensor = encoder.layer_norm(states)
    return normed


def loss_of(
    model: "WhisperForConditionalGeneration", lessons: Sequence[Lesson], n_samples: int, chance: np.random.Generator
) -> "torch.Tensor":
    """Measure how far the student is from its teacher.

    Args:
        model: The student.
        lessons: Clips of like lengths.
        n_samples: Length that each is filled to.
        chance: Source of chance, for the tails.

    Returns:
        The mean cross-entropy of the teacher's tokens, and the weighted mean squared error of the decoder's layers'
        outputs, each relative to the variance of the teacher's.
    """
    import torch
    from torch.nn.functional import cross_entropy

    device = model.device
    mel = np.stack(
        [log_mel(with_tail(lesson.samples, n_samples, chance), model.config.num_mel_bins) for lesson in lessons]
    )
    states = encode(model, torch.from_numpy(mel).to(device))
    longest = max(len(lesson.tokens) for lesson in lessons)
    tokens = torch.from_numpy(np.stack([_filled(lesson.tokens, longest, 0) for lesson in lessons])).to(device)
    wanted = torch.from_numpy(np.stack([_filled(lesson.wanted, longest, -1) for lesson in lessons])).to(device)
    output = model.model.decoder(
        input_ids=tokens, encoder_hidden_states=states, output_hidden_states=True, use_cache=False
    )
    taught = wanted >= 0
    loss = cross_entropy(model.proj_out(output.last_hidden_state[taught]).float(), wanted[taught])
    spoken = [place for place, lesson in enumerate(lessons) if lesson.hidden is not None]
    if not spoken:
        return loss
    ours = torch.stack(output.hidden_states[1:])
    goals = [torch.from_numpy(lesson.hidden).to(device).float() for lesson in lessons if lesson.hidden is not None]
    heard = torch.cat([ours[:, place, : goal.shape[1]] for place, goal in zip(spoken, goals, strict=True)], dim=1)
    goal = torch.cat(goals, dim=1)
    errors = (heard.float() - goal).square().mean(dim=(1, 2)) / goal.var(dim=(1, 2))
    whole: torch.Tensor = loss + HIDDEN_WEIGHT * errors.sum()
    return whole


def with_tail(samples: Samples, n_samples: int, chance: np.random.Generator) -> Samples:
    """Lengthen a clip by what follows speech: its own faint background, or digital silence.

    Args:
        samples: Shape `(n,)`.
        n_samples: Wanted length; a longer clip loses the last few samples.
        chance: Source of chance.

    Returns:
        Shape `(n_samples,)`.
    """
    missing = n_samples - len(samples)
    if missing <= 0:
        return samples[:n_samples]
    whole = len(samples) // HOP * HOP
    frames = np.sqrt(np.mean(np.square(samples[:whole].reshape(-1, HOP)), axis=1))
    level = float(np.quantile(frames, 0.1)) if len(frames) and chance.random() < 0.5 else 0.0
    return np.concatenate([samples, chance.normal(0.0, level, missing).astype(np.float32)])


def _filled(values: NDArray[np.int32], length: int, value: int) -> NDArray[np.int64]:
    return np.pad(values, (0, length - len(values)), constant_values=value).astype(np.int64)
