"""What every test may use: a database of its own, the application on it, and browsers."""

from hypothesis import settings

# The profile is chosen with --hypothesis-profile. Tests that need another number multiply this one. For a search by
# hand, take "exhaustive".
settings.register_profile("thorough", deadline=None, max_examples=50)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.register_profile("exhaustive", deadline=None, max_examples=1000)
settings.load_profile("thorough")

pytest_plugins = ["tests.databases", "tests.web", "tests.demo"]
