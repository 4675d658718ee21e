package main

import (
	_ "embed" // for VERSION
	"runtime"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// runcVersion is the runc whose commands, flags, files and texts are kept.
const runcVersion = "1.5.0"

// ownVersion is this project's own version; it stands in the file VERSION only.
//
//go:embed VERSION
var ownVersion string

// gitCommit is set by the linker, see the Makefile.
var gitCommit = ""

// version is what callers read as runc's: node scripts and scanners compare it
// with the runc that had a certain fix. By the rules of Semantic Versioning what
// follows the plus sign has no part in a comparison.
func version() string { return runcVersion + "+go." + strings.TrimSpace(ownVersion) }

// versionText is what follows "runc version ". Callers parse the first line by
// its place, and the others by their first word.
func versionText() string {
	s := version() + "\nbehaves as: runc " + runcVersion + "\n"
	if gitCommit != "" {
		s += "commit: " + gitCommit + "\n"
	}
	return s + "spec: " + specs.Version + "\ngo: " + runtime.Version() + "\n"
}
