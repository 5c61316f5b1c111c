"""The proof that a provisioned stack works: what is asked of the running programs, and how the answers are judged."""
