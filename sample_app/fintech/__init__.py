"""A small bank: accounts in integer cents, pages and an API, and the metrics to watch it by.

Importing this package costs nothing and needs nothing: the load generator (`fintech.load`) runs on machines that
have only the standard library. The application is made by `fintech.app.create_app`.
"""

__version__ = "0.1.0"
