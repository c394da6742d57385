package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

// healthcheckCommand serves container images that have no curl.
func healthcheckCommand() *cli.Command {
	var address string
	return &cli.Command{
		Name:  "healthcheck",
		Usage: "exit 0 if the server is ready, 1 if not",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "the running server, as `URL`", Value: "http://127.0.0.1:8080", Destination: &address, Sources: cli.EnvVars("MOCKDUKTOR_HEALTHCHECK_URL")},
		},
		Action: func(ctx context.Context, _ *cli.Command) error {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/")+"/api/health/ready", nil)
			if err != nil {
				return fmt.Errorf("--url %q: %w", address, err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answered %s", request.URL, answer.Status)
			}
			return nil
		},
	}
}
