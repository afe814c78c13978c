"""Label efficiency: what stands behind the numbers of the study `transfer`, in sentences for its page.

Knows how that study is made. Does not measure.
"""

# How the numbers came about, and how far they go; a test holds what is said of the study beside its constants.
BEHIND = (
    "For each way to come by a classifier and each number of labels, validation chose the learning rate: every "
    "third of 5,000 labelled pictures that nothing was trained on. It chose with a draw of labels that is not "
    "scored (with all labels, with other random numbers) and with the first training of each encoder. It also "
    "chose which weights of a training to keep, at up to five checks, and in each draw the number of votes of the "
    "nearest codes (knn). 'scratch' is fine-tuned from first weights, 'random' is a linear layer on an encoder "
    "that keeps its first weights; both have new ones in each draw.",
    "There are 10 trainings of the denoising and of the control, which draws take in turns. Two "
    "draws that share a training are not independent, so that their mean is one value: with 10 and 100 labels a "
    "value is one draw, with 1,000 it is two, and there are 10 of them. With all labels there are three, "
    "too few for a claim. Of l2 and of the stack there is one training: what is said beside l2 is said of that "
    "one, and not of weight decay. Intervals hold the luck of draws and of trainings, but not that of the 10,000 "
    "test pictures on which all are evaluated: 0.2 points are 20 of them.",
    "The intervals of one number of labels share draws and the denoising classifiers, and the labels of a smaller "
    "number are among those of a larger one: they agree more than independent ones would. Where there is no "
    "difference, one interval in twenty leaves out zero all the same, and one that barely does says little.",
    "The denoising encoder undoes a square of 16 pixels. Of five corruptions it had the lowest mean error with "
    "1,000 labels, on 12,000 training pictures, of which few had been among the labelled. That it leads other "
    "squares is no claim. That squares teach well was known from test errors of an earlier form of this study, "
    "which had one of 12 pixels: it led the control by 0.26 points with one training of each, and by "
    "0.14 [-0.08, 0.36] with five.",
    "This is the second look at a square of 16 pixels, made because the first was undecided: with five other "
    "trainings and ten other draws it found 0.203 points [-0.001, 0.407] fewer errors than the control "
    "with 1,000 labels, and claimed no difference between these two. None of its values is counted here, and how "
    "many trainings and draws there are was settled before a new one was seen. But the test pictures are the "
    "same, and who looks twice finds a difference that is not there about once in ten.",
    "The stack is another architecture, of dense layers, fine-tuned for fewer steps than in its own study: it is "
    "shown, and not compared.",
)
