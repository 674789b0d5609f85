"""Statistics no analysis owns: how well a score tells events apart, what experiments on accounts say and could say.

Risks and events: `discrimination`, `encoding`, `models`, `proof`, `resampling`. Experiments: `accounts` (sums and
refusals), `effects` (the read-out), `permutation`, `contacts` (arms within accounts), `sample_ratio`, `multiplicity`,
`sequential`, `opens`. Before there are data: `power` (independent units), `design` (accounts).
"""
