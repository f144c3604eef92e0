"""`python -m mask2face` is the command line."""

from mask2face.cli import main

if __name__ == "__main__":
    main()
