"""The buffers of an epoch: each step reads its own part, at addresses that stay."""

import torch

from salt_pipeline.components.train_fold.draws import draw
from salt_pipeline.components.train_fold.epoch_buffers import EpochBuffers

CPU = torch.device("cpu")


def test_each_step_reads_its_own_part() -> None:
    epoch = EpochBuffers(5, 2, CPU)
    addresses = [tensor.data_ptr() for tensor in (epoch.order_N, epoch.rate_S, *epoch.draws)]
    for number in range(2):
        order_N, draws = torch.randperm(5), draw(5, 1.0, torch.Generator().manual_seed(number))
        epoch.begin(order_N, draws, [0.5, 0.25])
        first, drawn = epoch.next_images(3)
        assert torch.equal(first, order_N[:3])
        assert torch.equal(drawn.nodes_N2KK, draws.nodes_N2KK[:3])
        assert epoch.rate().tolist() == [0.5]
        epoch.end_step(torch.tensor([1.0, 2.0]))
        second, drawn = epoch.next_images(2)
        assert torch.equal(second, order_N[3:])
        assert torch.equal(drawn.matrix_N22, draws.matrix_N22[3:])
        assert epoch.rate().tolist() == [0.25]
        epoch.end_step(torch.tensor([3.0, 4.0]))
        assert epoch.loss_S2.tolist() == [[1, 2], [3, 4]]
    assert addresses == [tensor.data_ptr() for tensor in (epoch.order_N, epoch.rate_S, *epoch.draws)]
