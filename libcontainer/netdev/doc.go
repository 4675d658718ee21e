// Package netdev brings up the loopback device of a container's network
// namespace, and moves devices of the host into it by rtnetlink(7).
//
// A device is moved with its MTU, hardware address and global addresses; the
// kernel drops the addresses on the way, so they are read before and added
// again after. What was moved goes back when a later step fails.
package netdev
