// Package hatchetrest is the REST API that the official Hatchet SDKs call: its document,
// and the models generated from it.
//
// It knows nothing but its own messages. The document is what their models insist on, so
// an answer that it refuses is one that a program on such an SDK fails at.
package hatchetrest

import _ "embed" // for the document

// Document is the API in OpenAPI 3.
//
//go:embed openapi.yaml
var Document []byte
