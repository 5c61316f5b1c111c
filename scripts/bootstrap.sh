# What scripts/up and scripts/test do before Python is there; sourced by them, from the project's root.
# shellcheck shell=bash

export LC_ALL=C.UTF-8                     # Ansible refuses the C locale of a bare machine
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$@" >&2; }

die() {
    say "$@"
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# Prints a Python that can run Promontory and make virtual environments; fails when there is none.
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if has "$candidate" && "$candidate" - <<'PYTHON' >/dev/null 2>&1; then
import ensurepip, sys, venv
sys.exit(sys.version_info < (3, 11))
PYTHON
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Prints the Debian packages that are missing. $1 = lab: those for lab hosts too; test: and those that only tests need.
missing_packages() {
    local minor
    if ! find_python >/dev/null; then
        # The distribution's own python3 where it is new enough, else the newest it has beside it (Ubuntu 22.04: 3.11).
        minor=$(apt-cache show python3 2>/dev/null | sed -n 's/^Version: 3\.\([0-9]*\).*/\1/p' | sort -n | tail -n 1)
        if [[ ${minor:-0} -ge 11 ]]; then echo python3-venv; else echo python3.11-venv; fi
    fi
    has ssh && has ssh-keygen || echo openssh-client
    has dpkg-deb || echo dpkg
    [[ -n ${1:-} ]] || return 0
    has podman || echo podman
    has mmdebstrap || has debootstrap || echo mmdebstrap
    has nsenter || echo util-linux
    has iptables || echo iptables
    has gpg || echo gpg gpg-agent               # signs the repositories that tests make
    has newuidmap || echo uidmap
    # podman needs one of two network stacks; bookworm and later have netavark, Ubuntu 22.04 the older one.
    if ! [[ -x /usr/lib/podman/netavark || -x /usr/libexec/podman/netavark || -d /usr/lib/cni ]]; then
        if apt-cache show netavark >/dev/null 2>&1 || ! apt-cache show podman >/dev/null 2>&1; then echo netavark aardvark-dns; else echo containernetworking-plugins; fi
    fi
    # The sample app's pages are looked at as people do; Ubuntu has no browser as a package, its tests are skipped there.
    if [[ ${1:-} == test ]] && ! has chromium && ! grep -qs '^ID=ubuntu$' /etc/os-release; then echo chromium fonts-dejavu-core; fi
    # crun knows only the unified cgroup tree; where the machine still has the hybrid one, runc does the work.
    if [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]]; then has crun || has runc || echo crun; else has runc || echo runc; fi
}

# Installs what is missing when we may, else says what to install and ends with 2. $1 as in missing_packages.
require_system() {
    local missing root=()
    if ! has apt-get; then
        find_python >/dev/null || die "Promontory needs Python 3.11 or newer with the venv module; install it and run this again."
        if [[ -n ${1:-} ]]; then has podman || die "A lab needs podman; install it and run this again."; fi
        return 0
    fi
    mapfile -t missing < <(missing_packages "${1:-}" | tr ' ' '\n')
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $EUID -ne 0 ]]; then
        if ! { has sudo && sudo -n true 2>/dev/null; }; then
            die "These packages are missing, and this user may not install them:" "  sudo apt-get install ${missing[*]}"
        fi
        root=(sudo -n)
    fi
    say "Installing: ${missing[*]}"
    # A third party's broken archive must not stop us: what counts is whether the packages can be installed.
    "${root[@]}" apt-get -qq update >&2 || say "Some package lists could not be renewed; trying with what is there."
    # The lists may be renewed only now, and with them what the distribution offers.
    mapfile -t missing < <(missing_packages "${1:-}" | tr ' ' '\n')
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 install "${missing[@]}" >/dev/null </dev/null ||
        die "The packages could not be installed: ${missing[*]}"
}

# Makes .venv with the packages of a lock file, unless it has them. $1: requirements.lock or requirements-dev.lock
require_venv() {
    local lock=$1 python sum
    exec 9<.
    flock 9                               # two runs in one clone: the second waits for the first's environment
    sum=$(cat "$lock" pyproject.toml | sha256sum | cut -d ' ' -f 1)
    # A clone that was moved or whose Python is gone has an environment that does not start.
    if ! { [[ -x .venv/bin/promontory ]] && head -n 3 .venv/bin/promontory | grep -qF "$PWD/.venv/" &&
        .venv/bin/python -c '' 2>/dev/null; }; then
        python=$(find_python) || die "Python 3.11 or newer with the venv module is needed."
        rm -rf .venv
        say "Making .venv with $("$python" --version)"
        "$python" -m venv .venv
    fi
    if ! grep -qsF "$lock $sum" .venv/locked; then
        say "Installing the Python packages of $lock"
        .venv/bin/python -m pip install --quiet --no-input --require-hashes --no-deps -r "$lock" >&2 ||
            die "The Python packages could not be installed; is a package index reachable?"
        .venv/bin/python -m pip install --quiet --no-input --no-index --no-deps --no-build-isolation --editable . >&2
        # The development lock holds everything of the other one, in the same versions.
        printf '%s %s\n' "$lock" "$sum" >>.venv/locked
        if [[ $lock == requirements-dev.lock ]]; then
            printf '%s %s\n' requirements.lock "$(cat requirements.lock pyproject.toml | sha256sum | cut -d ' ' -f 1)" >>.venv/locked
        fi
    fi
    exec 9<&-
}
