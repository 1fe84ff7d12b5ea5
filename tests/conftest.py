"""What every test may use: a database of its own, the application on it, and browsers."""

pytest_plugins = ["tests.databases", "tests.web", "tests.demo"]
