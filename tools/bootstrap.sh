#!/bin/sh
# Makes a machine ready for Gantry: what is missing is installed, what is there is left alone.
#
#   tools/bootstrap.sh           the Python environment in .venv, as uv.lock has it
#   tools/bootstrap.sh ui        and the web application, built into the platform's package
#   tools/bootstrap.sh wheels    and the packages of all of it, into dist
#   tools/bootstrap.sh runtime   the environment, the application, and the Debian packages that running Gantry uses
#   tools/bootstrap.sh test      and those that its tests use, with Azurite and identity providers from npm
#
# Needs Python 3.11 or later, Node.js 20 or later for the web application, and root or sudo where
# a package is missing.
set -eu

# The certificates of the system: behind a company's proxy the bundled ones are not enough.
export UV_SYSTEM_CERTS=true UV_NATIVE_TLS=true

UV_VERSION=0.13.9 # the one that wrote uv.lock
UV_HOME=.cache/uv-venv
case ${1-} in
'' | ui | wheels) packages='' ;;
runtime) packages='git gpgv bubblewrap' ;;
test) packages='git gpgv bubblewrap gnupg postgresql docker.io podman busybox-static mosquitto faketime chromium' ;;
*)
    echo "usage: tools/bootstrap.sh [ui|wheels|runtime|test]" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."

say() { echo "bootstrap: $*" >&2; }

stop() {
    say "$*"
    exit 1
}

# ---------------------------------------------------------------- Debian packages

# Whether what the package brings is here, wherever it came from.
have() {
    case $1 in
    bubblewrap) command -v bwrap ;;
    busybox-static) command -v busybox ;;
    docker.io) command -v dockerd ;;
    gnupg) command -v gpg ;;
    mosquitto) PATH="$PATH:/usr/sbin" command -v mosquitto ;;
    postgresql) ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null ;;
    python3*-venv) "$python" -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" ;;
    esac >/dev/null
}

# What does not work without it; fails for what nothing works without.
price() {
    case $1 in
    bubblewrap) echo "the worker runs commands without a sandbox" ;;
    busybox-static) echo "tests of containers with its shell are skipped" ;;
    docker.io | podman) echo "tests of containers with that engine are skipped" ;;
    mosquitto) echo "the tests of external brokers are skipped" ;;
    chromium) echo "the stories of the web application are skipped" ;;
    faketime) echo "workers whose clocks are wrong are not tested" ;;
    gpgv) echo "the worker cannot verify, and so not download, Terraform and OpenTofu" ;;
    *) return 1 ;;
    esac
}

missing() {
    for package; do
        have "$package" || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" # nobody is here to type a password
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null; }

# PostgreSQL 15 is what operators bring and the tests ask for; newer releases of Debian have not
# got it. The package may start a server of its own; only its programs are used.
apt_name() {
    if [ "$1" = postgresql ] && [ -n "$(apt-cache madison postgresql-15 2>/dev/null)" ]; then
        echo postgresql-15
    else
        echo "$1"
    fi
}

# Installs what it can of the packages named; the caller looks at what is still missing.
install_packages() {
    command -v apt-get >/dev/null || { say "missing: $*; there is no apt-get here" && return; }
    say "installing the packages $*"
    as_root true 2>/dev/null || { say "neither root nor allowed to use sudo: nothing is installed" && return; }
    # One source of many may be away without what we need being in it.
    apt update || say "apt-get update failed; going on with the package lists there are"
    names=''
    for package; do
        names="$names $(apt_name "$package")"
    done
    # shellcheck disable=SC2086 # a list of names
    apt install -y --no-install-recommends $names && return
    for name in $names; do # one that cannot be had must not keep the others out
        apt install -y --no-install-recommends "$name" || say "apt-get could not install $name"
    done
}

