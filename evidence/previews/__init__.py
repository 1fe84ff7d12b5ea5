"""Looking at stored files: what they measure, and something to show of them. All parsing is in child processes."""
