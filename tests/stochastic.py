"""A randomised classifier of two parts, as a user would write its module: the scores of another
model for images with noise.
"""

NOISY = '''
"""The scores of `base` for images with Gaussian noise."""

import torch

from robustgen.nets.classifier import Classifier

PARTS = {"base": "classifier"}
OPTIONS = {"std": {"type": "number", "least": 0, "default": 0.1, "means": "Of the noise."}}
VIEWS = {"std": {"type": "number", "least": 0, "default": 0.1, "means": "Of the noise."}}
STOCHASTIC = True


class Noisy(Classifier):
    stochastic = True
    generator = None

    def __init__(self, base, std=0.1):
        super().__init__()
        self.base, self.std, self.passes = base, std, base.passes

    def reseed(self, generator):
        self.generator = generator
        self.base.reseed(generator)

    def view(self, *, std=None, **unknown):
        super().view(**unknown)
        other = Noisy(self.base, self.std if std is None else std)
        other.generator = self.generator
        return other

    def forward(self, x):
        return self.base(x + self.std * torch.randn(x.shape, generator=self.generator).to(x))


def freeze(net, parts, *, spec, dtype, device):
    return Noisy(parts["base"], **spec.options)
'''
