import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.models import MoleBlendForPretraining, PretrainingOutput, PretrainingStep


def test_an_output_is_a_step_and_the_predictions():
    assert set(PretrainingOutput._fields) - set(PretrainingStep._fields) == {"predictions"}
    model, batch = MoleBlendForPretraining(samples.tiny_config()).eval(), Batch.from_data_list(samples.molecules(3))
    output = model(batch, generator=torch.Generator().manual_seed(0))
    step = model.step(batch, blend=output.blend)
    assert output.losses.keys() == output.predictions.keys() == step.losses.keys() == step.qualities.keys()
    torch.testing.assert_close(step.loss, output.loss)
    for name, loss in step.losses.items():
        torch.testing.assert_close(loss, output.losses[name])
        torch.testing.assert_close(step.qualities[name], output.qualities[name])
