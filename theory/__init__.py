"""One room per theorem: statement, prediction, measurement, check, negative controls."""

from typing import TYPE_CHECKING

from layerpeel.exports import on_demand

if TYPE_CHECKING:
    from layerpeel.theory._catalogue import catalogue as catalogue
    from layerpeel.theory._catalogue import choose as choose
    from layerpeel.theory._catalogue import statistical_comparisons as statistical_comparisons
    from layerpeel.theory._claims import Instances as Instances
    from layerpeel.theory._claims import Variant as Variant
    from layerpeel.theory._claims import claim as claim
    from layerpeel.theory._claims import instances as instances
    from layerpeel.theory._claims import printed as printed
    from layerpeel.theory._judge import SUITE_LEVEL as SUITE_LEVEL
    from layerpeel.theory._judge import as_bracket as as_bracket
    from layerpeel.theory._judge import judge as judge
    from layerpeel.theory._resolving import ResolvingPower as ResolvingPower
    from layerpeel.theory._resolving import resolution_used as resolution_used
    from layerpeel.theory._resolving import resolving_power as resolving_power
    from layerpeel.theory._room import Check as Check
    from layerpeel.theory._room import Claim as Claim
    from layerpeel.theory._room import Control as Control
    from layerpeel.theory._room import Evidence as Evidence
    from layerpeel.theory._room import Figure as Figure
    from layerpeel.theory._room import Grounds as Grounds
    from layerpeel.theory._room import Kind as Kind
    from layerpeel.theory._room import Origin as Origin
    from layerpeel.theory._room import Profile as Profile
    from layerpeel.theory._room import Quantities as Quantities
    from layerpeel.theory._room import Quantity as Quantity
    from layerpeel.theory._room import Room as Room
    from layerpeel.theory._room import Series as Series
    from layerpeel.theory._room import Setting as Setting
    from layerpeel.theory._room import Source as Source
    from layerpeel.theory._room import Statement as Statement
    from layerpeel.theory._room import Verdict as Verdict
    from layerpeel.theory._statements import FAMILIES as FAMILIES
    from layerpeel.theory._statements import Heading as Heading
    from layerpeel.theory._statements import headings as headings
else:
    __getattr__, __dir__ = on_demand(__name__)
