"""Does my network obey? Separation and collapse measured in trained features, and the trainings of the sources repeated."""

from layerpeel.networks.lightning_callback import collapse_callback as collapse_callback
from layerpeel.networks.measure import measure as measure
from layerpeel.networks.measure import measure_files as measure_files
from layerpeel.networks.measurement import Measurement as Measurement
from layerpeel.networks.measurement_series import MeasurementSeries as MeasurementSeries
from layerpeel.networks.tracked_collapse import TrackedCollapse as TrackedCollapse
from layerpeel.networks.tracker import CollapseTracker as CollapseTracker
from layerpeel.networks.train import train as train
from layerpeel.networks.training_run import TrainingRun as TrainingRun
