package hatchettest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// document finds the operation of a request in the document of the REST API.
var document = sync.OnceValues(func() (routers.Router, error) {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`))
	read, err := openapi3.NewLoader().LoadFromData(hatchetrest.Document)
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(read)
})

// documented asserts that an answer is one that the document allows.
func documented(t *testing.T, request *http.Request, response *http.Response, body []byte) {
	t.Helper()
	router, err := document()
	require.NoError(t, err)
	route, path, err := router.FindRoute(request)
	require.NoError(t, err, "%s %s is not in the document", request.Method, request.URL.Path)
	require.NoError(t, openapi3filter.ValidateResponse(request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: path, Route: route},
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}), "%s %s", request.Method, request.URL.Path)
}
