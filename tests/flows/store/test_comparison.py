"""Comparing runs: what is paired, what may be claimed, what differs, and what is refused."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from daecore_flows.cli import main
from daecore_flows.cli.comparison_summary import print_comparison
from daecore_flows.store import tracking
from daecore_flows.store.comparison.candidates import Candidate, read_candidates
from daecore_flows.store.comparison.pairing import compare
from daecore_flows.store.lookup import EXPERIMENT, experiment_of, find_run
from daecore_flows.store.store import Store

from daecore.data.arrays import save_arrays
from daecore.errors import InputError, StoreError
from daecore.html.comparison import comparison_page
from daecore.stats.intervals import Interval

NOISE = np.random.default_rng(0).normal(size=400)


def images(run_id: str, above: float = 0.0, seed: int = 0, **changes: Any) -> Candidate:
    """A run whose PSNR is by so much above 20 dB, with the same luck on each image, and a little of its own."""
    psnr = 20 + NOISE + above + np.random.default_rng(seed + 1).normal(size=400) * 0.1
    scores = {"psnr_db": psnr, "ssim": psnr / 40, "mse": 10 ** (-psnr / 10)}
    experiment = {"seed": seed, "corruptions": [{"erasure": {"p": 0.5}}], "training": {"epochs": 1}}
    given = {"evaluation": "same", "experiment": experiment, "dataset": "digits", **changes}
    return Candidate(run_id=run_id, name="digits", scores=scores, **given)


def test_a_difference_is_paired_over_images_and_claimed_where_its_interval_leaves_out_zero() -> None:
    """0.5 dB on images that differ by 1 dB among themselves: found, for each image is its own control."""
    value = compare([images("a"), images("b", 0.5)])
    psnr, ssim = value.differences
    assert (psnr.measure.column, ssim.measure.column) == ("psnr_db", "ssim")
    assert psnr.difference.mean == pytest.approx(0.5, abs=0.03)
    assert psnr.difference.high - psnr.difference.low < 0.05  # unpaired it would be 0.28
    assert (psnr.claim, psnr.difference.n) == ("better", 400)
    assert compare([images("b", 0.5), images("a")]).differences[0].claim == "worse"
    assert "nothing about luck in training" in value.notes[0]


def test_runs_that_do_not_differ_claim_nothing() -> None:
    """Neither one run's twin, nor one that differs by luck alone."""
    assert compare([images("a"), images("b")]).differences[0].claim == "no difference is claimed"
    lucky = images("c", 0.0, seed=3)
    lucky.scores["psnr_db"][:] += images("a").scores["psnr_db"].mean() - lucky.scores["psnr_db"].mean()
    assert compare([images("a"), lucky]).differences[0].claim == "no difference is claimed"


def test_the_interval_is_the_same_each_time() -> None:
    """Its stream is named by the pair."""
    assert compare([images("a"), images("b", 0.1)]) == compare([images("a"), images("b", 0.1)])


def test_of_points_the_squared_error_is_compared_and_less_is_better() -> None:
    scores = {"mse": np.full(50, 0.2) + NOISE[:50] * 0.01}
    fewer = {"mse": scores["mse"] - 0.05}
    points = [Candidate(name, name, "same", one, {}) for name, one in (("a", scores), ("b", fewer))]
    value = compare(points)
    (difference,) = value.differences
    assert (difference.measure.column, difference.claim) == ("mse", "better")
    assert difference.difference.mean == pytest.approx(-0.05)
    assert "Less is better" in value.notes[1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataset": "mnist"}, "evaluated on other data: not paired"),
        ({"dataset": "mnist", "experiment": {}}, "evaluated on other data and another corruption: not paired"),
        ({"dataset": ""}, "evaluated on other data: not paired"),
    ],
)
def test_runs_evaluated_on_other_images_are_not_paired(changes: dict[str, Any], reason: str) -> None:
    """It is said what differs; the means are shown all the same, and the others are still paired."""
    value = compare([images("a"), images("b", evaluation="other", **changes), images("c", 1)])
    assert reason in value.runs[1].unpaired
    assert value.runs[1].means["psnr_db"] == pytest.approx(20, abs=0.2)
    assert {item.other for item in value.differences} == {"c"}


