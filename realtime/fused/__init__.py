"""The step between its networks as loops over rows, compiled for the processor at hand."""
