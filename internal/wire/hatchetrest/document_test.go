package hatchetrest_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func TestDocumentIsOpenAPI(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(hatchetrest.Document)
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
}
