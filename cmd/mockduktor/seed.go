package main

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
)

func seedCommand() *cli.Command {
	return &cli.Command{
		Name:     "seed",
		Usage:    "work on seeds without a server",
		Commands: []*cli.Command{seedCheckCommand(), seedExportCommand()},
	}
}

func seedCheckCommand() *cli.Command {
	s := &settings{}
	return &cli.Command{
		Name:      "check",
		Usage:     "load seeds and list every fault with its file, line and column",
		ArgsUsage: "[SOURCE ...]",
		Flags:     s.worldFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			pair, err := loaded(cmd, s)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.Root().Writer, "%d resources, no faults\n", len(pair.Export(ctx)))
			return err
		},
	}
}

func seedExportCommand() *cli.Command {
	s := &settings{}
	var output string
	return &cli.Command{
		Name:        "export",
		Usage:       "load seeds and write the world they make as one seed",
		Description: "The result loads to the same world. It holds the passwords, client secrets and private keys of the seed.",
		ArgsUsage:   "[SOURCE ...]",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE` (default: standard output)", Destination: &output},
		}, s.worldFlags()...),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			pair, err := loaded(cmd, s)
			if err != nil {
				return err
			}
			if output == "" {
				return seed.Encode(cmd.Root().Writer, pair.Export(ctx))
			}
			file, err := os.Create(output)
			if err != nil {
				return err
			}
			defer file.Close()
			if err := seed.Encode(file, pair.Export(ctx)); err != nil {
				return err
			}
			return file.Close()
		},
	}
}

// loaded makes the world of the seeds that are named as arguments or by --seed.
func loaded(cmd *cli.Command, s *settings) (*server.Pair, error) {
	config, err := s.complete()
	if err != nil {
		return nil, err
	}
	if cmd.Args().Present() {
		config.Seeds = cmd.Args().Slice()
	}
	documents, err := seed.Load(config.Seeds, cmd.Root().Reader)
	if err != nil {
		return nil, err
	}
	return server.Offline(config, documents)
}
