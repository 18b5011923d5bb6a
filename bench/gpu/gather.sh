#!/bin/sh
# Puts the parts of @ARCHIVE@ together. Several transfers may bring them, a few at a time:
#
#   sh @ARCHIVE@.sh STORE              keeps the parts beside this script in the folder STORE
#   sh @ARCHIVE@.sh STORE all ...      the same, and with the last of them unpacks and runs
#                                      @FOLDER@/run all ...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: sh $0 STORE [all ...]" >&2; exit 2; }
mkdir -p "$1" && store=$(cd "$1" && pwd) && shift

sums='@SUMS@'
missing=''
while read -r sum part; do
  [ -e "$store/@FOLDER@/run" ] && break
  is_whole() { [ -f "$1" ] && [ "$(sha256sum < "$1" | cut -d' ' -f1)" = "$sum" ]; }
  is_whole "$store/$part" && continue
  if is_whole "$here/$part"; then
    cp "$here/$part" "$store/$part"
  else
    missing="$missing $part"
  fi
done <<END
$sums
END
if [ -n "$missing" ]; then
  echo "Kept what came whole in $store. Still missing or damaged:$missing"
  exit 0
fi
cd "$store"
if [ ! -e @FOLDER@/run ]; then
  rm -rf unpacking && mkdir unpacking
  while read -r sum part; do cat "$part"; done <<END | tar -x@COMPRESSION@f - -C unpacking
$sums
END
  mv unpacking/@FOLDER@ @FOLDER@ && rmdir unpacking
fi
if [ $# -gt 0 ]; then exec @FOLDER@/run "$@"; fi
echo "All is there. Run: $store/@FOLDER@/run all"
