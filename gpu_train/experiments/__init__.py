"""The experiments of the sources as lists of independent units of work: each unit leaves arrays, so a run can stop between any two.

One module for each experiment; what is here is found by name.
"""

# pyright: reportMissingImports=false

from collections.abc import Callable, Mapping
from types import MappingProxyType

from layerpeel.gpu_train.experiments.architectures import architecture_units
from layerpeel.gpu_train.experiments.depths import depth_units
from layerpeel.gpu_train.experiments.elasticity import ensemble_unit as ensemble_unit
from layerpeel.gpu_train.experiments.elasticity import geomnist_units, label_noise_units
from layerpeel.gpu_train.experiments.elasticity import shapes as shapes
from layerpeel.gpu_train.experiments.freezing import freezing_units
from layerpeel.gpu_train.experiments.images import imbalance_images as imbalance_images
from layerpeel.gpu_train.experiments.images import small_images as small_images
from layerpeel.gpu_train.experiments.imbalance import NETWORKS as NETWORKS
from layerpeel.gpu_train.experiments.imbalance import imbalance_unit as imbalance_unit
from layerpeel.gpu_train.experiments.imbalance import imbalance_units
from layerpeel.gpu_train.experiments.plan import FASHION_MNIST as FASHION_MNIST
from layerpeel.gpu_train.experiments.plan import PROFILES as PROFILES
from layerpeel.gpu_train.experiments.plan import Plan as Plan
from layerpeel.gpu_train.experiments.plan import Unit as Unit
from layerpeel.gpu_train.experiments.plan import one_thread as one_thread
from layerpeel.gpu_train.experiments.plan import threads as threads
from layerpeel.gpu_train.experiments.plan import use_threads as use_threads
from layerpeel.gpu_train.experiments.sentences import sentence_units
from layerpeel.gpu_train.experiments.separation import PANELS as PANELS
from layerpeel.gpu_train.experiments.separation import Variant as Variant
from layerpeel.gpu_train.experiments.separation import separation_unit as separation_unit
from layerpeel.gpu_train.experiments.separation import separation_units
from layerpeel.gpu_train.experiments.unconstrained import unconstrained_unit as unconstrained_unit
from layerpeel.gpu_train.experiments.unconstrained import unconstrained_units
from layerpeel.gpu_train.experiments.widths import width_units

EXPERIMENTS: Mapping[str, Callable[[Plan], list[Unit]]] = MappingProxyType(
    {
        "geomnist": geomnist_units,
        "label-noise": label_noise_units,
        "imbalance": imbalance_units,
        "unconstrained": unconstrained_units,
        "separation": separation_units,
        "widths": width_units,
        "depths": depth_units,
        "architectures": architecture_units,
        "freezing": freezing_units,
        "sentences": sentence_units,
    }
)
"""Legal names of experiments, and the units of each."""

OF_IMAGES = ("geomnist", "imbalance", "separation", "widths", "depths", "architectures", "freezing")
"""Those for which a folder with real images can be given."""

OF_SENTENCES = ("sentences",)
"""Those for which a folder with rated sentences can be given."""
