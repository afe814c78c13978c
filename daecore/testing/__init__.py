"""The contract of extensions as code: what every plugin must keep, check by check, with figures.

In a plugin's own tests::

    from daecore.testing import contract

    @contract("corruption", "fog")
    def test_fog_keeps_the_contract(check):
        check()

Everywhere else `check_extension` gives the findings, and `dae plugins check fog` prints them. A study's own tests may
run it in a `SmallLaboratory`. What draws samples of p(original | corrupted) is held against the exact posterior by
`check_sampler`, and what says how far a restoration may be off by `check_moments` and `check_coverage`.
"""

from daecore.testing.contract import Finding, NotChecked, Subject, Violation
from daecore.testing.error_bars import check_coverage, check_moments
from daecore.testing.laboratory import SmallLaboratory
from daecore.testing.samplers import Licence, check_sampler
from daecore.testing.sampling_problem import SamplerFunction, SamplingProblem, exact_sampler, sampling_problem
from daecore.testing.series import check_findings
from daecore.testing.suite import check_extension, checks, contract

__all__ = [
    "Finding",
    "Licence",
    "NotChecked",
    "SamplerFunction",
    "SamplingProblem",
    "SmallLaboratory",
    "Subject",
    "Violation",
    "check_coverage",
    "check_extension",
    "check_findings",
    "check_moments",
    "check_sampler",
    "checks",
    "contract",
    "exact_sampler",
    "sampling_problem",
]
