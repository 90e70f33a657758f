"""What all verbs share: how an error is reported, how a command ends, and which verbs run in several processes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ntcir.system.errors import Interrupted, UserError, escaped
from ntcir.system.interruption import EXIT_CODE, SENTENCE, ignore_further, listening, was_interrupted
from ntcir.system.parallel import ranks
from ntcir.system.progress import say, told_by
from ntcir.system.streams import give_up, output_failure, prepare_streams, settle_streams

SHARED = frozenset(
    {"train", "run", "evaluate", "features", "images", "texts"}
)  # verbs that several processes run together


class Mistake(click.ClickException):
    """A user's mistake."""

    exit_code = EXIT_CODE

    def format_message(self) -> str:
        """Return the sentence as it is printed, with control characters from names and files escaped."""
        return escaped(self.message)


NO_MEMORY = "Out of memory: free some memory, or use smaller files or a smaller batch."
_TORCH_NO_MEMORY = ("DefaultCPUAllocator", "CUDA out of memory")  # the text of torch's RuntimeError


class Mistyped(click.UsageError):
    """Click's complaint about what was typed, which it repeats; escaped like a ``Mistake``."""

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(error.format_message(), error.ctx)

    def format_message(self) -> str:
        """Return the complaint as it is printed."""
        return escaped(self.message)


def mistake(error: UserError) -> click.exceptions.Exit | Mistake:
    """Return what ends this process; an error that all processes meet is reported by one."""
    sentence = told_by(error)
    return click.exceptions.Exit(Mistake.exit_code) if sentence is None else Mistake(sentence)


@contextmanager
def _interruption() -> Iterator[None]:
    """Turn Ctrl-C, and any exception that a library has turned it into, into one sentence.

    Raises:
        Interrupted: if the body was interrupted.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, Interrupted):
        ignore_further()
        raise
    except (KeyboardInterrupt, Exception) as error:
        if not (isinstance(error, KeyboardInterrupt) or was_interrupted()):
            raise
        ignore_further()
        raise Interrupted(SENTENCE) from error


class Verbs(click.Group):
    """Reports a user's mistake in one sentence, without a traceback, with exit code 2; Ctrl-C likewise."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the options in front of the verb."""
        try:
            with _interruption():
                return super().make_context(*arguments, **options)
        except Interrupted as error:
            raise mistake(error) from error
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise Mistyped(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            with _interruption():
                result = super().invoke(ctx)
                sys.stdout.flush()  # while a full disk can still be reported
                return result
        except UserError as error:
            raise mistake(error) from error
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            told_by(UserError(error.message))
            raise Mistyped(error) from error
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and not any(words in str(error) for words in _TORCH_NO_MEMORY):
                raise
            raise mistake(UserError(NO_MEMORY)) from error
        except OSError as error:
            if sentence := output_failure(error) or (NO_MEMORY if error.errno == errno.ENOMEM else None):
                raise mistake(UserError(sentence)) from error
            if isinstance(error, BrokenPipeError) or error.filename is None:
                raise
            raise mistake(UserError(f"{error.filename}: {(error.strerror or str(error)).lower()}.")) from error

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line, on streams that are ready for it."""
        prepare_streams()
        with listening():
            try:
                return super().main(*arguments, **options)
            except OSError as error:  # from --help, which is printed before a verb is run, or from reporting a mistake
                sentence = output_failure(error)
                if sentence is None:
                    raise
                say(f"Error: {sentence}")
                sys.exit(Mistake.exit_code)
            finally:
                if was_interrupted():  # do not wait for a reader to take what is still to be written
                    give_up(sys.stdout, 1)
                settle_streams()

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the verb; refuse one that several processes would only repeat."""
        found = super().resolve_command(ctx, args)
        if found[0] not in SHARED and ranks().count > 1:
            raise UserError(
                f"{found[0]} runs in one process, but torchrun started {ranks().count}: only train, run, evaluate, "
                "features images and features texts use several."
            )
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which they are used."""
        return list(self.commands)
