// Package statstable is `runc events --format table`: a table of containers and
// what each of them uses, for people to watch.
package statstable
