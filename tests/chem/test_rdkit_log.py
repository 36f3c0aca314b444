import threading

import pytest
from rdkit import Chem, rdBase

from pyg_moleblend.chem import MoleculeError, parse, parse_smiles
from pyg_moleblend.chem.rdkit_log import SilencedLog, reason_from_log


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (
            "[13:45:39] SMILES Parse Error: syntax error while parsing: BAD(\n"
            "[13:45:39] SMILES Parse Error: check for mistakes around position 2:\n[13:45:39] BAD(\n",
            "syntax error around position 2",
        ),
        ("[01:02:03] SMILES Parse Error: unclosed ring for input: 'C1CC'\n", "unclosed ring"),
        (
            "[01:02:03] Explicit valence for atom # 5 N, 4, is greater than permitted\n",
            "Explicit valence for atom # 5 N, 4, is greater than permitted",
        ),
        ("[01:02:03] ERROR: EOF hit while reading atoms\n", "EOF hit while reading atoms"),
        ("", "RDKit cannot read it and gives no reason"),
    ],
)
def test_reason_from_log(messages: str, reason: str) -> None:
    assert reason_from_log(messages) == reason


def test_rdkits_own_log_stays_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    rdBase.EnableLog("rdApp.error")  # PyG's from_smiles disables it for the whole process
    status = rdBase.LogStatus()
    with pytest.raises(MoleculeError, match="syntax error around position 2"):
        parse_smiles("BAD(")
    assert capfd.readouterr().err == ""
    assert rdBase.LogStatus() == status
    assert Chem.MolFromSmiles("WORSE(") is None
    assert "WORSE(" in capfd.readouterr().err


def test_warnings_are_not_printed_and_the_log_stays_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    rdBase.EnableLog("rdApp.warning")
    status = rdBase.LogStatus()
    lone_proton = "CCN.[H+]"
    assert parse_smiles(lone_proton).GetNumAtoms() == 4
    assert [mol.GetNumAtoms() for mol in parse.parse_each([lone_proton])] == [4]  # type: ignore[union-attr]
    assert capfd.readouterr().err == ""
    assert rdBase.LogStatus() == status
    assert Chem.MolFromSmiles(lone_proton) is not None
    assert "not removing hydrogen" in capfd.readouterr().err


def test_reason_is_known_where_the_user_disabled_the_log() -> None:
    with rdBase.BlockLogs(), pytest.raises(MoleculeError, match="unclosed ring"):
        parse_smiles("C1CC")


def test_old_rdkit_gives_no_reason_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parse, "ErrorLog", SilencedLog)
    status = rdBase.LogStatus()
    assert parse_smiles("CCO").GetNumAtoms() == 3
    with pytest.raises(MoleculeError, match="gives no reason"):
        parse_smiles("BAD(")
    assert capfd.readouterr().err == ""
    assert rdBase.LogStatus() == status


def test_threads_get_the_reason_of_their_own_molecule() -> None:
    wrong = []

    def parse_many(text: str, reason: str) -> None:
        for _ in range(300):
            try:
                parse_smiles(text)
            except MoleculeError as error:
                if error.reason != reason:
                    wrong.append(error.reason)

    threads = [
        threading.Thread(target=parse_many, args=case)
        for case in (
            ("C1CC", "unclosed ring"),
            ("BAD(", "syntax error around position 2"),
            ("CC)C", "extra close parentheses around position 3"),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
