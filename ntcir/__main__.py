"""``python -m ntcir`` is the ``ntcir`` command."""

from ntcir.cli import main

if __name__ == "__main__":
    main()
