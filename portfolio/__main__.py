"""The command `portfolio`, also as `python -m portfolio`."""

import gc

gc.disable()  # nothing of what is being imported is garbage; looking for some takes a quarter of the start

from portfolio.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
