"""Decoders for inference: batch norms folded into convolutions, channels-last, of one precision."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from robustgen.abs.grouped import Decoder


class Folded(nn.Module):
    """The function of a Decoder in evaluation mode, latents [n,K,M] -> images [n,K,c,h,w] (fp32),
    computed in `dtype`.
    """

    def __init__(self, decoder: Decoder, dtype: torch.dtype) -> None:
        super().__init__()
        self.groups, self.dtype = decoder.groups, dtype
        self.weight, self.bias = (
            nn.Parameter(tensor.detach().to(dtype), requires_grad=False)
            for tensor in (decoder.enter.weight, decoder.enter.bias)
        )
        norms = [*decoder.norms, None]
        self.convs = nn.ModuleList(
            _fused(cast(nn.ConvTranspose2d, conv), cast("nn.BatchNorm2d | None", norm))
            for conv, norm in zip(decoder.convs, norms, strict=True)
        )
        self.convs.to(dtype).to(memory_format=torch.channels_last).requires_grad_(False)

    def forward(self, z: Tensor) -> Tensor:
        h = torch.einsum("ngi,goi->ngo", z.to(self.dtype), self.weight) + self.bias
        h = h.flatten(1)[:, :, None, None].contiguous(memory_format=torch.channels_last)
        for conv in self.convs[:-1]:
            h = conv(h).relu()
        image: Tensor = self.convs[-1](h).float().sigmoid()
        return image.contiguous().unflatten(1, (self.groups, -1))


def _fused(conv: nn.ConvTranspose2d, norm: nn.BatchNorm2d | None) -> nn.ConvTranspose2d:
    """A transposed convolution of groups with the norm behind it; torch's own fusion knows no
    groups.
    """
    fused = nn.ConvTranspose2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,  # type: ignore[arg-type]
        conv.stride,  # type: ignore[arg-type]
        conv.padding,  # type: ignore[arg-type]
        groups=conv.groups,
    )
    weight, bias = conv.weight.detach(), conv.bias
    assert fused.bias is not None
    if norm is None:
        assert bias is not None
        fused.weight.data, fused.bias.data = weight.clone(), bias.detach().clone()
        return fused
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach() * (norm.running_var + norm.eps).rsqrt()
    by_group = weight.unflatten(0, (conv.groups, -1))  # [G, in/G, out/G, k, k]
    fused.weight.data = (by_group * scale.reshape(conv.groups, 1, -1, 1, 1)).flatten(0, 1)
    fused.bias.data = norm.bias.detach() - norm.running_mean * scale
    return fused
