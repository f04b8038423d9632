// Package guest is a program on the Hatchet wire, as those on the official SDKs are: a
// client that starts runs and awaits them, and a worker that runs their tasks.
//
// It owns the habits of such a program that an engine feels: gzip, one stream of results
// a process, a heartbeat every four seconds, one call for each report, the same worker id
// on a stream opened anew. It promises no more than a stand-in can: what it shows is true
// of the wire as we know it, and not of any SDK.
package guest
