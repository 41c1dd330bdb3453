"""Which theorems hold? What rooms claim is run, judged and reported."""
