"""``python -m trassa``: the command without its script."""

from trassa.cli.main import main

if __name__ == "__main__":
    main()
