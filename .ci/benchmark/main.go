// Command benchmark measures a built mockduktor over HTTP and prints what is
// promised of it beside what was found. .ci/bench runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "\nvoid:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) == 2 && os.Args[1] == "bare" {
		return serveBare(os.Getenv("PORT"))
	}
	var b bench
	flag.StringVar(&b.binary, "binary", "bin/mockduktor", "the server")
	flag.StringVar(&b.core, "core", "", "the core that servers run on")
	flag.StringVar(&b.start, "start", "", "what .ci/start said of the server")
	flag.IntVar(&b.rounds, "rounds", 15, "rounds that count")
	flag.StringVar(&b.only, "only", "", "only the rows over the small world whose names have `text` in them")
	flag.StringVar(&b.rivals, "rivals", "", "measure the rivals too, which start on these `cores`")
	quick := flag.Bool("quick", false, "leave the large worlds out")
	count := flag.Int("topics", 1_000_000, "topics of the largest world")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	folder, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b.folder = folder

	lines, err := b.promises(ctx, *quick, *count)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d rounds\n\n", time.Now().Format(time.DateOnly), b.rounds)
	printTable(os.Stdout, line{"what", "ours", "compared with", "ratio", "promise", ""}, lines)
	if len(b.beside) > 0 {
		fmt.Println()
		printTable(os.Stdout, line{"beside others", "ours", "theirs", "ratio", "", ""}, b.beside)
	}
	return nil
}

// promises measures all rows and returns their lines.
func (b *bench) promises(ctx context.Context, quick bool, count int) ([]line, error) {
	var lines []line
	if b.only == "" {
		var err error
		if lines, err = b.startLines(); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if b.bare, err = serve(b.core, "/hello", nil, self, "bare"); err != nil {
		return nil, err
	}
	small, err := b.ours("small", nil, slices.Concat(issuingClients(), cast(), topics(0, granted, granted)))
	if err != nil {
		return nil, err
	}
	rows, err := b.providerRows(ctx, small)
	if err != nil {
		return nil, err
	}
	more, err := b.consoleRows(small)
	if err != nil {
		return nil, err
	}
	rows = append(rows, more...)
	if b.only != "" {
		rows = slices.DeleteFunc(rows, func(r *row) bool { return !strings.Contains(r.what, b.only) })
	}
	if err := measure(rows, b.rounds); err != nil {
		return nil, err
	}
	for _, r := range rows {
		lines = append(lines, r.line())
	}
	if b.rivals != "" {
		if b.beside, err = b.rivalLines(small); err != nil {
			return nil, err
		}
	}
	if err := small.stop(); err != nil {
		return nil, err
	}
	if b.only != "" {
		return lines, nil
	}
	box, err := b.sandboxLine()
	if err != nil {
		return nil, err
	}
	lines = append(lines, box)
	if quick {
		return lines, nil
	}
	larger, err := b.large(count)
	return append(lines, larger...), err
}

// resources is the size of the world that is reset and forked.
const resources = 100_000

// few is the size of the world that the largest one is compared with.
const few = 10_000

// large measures what large worlds are promised to do.
func (b *bench) large(count int) ([]line, error) {
	world, err := b.ours("resources", nil, append(cast(), topics(0, resources, resources)...))
	if err != nil {
		return nil, err
	}
	rows := b.worldRows(world, resources)
	if err := measure(rows, b.rounds); err != nil {
		return nil, err
	}
	if err := world.stop(); err != nil {
		return nil, err
	}
	lesser, _, err := b.many(few)
	if err != nil {
		return nil, err
	}
	greater, each, err := b.many(count)
	if err != nil {
		return nil, err
	}
	pages, err := b.pageRow(greater, lesser, count, few)
	if err != nil {
		return nil, err
	}
	if err := measure([]*row{pages}, b.rounds); err != nil {
		return nil, err
	}
	live, err := greater.liveHeap()
	if err != nil {
		return nil, err
	}
	return []line{rows[0].line(), rows[1].line(), pages.line(), slowest(pages),
		{what: fmt.Sprintf("memory of a topic, of %d, as RSS", count), ours: fmt.Sprintf("%d bytes", each)},
		{what: "  of it on the heap, alive", ours: fmt.Sprintf("%d bytes", live/int64(count))},
	}, nil
}
