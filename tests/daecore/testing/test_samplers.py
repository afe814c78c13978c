"""The sampler's licence: an exact sampler passes whatever the seed, and one that is broken on purpose never does."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor

from daecore.analysis.flow import exact_flow_denoiser
from daecore.analysis.likelihood import Likelihood
from daecore.analysis.posterior import exact_denoiser, posterior
from daecore.data.samples import as_float
from daecore.errors import InputError
from daecore.model.sampling import SamplingOptions
from daecore.model.sampling import walk as walk_to
from daecore.testing.contract import Finding
from daecore.testing.samplers import Licence, check_sampler
from daecore.testing.sampling_problem import (
    PROBLEMS,
    SamplerFunction,
    SamplingProblem,
    ask,
    exact_sampler,
    sampling_problem,
)

SMALL = {"noise": 200, "block": 120, "erasure": 100, "points": 200}  # originals


def small(name: str) -> SamplingProblem:
    return sampling_problem(name, originals=SMALL[name])


def failed(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{it.check}: {it.said}" for it in findings if it.state != "passed"]


def with_variance(problem: SamplingProblem, factor: float) -> SamplerFunction:
    """Exact samples, their deviation from their own mean of another variance: noise of half the variance."""

    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        samples = exact_sampler(problem)(corrupted, count, generator)
        return samples.mean(0) + factor**0.5 * (samples - samples.mean(0))

    return sampler


def with_likelihood(problem: SamplingProblem, factor: float) -> SamplerFunction:
    """A forgotten factor: sigma^2 is taken for another one."""
    likelihood: Likelihood = problem.likelihood
    other = replace(likelihood, sigma=likelihood.sigma * factor**0.5)  # type: ignore[attr-defined, type-var]
    return exact_sampler(replace(problem, likelihood=other))


def mean_alone(problem: SamplingProblem) -> SamplerFunction:
    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        mean = posterior(corrupted, problem.originals, problem.likelihood).mean
        return mean.expand(count, *mean.shape)

    return sampler


def most_probable(problem: SamplingProblem) -> SamplerFunction:
    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        best = posterior(corrupted, problem.originals, problem.likelihood).candidates[:, 0]
        found = as_float(problem.originals[best])
        return found.expand(count, *found.shape)

    return sampler


def of_another(problem: SamplingProblem) -> SamplerFunction:
    return lambda corrupted, count, generator: exact_sampler(problem)(corrupted.roll(1, 0), count, generator)


def from_the_prior(problem: SamplingProblem) -> SamplerFunction:
    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        index = torch.randint(len(problem.originals), (count, len(corrupted)), generator=generator)
        return as_float(problem.originals[index.flatten()]).view(count, *corrupted.shape)

    return sampler


def flow(problem: SamplingProblem, steps: int) -> SamplerFunction:
    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        predict = exact_flow_denoiser(problem.originals, problem.likelihood, corrupted)
        start = torch.randn((count * len(corrupted), *corrupted.shape[1:]), generator=generator)
        return walk_to(predict, start, SamplingOptions(steps=steps), bounded=False).view(count, *corrupted.shape)

    return sampler


def walk(problem: SamplingProblem, sigma: float, noise: float) -> SamplerFunction:
    """Annealed Langevin with the exact score, as `daecore.analysis.langevin`, its noise of another variance."""

    def sampler(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
        y = corrupted.repeat(count, *[1] * (corrupted.dim() - 1))
        x = y.clone()
        for level in (0.9, 0.7, 0.5, 0.3, 0.15):
            width, share, size = level * sigma, level**2, 0.1
            denoise = exact_denoiser(problem.originals, width)
            for _ in range(150):
                mean = torch.lerp(denoise(x), y, share)
                spread = (2 * size * width**2 * (1 - share) * noise) ** 0.5
                x = torch.lerp(x, mean, size) + spread * torch.randn(x.shape, generator=generator)
        return denoise(x).view(count, *corrupted.shape)

    return sampler


BROKEN: dict[str, Callable[[SamplingProblem], SamplerFunction]] = {
    "noise of half the variance": lambda problem: with_variance(problem, 0.5),
    "noise of twice the variance": lambda problem: with_variance(problem, 2),
    "twice the likelihood's variance": lambda problem: with_likelihood(problem, 2),
    "half the likelihood's variance": lambda problem: with_likelihood(problem, 0.5),
    "the mean in place of samples": mean_alone,
    "the most probable original alone": most_probable,
    "another picture's posterior": of_another,
    "the prior": from_the_prior,
    "a flow of one step": lambda problem: flow(problem, 1),
}


@pytest.mark.parametrize("name", ["noise", "block", "points"])
def test_an_exact_sampler_passes_in_a_hundred_seeds(name: str) -> None:
    """No false alarm: the tolerances are made for one in ten thousand licences."""
    problem = small(name)
    sampler, licence = exact_sampler(problem), Licence(problem)
    found = {seed: failed(licence.check(sampler, seed=seed)) for seed in range(100)}
    assert {seed: said for seed, said in found.items() if said} == {}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_broken_sampler_is_found(name: str) -> None:
    """In each problem, whatever is wrong."""
    licence = Licence(small(name))
    assert [kind for kind, make in BROKEN.items() if not failed(licence.check(make(licence.problem)))] == []


def test_the_walks_noise_of_half_the_variance_is_found() -> None:
    """The same walk with the right noise passes."""
    licence = Licence(sampling_problem("points", originals=100), pictures=256)
    assert failed(licence.check(walk(licence.problem, 0.3, 1.0))) == []
    assert failed(licence.check(walk(licence.problem, 0.3, 0.5))) != []


@pytest.mark.parametrize(("name", "enough", "few"), [("noise", 10, 2), ("block", 10, 2), ("points", 10, 3)])
def test_an_exact_flow_passes_with_enough_steps(name: str, enough: int, few: int) -> None:
    """What is left of an exact flow is the size of its steps, and too large ones are found."""
    licence = Licence(small(name))
    assert failed(licence.check(flow(licence.problem, enough))) == []
    assert failed(licence.check(flow(licence.problem, few))) != []


def test_what_is_known_of_a_question_is_right() -> None:
    """Mean and deviation are those of 4,000 exact draws; the weights are a distribution."""
    problem = small("block")
    asked = ask(problem, 20, seed=3)
    drawn = exact_sampler(problem)(asked.corrupted, 4000, torch.Generator().manual_seed(0))
    assert torch.allclose(asked.weights.sum(1), torch.ones(20).double(), atol=1e-5)
    assert (drawn.mean(0) - asked.mean).abs().max() < 0.04
    assert (drawn.std(0) - asked.std).abs().max() < 0.03


def test_what_fails_says_what_was_expected_and_where_to_look() -> None:
    problem = small("noise")
    said = " ".join(failed(check_sampler(mean_alone(problem), problem)))
    assert "a sample has twice the error of its own mean: Expected 2.000 within 0." in said
    assert "it was 1.125. Look at the variance of the noise in each step" in said


def broken_call(corrupted: Tensor, count: int, generator: Generator) -> Tensor:
    raise ValueError("no weights")


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (broken_call, r"it raised ValueError: no weights"),
        (lambda y, count, generator: y, r"Expected samples \(8, 32, 2\); \(32, 2\) came"),
        (lambda y, count, generator: y.expand(count, *y.shape) / 0, "NaN or infinity came"),
        (lambda y, count, generator: y + torch.rand(count, *y.shape), "two calls differed"),
    ],
)
def test_a_sampler_that_draws_nothing_is_a_finding(sampler: SamplerFunction, message: str) -> None:
    (found,) = check_sampler(sampler, small("points"), pictures=32)
    assert found.state == "failed"
    assert re.search(message, found.said), found.said


def test_an_unknown_problem_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no sampling problem 'blok'\. Did you mean 'block'"):
        sampling_problem("blok")
