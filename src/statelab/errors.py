"""The one error that a command turns into a single line and exit code 2."""


class UserError(ValueError):
    """A mistake that the user can mend: it names the place, the rule and the value."""
