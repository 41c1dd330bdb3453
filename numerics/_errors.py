"""The one error that means: the input cannot be used, and this is what to do about it."""


class UnusableInput(ValueError):
    """Input that breaks a rule; its message names the value, the rule and the remedy in one sentence."""
