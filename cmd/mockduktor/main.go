// Command mockduktor stands in for a company's Conduktor Console and for its
// identity provider.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(os.Stdin, os.Stdout, os.Stderr).Run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "mockduktor:", err)
		stop()
		os.Exit(1)
	}
}

// command is the whole command line; serving is what it does unless told otherwise.
func command(in io.Reader, out, errs io.Writer) *cli.Command {
	serve := serveCommand()
	return &cli.Command{
		Name:  "mockduktor",
		Usage: "a stand-in for Conduktor Console and for its identity provider",
		Description: "Without a subcommand it serves: see mockduktor serve --help.\n" +
			"An independent emulator, not a product of Conduktor.",
		Version:   versionText(),
		Flags:     serve.Flags,
		Before:    flagsBehindCommand,
		Action:    serve.Action,
		Commands:  []*cli.Command{serveCommand(), tokenCommand(), seedCommand(), doctorCommand(), healthcheckCommand(), versionCommand()},
		Reader:    in,
		Writer:    out,
		ErrWriter: errs,
		Suggest:   true,
		// Errors are printed in one place, main.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
}

// flagsBehindCommand refuses flags in front of a subcommand: they would be those
// of serving, and the subcommand would never see them.
func flagsBehindCommand(ctx context.Context, cmd *cli.Command) (context.Context, error) {
	rest := cmd.Args()
	if name := rest.First(); cmd.Command(name) != nil && rest.Len() < len(os.Args)-1 {
		return ctx, fmt.Errorf("write flags behind the command: mockduktor %s %s …", name, os.Args[1])
	}
	return ctx, nil
}
