"""Faults in the mathematics, put into a scratch copy one at a time: which rooms notice?"""

from mutants._faults import ROOT as ROOT
from mutants._faults import Fault as Fault
from mutants._faults import read_faults as read_faults
