r"""What the machine asks for: killable worker processes, files that are whole or absent, free memory, devices, seeds.

Nothing here knows of molecules or models. Change it when a machine misbehaves. Tensors' layouts are next door, in
:mod:`pyg_moleblend.utils`.
"""
