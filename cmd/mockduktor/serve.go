package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/urfave/cli/v3"

	"github.com/mockduktor/mockduktor/server"
)

func serveCommand() *cli.Command {
	s := &settings{}
	return &cli.Command{
		Name:  "serve",
		Usage: "run the Console and the identity provider (what mockduktor does by default)",
		Description: "Every setting can be given as a flag, as an environment variable, as a key of the\n" +
			"--config file (the flag's name), or left to its default; the first of these that is\n" +
			"there counts. No setting is needed.",
		Flags: serveFlags(s),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if extra := cmd.Args().First(); extra != "" {
				return fmt.Errorf("unknown command %q; see mockduktor --help", extra)
			}
			return serve(ctx, cmd, s)
		},
	}
}

func serve(ctx context.Context, cmd *cli.Command, s *settings) error {
	config, err := s.complete()
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.log)); err != nil {
		return fmt.Errorf("--log-level %q: expected debug, info, warn or error", s.log)
	}
	config.Logger = slog.New(slog.NewTextHandler(cmd.Root().ErrWriter, &slog.HandlerOptions{Level: level}))
	config.Stdin = cmd.Root().Reader
	running, err := server.Start(config)
	if err != nil {
		return err
	}
	if err := greet(cmd.Root().Writer, running); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- running.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), running.ShutdownTime())
	defer cancel()
	return running.Close(closing)
}
