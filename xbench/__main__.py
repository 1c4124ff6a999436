"""``python -m xbench``, which launchers such as torchrun start."""

from xbench.cli import main

if __name__ == "__main__":
    main(prog_name="xbench")
