package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
)

// defaultClient is the client of the default estate that tokens are for unless
// another is named.
const defaultClient = "backstage"

func tokenCommand() *cli.Command {
	s := &settings{}
	var as, address, client, scope, provider string
	var offline, idToken bool
	return &cli.Command{
		Name:  "token",
		Usage: "print an access token of a person",
		Description: "The token comes from the running server at --url. Where none answers, or with --offline,\n" +
			"it is made from the seed: since keys belong to the seed, a server with the same seed and\n" +
			"public URL accepts it. Standard error says which of the two it was.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "the person, by `LOGIN` or e-mail", Required: true, Destination: &as},
			&cli.StringFlag{Name: "url", Usage: "the running server, as `URL`", Value: "http://localhost:8080", Destination: &address, Sources: cli.EnvVars("MOCKDUKTOR_URL", "MOCKDUKTOR_PUBLIC_URL")},
			&cli.StringFlag{Name: "client", Usage: "the `CLIENT_ID` that the token is for", Value: defaultClient, Destination: &client},
			&cli.StringFlag{Name: "scope", Usage: "the scopes asked for", Destination: &scope},
			&cli.StringFlag{Name: "provider", Usage: "the `NAME` of the Provider that issues it (default: the built-in one)", Destination: &provider},
			&cli.BoolFlag{Name: "id-token", Usage: "print the ID token instead", Destination: &idToken},
			&cli.BoolFlag{Name: "offline", Usage: "do not ask a server", Destination: &offline},
		}, s.worldFlags()...),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			config, err := s.complete()
			if err != nil {
				return err
			}
			var tokens *idp.Tokens
			request := idp.MintRequest{ClientID: client, Scope: scope}
			note := "from the server at " + address
			if !offline {
				tokens, err = fromServer(ctx, address, config.MockKey, as, provider, request)
			}
			if offline || errors.Is(err, errNoServer) {
				if config.PublicURL == "" {
					config.PublicURL = strings.TrimRight(address, "/")
				}
				config.Stdin = cmd.Root().Reader
				tokens, err = fromSeed(ctx, config, as, provider, request)
				note = "made from the seed for " + config.PublicURL
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.Root().ErrWriter, "mockduktor: token of", as, note)
			token := tokens.AccessToken
			if idToken {
				token = tokens.IDToken
			}
			_, err = fmt.Fprintln(cmd.Root().Writer, token)
			return err
		},
	}
}

// errNoServer: nobody listens there.
var errNoServer = errors.New("no server")

func fromServer(ctx context.Context, address, mockKey, as, provider string, request idp.MintRequest) (*idp.Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]string{"as": as, "client_id": request.ClientID, "scope": request.Scope, "provider": provider})
	if err != nil {
		return nil, err
	}
	target := strings.TrimRight(address, "/") + "/_mock/tokens"
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--url %q: %w", address, err)
	}
	call.Header.Set("Content-Type", "application/json")
	if mockKey != "" {
		call.Header.Set(server.MockKeyHeader, mockKey)
	}
	answer, err := http.DefaultClient.Do(call)
	var refused *net.OpError
	if errors.As(err, &refused) && errors.Is(refused, syscall.ECONNREFUSED) {
		return nil, errNoServer
	}
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		var failure struct{ Msg string }
		if json.Unmarshal(data, &failure) == nil && failure.Msg != "" {
			return nil, errors.New(failure.Msg)
		}
		return nil, fmt.Errorf("%s answered %s; is it a mockduktor?", target, answer.Status)
	}
	var tokens idp.Tokens
	return &tokens, json.Unmarshal(data, &tokens)
}

func fromSeed(ctx context.Context, config server.Config, as, provider string, request idp.MintRequest) (*idp.Tokens, error) {
	documents, err := seed.Load(config.Seeds, config.Stdin)
	if err != nil {
		return nil, err
	}
	pair, err := server.Offline(config, documents)
	if err != nil {
		return nil, err
	}
	issuer := pair.NamedProvider(provider)
	if issuer == nil {
		return nil, fmt.Errorf("--provider %q: the seed has no such Provider", provider)
	}
	return control.Mint(ctx, pair.World, issuer, as, request)
}
