"""Export to one graph, engines, and the frame loop that runs them."""
