"""Training options: how a network is trained, as a user says it. What each does is `daecore.training.loop`'s affair."""

from typing import Literal

from pydantic import Field

from daecore.plugin.options import Options
from daecore.training.schedule import Schedule


class TrainingOptions(Options):
    """How a network is trained."""

    epochs: int = Field(default=5, ge=1, le=10_000, description="passes over the training set")
    batch: int = Field(default=128, ge=1, le=65_536, description="samples a step")
    learning_rate: float = Field(default=2e-3, gt=0, le=10, description="AdamW's highest learning rate")
    weight_decay: float = Field(default=1e-4, ge=0, le=10, description="AdamW's decoupled weight decay")
    schedule: Schedule = Field(
        default="one_cycle", description="learning rate over the steps: warm-up and cosine, cosine alone, or constant"
    )
    layer_decay: float = Field(
        default=1, gt=0, le=1, description="the rate of each layer beside that of the next one; 1: all learn alike"
    )
    noise: Literal["fresh", "once"] = Field(
        default="fresh", description="a new corruption in each epoch, or one per sample for ever"
    )
    average: float = Field(default=0, ge=0, lt=1, description="decay of the weight average (EMA) a step; 0: none")
    patience: int = Field(default=0, ge=0, le=10_000, description="epochs without a better validation loss; 0: all run")
    precision: Literal["auto", "float32", "bf16"] = Field(default="auto", description="bf16 autocast or float32")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where the training runs")
    threads: int = Field(default=0, ge=0, le=1024, description="CPU threads; 0: as many as pay and are free")
    devices: int = Field(default=1, ge=1, le=1024, description="processes that share each batch: one a GPU, or on CPUs")
    compile: bool = Field(default=False, description="torch.compile the model; pays on a GPU and long runs")
