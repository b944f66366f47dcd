# Shared by the scripts beside it. Messages go to stderr: stdout belongs to
# the program.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# need PACKAGE...: installs the Debian packages that are missing. Where that is
# not permitted it names them and the command, and fails.
need() {
    if ! command -v dpkg-query >/dev/null; then
        [[ $(uname -s) == Linux ]] &&
            say "note: no dpkg here; the names of what is needed in Debian: $*"
        return 0
    fi
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    say "installing: ${missing[*]}"
    if ! as_root apt-get update -qq >&2 ||
        ! as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2; then
        say "missing packages: ${missing[*]}"
        say "install them with: sudo apt-get install ${missing[*]}"
        return 1
    fi
}

# as_root COMMAND...: runs it as root, if that is possible without asking, or
# with asking when somebody is there to answer.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        return 1
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@" 2>/dev/null
    fi
}

# need_rust: puts cargo on the path, or says how to get it.
need_rust() {
    command -v cargo >/dev/null && return 0
    PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"
    command -v cargo >/dev/null && return 0
    say "Rust is missing. Install it (see https://rustup.rs), then run this again:"
    say "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    return 1
}

# need_compiler: some crates have parts in C.
need_compiler() {
    command -v cc >/dev/null || need build-essential
}

# What a native egui window loads when it opens: X11 or Wayland keyboard and
# cursors, and Vulkan or GL, in software where there is no GPU.
# shellcheck disable=SC2034
WINDOW_PACKAGES=(
    libegl1 libgl1-mesa-dri libvulkan1 mesa-vulkan-drivers
    libx11-xcb1 libxcursor1 libxi6 libxkbcommon-x11-0 libxkbcommon0 libxrandr2
)
