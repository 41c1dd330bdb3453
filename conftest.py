"""The folders at the top are tested by their links in src/layerpeel: by both ways a module would be imported twice."""

collect_ignore = ["theory", "solvers", "numerics", "gpu_train"]
