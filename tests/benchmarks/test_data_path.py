from benchmarks.data_path import measure_data_path


def test_rates_and_ratios_of_a_few_molecules():
    smiles = ["CCO", "c1ccccc1", "CC(=O)O", "[Na+].[Cl-]"] * 4
    result = measure_data_path(smiles, plain_molecules=3, repeats=1)
    rates = result["molecules_per_s"]
    assert result["molecules"] == 16
    assert result["mean_atoms"] == 3.75
    assert all(rate > 0 for rate in rates.values())
    assert result["ratio"] == rates["ours, chunks"] / rates["plain"]
    assert result["times_of_MolFromSmiles"] == rates["MolFromSmiles"] / rates["ours, chunks"]
