"""What every package needs: errors that users can fix, files written whole or not at all."""
