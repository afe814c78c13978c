"""Flow: the exact answer of a flow-matching network over a finite set; `daecore.model.sampling` walks with it.

On the road z_t = t x + (1 - t) n from noise to an original x, the best network answers E[x | z_t, y]. For finitely
many originals that is a softmax over log-likelihoods. At t = 0 it is the posterior mean. Knows no network.
"""

import torch
from torch import Tensor

from daecore.analysis.likelihood import Likelihood
from daecore.analysis.posterior import PAIRS
from daecore.data.samples import as_float
from daecore.errors import InputError
from daecore.model.sampling import Predict

NARROWEST = 1e-4  # 1 - t, below which the softmax is one original all the same


def exact_flow_denoiser(originals: Tensor, likelihood: Likelihood | None, corrupted: Tensor) -> Predict:
    """``predict(state, time)`` is E[x | z_t, y], for originals that are all equally likely.

    The weight of an original x is ``p(y | x) N(z_t; t x, (1 - t)^2)``, normalised.

    Args:
        originals: ``(M, *shape)``, as they are stored.
        likelihood: Of the corrupted samples; None: there is no observation, and the flow leads to the prior.
        corrupted: float32 ``(N, ...)``, the observations y.

    Returns:
        A function of states ``(K * N, *shape)``, the N observations one after the other K times, and of their times:
        one for all or ``(K * N,)``.

    Raises:
        InputError: The states are no multiple of the observations.

    Source: Lipman et al., "Flow matching for generative modeling", ICLR 2023; the posterior of a finite set as in
    `daecore.analysis.posterior.posterior`.
    """
    with torch.no_grad():
        log = torch.zeros(len(corrupted), len(originals), dtype=torch.float64, device=originals.device)
        if likelihood is not None:
            log = likelihood(corrupted, originals).double()
    x = as_float(originals).flatten(1).double()
    squares = x.square().sum(1)

    @torch.no_grad()
    def predict(state: Tensor, time: Tensor) -> Tensor:
        if len(state) % len(corrupted):
            raise InputError(
                f"The flow was made for {len(corrupted)} observations and takes so many states or a multiple of it, "
                f"but got {len(state)}."
            )
        times = torch.as_tensor(time, dtype=torch.float64, device=state.device).reshape(-1, 1).expand(len(state), 1)
        means = []
        for some in torch.arange(len(state), device=state.device).split(max(1, PAIRS // len(originals))):
            z, t = state[some].flatten(1).double(), times[some]
            distance = t.square() * squares - 2 * t * (z @ x.T)  # |z - t x|^2 without what all have alike
            joint = log[some % len(corrupted)] - distance / (2 * (1 - t).clamp_min(NARROWEST).square())
            means.append(joint.softmax(1) @ x)
        return torch.cat(means).view(-1, *originals.shape[1:]).to(state.dtype)

    return predict
