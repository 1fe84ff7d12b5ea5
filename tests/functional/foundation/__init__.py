"""The foundation through its outside: HTTP, processes, real databases."""
