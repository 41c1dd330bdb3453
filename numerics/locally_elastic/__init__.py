"""What the locally elastic equations need: rates, mean flows, exact laws, and estimates from recorded means."""
