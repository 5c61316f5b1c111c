"""The whole stack on lab hosts of its own, used as the documentation says."""
