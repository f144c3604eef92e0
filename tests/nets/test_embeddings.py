"""What is joined at the bottleneck: frozen, the same in training, and no part of a checkpoint."""

import pytest
import torch

from mask2face.efficientnet import PACKAGE, LiteFeatures
from mask2face.nets import UNet
from mask2face.nets.embeddings import Embeddings

pytest.importorskip(PACKAGE)


@pytest.fixture(scope="module")
def both() -> Embeddings:
    return Embeddings(("imagenet", "face"), 6)


def test_none_adds_nothing() -> None:
    none = Embeddings((), 6)
    x = torch.rand(2, 5, 3, 3)
    assert (none.size, none.extra) == (0, None)
    assert torch.equal(none(x, torch.rand(2, 3, 32, 32), None), x)


def test_each_position_gets_the_same_vectors_in_the_order_said(both: Embeddings) -> None:
    x, crops, face = torch.rand(2, 5, 3, 4), torch.rand(2, 3, 64, 64), torch.randn(2, 6)
    out = both(x, crops, face)
    assert out.shape == (2, 5 + both.size, 3, 4)
    assert torch.equal(out[:, :5], x)
    vectors = out[:, 5:]
    assert torch.equal(vectors, vectors[..., :1, :1].expand_as(vectors))
    wanted = LiteFeatures((32,))(crops)[0].mean((2, 3))
    torch.testing.assert_close(vectors[:, :320, 0, 0], wanted)
    got = vectors[:, 320:, 0, 0]
    torch.testing.assert_close(got, face / face.pow(2).mean(1, keepdim=True).sqrt())


def test_an_unknown_face_stays_zeros_and_length_does_not_matter(both: Embeddings) -> None:
    x, crops, face = torch.rand(1, 5, 1, 1), torch.rand(1, 3, 32, 32), torch.randn(1, 6)
    assert not both(x, crops, torch.zeros(1, 6))[:, 325:].any()
    torch.testing.assert_close(both(x, crops, face), both(x, crops, 0.01 * face))


def test_small_crops_are_enlarged(both: Embeddings) -> None:
    out = both(torch.rand(1, 5, 1, 1), torch.rand(1, 3, 8, 8), torch.zeros(1, 6))
    assert torch.isfinite(out).all()
    assert float(out[:, 5:325].std()) > 0


@pytest.mark.parametrize(
    ("names", "face", "message"),
    [
        (("face",), None, r"takes 'face' \(2, 6\) beside 2 crops, got nothing"),
        (("face",), torch.zeros(2, 5), r"got \(2, 5\)"),
        (("imagenet",), torch.zeros(2, 6), "leave the second input out"),
    ],
)
def test_a_face_that_does_not_fit(names, face, message) -> None:
    with pytest.raises(ValueError, match=message):
        Embeddings(names, 6)(torch.rand(2, 5, 1, 1), torch.rand(2, 3, 32, 32), face)


@pytest.fixture
def net() -> UNet:
    torch.manual_seed(0)
    return UNet([8, 8, 12], [3, 3, 3], embeddings=["imagenet"])


def test_no_optimiser_and_no_checkpoint_sees_it(net: UNet) -> None:
    plain = UNet([8, 8, 12], [3, 3, 3])
    assert set(net.state_dict()) == set(plain.state_dict())
    assert [name for name, _ in net.named_parameters()] == [
        name for name, _ in plain.named_parameters()
    ]
    assert sum(p.numel() for p in net.parameters()) < 20 * 12 * 320


def test_training_does_not_change_it(net: UNet) -> None:
    assert net.embeddings.features is not None
    before = {name: value.clone() for name, value in net.embeddings.named_buffers()}
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    net.train()
    assert not any(module.training for module in net.embeddings.features.modules())
    torch.autograd.backward(net(torch.rand(2, 3, 32, 32)).mean())
    optimizer.step()
    after = dict(net.embeddings.named_buffers())
    assert before
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_moves_with_the_net() -> None:
    double = UNet([4, 4], [3, 3], embeddings=["imagenet"]).double()
    assert {value.dtype for value in double.embeddings.buffers()} == {torch.float64}
