"""Who may be contacted: consent, caps, quiet time and suppression, with a reason for each contact left out."""
