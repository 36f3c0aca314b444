from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference.run_batches import run_batches


def test_the_order_is_the_datasets():
    molecules = [from_smiles("C" * size) for size in (5, 1, 9, 3, 7, 2)]
    sizes = run_batches(lambda batch: batch.ptr.diff()[:, None].float(), molecules, batch_size=2)
    assert sizes.flatten().tolist() == [5, 1, 9, 3, 7, 2]
