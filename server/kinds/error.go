package kinds

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// Code says what sort of refusal an Error is; the HTTP edge maps it to a status.
type Code int

// The sorts of refusal, with the status the Console answers.
const (
	Invalid          Code = iota // 400
	Unauthorized                 // 401
	Forbidden                    // 403
	NotFound                     // 404
	Conflict                     // 409
	TooLarge                     // 413
	Limited                      // 429
	MethodNotAllowed             // 405
	Unsupported                  // 415
	LongURL                      // 414
	LongHeaders                  // 431
	Timeout                      // 503
	Slow                         // 408
)

// Error is a refusal in the Console's words.
type Error struct {
	Code    Code
	Title   string // the Console's general sentence for this refusal; "" = the code's own
	Message string // what exactly is wrong and how to mend it (the body's msg)
	Field   string // path of the field at fault, "" if none
	Reason  string // for 401 and 403: which check failed and what would help
}

func (e *Error) Error() string {
	switch {
	case e.Message != "" && e.Field != "":
		return e.Field + ": " + e.Message
	case e.Message != "":
		return e.Message
	case e.Reason != "":
		return e.Reason
	}
	return e.Title
}

// Refusal finds in an error what can be told to the client; nil where the
// server failed.
func Refusal(err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	var full *store.FullError
	if errors.As(err, &full) {
		return &Error{Code: Limited, Message: full.Error()}
	}
	return nil
}

// Detail is what is wrong, without the field's name in front.
func (e *Error) Detail() string {
	if e.Field == "" {
		return e.Error()
	}
	detail := strings.TrimPrefix(e.Error(), e.Field+": ")
	detail = strings.TrimPrefix(detail, "Invalid value for: body (")
	return strings.TrimSuffix(detail, " at '"+e.Field+"')")
}

// invalid refuses a field of a body; the text is as the Console writes body faults.
func invalid(field, format string, args ...any) *Error {
	reason := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Field: field,
		Message: fmt.Sprintf("Invalid value for: body (%s at '%s')", reason, field)}
}

// conflict refuses what breaks a rule between resources.
func conflict(field, format string, args ...any) *Error {
	return &Error{Code: Conflict, Field: field, Message: fmt.Sprintf(format, args...)}
}

// absent says that something referred to does not exist.
func absent(field, title, format string, args ...any) *Error {
	return &Error{Code: NotFound, Field: field, Title: title, Message: fmt.Sprintf(format, args...)}
}

// FromProblems turns schema problems into one refusal that names them all;
// nil for none.
func FromProblems(problems []openapi.Problem) *Error {
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, 0, len(problems))
	for _, problem := range problems {
		text := problem.Expected
		// A problem that found nothing to show is a sentence of its own.
		if problem.Got != "" {
			text = "expected " + text + ", got " + problem.Got
		}
		if problem.Hint != "" {
			text += " (" + problem.Hint + ")"
		}
		texts = append(texts, fmt.Sprintf("Invalid value for: body (%s at '%s')", text, problem.Path))
	}
	return &Error{Code: Invalid, Field: problems[0].Path, Message: strings.Join(texts, "; ")}
}
