"""Documentation that is generated from the roles, so that it cannot say anything else than they do."""