def at_strength(p: float, run_id: str = "", above: float = 0.0, seed: int = 0, **changes: Any) -> Candidate:
    """A run that undoes so much erasure of the same images, on noise of its own."""
    experiment = {"seed": seed, "corruptions": [{"erasure": {"p": p}}], "training": {"epochs": 1}, **changes}
    made = images(run_id or f"p{p}", above, seed, evaluation=f"pairs {p}", experiment=experiment)
    gain = Interval(mean=1 + above, low=above, high=2 + above, n=400)
    return replace(made, gain=gain, scores={**made.scores, "corrupted_db": made.scores["psnr_db"] - 5})


def test_runs_on_the_same_images_under_different_noise_are_paired_by_image_and_labelled_so() -> None:
    """Tasks differ, so one number is higher, and no network better; of the same task under another draw one is."""
    value = compare([at_strength(0.5), at_strength(0.7, above=-1.0)])
    psnr = value.differences[0]
    assert (psnr.other_noise, psnr.claim, value.runs[1].other_noise, value.runs[1].unpaired) == (
        True,
        "lower",
        True,
        "",
    )
    assert psnr.difference.mean == pytest.approx(-1, abs=0.03)
    assert psnr.difference.high - psnr.difference.low < 0.05  # each image is its own control: unpaired it would be 0.28
    assert any("different tasks" in note for note in value.notes)
    again = compare([at_strength(0.5), replace(at_strength(0.5, "again", above=1.0), evaluation="drawn anew")])
    assert (again.differences[0].other_noise, again.differences[0].claim) == (True, "better")
    assert not any("different tasks" in note for note in again.notes)


def test_the_same_data_with_another_number_of_test_samples_is_not_paired() -> None:
    short = at_strength(0.7)
    short = replace(short, scores={name: values[:300] for name, values in short.scores.items()})
    value = compare([at_strength(0.5), short])
    assert value.differences == ()
    assert value.runs[1].unpaired == "evaluated on another corruption and another number of test samples: not paired"


def test_runs_that_differ_only_in_the_strength_make_one_curve() -> None:
    """Ascending, with intervals over samples, or over seeds where a strength has several."""
    seeds = [at_strength(0.7, f"seed{seed}", seed=seed) for seed in range(2)]
    longer = at_strength(0.6, training={"epochs": 2})
    (curve,) = compare([at_strength(0.5, above=1.0), *seeds, at_strength(0.3, above=2.0), longer]).curves
    assert (curve.option, curve.unit) == ("erasure.p", "dB")
    assert [(point.strength, point.over, point.runs) for point in curve.points] == [
        (0.3, "test samples", ("p0.3",)), (0.5, "test samples", ("p0.5",)), (0.7, "seeds", ("seed0", "seed1")),
    ]  # fmt: skip
    first, _, last = curve.points
    assert first.values["restored"].mean == pytest.approx(22, abs=0.2)
    assert first.values["corrupted"].mean == pytest.approx(17, abs=0.2)
    assert (first.values["gain"].mean, first.values["gain"].n) == (3, 400)
    assert (last.values["restored"].n, last.values["gain"].n, last.values["corrupted"].n) == (2, 2, 400)


def test_a_chain_in_which_two_strengths_differ_makes_no_curve() -> None:
    """Nor do a corruption that is not installed, and one strength alone."""
    chains = [
        at_strength(0.5, str(p), corruptions=[{"erasure": {"p": p}}, {"gaussian_noise": {"sigma": p}}])
        for p in (0.1, 0.2)
    ]
    gone = [at_strength(0.5, f"gone{p}", corruptions=[{"gone": {"p": p}}]) for p in (0.1, 0.2)]
    assert compare([*chains, *gone, at_strength(0.5)]).curves == ()


def test_a_run_is_told_from_the_others_by_the_options_in_which_it_differs() -> None:
    """Of a plugin's options that no other run can have, only the plugin's name."""
    noise = at_strength(0, "noise", corruptions=[{"gaussian_noise": {"sigma": 0.1, "clip": False}}])
    value = compare([at_strength(0.5), at_strength(0.7, training={"epochs": 3}), noise])
    assert [run.apart for run in value.runs] == [
        "erasure.p=0.5, training.epochs=1", "erasure.p=0.7, training.epochs=3",
        "gaussian_noise, training.epochs=1",
    ]  # fmt: skip
    assert {run.apart for run in compare([images("a"), images("b")]).runs} == {""}


