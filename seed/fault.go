package seed

import "strings"

// Fault is one thing that is wrong in a seed.
type Fault struct {
	Position
	// Kind and Name are the resource's, empty where they could not be read.
	Kind, Name string
	// Field is the path of the field, as spec.permissions[2].name; empty when
	// the fault is not of one field.
	Field string
	// Problem says what is wrong, Remedy what to do about it.
	Problem, Remedy string
}

// Error is the fault on one line: where, what, and how to mend it.
func (f Fault) Error() string {
	var b strings.Builder
	if p := f.Position.String(); p != "" {
		b.WriteString(p)
		b.WriteString(": ")
	}
	if f.Kind != "" {
		b.WriteString(f.Kind)
		if f.Name != "" {
			b.WriteString(" " + f.Name)
		}
		b.WriteString(": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Problem)
	if f.Remedy != "" {
		b.WriteString("; " + f.Remedy)
	}
	return b.String()
}

// Faults are all faults of one load, in the order of the sources.
type Faults []Fault

// Error lists every fault, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}
