"""Glossary: what the words of a report mean, in a sentence each, to stand where the word stands.

Knows names. Computes nothing.
"""

BASELINES = {
    "identity": "the corrupted picture as it is, enlarged bilinearly where it is smaller",
    "bilinear": "shrunk and enlarged again by bilinear interpolation",
    "median": "the median of a square of pixels",
    "gaussian": "a Gaussian blur",
    "wavelet": "small wavelet coefficients taken away (BayesShrink)",
    "tv": "total-variation denoising (Chambolle)",
    "nlm": "non-local means: similar patches averaged",
    "mean_image": "the mean of the training pictures, whatever the input",
    "linear": "the best linear map, fitted on the training set",
    "local_posterior": "training pictures averaged pixel by pixel, those that explain a window around it weighing most",
}
CLASSIFIERS = {
    "scratch": "first weights at random; all layers are trained with the labels",
    "random": "an encoder that stays at its random first weights; a linear layer on its code is trained",
    "autoencoder": "first weights from an autoencoder trained without corruption; then all layers are trained",
    "knn": "the nearest codes of the denoising encoder vote; nothing is trained",
    "probe": "the denoising encoder stays as it is; a linear layer on its code is trained",
    "finetune": "first weights from the denoising encoder; then all layers are trained",
}
RESTORED = "the network's own output"
CORRUPTED = "what the network was given"

DECIBEL = (
    "PSNR, in dB, says how near a picture is to the clean one: -10 log10 of the mean squared error, for pixels from 0 "
    "to 1. 3 dB more is half of the squared error. A gain is a difference in PSNR, picture by picture."
)
SQUARED_ERROR = "Squared error: the mean squared distance from the clean point, per coordinate. Less is better."
INTERVAL = (
    "In brackets the 95 % interval: how far the mean moves when the test samples are drawn again (bootstrap). One that "
    "holds zero shows no difference. It knows nothing of the luck of one training; that takes several seeds."
)
BASELINE = (
    "A baseline needs no network. Where it has a strength, that was chosen on the validation set. The best one is what "
    "a network has to beat."
)
STRUCTURE = "SSIM is structural similarity, 1 for equal pictures. Pooled PSNR is that of all pictures' mean error."
TRANSFER = (
    "A classifier is an encoder with one linear layer on its code. All are trained on the same few labelled pictures, "
    "for as many steps; a draw is one choice of those pictures. Errors are in percent of the test set, as the mean "
    "over draws with its 95 % interval (Student's t)."
)
PAIRED = (
    "How many percentage points fewer errors fine-tuning from the denoising encoder makes than each other row, "
    "compared draw by draw. Pairs share their labels: a difference can be sure where the errors' own intervals "
    "overlap. One whose interval holds zero is not."
)
