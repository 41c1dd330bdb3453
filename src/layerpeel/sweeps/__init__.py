"""Many of anything: sweeps over parameters, and the engine that rooms, points and training units run on."""
