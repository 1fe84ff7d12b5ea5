"""The commands of `portfolio`, one file per group; cli.py puts them together."""
