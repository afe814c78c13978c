"""Sampler: an autoencoder that also draws what could have been: one network, the mean at time 0, samples beyond.

Knows what such a network is given. Does not know how it is taught (an objective's affair) or how it is walked with (see
`daecore.model.sampling`).
"""

from abc import abstractmethod

import torch
from torch import Tensor

from daecore.model.autoencoder import Autoencoder


class Sampler(Autoencoder):
    """An autoencoder that is also asked along the way from noise to a sample.

    The way is straight: ``state = t x + (1 - t) n``, n standard normal, from time 0 (noise alone) to 1 (the sample x).
    Asked with a state and a time, the network gives ``E[x | corrupted, state]``. Without, it is asked at time 0, where
    a state says nothing: that is ``E[x | corrupted]``, the answer of every denoising autoencoder. So all that restores
    with a network works with this one unchanged.

    A subclass writes `predict`; its ``encoder`` maps a corrupted batch alone to codes, as in every autoencoder.

    Source: flow matching, Lipman et al., ICLR 2023; that the network says the sample itself, and nothing made of it and
    the state: Li and He, "Back to basics", 2025.
    """

    def forward(
        self, x: Tensor, state: Tensor | None = None, time: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        """What is expected of the sample.

        Args:
            x: The corrupted batch, float32 ``(B, *input_shape)``.
            state: float32 ``(B, *output_shape)``; None: nothing is known but ``x``.
            time: float32 ``(B,)``, in [0, 1]: how far the state has come; None: 0.
            hidden: bool, broadcastable to ``x``: values that the network is not to see; None: it sees all. With
                everything hidden it draws from what it was trained on.

        Returns:
            float32 ``(B, *output_shape)``.
        """
        if hidden is None:
            hidden = x.new_zeros((), dtype=torch.bool)
        hidden = hidden.expand_as(x)
        seen = x.masked_fill(hidden, 0)
        if state is None or time is None:
            return self.predict(seen, None, x.new_zeros(len(x)), hidden)
        return self.predict(seen, time.view(-1, *[1] * (state.dim() - 1)) * state, time, hidden)

    @abstractmethod
    def predict(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        """What is expected of the sample.

        Args:
            x: The corrupted batch ``(B, *input_shape)``, 0 where it is hidden.
            state: ``(B, *output_shape)``, times t, so that it is 0 at time 0; None there.
            time: ``(B,)``.
            hidden: bool ``(B, *input_shape)``.

        Returns:
            ``(B, *output_shape)``.
        """
        raise NotImplementedError
