"""What every test may use: a database of its own, the application on it, and browsers."""

from hypothesis import settings

# The profile is chosen with --hypothesis-profile. Tests that need another number multiply this one.
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.register_profile("quick", deadline=None, max_examples=15)
settings.load_profile("thorough")

pytest_plugins = ["tests.databases", "tests.web", "tests.demo"]
