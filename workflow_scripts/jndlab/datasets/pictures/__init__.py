"""Pictures to learn from: where they come from, which parts of them are taken, and their list."""
