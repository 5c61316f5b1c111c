"""The pages for people: plain forms, no script. What was refused comes back with the reason beside its field."""

from __future__ import annotations

import functools
from collections.abc import Callable

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from fintech.access import MOVERS, may_move_money, whose_accounts
from fintech.bank import PAGE_MAX, Account, Receipt
from fintech.errors import Conflict, FintechError, Invalid, NotFound, Unauthorized
from fintech.forms import check_csrf_token, complain, csrf_token, field_text, form_key, once
from fintech.inputs import query_number
from fintech.logins import Login
from fintech.problems import describe
from fintech.services import services
from fintech.showing import moment, money, wrapping_money

blueprint = Blueprint("web", __name__)

_ENTRIES_PER_PAGE = 20

View = Callable[..., ResponseReturnValue]


def init_app(app: Flask) -> None:
    """Give the templates what they show."""
    for template_filter in (money, wrapping_money, moment):
        app.add_template_filter(template_filter)
    for template_global in (csrf_token, form_key):
        app.add_template_global(template_global)
    app.add_template_test(lambda user: user.role in MOVERS, "moving_money")


@blueprint.before_request
def _refuse_forged_forms() -> None:
    if request.method == "POST":
        check_csrf_token()


@blueprint.before_request
def _know_who_asks() -> None:
    g.login = g.user = None
    if "login" in session:
        try:
            g.login = services().logins.find(session["login"])
        except Unauthorized:
            session.clear()
        else:
            g.user = g.login.user


def _for_users(view: View) -> View:
    @functools.wraps(view)
    def guarded(**arguments: str) -> ResponseReturnValue:
        if g.user is None:
            return redirect(url_for("web.log_in"), 303)
        return view(**arguments)

    return guarded


def _for_movers(view: View) -> View:
    @_for_users
    @functools.wraps(view)
    def guarded(**arguments: str) -> ResponseReturnValue:
        may_move_money(g.user)
        if request.method == "POST":
            services().rate_limits.spend_write(g.user.id)
        return view(**arguments)

    return guarded


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Greet."""
    return render_template("home.html")


@blueprint.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Make a user and log in."""
    if request.method == "GET":
        return render_template("register.html")
    username, password = field_text("username"), request.form.get("password")
    try:
        services().registration.register(username, password, address=request.remote_addr)
        login = services().logins.log_in(username, password, address=request.remote_addr)
    except (Invalid, Conflict) as error:
        return _again("register.html", "register", error)
    _start_session(login)
    flash("Welcome. Open your first account below.")
    return redirect(url_for("web.list_accounts"), 303)


@blueprint.route("/login", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Log in."""
    if request.method == "GET":
        return render_template("login.html")
    try:
        login = services().logins.log_in(
            field_text("username"), request.form.get("password"), address=request.remote_addr
        )
    except Unauthorized as error:
        return _again("login.html", "login", error)
    _start_session(login)
    return redirect(url_for("web.list_accounts"), 303)


@blueprint.post("/logout")
def log_out() -> ResponseReturnValue:
    """Log out."""
    if g.login is not None:
        services().logins.end(g.login.id)
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("web.home"), 303)


@blueprint.get("/logins")
@_for_users
def list_logins() -> ResponseReturnValue:
    """Show where the user is logged in."""
    return render_template("logins.html", logins=services().logins.of(g.user.id))


@blueprint.post("/logins/end")
@_for_users
def end_logins() -> ResponseReturnValue:
    """Log out everywhere."""
    services().logins.end_all(g.user.id)
    session.clear()
    flash("You are logged out everywhere.")
    return redirect(url_for("web.home"), 303)


@blueprint.get("/accounts")
@_for_users
def list_accounts() -> ResponseReturnValue:
    """Show a page of accounts and the form for another one."""
    return render_template("accounts.html", **_accounts_page())


@blueprint.post("/accounts")
@_for_movers
def open_account() -> ResponseReturnValue:
    """Open an account."""
    try:
        account = services().bank.open_account(g.user.id, field_text("name"))
    except Invalid as error:
        return _again("accounts.html", "open", error, **_accounts_page())
    flash(f"Account {account.number} is open.")
    return redirect(url_for("web.show_account", number=account.number), 303)


@blueprint.get("/accounts/<number>")
@_for_users
def show_account(number: str) -> ResponseReturnValue:
    """Show an account, a page of its entries and the forms to bring money in and take it out."""
    return render_template("account.html", **_account_page(number))


@blueprint.post("/accounts/<number>/deposit")
@_for_movers
def deposit(number: str) -> ResponseReturnValue:
    """Bring money in."""
    return _move("deposit", services().bank.deposit, number)


@blueprint.post("/accounts/<number>/withdraw")
@_for_movers
def withdraw(number: str) -> ResponseReturnValue:
    """Take money out."""
    return _move("withdraw", services().bank.withdraw, number)


@blueprint.route("/transfer", methods=["GET", "POST"])
@_for_movers
def transfer() -> ResponseReturnValue:
    """Move money from an own account to any other; `source` in the address names the account to start with."""
    if request.method == "GET":
        return render_template("transfer.html", accounts=_accounts(), source=request.args.get("source"))
    fields = {name: field_text(name) for name in ("source", "target", "amount")}
    try:
        receipt = services().bank.transfer(g.user.id, **fields, idempotency=once(**fields))
    except (Invalid, Conflict, NotFound) as error:
        problem = Invalid("source", "must be one of your accounts") if isinstance(error, NotFound) else error
        return _again("transfer.html", "transfer", problem, accounts=_accounts(), source=fields["source"])
    return _booked(receipt)


def _move(form: str, book: Callable[..., Receipt], number: str) -> ResponseReturnValue:
    amount = field_text("amount")
    try:
        receipt = book(g.user.id, account=number, amount=amount, idempotency=once(amount=amount))
    except (Invalid, Conflict) as error:
        return _again("account.html", form, error, **_account_page(number))
    return _booked(receipt)


def _accounts(after: str | None = None) -> list[Account]:
    return services().bank.accounts_of(whose_accounts(g.user), after=after, limit=PAGE_MAX)


def _accounts_page() -> dict[str, object]:
    """Return what accounts.html shows."""
    accounts = _accounts(request.args.get("after"))
    return {"accounts": accounts, "has_more": len(accounts) == PAGE_MAX}


def _account_page(number: str) -> dict[str, object]:
    """Return what account.html shows; raises NotFound for an account that is not theirs to see."""
    bank, whose = services().bank, whose_accounts(g.user)
    entries = bank.entries(whose, number, before=query_number("before"), limit=_ENTRIES_PER_PAGE + 1)
    return {
        "account": bank.account(whose, number),
        "entries": entries[:_ENTRIES_PER_PAGE],
        "has_older": len(entries) > _ENTRIES_PER_PAGE,
        "booked": request.args.get("booked"),
    }


def _booked(receipt: Receipt) -> ResponseReturnValue:
    # The address, not the session, says what to show: a form that is sent twice ends on the same page with one note.
    return redirect(url_for("web.show_account", number=receipt.account, booked=receipt.transaction_id), 303)


def _again(template: str, form: str, error: FintechError, **context: object) -> ResponseReturnValue:
    """Show the page again with the reason beside its field."""
    return render_template(template, complaint=complain(form, error), **context), describe(error)[0]


def _start_session(login: Login) -> None:
    # A new session, so that nothing an attacker planted before the login is worth anything after it.
    session.clear()
    session["login"] = login.id
