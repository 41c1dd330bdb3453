"""A transformer encoder for rated sentences, pooled by its first token or by the average of its words."""

# pyright: reportMissingImports=false

import numpy as np
import torch
from torch import nn

from layerpeel.array_words import Float
from layerpeel.gpu_train._images import Images
from layerpeel.gpu_train.networks import layer_outputs
from layerpeel.numerics import UnusableInput, require_one_of, require_whole

POOLINGS = ("cls", "average")
"""The first token, which belongs to no word; or the mean over the words."""


class Embedding(nn.Module):
    """Vectors of the words and of their places, behind a first token that is the same for every sentence."""

    def __init__(self, words: int, longest: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words + 1, width, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(longest + 1, width))
        self.first = nn.Parameter(0.02 * torch.randn(width))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(n, longest + 1, width)."""
        first = self.first.expand(len(numbers), 1, -1)
        return torch.cat([first, self.words(numbers)], dim=1) + self.places


class EncoderLayer(nn.Module):
    """Attention and two linear layers, each added to what it reads and normalised after that, as in BERT (devlin2019)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.read, self.write = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.linear = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.after_attention, self.after_linear = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Tokens (n, places, width), of which those that are `seen` (n, places) are attended to."""
        parts = self.read(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(*parts, attn_mask=seen[:, None, None, :])
        tokens = self.after_attention(tokens + self.write(attended.transpose(1, 2).flatten(2)))
        return self.after_linear(tokens + self.linear(tokens))


class SentenceEncoder(nn.Module):
    """A transformer encoder and a linear classifier of its pooled output.

    Args:
        words: that are told apart.
        longest: words of a sentence.
        num_classes: K.
        pooling: "cls" or "average".
        width: of a token.
        heads: of the attention; they divide the width.
        layers: of the encoder.

    Raises:
        UnusableInput: for an unknown pooling, or heads that do not divide the width.

    Example:
        >>> SentenceEncoder(10, 5, 2, pooling="cls", width=8, heads=2, layers=2)(torch.ones(3, 1, 1, 5)).shape
        torch.Size([3, 2])
    """

    def __init__(
        self, words: int, longest: int, num_classes: int, *, pooling: str, width: int = 64, heads: int = 4, layers: int = 6
    ) -> None:
        super().__init__()
        if require_whole(width, "the width", remedy="correct it") % require_whole(heads, "the number of heads", remedy="correct it"):
            raise UnusableInput(f"{heads} heads do not divide a width of {width}: each has as many features; give another number.")
        self.pooling = require_one_of(pooling, "pooling", POOLINGS)
        self.embedding = Embedding(words, longest, width)
        self.layers = nn.ModuleList([EncoderLayer(width, heads) for _ in range(layers)])
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Logits of sentences that are given by the numbers of their words, 0 after the end."""
        whole = numbers.flatten(1).long()
        seen = torch.cat([torch.ones_like(whole[:, :1]), whole], dim=1) > 0
        tokens = self.embedding(whole)
        for layer in self.layers:
            tokens = layer(tokens, seen)
        return self.classifier(pooled_tokens(tokens, seen, self.pooling))


def pooled_tokens(tokens: torch.Tensor, seen: torch.Tensor, pooling: str) -> torch.Tensor:
    """The first token, or the mean over the words, of each sentence.

    Example:
        >>> tokens, seen = torch.tensor([[[9.0], [1.0], [3.0], [7.0]]]), torch.tensor([[True, True, True, False]])
        >>> [pooled_tokens(tokens, seen, pooling).item() for pooling in POOLINGS]
        [9.0, 2.0]
    """
    if pooling == "cls":
        return tokens[:, 0]
    words = seen[:, 1:, None].to(tokens.dtype)
    return (tokens[:, 1:] * words).sum(dim=1) / words.sum(dim=1).clamp(min=1.0)


def pooled_layers(model: nn.Module, sentences: Images) -> list[Float[np.ndarray, "n p"]]:
    """What each layer of a `SentenceEncoder` returns, pooled as its classifier pools it.

    The embedding is no layer: its first token is the same for all sentences.

    Raises:
        UnusableInput: for another network.

    Example:
        >>> model = SentenceEncoder(10, 5, 2, pooling="average", width=8, heads=2, layers=3)
        >>> two = Images(pixels=np.ones((2, 1, 1, 5), np.float32), labels=np.array([0, 1]), num_classes=2, name="two")
        >>> [layer.shape for layer in pooled_layers(model, two)]
        [(2, 8), (2, 8), (2, 8)]
    """
    if not isinstance(model, SentenceEncoder):
        raise UnusableInput(f"{type(model).__name__} is no SentenceEncoder: only that says how it pools its tokens; give one.")
    whole = torch.from_numpy(sentences.pixels).flatten(1)
    seen = torch.cat([torch.ones_like(whole[:, :1]), whole], dim=1) > 0
    names = [f"layers.{place}" for place in range(len(model.layers))]
    outputs = layer_outputs(model, sentences.pixels, layers=names)
    return [pooled_tokens(torch.from_numpy(outputs[name]).unflatten(1, (seen.shape[1], -1)), seen, model.pooling).numpy() for name in names]
