"""One room per theorem: statement, prediction, measurement, check, negative controls."""

from theory._catalogue import FAMILIES as FAMILIES
from theory._catalogue import catalogue as catalogue
from theory._catalogue import choose as choose
from theory._catalogue import statistical_comparisons as statistical_comparisons
from theory._judge import SUITE_LEVEL as SUITE_LEVEL
from theory._judge import as_bracket as as_bracket
from theory._judge import judge as judge
from theory._room import Check as Check
from theory._room import Control as Control
from theory._room import Evidence as Evidence
from theory._room import Figure as Figure
from theory._room import Kind as Kind
from theory._room import Origin as Origin
from theory._room import Quantities as Quantities
from theory._room import Quantity as Quantity
from theory._room import Room as Room
from theory._room import Series as Series
from theory._room import Setting as Setting
from theory._room import Source as Source
from theory._room import Statement as Statement
from theory._room import Verdict as Verdict
from theory._thresholds import Threshold as Threshold
from theory._thresholds import collapse_threshold as collapse_threshold
from theory._thresholds import log_threshold_minus_one as log_threshold_minus_one
from theory._thresholds import log_thresholds_minus_one as log_thresholds_minus_one
from theory._thresholds import vanishing_threshold as vanishing_threshold
