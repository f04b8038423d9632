package core

import (
	"strings"

	"github.com/adzehq/adze/internal/base/id"
)

// ruled is want as it is set: for its key, and else for all of its workflow.
func (s *Shard) ruled(want *NewOnceKey, tenant id.ID) *NewOnceKey {
	rule := s.onceRules[queueKey{tenant, want.Workflow}]
	if rule == nil || want.Workflow == "" {
		return want
	}
	ruled := *want
	ruled.heed(rule.all())
	if own, ok := rule.of(want.Key[strings.LastIndex(want.Key, QuietMark)+1:]); ok {
		ruled.heed(&own)
	}
	return &ruled
}

// heed has k go by what is set.
func (k *NewOnceKey) heed(to *OnceSetting) {
	if to.TTLMS > 0 {
		k.TTLMS = to.TTLMS
	}
	if to.MaxDelayMS > 0 {
		k.MaxDelayMS = to.MaxDelayMS
	}
	if to.Collides {
		k.Taken = to.Taken
	}
}
