import math

import golden_data
import pytest
import torch
from torch import Tensor

from pyg_moleblend.fields import SPD_UNREACHABLE, bond_class_targets
from pyg_moleblend.losses import (
    classification_loss,
    denoising_loss,
    displacement_loss,
    distance_loss,
    masked_mean,
    spd_target,
)

B, N = 3, 5
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]).bool()


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def angle_loss(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return 1 - dot / math.hypot(*a) / math.hypot(*b)


def test_masked_mean_counts_what_the_mask_holds():
    values = torch.tensor([1.0, 5.0, float("nan"), 3.0])
    assert masked_mean(values, torch.tensor([True, False, False, True])) == 2
    assert masked_mean(values, torch.zeros(4).bool()) == 0


def test_classification_loss_is_the_mean_over_counted_entries():
    logits, target = random(2, 3, 4), torch.tensor([[0, 3, -1], [-7, 2, 2]])
    total, count = 0.0, 0
    for row, wanted in zip(logits.flatten(0, 1).tolist(), target.flatten().tolist(), strict=True):
        if wanted >= 0:
            total += math.log(sum(math.exp(value) for value in row)) - row[wanted]
            count += 1
    assert count == 4
    assert classification_loss(logits, target).item() == pytest.approx(total / count)


def test_classification_loss_does_not_overflow_in_half_precision():
    logits = torch.full((1, 4000, 8), 30.0, dtype=torch.float16)
    loss = classification_loss(logits, torch.zeros(1, 4000, dtype=torch.long))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(math.log(8), rel=1e-3)


@pytest.mark.parametrize("num_classes", [3, 11])
def test_spd_target_against_a_plain_loop(num_classes: int):
    spd = torch.randint(0, 14, (B, N, N), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    spd[0, 0, 1] = SPD_UNREACHABLE
    mask = golden_data.pair_mask(MASK)
    target = spd_target(spd, mask, num_classes)
    for b in range(B):
        for i in range(N):
            for j in range(N):
                hops, counted = spd[b, i, j].item(), mask[b, i, j].item()
                ignored = hops in (0, SPD_UNREACHABLE) or not counted
                assert target[b, i, j].item() == (-1 if ignored else min(hops, num_classes) - 1)


def test_displacement_loss_against_a_plain_loop():
    prediction, pos = random(B, N, N, 3), random(B, N, 3, seed=1)
    pos[1, 2] = pos[1, 0]  # a pair without direction
    losses = []
    for b in range(B):
        atoms = [i for i in range(N) if MASK[b, i]]
        terms = []
        for i in atoms:
            for j in atoms:
                target = [(pos[b, j, axis] - pos[b, i, axis]).item() for axis in range(3)]
                if any(target):
                    terms.append(angle_loss(prediction[b, i, j].tolist(), target))
        if terms:
            losses.append(sum(terms) / len(terms))
    assert len(losses) == 2  # the lone atom has no pair
    assert displacement_loss(prediction, pos, MASK).item() == pytest.approx(sum(losses) / 2)


def test_distance_loss_against_a_plain_loop():
    prediction, pos = random(B, N, N), random(B, N, 3, seed=1)
    losses = []
    for b in range(B):
        atoms = [i for i in range(N) if MASK[b, i]]
        terms = [abs(prediction[b, i, j] - math.dist(pos[b, i], pos[b, j])) for i in atoms for j in atoms if i != j]
        if terms:
            losses.append(sum(terms) / len(terms))
    assert len(losses) == 2
    assert distance_loss(prediction, pos, MASK).item() == pytest.approx(float(sum(losses)) / 2)


def test_denoising_loss_against_a_plain_loop():
    prediction, noise = random(B, N, 3), random(B, N, 3, seed=1)
    terms = [
        angle_loss(prediction[b, i].tolist(), noise[b, i].tolist()) for b in range(B) for i in range(N) if MASK[b, i]
    ]
    assert denoising_loss(prediction, noise, MASK).item() == pytest.approx(sum(terms) / len(terms))


def all_losses(predictions: dict[str, Tensor], pos: Tensor, atoms: Tensor) -> dict[str, Tensor]:
    target = torch.where(golden_data.pair_mask(atoms), 1, -1)
    return {
        "classes": classification_loss(predictions["classes"], target),
        "displacement": displacement_loss(predictions["displacement"], pos, atoms),
        "distance": distance_loss(predictions["distance"], pos, atoms),
        "denoising": denoising_loss(predictions["denoising"], pos, atoms),
    }


def all_predictions() -> dict[str, Tensor]:
    shapes = {"classes": (B, N, N, 4), "displacement": (B, N, N, 3), "distance": (B, N, N), "denoising": (B, N, 3)}
    return {name: random(*shape, seed=2).requires_grad_() for name, shape in shapes.items()}


def test_nothing_to_count_is_zero_with_zero_gradients():
    predictions = all_predictions()
    losses = all_losses(predictions, torch.zeros(B, N, 3, dtype=torch.float64), torch.zeros(B, N).bool())
    for name, loss in losses.items():
        assert loss.item() == 0
        (gradient,) = torch.autograd.grad(loss, predictions[name])
        assert (gradient == 0).all()


def test_gradients_stay_finite_where_atoms_coincide_and_predictions_vanish():
    predictions = {name: torch.zeros_like(value, requires_grad=True) for name, value in all_predictions().items()}
    pos = random(B, N, 3)
    pos[0] = pos[0, 0]
    for name, loss in all_losses(predictions, pos, MASK).items():
        (gradient,) = torch.autograd.grad(loss, predictions[name])
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ["classes", "displacement", "distance", "denoising"])
def test_gradients_equal_finite_differences(name: str):
    pos, predictions = random(B, N, 3, seed=1), all_predictions()
    torch.autograd.gradcheck(
        lambda value: all_losses({**predictions, name: value}, pos, MASK)[name], predictions[name], fast_mode=True
    )


@pytest.mark.parametrize("name", ["classes", "displacement", "distance", "denoising"])
def test_inputs_are_not_written_to_and_padding_does_not_count(name: str):
    predictions, pos = all_predictions(), random(B, N, 3, seed=1)
    before = {key: value.detach().clone() for key, value in predictions.items()}
    loss = all_losses(predictions, pos, MASK)[name]
    assert all(torch.equal(value, before[key]) for key, value in predictions.items())
    padded = ~(MASK if name == "denoising" else golden_data.pair_mask(MASK))
    changed = predictions[name].detach().clone()
    changed[padded] = 100.0
    pos[~MASK] = 100.0
    assert all_losses({**predictions, name: changed}, pos, MASK)[name].item() == pytest.approx(loss.item())


def test_losses_of_the_release_from_its_own_predictions():
    golden, mask = golden_data.public(), golden_data.atom_mask()
    molecules = golden_data.packed(golden_data.pretraining_model())
    noise, by_geometry = golden["noisy_pos"] - molecules.pos, golden["atom_feature_choice"] == 1
    spd = spd_target(molecules.pairs["spd"], molecules.pair_mask, 11)
    bonds = bond_class_targets("release")[molecules.pairs["bond_path"].long()]
    losses = {
        "spd_loss": classification_loss(golden["head_shortest_path"], spd),
        "edge_loss": classification_loss(golden["head_edge_path"], bonds),
        "3d_loss": displacement_loss(golden["head_displacement"], molecules.pos, mask),
        "node_output_loss": denoising_loss(golden["head_denoise"], noise, mask & by_geometry),
    }
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(golden["losses"][name], rel=1e-5)
