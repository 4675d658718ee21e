// Package configs is the configuration of a container as data.
//
// specconv makes a [Config] from a bundle's config.json, validate checks it,
// and libcontainer carries it out and keeps it in state.json. The JSON names
// are therefore an interface: a container made by runc can be loaded here,
// and one made here by runc. Nothing in this package does anything to the
// system.
package configs
