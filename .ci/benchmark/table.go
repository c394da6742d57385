package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// line is one line of the table.
type line struct{ what, ours, limit, ratio, promise, kept string }

func verdict(kept bool) string {
	if kept {
		return "kept"
	}
	return "NOT kept"
}

// printTable writes lines as a table of Markdown.
func printTable(out io.Writer, head line, lines []line) {
	rows := [][]string{head.cells(), nil}
	for _, l := range lines {
		rows = append(rows, l.cells())
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, w := range width {
			cell := strings.Repeat("-", w)
			if row != nil {
				cell = row[i] + strings.Repeat(" ", w-utf8.RuneCountInString(row[i]))
			}
			fmt.Fprint(out, "| ", cell, " ")
		}
		fmt.Fprintln(out, "|")
	}
}

func (l line) cells() []string { return []string{l.what, l.ours, l.limit, l.ratio, l.promise, l.kept} }

// duration in the unit that reads best, to three digits.
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}
