"""``python -m xbench``, which launchers such as torchrun start."""

from xbench.cli import main

main(prog_name="xbench")
