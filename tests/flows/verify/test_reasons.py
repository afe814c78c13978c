"""Why a run came out otherwise: what differs between then and now is told, once, and nothing else."""

from types import SimpleNamespace
from typing import Any, cast

from daecore_flows.verify.kept import Kept
from daecore_flows.verify.reasons import find_reasons, no_reason

THEN = {
    "device": "cpu", "precision": "float32", "threads": "2", "code": "aa", "torch": "2.14.1", "python": "3.11.7",
    "cpu": "one", "instructions": "AVX512", "git": "1234567890abc", "daecore": "0.1.0",
}  # fmt: skip
STAGES = ("train_autoencoder", "evaluate_denoising")


def kept(computed: dict[str, dict[str, str]] | None = None, tags: dict[str, str] | None = None) -> Kept:
    """A run that says so much of how it was computed."""
    summary = SimpleNamespace(device="cpu", precision="float32", threads=2)
    report: dict[str, Any] = {"dataset": {"sha256": "data"}, "transfer": [], "computed": computed or {}}
    return Kept(
        run=cast(Any, SimpleNamespace(data=SimpleNamespace(tags=tags or {}))), report=report, evaluation="", scores={},
        experiment=cast(Any, SimpleNamespace(dataset=SimpleNamespace(name="digits"))),
        model=cast(Any, SimpleNamespace(summary=summary)), weights=None, networks={}, plugins=(),
    )  # fmt: skip


def reasons(now: dict[str, str], dataset: str = "data") -> tuple[str, ...]:
    return find_reasons(kept(dict.fromkeys(STAGES, THEN)), {name: {**THEN, **now} for name in STAGES}, dataset)


def test_where_nothing_differs_nothing_is_told() -> None:
    assert reasons({}) == ()
    assert reasons({"git": "another"}) == ()  # a commit that changed no stage's code


def test_each_difference_is_a_sentence_with_then_and_now() -> None:
    assert reasons({"threads": "1", "torch": "2.15.0", "instructions": "AVX2", "precision": "bf16"}) == (
        "precision: float32 then, bf16 now.",
        "threads: 2 then, 1 now.",
        "torch: 2.14.1 then, 2.15.0 now.",
        "the processor's instructions that torch uses: AVX512 then, AVX2 now.",
    )
    assert reasons({}, dataset="other") == ("The data of digits have changed: sha256 data then, other now.",)


def test_a_difference_of_one_stage_names_it() -> None:
    now = {"train_autoencoder": THEN, "evaluate_denoising": {**THEN, "threads": "4"}}
    found = find_reasons(kept(dict.fromkeys(STAGES, THEN)), now, "data")
    assert found == ("threads: 2 then, 4 now (evaluate_denoising).",)


def test_changed_code_names_its_stages_and_both_versions() -> None:
    found = reasons({"code": "bb", "daecore": "0.2.0"})
    assert found == (
        "The code of train_autoencoder and evaluate_denoising has changed: daecore 0.1.0 at 1234567890 then, 0.2.0 at "
        "1234567890 now.",
    )


def test_a_run_of_before_is_compared_by_its_tags_and_its_training() -> None:
    """The number of threads is that of its training; what it does not say is no difference."""
    old = kept(tags={"torch": "2.13.0", "python": "3.11.7", "daecore": "0.1.0", "git": "1234567890abc"})
    found = find_reasons(old, {"evaluate_denoising": {**THEN, "threads": "1"}}, "data")
    assert found == ("threads: 2 then, 1 now.", "torch: 2.13.0 then, 2.14.1 now.")
    one_thread = {name: value for name, value in THEN.items() if name != "precision"} | {"threads": "1"}
    assert find_reasons(old, {"measure_baselines": one_thread}, "data") == ("torch: 2.13.0 then, 2.14.1 now.",)


def test_a_difference_without_a_reason_is_called_one() -> None:
    """And a GPU is said to be one."""
    assert "What made the difference is not known" in no_reason(["cpu"])
    assert "GPU" not in no_reason(["cpu"])
    assert "On a GPU some operations add in an order that changes" in no_reason(["cpu", "cuda"])