def test_runs_that_differ_only_in_their_seed_are_taken_together() -> None:
    """Means over seeds with Student's interval; groups are paired over the seeds both have."""
    more = {"seed": 0, "corruptions": [{"erasure": {"p": 0.5}}], "training": {"epochs": 2}}
    first = [images(f"a{seed}", seed=seed) for seed in range(3)]
    second = [images(f"b{seed}", 0.5, seed, experiment={**more, "seed": seed}) for seed in (1, 2, 3)]
    value = compare([*first, *second])
    assert [(group.runs[0], group.seeds) for group in value.groups] == [("a0", (0, 1, 2)), ("b1", (1, 2, 3))]
    assert value.groups[0].means["psnr_db"].n == 3
    psnr = value.group_differences[0]
    assert (psnr.seeds, psnr.difference.n, psnr.claim) == ((1, 2), 2, "no difference is claimed")
    assert psnr.difference.mean == pytest.approx(0.5, abs=1e-6)  # both have the same luck with each seed
    assert any("2 common seeds are few" in note for note in value.notes)


def test_a_seed_given_twice_counts_once() -> None:
    """Two runs of one experiment and seed are no second draw of luck."""
    value = compare([images("a"), images("b")])
    assert value.groups == ()
    assert any("repeat an experiment and seed" in note for note in value.notes)


def test_settings_that_differ_are_listed_and_no_others() -> None:
    """Options of the experiment, and what each run was made by."""
    other = {"seed": 0, "corruptions": [{"erasure": {"p": 0.2}}], "training": {"epochs": 1}}
    value = compare(
        [
            images("a", facts={"git": "123", "device": "cpu"}),
            images("b", experiment=other, facts={"git": "456", "device": "cpu"}),
        ]
    )
    assert value.settings == {
        "corruptions.0.erasure.p": {"a": "0.5", "b": "0.2"},
        "git": {"a": "123", "b": "456"},
    }


def test_one_run_cannot_be_compared() -> None:
    """The message tells why the others are missing."""
    with pytest.raises(InputError, match=r"needs two different runs with a report, and got 1\. b: it failed"):
        compare([images("a")], {"b": "it failed"})


def test_the_page_is_one_file_with_everything_in_it() -> None:
    """Claims, tables, pictures; names are escaped."""
    odd = Candidate("b" * 32, "<b>", "same", images("b", 1).scores, images("b").experiment)
    value = compare([images("a" * 32), odd, images("c" * 32, seed=1)], {"d" * 32: "It failed."})
    html = comparison_page(value.model_dump(mode="json"), {"a" * 32: b"png"}, {"b" * 32: b"png"})
    for text in (
        "aaaaaaaa seed=0", "better", "no difference is claimed", "data:image/png;base64,cG5n", "&lt;b&gt;",
        "It failed.", "luck in training", "Student",
    ):  # fmt: skip
        assert text in html
    assert "<b>" not in html
    assert "http" not in html


