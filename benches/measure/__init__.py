"""What is measured, a module a question; each runs in processes of its own, so that none warms another's."""
