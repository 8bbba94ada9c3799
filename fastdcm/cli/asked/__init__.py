"""What is asked of ``convert``: its options by heading, and the dataclasses that they become."""
