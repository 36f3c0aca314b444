r"""MoleBLEND for PyTorch Geometric: 2D + 3D molecular pretraining by blend-then-predict."""

__version__ = "0.1.0"
