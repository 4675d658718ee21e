// Package criu has CRIU (https://criu.org) dump the processes of a container to
// image files and restore them from there.
//
// CRIU is a program of its own. `criu swrk FD` serves the one who started it:
// requests, responses and notifications go over a SOCK_SEQPACKET pair, a
// protocol buffer a packet (https://criu.org/RPC). The messages are go-criu's.
// Starting the program and talking to it is done here: CRIU has to get chosen
// files at chosen descriptors and no others, it sends descriptors back, and it
// has to be stopped when a signal comes.
//
// A file of this package has one idea: swrk.go the process, talk.go the
// conversation, failure.go the error that a user reads, version.go what the
// installed CRIU can do. dump.go and restore.go put a request together, out of
// mounts.go, namespaces.go, cgroups.go, stdio.go and config.go. imagedir.go has
// what the runtime itself keeps beside CRIU's image files.
package criu
