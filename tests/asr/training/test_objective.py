"""What each method trains, on a small random model."""

from pathlib import Path

import pytest

from asr.checkpoint import to_transformers
from asr.student import changes, trained_parameters
from asr.training.batches import Epoch
from asr.training.examples import read_material
from asr.training.objective import choose_trained, objective_of, steps_to_learn_by_heart
from asr.training.options import Method, TrainingOptions
from data.records import Release


@pytest.mark.parametrize(
    ("method", "only", "form"),
    [(Method.FULL, "model.", ".int8"), (Method.DECODER, "model.decoder.", ".int8"), (Method.LORA, "model.", ".a")],
)
def test_a_method_trains_what_it_says_and_learns(
    base: Release, manifest: Path, method: Method, only: str, form: str
) -> None:
    import torch

    torch.manual_seed(0)
    model = to_transformers(Path(base.directory))
    choose_trained(model, method, 4)
    trained = trained_parameters(model)
    start = {name: parameter.detach().clone() for name, parameter in trained.items()}
    epoch = Epoch(read_material([manifest], "voice-search-en/1").train, (), base, TrainingOptions(), print)
    batch, objective = epoch.by_heart(4), objective_of(model, ())
    optimizer = torch.optim.AdamW(trained.values(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss, _ = objective(*batch)
        losses.append(loss.item())
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.9 * losses[0]
    names = set(changes(model, start))
    assert all(name.startswith(only) for name in names)
    assert any(name.endswith(form) for name in names)
    assert ("model.encoder.conv1.weight.int8" in names) is (method is Method.FULL)
    assert not any("encoder.embed_positions" in name for name in names)


def test_what_was_learnt_by_heart_is_taken_back(base: Release, manifest: Path) -> None:
    model = to_transformers(Path(base.directory))
    choose_trained(model, Method.FULL, 0)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    epoch = Epoch(read_material([manifest], "voice-search-en/1").train, (), base, TrainingOptions(), print)
    steps, wrong = steps_to_learn_by_heart(model, (), epoch.by_heart(4), 3e-3, 120)
    assert wrong == 0
    assert 0 < steps < 120
    for name, parameter in model.named_parameters():
        assert parameter.equal(before[name]), name


def test_general_speech_is_to_be_heard_as_before(base: Release, manifest: Path) -> None:
    import torch

    model, start = to_transformers(Path(base.directory)), to_transformers(Path(base.directory))
    choose_trained(model, Method.DECODER, 0)
    epoch = Epoch(read_material([manifest], "voice-search-en/1").train, (), base, TrainingOptions(), print)
    batch = epoch.by_heart(4)
    general = batch._replace(general=torch.ones(len(batch.tokens), dtype=torch.bool))
    objective = objective_of(model, (), start)
    assert objective(*general)[0].item() == pytest.approx(0.0, abs=1e-5)
    taught, _ = objective(*batch)
    assert taught.item() > 0.1
    torch.autograd.backward(taught)
    torch.optim.SGD(trained_parameters(model).values(), lr=0.1).step()
    assert objective(*general)[0].item() > 0.01


def test_nothing_is_learnt_about_tokens_that_are_never_written(base: Release, manifest: Path) -> None:
    import torch

    model, start = to_transformers(Path(base.directory)), to_transformers(Path(base.directory))
    choose_trained(model, Method.FULL, 0)
    epoch = Epoch(read_material([manifest], "voice-search-en/1").train, (), base, TrainingOptions(), print)
    batch = epoch.by_heart(4)
    unwritten = sorted(
        {*range(model.config.vocab_size)} - {*batch.wanted.flatten().tolist(), *batch.tokens.flatten().tolist()}
    )
    free, bound = objective_of(model, ()), objective_of(model, unwritten, start)
    assert bound(*batch)[0].item() < free(*batch)[0].item()
    general = batch._replace(general=torch.ones(len(batch.tokens), dtype=torch.bool))
    with torch.no_grad():
        model.model.decoder.embed_tokens.weight[unwritten] *= 2.0
    assert bound(*general)[0].item() == pytest.approx(0.0, abs=1e-5)
