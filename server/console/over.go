package console

import (
	"log/slog"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

// trialCached bounds what trials remember of grants.
const trialCached = 64

// Over is this Console over a copy of its world, to try there what a request
// would do: with the same settings and keys, and with what is remembered of
// tokens and grants, which holds in any world of the process. It says its reasons
// whatever the settings say, logs nothing and reaches out to nobody.
func (s *Console) Over(world *store.World) *Console {
	trial := *s
	if !s.trial {
		// What trials make up must not push out what the real one remembers.
		trial.access, trial.everyone = cache[accessKey, *access](trialCached), cache[uint64, []rbac.Grant](trialCached)
	}
	trial.World, trial.trial, trial.Hooks = world, true, Hooks{}
	trial.Settings.HideReasons = false
	trial.Logger = slog.New(slog.DiscardHandler)
	return &trial
}
