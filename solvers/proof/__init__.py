"""What a candidate proves about the optimum, whoever computed it: bounds in balls or in outward-rounded doubles, and distances."""
