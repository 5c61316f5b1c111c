"""The pages for people: plain forms, no script. Every form carries a token that another site cannot know."""

from __future__ import annotations

import functools
import hmac
import secrets
from collections.abc import Callable

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from fintech.api import iso_time
from fintech.errors import Conflict, FintechError, Invalid, NotFound, Unauthorized
from fintech.money import format_cents
from fintech.problems import describe
from fintech.services import services
from fintech.users import Login

blueprint = Blueprint("web", __name__)

View = Callable[..., ResponseReturnValue]


def init_app(app: Flask) -> None:
    """Give the templates what they show."""
    app.add_template_filter(format_cents, "money")
    app.add_template_filter(iso_time, "iso_time")
    app.add_template_global(_csrf_token, "csrf_token")


@blueprint.before_request
def _check_csrf_token() -> None:
    if request.method != "POST":
        return
    expected, given = session.get("csrf_token", ""), request.form.get("csrf_token", "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadRequest("This form is too old or came from elsewhere. Go back, reload the page and send it again.")


@blueprint.before_request
def _know_who_asks() -> None:
    g.user = None
    if token := session.get("token"):
        try:
            g.user = services().users.user_of(token)
        except Unauthorized:
            session.clear()


def _for_users(view: View) -> View:
    @functools.wraps(view)
    def guarded(**arguments: str) -> ResponseReturnValue:
        if g.user is None:
            return redirect(url_for("web.log_in"), 303)
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
    username, password = request.form.get("username"), request.form.get("password")
    try:
        services().users.register(username, password)
        login = services().users.log_in(username, password)
    except (Invalid, Conflict) as error:
        return render_template("register.html", error=error), describe(error)[0]
    _start_session(login)
    flash("Welcome. Open your first account below.")
    return redirect(url_for("web.list_accounts"), 303)


@blueprint.route("/login", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Log in."""
    if request.method == "GET":
        return render_template("login.html")
    try:
        login = services().users.log_in(request.form.get("username"), request.form.get("password"))
    except Unauthorized as error:
        return render_template("login.html", error=error), 401
    _start_session(login)
    return redirect(url_for("web.list_accounts"), 303)


@blueprint.post("/logout")
def log_out() -> ResponseReturnValue:
    """Log out."""
    if token := session.get("token"):
        services().users.log_out(token)
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("web.home"), 303)


@blueprint.get("/accounts")
@_for_users
def list_accounts() -> ResponseReturnValue:
    """Show the user's accounts and the form for another one."""
    return _accounts_page()


@blueprint.post("/accounts")
@_for_users
def open_account() -> ResponseReturnValue:
    """Open an account."""
    try:
        account = services().bank.open_account(g.user.id, request.form.get("name"))
    except Invalid as error:
        return _accounts_page(error), 422
    flash(f"Account {account.number} is open.")
    return redirect(url_for("web.show_account", number=account.number), 303)


@blueprint.get("/accounts/<number>")
@_for_users
def show_account(number: str) -> ResponseReturnValue:
    """Show an account, its latest entries and the forms to move money."""
    return _account_page(number)


@blueprint.post("/accounts/<number>/deposit")
@_for_users
def deposit(number: str) -> ResponseReturnValue:
    """Bring money in."""
    return _move(number, lambda amount: services().bank.deposit(g.user.id, account=number, amount=amount))


@blueprint.post("/accounts/<number>/withdraw")
@_for_users
def withdraw(number: str) -> ResponseReturnValue:
    """Take money out."""
    return _move(number, lambda amount: services().bank.withdraw(g.user.id, account=number, amount=amount))


@blueprint.post("/accounts/<number>/transfer")
@_for_users
def transfer(number: str) -> ResponseReturnValue:
    """Move money to another account."""
    target = request.form.get("target", "").strip()
    return _move(
        number, lambda amount: services().bank.transfer(g.user.id, source=number, target=target, amount=amount)
    )


def _move(number: str, book: Callable[[str], object]) -> ResponseReturnValue:
    try:
        book(request.form.get("amount", "").strip())
    except (Invalid, Conflict) as error:
        if isinstance(error, Invalid) and error.field in ("account", "source"):
            raise NotFound("There is no such account.") from error
        return _account_page(number, error), describe(error)[0]
    flash("Done.")
    return redirect(url_for("web.show_account", number=number), 303)


def _accounts_page(error: FintechError | None = None) -> str:
    return render_template("accounts.html", accounts=services().bank.accounts_of(g.user.id), error=error)


def _account_page(number: str, error: FintechError | None = None) -> str:
    bank = services().bank
    return render_template(
        "account.html",
        account=bank.account(g.user.id, number),
        entries=bank.entries(g.user.id, number),
        error=error,
    )


def _start_session(login: Login) -> None:
    # A new session, so that nothing an attacker planted before the login is worth anything after it.
    session.clear()
    session["token"] = login.token


def _csrf_token() -> str:
    if "csrf_token" not in session:
        session["csrf_token"] = secrets.token_urlsafe(32)
    token: str = session["csrf_token"]
    return token
