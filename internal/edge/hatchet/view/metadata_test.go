package view_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/shard"
)

func TestMetadataNamesTheEventThatStartedTheRun(t *testing.T) {
	t.Parallel()
	event := &shard.Event{ID: id.ID(7) << 32, Key: `a"b`}
	about := `"hatchet__event_id":"` + event.ID.String() + `","hatchet__event_key":"a\"b"`
	require.JSONEq(t, `{}`, string(view.Metadata(nil, nil)))
	require.JSONEq(t, `{"x":1}`, string(view.Metadata([]byte(`{"x":1}`), nil)))
	require.JSONEq(t, `{`+about+`}`, string(view.Metadata(nil, event)))
	require.JSONEq(t, `{`+about+`}`, string(view.Metadata([]byte(" { } "), event)))
	require.JSONEq(t, `{`+about+`,"x":1}`, string(view.Metadata([]byte(` { "x":1}`), event)))
	event.Key = ""
	require.JSONEq(t, `{"hatchet__event_id":"`+event.ID.String()+`"}`, string(view.Metadata(nil, event)))
}
