"""The one exception a user meets: a sentence that says what was wrong and what to do."""

__all__ = ["TemporalCleanError"]


class TemporalCleanError(Exception):
    """Bad input, a missing part or an impossible request, told in one sentence.

    The command line prints the text after ``error:`` and exits with status 2; library callers
    catch this class alone.
    """
