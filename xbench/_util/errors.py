"""The one exception for mistakes and circumstances that a user can mend."""


class UserError(Exception):
    """A problem that the user can mend.

    The message names the file, option or field, what was found, what was expected and what to do.
    The command line prints it without a traceback and exits with code 2.
    """