def test_the_terminal_shows_the_same(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Means, differences with intervals, groups, what differs, who is left out."""
    monkeypatch.setenv("COLUMNS", "160")
    more = {"seed": 0, "corruptions": [], "training": {"epochs": 2}}
    runs = [
        *(images(f"a{seed}", seed=seed) for seed in range(2)),
        *(images(f"b{seed}", 0.5, seed, experiment={**more, "seed": seed}) for seed in range(2)),
        images("other", evaluation="other", dataset="mnist"),
    ]
    print_comparison(compare(runs, {"gone": "It failed."}).model_dump(mode="json"))
    said = capsys.readouterr().out
    for text in (
        "PSNR / dB", "better", "no difference is claimed", "a0 with seeds 0, 1", "training.epochs", "[+0.",
        "other and a0: evaluated on other data: not paired.", "gone is left out. It failed.", "luck in training",
    ):  # fmt: skip
        assert text in said


def sweep() -> list[Candidate]:
    """Eight runs as a sweep leaves them, with full ids, long names, and plugins named by their digests."""
    facts = {"git": "0123456789abcdef" * 2, "plugin corruption erasure": f"daecore 0.1.0 sha256:{'ab' * 32}"}
    others = {"git": "fedcba9876543210" * 2, "plugin corruption erasure": f"daecore 0.1.0 sha256:{'cd' * 32}"}
    return [
        replace(
            at_strength(number / 10, f"{number}" * 32, above=-number), facts=others if number % 2 else facts,
            name=f"digits erasure(p={number / 10}) -> gaussian_noise(sigma=0.05) conv-16",
        )
        for number in range(1, 9)
    ]  # fmt: skip


def test_in_80_columns_every_row_can_be_told_from_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What differs is written out, nothing is cut, and no table is wider."""
    monkeypatch.setenv("COLUMNS", "80")
    print_comparison(compare(sweep()).model_dump(mode="json"))
    said = capsys.readouterr().out
    assert "…" not in said
    tables = said.split("What differs")[0]
    assert max(map(len, tables.splitlines())) <= 80
    for number in range(1, 9):
        assert re.search(rf"{str(number) * 8}\s+erasure\.p=0\.{number}\s", said)
    assert "Run minus 11111111, paired by image, under different noise" in said
    assert "Over erasure.p, in dB" in said


@pytest.mark.long
@pytest.mark.e2e
def test_at_1280_pixels_the_page_shows_every_run_s_column(page: Any, tmp_path: Path) -> None:
    """No table is wider than its place; hashes are short, and the curve is there."""
    value = compare(sweep())
    file = tmp_path / "page.html"
    file.write_text(comparison_page(value.model_dump(mode="json"), {}, {}, [b"png"]))
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(file.as_uri())
    widths = page.evaluate("[...document.querySelectorAll('.scroll')].map(it => [it.scrollWidth, it.clientWidth])")
    assert len(widths) >= 4
    assert all(inside <= outside for inside, outside in widths), widths
    assert "ab" * 32 not in page.content()
    assert page.get_by_text("Over erasure.p").count()


@pytest.fixture
def written(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with MLflow runs made by hand: two finished ones, one that failed, one whose scores are damaged."""
    for name in Store(tmp_path, tmp_path).environment():
        monkeypatch.setenv(name, "")
    store = Store(tmp_path / "store", tmp_path)
    store.enter()
    monkeypatch.setenv("DAE_STORE", str(store.root))
    monkeypatch.setenv("COLUMNS", "160")
    shutil.copy(empty_database, store.database)
    tracking.prepare(store)
    folder = tracking.experiment_id("digits", store)
    for name in ("one", "two", "damaged", "failed"):
        run = tracking.start(folder, name, {"stage": "denoise", "git": f"commit of {name}"}, {})
        if name != "failed":
            _write(tracking.artifact_folder(run), images(name, 0.3 * (name == "two")))
        if name == "damaged":
            (tracking.artifact_folder(run) / "per_image.npz").write_bytes(b"PK damaged")
        tracking.finish(run, "FAILED" if name == "failed" else "FINISHED")
    return store


def _write(folder: Path, run: Candidate) -> None:
    training = {"seconds": 1.5, "device": "cpu", "precision": "float32", "threads": 1}
    report = {
        "experiment": run.experiment, "dataset": {"sha256": run.dataset}, "training": training, "plugins": {"p": "x"},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report))
    save_arrays(folder / "per_image.npz", {"digest": np.array(run.evaluation), **run.scores})


def test_runs_are_read_from_their_artifacts(written: Store) -> None:
    """Each once; one without a report and one with damaged scores are left out, with the reason."""
    candidates, left_out = read_candidates(["one", "two", "one", "failed", "damaged"])
    assert [one.name for one in candidates] == ["one", "two"]
    assert candidates[0].facts["git"] == "commit of one"
    assert candidates[0].facts["device"] == "cpu"
    failed, damaged = left_out.values()
    assert "is FAILED and has no report" in failed
    assert "cannot be read" in damaged
    with pytest.raises(InputError, match="There is no run 'three'"):
        read_candidates(["one", "three"])


def test_a_sweep_stands_for_its_runs(written: Store) -> None:
    """In the order in which they began, each once; what failed is left out, with the reason."""
    folder = tracking.experiment_id("digits", written)
    parent = tracking.start(folder, "the sweep", {"stage": "sweep"}, {})
    for name, p in (("low", 0.1), ("high", 0.9)):
        run = tracking.start(folder, name, {"stage": "denoise"}, {}, parent)
        _write(tracking.artifact_folder(run), at_strength(p))
    tracking.start(folder, "trial", {"stage": "denoise"}, {}, parent)
    candidates, left_out = read_candidates(["the sweep", "one"])
    assert [one.name for one in candidates] == ["low", "high", "one"]
    assert "has no report" in str(left_out)


def test_the_command_prints_and_writes(written: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The page lies in the store, named by its runs, or where --html says; --json has the value."""
    assert main(["compare", "one", "two", "failed", "--json", str(tmp_path / "value.json")]) == 0
    said = capsys.readouterr().out
    page = Path(said.split("page  ")[1].strip())
    assert page.parent == written.root / "comparisons"
    assert "commit of two" in page.read_text()
    value = json.loads((tmp_path / "value.json").read_text())
    assert value["differences"][0]["claim"] == "better"
    assert "is left out" in said
    assert main(["compare", "one", "two", "--html", str(tmp_path / "own.html")]) == 0
    assert "data:image/png" in (tmp_path / "own.html").read_text()


def test_too_few_runs_are_refused(written: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit status 2, and nothing is written."""
    for runs in (["one"], ["one", "one"], ["one", "failed"]):
        assert main(["compare", *runs, "--html", str(tmp_path / "own.html")]) == 2
        assert "needs two different runs with a report" in capsys.readouterr().err
    assert not (tmp_path / "own.html").exists()


def test_a_store_that_is_missing_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "nowhere"))
    assert main(["compare", "a", "b"]) == 2
    assert "There is no store in" in capsys.readouterr().err


def test_a_report_of_another_kind_is_left_out(written: Store) -> None:
    """It is told what is missing."""
    from daecore_flows.store import lookup
    from daecore_flows.store.comparison import candidates

    run = lookup.find_run("one")
    (tracking.artifact_folder(run.info.run_id) / "report.json").write_text("{}")
    with pytest.raises(StoreError, match="not a report that daecore wrote"):
        candidates._candidate(run)


@pytest.mark.long
def test_three_real_runs_are_compared_and_one_restores_pictures(
    tmp_path: Path, dae: Any, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seeds and another length of training; their panels are in the page, and a picture comes back."""
    store, ids = tmp_path / "store", []
    monkeypatch.setenv("PREFECT_API_URL", server)
    for changes in (["seed=0"], ["seed=1"], ["seed=0", "training.epochs=3"]):
        options = [word for change in ["transfer=null", "training.epochs=1", *changes] for word in ("--set", change)]
        dae(store, "run", "digits-erasure", *options, "--report", tmp_path / "report.json")
        ids.append(json.loads((tmp_path / "report.json").read_text())["mlflow"]["run_id"])
    dae(store, "compare", *ids, "--html", tmp_path / "page.html", "--json", tmp_path / "value.json")
    value = json.loads((tmp_path / "value.json").read_text())
    assert len({run["evaluation"] for run in value["runs"]}) == 1
    assert [group["seeds"] for group in value["groups"]] == [[0, 1], [0]]
    assert value["settings"]["training.epochs"][ids[2]] == "3"
    assert (tmp_path / "page.html").read_text().count("data:image/png") == 5  # three panels, two histograms
    from PIL import Image

    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "in.png")
    for model in (ids[0][:12], "models:/digits-erasure-0.5@newest"):
        assert "30x20" in dae(store, "restore", model, tmp_path / "in.png", tmp_path / "out.png", "--force").stdout


def test_a_report_of_other_things_is_left_out_with_the_reason(written: Store) -> None:
    """In a sentence, whatever stands in it; the other runs are read. So it is with the experiment of a run."""
    run = find_run("two")
    folder = tracking.artifact_folder(run.info.run_id)
    for text in ("[]", "5", "{", "[" * 100_000, '{"training": 5}'):
        (folder / "report.json").write_text(text)
        candidates, left_out = read_candidates(["one", "two"])
        assert [one.name for one in candidates] == ["one"]
        (reason,) = left_out.values()
        assert "report.json is not a report that daecore wrote" in reason
        (folder / EXPERIMENT).write_text(text.replace('{"training": 5}', '"digits"'))
        with pytest.raises(StoreError, match="is no experiment that daecore wrote"):
            experiment_of(run)
