r"""What the machine asks for: killable worker processes, atomic files, locks, free memory, devices, seeds.

Nothing here knows of molecules or models. Change it when a machine misbehaves. Tensors' layouts are next door, in
:mod:`pyg_moleblend.utils`.
"""
