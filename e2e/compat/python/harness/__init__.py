"""What every scenario needs: an engine, workers, and a way to wait for what they do."""
