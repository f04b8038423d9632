package hatchet

import (
	"net/http"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) expressionRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/stable/tenants/{tenant}/cel/debug", c.of(c.tryExpression))
}

// tryExpression evaluates the condition of a filter. That it cannot be read, or fails, is
// an answer like others.
func (c Config) tryExpression(r *http.Request, _ auth.Caller) (any, error) {
	asked, err := read[hatchetrest.V1CELDebugRequest](r)
	if err != nil {
		return nil, err
	}
	holds, err := tried(&asked)
	if err != nil {
		return hatchetrest.V1CELDebugResponse{Status: hatchetrest.V1CELDebugResponseStatusERROR, Error: err.Error()}, nil
	}
	return celAnswer{Status: hatchetrest.V1CELDebugResponseStatusSUCCESS, Output: holds}, nil
}

// celAnswer is a V1CELDebugResponse that tells of false, too.
type celAnswer struct {
	Status hatchetrest.V1CELDebugResponseStatus `json:"status"`
	Output bool                                 `json:"output"`
}

func tried(asked *hatchetrest.V1CELDebugRequest) (bool, error) {
	text, err := define.Filter(asked.Expression)
	if err != nil || text == "" {
		return err == nil, err
	}
	program, err := expr.Event.Compile(text)
	if err != nil {
		return false, err
	}
	documents := [3]expr.Value{}
	for i, document := range []hatchetrest.JSONObject{asked.Input, asked.AdditionalMetadata, asked.FilterPayload} {
		if documents[i], err = expr.Parse([]byte("{}")); err == nil && given(document) {
			documents[i], err = expr.Parse(document)
		}
		if err != nil {
			return false, err
		}
	}
	return program.Holds(documents[0], documents[1], expr.Text(""), expr.Text(""), documents[2])
}
