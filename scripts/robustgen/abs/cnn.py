"""The discriminative classifier of chapter 2: E-ABS' encoder and a linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from robustgen.abs.grouped import Encoder
from robustgen.abs.shapes import shape

SHOWS = ("layers", "features", "dropout")
SHOWN_WITH = {"dropout": "dropout"}  # what is shown -> the option without which it is not
OPTIONS = {
    "shape": {
        "one_of": ("mnist", "supertraffic", "svhn"),
        "means": "Layers of Table 2.1: mnist for 28 pixels, the others for 32.",
    },
    "width": {"type": "number", "above": 0, "default": 1.0, "means": "Factor of all channels."},
    "dropout": {
        "type": "number",
        "least": 0,
        "below": 1,
        "default": 0.2,
        "means": "Dropout behind the convolutions.",
    },
}


class Cnn(nn.Module):
    """Images [n,c,h,w] -> logits [n,K]."""

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        size: int,
        shape_name: str,
        width: float,
        dropout: float,
    ) -> None:
        super().__init__()
        of = shape(shape_name, channels=channels, size=size, width=width, latent=None)
        encoder = Encoder(of, 1, channels=channels, dropout=dropout)
        self.trunk, self.dropout = encoder.trunk, encoder.dropout
        self.linear = nn.Linear(encoder.features, classes)

    def layers(self, x: Tensor) -> list[Tensor]:
        """The output behind each convolution's activation [n,c,h,w]."""
        found = []
        for layer in self.trunk:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return found

    def pooled(self, x: Tensor) -> Tensor:
        """The input of the linear layer [n,d] from the last convolution's output."""
        return x.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(self.pooled(self.trunk(x))))
        return logits


def build(
    *,
    channels: int,
    classes: int,
    size: int,
    shape: str,
    width: float = 1.0,
    dropout: float = 0.2,
) -> nn.Module:
    """The classifier, untrained."""
    return Cnn(
        channels=channels,
        classes=classes,
        size=size,
        shape_name=shape,
        width=width,
        dropout=dropout,
    )
