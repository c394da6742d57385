package server

import (
	"log/slog"
	"net/http"

	"github.com/mockduktor/mockduktor/server/console"
	"github.com/mockduktor/mockduktor/server/explain"
	"github.com/mockduktor/mockduktor/server/kinds"
)

// Stage is a copy of a site as it is now, on which requests are tried: they run
// through the site's own routes and change nothing of it. The journal hears
// nothing of them, and faults stay out.
func (s *Server) Stage(site *Site) (*explain.Stage, error) {
	world := site.World.Copy()
	config := site.config
	config.Logger = slog.New(slog.DiscardHandler)
	config.hooks, config.called = console.Hooks{}, nil
	pair, err := site.Fork(config, world)
	if err != nil {
		return nil, err
	}
	return &explain.Stage{
		// The site's own Console, since its keys are those that were fetched.
		Console: site.Console.Over(world), Provider: pair.NamedProvider, Trusted: site.Trusted(), PublicURL: site.URL,
		Elsewhere: func(path string) bool { return site.handlerOf(path) != nil },
		Faults:    kinds.HasFaults(world.View()),
		Serve: func(trial *console.Console) http.Handler {
			tried := *pair
			tried.Console = trial
			box := &Site{Pair: &tried, ID: site.ID, URL: site.URL, Created: site.Created, Expires: site.Expires, prefix: site.prefix}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				x, r := s.open(w, r, box)
				s.router.ServeHTTP(x, r)
			})
		},
	}, nil
}
