"""What every package needs: user errors, whole files, the hub offline."""
