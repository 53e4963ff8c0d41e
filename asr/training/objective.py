"""What is trained of a model, what it learns by, and whether it can learn at all."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from asr.student import encode, trained_parameters
from asr.training.batches import TrainingBatch
from asr.training.options import Method

if TYPE_CHECKING:
    import torch
    from transformers import WhisperForConditionalGeneration

MATRICES = r"model\.(encoder|decoder)\.layers\.\d+\.((self_attn|encoder_attn)\.(q|k|v|out)_proj|fc[12])"
"""Linear layers that get low-rank factors."""

NOT_TRAINED = r"model\.encoder\.embed_positions\.weight"
"""Sines, which are no weights."""

DECODER = r"model\.decoder\.(layers|layer_norm)\..*"
"""What the method `decoder` trains; the embeddings are half of a small model, and a domain has few words of its own."""


NEVER = -1e4
"""Score of a token that is not written: none of its probability is left, and it is a number still."""


def choose_trained(model: "WhisperForConditionalGeneration", method: Method, rank: int) -> None:
    """Mark what is trained, and add low-rank factors where that is wanted.

    Args:
        model: Changed in place.
        method: What is trained.
        rank: Of the factors.
    """
    if method is Method.LORA:
        from peft import LoraConfig, inject_adapter_in_model

        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=MATRICES), model)
    for name, parameter in model.named_parameters():
        match method:
            case Method.LORA:
                parameter.requires_grad_("lora_" in name)
            case Method.DECODER:
                parameter.requires_grad_(re.fullmatch(DECODER, name) is not None)
            case Method.FULL:
                parameter.requires_grad_(re.fullmatch(NOT_TRAINED, name) is None)


def objective_of(
    model: "WhisperForConditionalGeneration",
    unwritten: Sequence[int],
    start: "WhisperForConditionalGeneration | None" = None,
) -> "torch.nn.Module":
    """Give the module that is trained, in one piece, so that it can be spread over processes.

    Args:
        model: The model; its weights are the module's.
        unwritten: Tokens that serving never lets the model write; nothing is learnt about them.
        start: The model before training, which says how general speech is to be heard; without it general speech is
            taught like everything else.

    Returns:
        A module that takes the tensors of a batch and gives the mean loss of the tokens that are wanted, and how many
        of them it would not have chosen. The loss is the cross-entropy, and for general speech the Kullback-Leibler
        divergence from what the start expects. Source: Z. Li and D. Hoiem, "Learning without forgetting", 2016.
    """
    import torch
    from torch.nn.functional import cross_entropy, kl_div

    def expected(
        whisper: "WhisperForConditionalGeneration", features: torch.Tensor, tokens: torch.Tensor, taught: torch.Tensor
    ) -> torch.Tensor:
        states = encode(whisper, features)
        output = whisper.model.decoder(input_ids=tokens, encoder_hidden_states=states, use_cache=False)
        scores: torch.Tensor = whisper.proj_out(output.last_hidden_state[taught]).float()
        return scores.index_fill(1, torch.tensor(unwritten, device=scores.device, dtype=torch.long), NEVER)

    class Objective(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whisper = model

        def forward(
            self, features: torch.Tensor, tokens: torch.Tensor, wanted: torch.Tensor, general: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            taught = wanted >= 0
            scores = expected(self.whisper, features, tokens, taught)
            losses = cross_entropy(scores, wanted[taught], reduction="none")
            if start is not None and general.any():
                kept = general[:, None].expand_as(taught)[taught]
                with torch.no_grad():
                    goal = expected(start, features[general], tokens[general], taught[general]).log_softmax(-1)
                divergence = kl_div(scores[kept].log_softmax(-1), goal, reduction="none", log_target=True).sum(-1)
                losses = losses.masked_scatter(kept, divergence)
            return losses.mean(), (scores.argmax(-1) != wanted[taught]).sum()

    return Objective()


def steps_to_learn_by_heart(
    model: "WhisperForConditionalGeneration", unwritten: Sequence[int], batch: TrainingBatch, rate: float, most: int
) -> tuple[int, int]:
    """Train on one batch alone until the model makes no error on it; then take everything back.

    A model that cannot learn four clips by heart will learn nothing from four thousand: labels that contradict each
    other, the wrong tokens, a rate that is far too high or too low. Source: A. Karpathy, "A recipe for training neural
    networks", 2019.

    Args:
        model: With what is trained marked; as it was, afterwards.
        unwritten: Tokens that serving never lets the model write.
        batch: The clips.
        rate: The learning rate.
        most: Steps after which to give up.

    Returns:
        Steps taken and wrong tokens left, 0 where it was learnt.
    """
    import torch

    trained = trained_parameters(model)
    start = {name: parameter.detach().clone() for name, parameter in trained.items()}
    optimizer = torch.optim.AdamW(trained.values(), lr=rate, weight_decay=0.0)
    objective = objective_of(model, unwritten)
    tensors = [each.to(model.device) for each in batch]
    wrong = -1
    for step in range(most + 1):
        loss, missed = objective(*tensors)
        wrong = int(missed)
        if wrong == 0 or step == most or not torch.isfinite(loss):
            break
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(list(trained.values()), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(start[name])
            parameter.grad = None
    return step, wrong
