"""Console sessions whose tracebacks count as output, as printed text does.

The copy button leaves output out. The lexer of Pygments colors the message of an
exception like code, so that it would be copied.
"""

from pygments.lexers.python import PythonConsoleLexer
from pygments.token import Generic


class ConsoleLexer(PythonConsoleLexer):
    """Pygments' lexer of console sessions, with tracebacks as output."""

    def __init__(self, **options):
        super().__init__(**{"stripnl": False, **options})

    def get_tokens_unprocessed(self, text):
        in_traceback = False
        for index, token, value in super().get_tokens_unprocessed(text):
            if token in (Generic.Traceback, Generic.Prompt):
                in_traceback = token is Generic.Traceback
            yield index, Generic.Output if in_traceback else token, value


def setup(app):
    app.add_lexer("pycon", ConsoleLexer)
    return {"parallel_read_safe": True}
