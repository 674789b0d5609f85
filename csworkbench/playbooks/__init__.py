"""The solution library: playbooks as files, and what a validation proposes to change in them."""
