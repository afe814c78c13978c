"""Patches: what is cut, what is left out, and what white means."""

import pytest
import torch
from daecore_plugins.datasets.patches import DULL, Patches, fingerprint, patches
from daecore_plugins.datasets.whitening import GRID, REGULARISATION, Whitening, centre

from daecore.rng import stream


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Patches of the photographs that scikit-image carries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAE_NATURAL", raising=False)
        yield patches(Patches(count=1000), cache=tmp_path_factory.mktemp("none"))


def test_white_patches_have_no_mean_and_unit_variance(photographs) -> None:
    """Over the training set, all pixels together; each patch by itself has lost its mean."""
    white = photographs.train.data
    assert white.shape[1:] == (144,)
    assert white.mean(0).abs().max() < 2 * GRID
    assert white.var(0, correction=0).mean().item() == pytest.approx(1, abs=1e-3)
    assert white.mean(1).abs().max() < 2 * GRID


def test_whitening_leaves_what_the_regularisation_says() -> None:
    """Variances l become c l / (l + r mean(l)) along the same directions: measured on a known covariance."""
    variances = torch.linspace(0.01, 2, 6, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn((6, 6), generator=stream(0, "turn"), dtype=torch.float64)).Q
    vectors = torch.randn((4000, 6), generator=stream(0, "vectors"), dtype=torch.float64)
    exact = (vectors - vectors.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(vectors.T, correction=0))).T
    white = Whitening.of(exact * variances.sqrt() @ turn.T)(exact * variances.sqrt() @ turn.T)
    expected = variances / (variances + REGULARISATION * variances.mean())
    left = torch.cov((white @ turn).T, correction=0)
    torch.testing.assert_close(left, torch.diag(expected / expected.mean()), atol=2e-3, rtol=0)


def test_whitening_does_not_depend_on_the_order_or_sign_of_directions() -> None:
    """It is symmetric, and a permutation of the pixels goes through it unchanged."""
    vectors = torch.rand((200, 5), generator=stream(0, "vectors"), dtype=torch.float64)
    matrix = Whitening.of(vectors).matrix
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(matrix, matrix.T)
    torch.testing.assert_close(Whitening.of(vectors[:, order]).matrix, matrix[order][:, order])


def test_centred_vectors_have_no_mean() -> None:
    vectors = torch.rand((7, 9), generator=stream(0, "vectors"))
    torch.testing.assert_close(centre(vectors).mean(1), torch.zeros(7))


def test_dull_patches_are_left_out(tmp_path, monkeypatch) -> None:
    """The sky teaches nothing: what remains varies by more than the limit, and something was left out."""
    monkeypatch.delenv("DAE_NATURAL", raising=False)
    plain = patches(Patches(count=1000, whiten="never"), cache=tmp_path).train.data
    assert plain.std(1, correction=0).min() >= DULL["natural"] - 1e-6
    assert 200 < len(plain) < 900
    assert plain.min() >= 0
    assert plain.max() <= 1


def test_validation_and_test_have_no_say_in_whitening(photographs) -> None:
    """Only the training set is exactly white."""
    for other in (photographs.validation, photographs.test[0]):
        assert other.data.mean(0).abs().max() > 0.01


def test_only_photographs_are_whitened_unless_asked() -> None:
    assert Patches().white
    assert not Patches(source="mnist").white
    assert Patches(source="mnist", whiten="always").white
    assert not Patches(whiten="never").white


def test_the_fingerprint_says_where_pictures_come_from(monkeypatch) -> None:
    monkeypatch.delenv("DAE_NATURAL", raising=False)
    assert "photographs that scikit-image carries" in fingerprint(Patches()).splitlines()[0]
    assert "mnist" in fingerprint(Patches(source="mnist"))
