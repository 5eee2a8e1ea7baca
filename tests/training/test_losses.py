import numpy as np
import pytest
import reference

torch = pytest.importorskip("torch")

from mirkit.training.losses import (  # noqa: E402
    focal_bce,
    masked_bce,
    shift_tolerant_bce,
    soft_cross_entropy,
    weighted_bce,
)


def made(seed=0, n_frames=60):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (2, n_frames))
    targets = (rng.random((2, n_frames)) < 0.06).astype(float)
    mask = (rng.random((2, n_frames)) < 0.8).astype(float)
    return logits, targets, mask


def tensors(*arrays):
    return [torch.tensor(array) for array in arrays]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tolerance", [0, 1, 3])
def test_shift_tolerant_loss_is_its_slow_twin(seed, tolerance):
    arrays = made(seed)
    loss = shift_tolerant_bce(*tensors(*arrays), pos_weight=3.0, tolerance=tolerance)
    assert float(loss) == pytest.approx(reference.shift_tolerant_bce(*arrays, 3.0, tolerance))


@pytest.mark.parametrize("seed", range(3))
def test_masked_loss_is_its_slow_twin(seed):
    logits, targets, mask = made(seed)
    targets[targets == 0] = 0.3
    loss = weighted_bce(*tensors(logits, targets, mask), pos_weight=2.0)
    assert float(loss) == pytest.approx(reference.masked_bce(logits, targets, mask, 2.0))


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_a_peak_that_is_little_off_costs_nothing_more(shift):
    targets = torch.zeros(1, 100)
    targets[0, 50] = 1
    logits = torch.full((1, 100), -8.0)
    logits[0, 50 + shift] = 8.0
    assert float(shift_tolerant_bce(logits, targets)) < 1e-3
    far = torch.full((1, 100), -8.0)
    far[0, 50 + 7] = 8.0
    assert float(shift_tolerant_bce(far, targets)) > 0.1
    if shift:
        assert float(masked_bce(logits, targets)) > 0.1


def test_focal_loss_without_focus_is_cross_entropy():
    logits, targets, mask = tensors(*made())
    assert float(focal_bce(logits, targets, mask, gamma=0.0)) == pytest.approx(
        float(masked_bce(logits, targets, mask))
    )
    assert float(weighted_bce(logits, targets, mask)) == pytest.approx(
        float(masked_bce(logits, targets, mask))
    )
    sure = torch.tensor([[6.0]]), torch.tensor([[1.0]])
    unsure = torch.tensor([[-1.0]]), torch.tensor([[1.0]])
    ratio = float(focal_bce(*sure) / focal_bce(*unsure))
    assert ratio < 1e-4 * float(masked_bce(*sure) / masked_bce(*unsure))


def test_soft_cross_entropy_is_least_at_the_target():
    targets = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.0, 0.0]])
    mask = torch.tensor([1.0, 0.0])
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [1.0, 1.0, 1.0]])).requires_grad_()
    loss = soft_cross_entropy(logits, targets, mask)
    assert loss.item() == pytest.approx(1.5 * np.log(2))
    loss.backward()
    torch.testing.assert_close(logits.grad, torch.zeros(2, 3), atol=1e-6, rtol=0)


@pytest.mark.parametrize("loss", [masked_bce, weighted_bce, focal_bce, shift_tolerant_bce])
def test_what_is_masked_neither_costs_nor_teaches(loss):
    logits, targets, _ = tensors(*made())
    logits.requires_grad_()
    value = loss(logits, targets, torch.zeros_like(targets))
    value.backward()
    assert value.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("loss", [masked_bce, weighted_bce, focal_bce, shift_tolerant_bce])
def test_extreme_logits_stay_finite(loss):
    logits = torch.tensor([[-200.0, 200.0, 0.0]], requires_grad=True)
    value = loss(logits, torch.tensor([[1.0, 0.0, 1.0]]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()
