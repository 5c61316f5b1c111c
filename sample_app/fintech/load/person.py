"""One customer of the service, over its API and its start page."""

from __future__ import annotations

import secrets
import threading
import uuid

from fintech.load.ledger import Booking, ExpectedBalances
from fintech.load.login import Login
from fintech.load.plan import Step
from fintech.load.profiles import Operation
from fintech.load.site import Answer, Site

_OPENING_CENTS = 1_000_00
_MORE_THAN_ANYBODY_HAS = 9_999_999_999_99
_NO_TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2JvZHkifQ.not-signed-by-anybody"  # noqa: S105 - none


class Person:
    """Somebody with two accounts. Several threads may let the same person act.

    Args:
        site: Where they bank.
        name: Their name; made anew for each run, with a password nobody knows.
        balances: Told each booking that was confirmed.
    """

    def __init__(self, site: Site, name: str, balances: ExpectedBalances) -> None:
        self.name = name
        self.accounts: list[str] = []
        self._site = site
        self._balances = balances
        self._credentials = {"username": name, "password": secrets.token_urlsafe(18)}
        self._login = Login(site, self._credentials)
        self._lock = threading.Lock()
        self._known = False
        self._opened: tuple[str, str] | None = None  # an account without its opening deposit, and that one's key
        self._sign_ups = 0

    def arrive(self) -> Answer:
        """Register, log in, open two accounts and fill them; returns the first answer that was not as hoped, or 200.

        May be called again after a failure and goes on where it stopped.
        """
        if not self._known:
            registered = self._site.ask("POST", "/api/v1/users", self._credentials)
            if registered.status not in (201, 409):  # 409: registered by the attempt before
                return registered
            logged_in = self._login.begin()
            if logged_in.status != 201:
                return logged_in
            self._known = True
        while len(self.accounts) < 2:
            if self._opened is None:
                opened = self._ask("POST", "/api/v1/accounts", {"name": "Everyday"})
                if opened.status != 201 or not opened.body:
                    return opened
                self._opened = (str(opened.body["number"]), str(uuid.uuid4()))
            number, key = self._opened
            filled = self.books(Booking.deposit(number, _OPENING_CENTS), key)
            if filled.status != 201:
                return filled
            self._opened = None
            self.accounts.append(number)
        return Answer(200)

    def wants_to_book(self, step: Step, other: Person) -> Booking | None:
        """Return the booking that a step is, or None when it is none; `other` may get the money of a transfer."""
        everyday, savings = self.accounts if step.cents % 2 else reversed(self.accounts)
        match step.operation:
            case Operation.DEPOSIT:
                return Booking.deposit(everyday, step.cents)
            case Operation.WITHDRAW:
                return Booking.withdrawal(everyday, step.cents)
            case Operation.OVERDRAW:
                return Booking.withdrawal(everyday, _MORE_THAN_ANYBODY_HAS)
            case Operation.TRANSFER:
                return Booking.transfer(everyday, savings if other is self else other.accounts[0], step.cents)
        return None

    def books(self, booking: Booking, key: str) -> Answer:
        """Send a booking; the same key may be sent again until its outcome is known, and is booked once."""
        answer = self._ask("POST", booking.path, booking.fields, key=key)
        if answer.status == 201:
            self._balances.note(booking)
        return answer

    def does(self, step: Step) -> Answer:
        """Carry out a step that books nothing."""
        match step.operation:
            case Operation.HOME:
                return self._site.ask("GET", "/")
            case Operation.ENTRIES:
                return self._ask("GET", f"/api/v1/accounts/{self.accounts[step.cents % 2]}/entries?limit=20")
            case Operation.WRONG_PASSWORD:
                return self._site.ask("POST", "/api/v1/tokens", {"username": self.name, "password": "let me guess it"})
            case Operation.STALE_TOKEN:
                return self._site.ask("GET", "/api/v1/accounts", token=_NO_TOKEN)
            case Operation.REPLAYED_REFRESH:
                return self._replays_a_refresh()
            case Operation.SIGN_UP:
                return self._signs_up_somebody()
            case _:
                return self._ask("GET", "/api/v1/accounts")

    def shows(self, account: str) -> Answer:
        """Look at one of the own accounts."""
        return self._ask("GET", f"/api/v1/accounts/{account}")

    def _ask(self, method: str, path: str, fields: dict[str, str] | None = None, *, key: str | None = None) -> Answer:
        token = self._login.token()
        answer = self._site.ask(method, path, fields, token=token, key=key)
        if answer.status == 401:
            answer = self._site.ask(method, path, fields, token=self._login.token_instead_of(token), key=key)
        return answer

    def _replays_a_refresh(self) -> Answer:
        """Use a refresh token of a login of its own, and show it again: the service must end that login."""
        answer = self._site.ask("POST", "/api/v1/tokens", self._credentials)
        if answer.status != 201 or not answer.body:
            return answer
        shown = {"refresh_token": str(answer.body["refresh_token"])}
        used = self._site.ask("POST", "/api/v1/tokens/refresh", shown)
        return self._site.ask("POST", "/api/v1/tokens/refresh", shown) if used.status == 201 else used

    def _signs_up_somebody(self) -> Answer:
        with self._lock:
            self._sign_ups += 1
            name = f"{self.name}-{self._sign_ups}"
        return self._site.ask("POST", "/api/v1/users", {"username": name, "password": secrets.token_urlsafe(18)})
