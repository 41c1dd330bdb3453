"""The checker that the tests put under numerics and solvers: shapes and types of every call, an int standing for a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
