"""``python -m ntcir`` is the ``ntcir`` command."""


def main() -> None:
    """Run the command line; Ctrl-C is one sentence from the first import on."""
    import sys

    try:
        from ntcir.system.interruption import until_the_end

        with until_the_end():
            from ntcir.cli import main as verbs

            verbs()
    except KeyboardInterrupt:  # before anything was imported
        sys.stderr.write("Error: Interrupted.\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
