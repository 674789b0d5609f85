"""One module per analysis, each with the same surface: READS, NEEDS, Config, Inputs, prepare, analyze, Result."""
