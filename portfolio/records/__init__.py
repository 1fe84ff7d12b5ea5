"""The portfolio itself: chosen units, pinned framework version, state, coverage rows."""
