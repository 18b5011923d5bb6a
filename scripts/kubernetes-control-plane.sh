#!/usr/bin/env bash
# Builds Kubernetes' own API server, controller manager and scheduler, and etcd, from their Go modules, for
# scripts/kubernetes-test.ts: ten minutes of a core and 3 GB of disk, which is why CI does not.
#
#   scripts/kubernetes-control-plane.sh FOLDER [VERSION]       such as 1.34.4
set -euo pipefail
folder=${1:?a folder to build in}
version=${2:-1.34.4}
mkdir -p "$folder/bin"
cd "$folder"
# A module of our own that requires Kubernetes: its staging modules have versions of their own there.
cat > go.mod << E2
module controlplane

go 1.24.0

require k8s.io/kubernetes v$version
E2
modfile=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
grep -oE 'k8s\.io/[a-z-]+ v0\.0\.0$' "$modfile" |
  awk -v minor="v0.${version#1.}" '{ print "replace " $1 " => " $1 " " minor }' >> go.mod
cat > tools.go << 'E2'
//go:build tools

package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
)
E2
go mod tidy -e
for name in apiserver controller-manager scheduler; do
  go build -mod=mod -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version" \
    -o bin/ "k8s.io/kubernetes/cmd/kube-$name"
done
go build -mod=mod -trimpath -o bin/etcd go.etcd.io/etcd/server/v3
ls -l bin