ensure_packages() {
    # shellcheck disable=SC2046 # a list of names
    set -- $(missing "$@")
    [ $# -gt 0 ] || return 0
    install_packages "$@"
    needed=''
    for package in $(missing "$@"); do
        if cost=$(price "$package"); then
            say "without the package $package, $cost"
        else
            needed="$needed $package"
        fi
    done
    [ -z "$needed" ] || stop "please install, with your system's package manager:$needed"
}

# ---------------------------------------------------------------- Python

# A name on PATH may be a version manager's, with nothing behind it: each is asked to answer.
find_python() {
    for python in python3.13 python3.12 python3.11 python3; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    done
    stop "no Python 3.11 or later on PATH; please install one (Debian: apt-get install python3)"
}

find_uv() {
    uv=$(command -v uv) && "$uv" --version >/dev/null 2>&1 && return
    uv=$UV_HOME/bin/uv
    [ "$("$uv" --version 2>/dev/null | cut -d ' ' -f 2)" = "$UV_VERSION" ] && return
    find_python
    ensure_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    say "installing uv $UV_VERSION into $UV_HOME"
    rm -rf "$UV_HOME"
    "$python" -m venv "$UV_HOME"
    "$UV_HOME/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
}

sync_venv() {
    # The environment is always .venv, and its Python one of this machine's, never a download.
    unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT
    export UV_PYTHON_DOWNLOADS=never
    if ! .venv/bin/python -c '' 2>/dev/null; then
        find_python
        UV_PYTHON=$("$python" -c 'import sys; print(sys.executable)')
        export UV_PYTHON
        say "making .venv with $UV_PYTHON from uv.lock; the first time takes a while"
    else
        unset UV_PYTHON
    fi
    "$uv" sync --frozen --quiet
}

# ---------------------------------------------------------------- The web application

# What the built application depends on: its sources, and the API that its questions are typed by.
ui_sources() {
    find ui schema.graphql -type f ! -path 'ui/node_modules/*' ! -name env.d.ts | LC_ALL=C sort |
        xargs sha256sum
}

sync_ui() {
    built=packages/platform/src/gantry/api/pages/built stamp=.cache/ui/built
    mkdir -p .cache/ui
    ui_sources >.cache/ui/now
    [ -f "$built/index.html" ] && cmp -s .cache/ui/now "$stamp" && return
    if ! command -v npm >/dev/null; then
        say "without npm (Node.js 20 or later) the web application is not built; the API works without it"
        return
    fi
    if ! cmp -s ui/package-lock.json ui/node_modules/.installed; then
        say "installing what the web application is built with"
        (cd ui && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
        cp ui/package-lock.json ui/node_modules/.installed
    fi
    say "building the web application"
    (cd ui && npm run --silent build -- --logLevel error >&2)
    mv .cache/ui/now "$stamp"
}

# ---------------------------------------------------------------- Programs of tests, from npm

# What tests/support/$1/package-lock.json has, into .cache/$1. Tests of $2 are skipped where there
# is no npm; any release of Node.js from 20 on will do.
sync_npm() {
    from=tests/support/$1 to=.cache/$1
    cmp -s "$from/package-lock.json" "$to/installed.json" && return
    command -v npm >/dev/null || { say "without npm, tests of $2 are skipped" && return; }
    say "installing what tests of $2 use from npm into $to"
    rm -rf "$to" && mkdir -p "$to"
    cp "$from/package.json" "$from/package-lock.json" "$to"
    (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    cp "$from/package-lock.json" "$to/installed.json"
}

# ----------------------------------------------------------------

# shellcheck disable=SC2086 # a list of names
ensure_packages $packages
find_uv
sync_venv
[ -z "${1-}" ] || sync_ui
[ "${1-}" != test ] || sync_npm azurite "Azure's storage"
[ "${1-}" != test ] || sync_npm providers "sign-on"
[ "${1-}" != wheels ] || "$uv" build --all-packages --wheel --quiet --out-dir dist
if [ -n "$packages" ] && ! command -v terraform >/dev/null && ! command -v tofu >/dev/null; then
    say "neither terraform nor tofu is on PATH: the worker downloads what a stack asks for," \
        "and verifies it with the publisher's key"
fi
