r"""Relations on data of one's own: a table with a bad row, transforms, PyG's loader, dense relations of a batch."""

import tempfile

import pandas as pd
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import Compose

from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.models import MoleBlend, MoleBlendConfig
from pyg_moleblend.transforms import AddConformer, AddRelations
from pyg_moleblend.utils import to_dense_pair

TABLE = """name,smiles,solubility
ethanol,CCO,1.10
aspirin,CC(=O)Oc1ccccc1C(=O)O,-1.72
a typo,CC(=O)Oc1ccccc1C(=O,-9.99
caffeine,CN1C=NC2=C1C(=O)N(C(=O)N2C)C,-0.88
sodium acetate,CC(=O)[O-].[Na+],
"""

if __name__ == "__main__":
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(TABLE)
        file.flush()
        table = MoleculeTable(file.name, targets=["solubility"], on_error="keep")
    print(pd.DataFrame(table.failures))

    transform = Compose([AddRelations(), AddConformer(seed=0)])
    molecules = [transform(data) for data in table]
    batch = next(iter(DataLoader(molecules, batch_size=4)))
    print(batch)
    print("labels", batch.y.flatten().tolist(), "of rows", batch.row.tolist())

    spd = to_dense_pair(batch.spd, batch.batch)
    print("longest shortest path of each molecule", spd.masked_fill(spd == 255, 0).flatten(1).amax(1).tolist())

    encoder = MoleBlend(MoleBlendConfig(channels=64, num_layers=2, heads=8, ffn_channels=64)).eval()
    output = encoder(batch)
    print("graphs", list(output.graph.shape), "atoms", list(output.atoms.shape))
    print(encoder)
