from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.nn.attention import MultiHeadAttention
from pyg_moleblend.nn.backward import run
from pyg_moleblend.nn.drop_path import DropPath
from pyg_moleblend.nn.precision import LayerNorm
from pyg_moleblend.nn.reset import reset_linear


class MoleBlendLayer(nn.Module):
    r"""One layer of the MoleBLEND encoder: biased self-attention and a feed-forward network, each followed by
    its residual and a layer normalisation (post-norm; arXiv 2307.06235, section 3.3).

    Args:
        channels (int): C.
        heads (int): H, a divisor of C.
        ffn_channels (int, optional): Width of the feed-forward network; C where it is :obj:`None`.
            (default: :obj:`None`)
        dropout (float, optional): Dropout probability of both branches' outputs. (default: :obj:`0.0`)
        attention_dropout (float, optional): Dropout probability of the attention weights. (default: :obj:`0.0`)
        activation_dropout (float, optional): Dropout probability within the feed-forward network.
            (default: :obj:`0.0`)
        drop_path (float, optional): Probability of dropping a branch for a whole molecule. (default: :obj:`0.0`)

    Shapes:
        - **input:** tokens ``[B, T, C]``, bias ``[B, H, T, T]`` (``-inf`` shuts a key out)
        - **output:** ``[B, T, C]``
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        ffn_channels: int | None = None,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        ffn_channels = ffn_channels or channels
        self.attention = MultiHeadAttention(channels, heads, attention_dropout)
        self.attention_norm = LayerNorm(channels)
        self.ffn_in = nn.Linear(channels, ffn_channels)
        self.ffn_out = nn.Linear(ffn_channels, channels)
        self.ffn_norm = LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.activation_dropout = nn.Dropout(activation_dropout)
        self.drop_path = DropPath(drop_path)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.attention.reset_parameters()
        self.attention_norm.reset_parameters()
        reset_linear(self.ffn_in)
        reset_linear(self.ffn_out)
        self.ffn_norm.reset_parameters()

    def set_dropouts(
        self, dropout: float, attention_dropout: float, activation_dropout: float, drop_path: float
    ) -> None:
        r"""Changes the probabilities that the layer was built with."""
        self.attention.dropout = attention_dropout
        self.dropout.p = dropout
        self.activation_dropout.p = activation_dropout
        self.drop_path.probability = drop_path

    def forward(self, x: Tensor, bias: Tensor, activation_checkpointing: bool = False) -> Tensor:
        r"""The layer's output.

        Args:
            x: Tokens.
            bias: Attention bias.
            activation_checkpointing: Whether what lies between the linear maps is computed again in the backward pass;
                no linear map is.
        """
        mixed = self.dropout(self.attention(x, bias, activation_checkpointing))
        x = self.attention_norm(x + self.drop_path(mixed))
        hidden = run(self._activate, self.ffn_in(x), activation_checkpointing=activation_checkpointing)
        return self.ffn_norm(x + self.drop_path(self.dropout(hidden)))

    def __repr__(self) -> str:
        dropouts = (
            f"dropout={self.dropout.p}, attention_dropout={self.attention.dropout}, "
            f"activation_dropout={self.activation_dropout.p}, drop_path={self.drop_path.probability}"
        )
        channels, ffn_channels = self.ffn_in.in_features, self.ffn_in.out_features
        sizes = f"{channels}, heads={self.attention.heads}, ffn_channels={ffn_channels}"
        return f"{self.__class__.__name__}({sizes}, {dropouts})"

    def _activate(self, hidden: Tensor) -> Tensor:
        return self.ffn_out(self.activation_dropout(F.gelu(hidden)))
