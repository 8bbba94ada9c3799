"""``python -m fastdcm``."""

from fastdcm.cli import main

main()
