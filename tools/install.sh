#!/bin/sh
# Installs missing Debian packages: install.sh SET...
#   build    compiler, build system, libraries
#   gnuplot  for figures
#   test     what the tests need besides
# Does nothing, and needs no network, when all of them are there.
set -eu

packages=
for set in "$@"; do
  case $set in
  build) packages="$packages build-essential meson ninja-build pkg-config libglib2.0-dev libyaml-dev libjson-glib-dev zlib1g-dev
    libnlopt-dev libsmartcols-dev libsqlite3-dev libprotobuf-c-dev protobuf-c-compiler libtomlplusplus-dev libmicrohttpd-dev" ;;
  gnuplot) packages="$packages gnuplot-nox fonts-dejavu-core" ;;
  test) packages="$packages check git libopenmpi-dev openmpi-bin procps clang clang-format clang-tidy libclang-rt-dev lld universal-ctags bash zsh nodejs jq" ;;
  *) echo "install.sh: unknown set '$set'" >&2; exit 2 ;;
  esac
done

missing=
for package in $packages; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo > /dev/null; then
    echo "install.sh: please install as root:$missing" >&2
    exit 1
  fi
  as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
progress=$(dirname "$0")/progress.sh
"$progress" --quiet "package lists" "$log" $as_root apt-get update --quiet
# shellcheck disable=SC2086 # a list of packages
"$progress" --quiet "packages" "$log" $as_root apt-get install --yes --quiet --no-install-recommends $missing
